"""Signatures: the honest one, and with another's key, another certificate beside it, or an algorithm long broken."""

from __future__ import annotations

import base64
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.sandbox.tax.keys import Pair
from connectors.sandbox.tax.xml import DS, PREFIXES, Element, tag

EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
RSA_SHA256 = SignatureMethod.RSA_SHA256.value


class _Sha1Signer(XMLSigner):
    def check_deprecated_methods(self) -> None:
        """Nothing is refused: to be refused is what its signatures are for."""


def signed(message: Element, pair: Pair, *, shown: Pair | None = None, sha1: bool = False) -> Element:
    """A copy with an enveloped signature after its issuer, or at its head; `shown` is whose certificate it shows."""
    place = etree.Element(tag("ds:Signature"), {"Id": "placeholder"}, nsmap={"ds": DS})
    issuer = message.find("saml:Issuer", PREFIXES)
    if issuer is None:
        message.insert(0, place)
    else:
        issuer.addnext(place)
    signer = (_Sha1Signer if sha1 else XMLSigner)(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA1 if sha1 else SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA1 if sha1 else DigestAlgorithm.SHA256,
        c14n_algorithm=EXCLUSIVE,
    )
    made: Element = signer.sign(
        message,
        key=pair.private,
        cert=[(shown or pair).certificate],
        reference_uri=f"#{message.get('ID')}",
        id_attribute="ID",
    )
    return made


def verified(message: Element, certificates: list[x509.Certificate]) -> Element | None:
    """What one of these certificates signed of a message, and nothing else; None where none did."""
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(
                message,
                x509_cert=certificate,
                id_attribute="ID",
                expect_config=SignatureConfiguration(location="./", expect_references=1),
            )
        except (SignXMLException, ValueError, TypeError):
            continue
        if not isinstance(result, list) and result.signed_xml is not None and result.signed_xml.tag == message.tag:
            return result.signed_xml
    return None


def query_is_signed(raw_query: str, certificates: list[x509.Certificate], signature: str, algorithm: str) -> bool:
    """The signature of the HTTP-Redirect binding, over the query as received (SAML bindings section 3.4.4.1)."""
    parts = dict(part.partition("=")[::2] for part in raw_query.split("&"))
    order = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg")
    signed_text = "&".join(f"{name}={parts[name]}" for name in order if name in parts)
    if algorithm != RSA_SHA256:
        return False
    for certificate in certificates:
        key = certificate.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(base64.b64decode(signature), signed_text.encode(), padding.PKCS1v15(), hashes.SHA256())
                return True
        except (InvalidSignature, ValueError):
            continue
    return False


def signed_query(pairs: list[tuple[str, str]], key: rsa.RSAPrivateKey) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in [*pairs, ("SigAlg", RSA_SHA256)])
    signature = base64.b64encode(key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return f"{query}&Signature={quote(signature, safe='')}"
