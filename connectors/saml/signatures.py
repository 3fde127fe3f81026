"""XML signatures, made and checked by signxml, with only what was signed given back.

Why signxml and not python3-saml: it is kept, needs no C library beside lxml's, and gives the canonical bytes whose
digest it has compared, parsed anew. What `signed_part` returns is that, so whatever else stands in a document, whoever
wrapped what around what, nothing outside the signature can be read by mistake. What it leaves open is closed here
before it is called: where the signature stands, that it covers its own parent and that alone, by which transforms and
algorithms, and with whose keys: those that the caller names; a KeyInfo is removed unread.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import InvalidCertificate, InvalidDigest, SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.saml.documents import SIGNATURE, Element, children, name, removed
from connectors.saml.keys import RSA_BITS, Pair

EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
ENVELOPED = SignatureConstructionMethod.enveloped
RSA_SHA256 = SignatureMethod.RSA_SHA256.value
SIGNATURE_METHODS = frozenset({
    SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
    SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
})  # fmt: skip
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PLACEHOLDER = {"Id": "placeholder"}  # signxml puts the signature where this stands

logging.getLogger("signxml").setLevel(logging.INFO)  # it would write what it has canonicalised, people's data, at DEBUG


class UnknownKey(Refusal):
    """The signature is well-formed, and none of the keys made it: perhaps the source has new ones."""

    def __init__(self, what: str, why: str = "is not signed by a key that the source publishes") -> None:
        super().__init__(Failure.WRONG_SIGNATURE, f"{what} {why}")


def is_usable(certificate: x509.Certificate) -> bool:
    """Whether its key may verify: RSA of 2048 bits or more, or one of the three usual curves."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size in RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES


def is_signed(element: Element) -> bool:
    """Whether a signature stands where `signed_part` would look for one."""
    return bool(children(element, "ds:Signature"))


def signed_part(element: Element, certificates: Iterable[x509.Certificate], now: datetime | None, what: str) -> Element:
    """What one of the keys has signed of `element`: a copy, without the signature; raises Refusal.

    A certificate that has ended, or not begun, at `now` verifies nothing; None: those of the caller are good anyway.
    """
    signatures = children(element, "ds:Signature")
    if len(signatures) != 1:
        raise Refusal(Failure.WRONG_SIGNATURE, f"{what} is not signed exactly once")
    _check_form(element, signatures[0], what)
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    removed(children(alone, "ds:Signature/ds:KeyInfo"))
    ended = False
    for certificate in filter(is_usable, certificates):
        config = SignatureConfiguration(
            require_x509=True,
            location="./",
            expect_references=1,
            signature_methods=SIGNATURE_METHODS,
            digest_algorithms=DIGESTS,
            verification_time=now or certificate.not_valid_after_utc,
        )
        try:
            result = XMLVerifier().verify(alone, x509_cert=certificate, id_attribute="ID", expect_config=config)
        except InvalidCertificate:
            ended = True
            continue
        except InvalidDigest:  # the key was right
            raise Refusal(Failure.WRONG_SIGNATURE, f"{what} was changed after it was signed") from None
        except (SignXMLException, ValueError, TypeError, KeyError, AttributeError, etree.LxmlError):
            continue
        if isinstance(result, list) or result.signed_xml is None:
            continue
        if result.signed_xml.tag == element.tag and result.signed_xml.get("ID") == element.get("ID"):
            return result.signed_xml
    if ended:
        raise UnknownKey(what, "is not signed by any key whose certificate is in force")
    raise UnknownKey(what)


def _check_form(element: Element, signature: Element, what: str) -> None:
    """The signature covers its parent and nothing else, by agreed algorithms (SAML core section 5.4)."""
    own_id = element.get("ID")
    references = children(signature, "ds:SignedInfo/ds:Reference")
    if not own_id or len(references) != 1 or references[0].get("URI") != f"#{own_id}":
        raise Refusal(Failure.WRONG_SIGNATURE, f"the signature of {what} does not name it, and it alone")
    if any(child.tag not in _PARTS for child in signature):
        raise Refusal(Failure.WRONG_SIGNATURE, f"the signature of {what} holds other things")
    transforms = [one.get("Algorithm") for one in children(references[0], "ds:Transforms/ds:Transform")]
    if transforms != [ENVELOPED.value, EXCLUSIVE.value]:
        raise Refusal(Failure.WRONG_SIGNATURE, f"the signature of {what} has transforms that were not agreed")
    methods = _algorithms(signature, "ds:SignedInfo/ds:SignatureMethod")
    digests = _algorithms(references[0], "ds:DigestMethod")
    canonical = _algorithms(signature, "ds:SignedInfo/ds:CanonicalizationMethod")
    agreed = [method.value for method in SIGNATURE_METHODS], [digest.value for digest in DIGESTS]
    if not (methods and methods[0] in agreed[0] and digests and digests[0] in agreed[1]):
        raise Refusal(Failure.WRONG_SIGNATURE, f"the signature of {what} has an algorithm that was not agreed")
    if [len(methods), len(digests), *canonical] != [1, 1, EXCLUSIVE.value]:
        raise Refusal(Failure.WRONG_SIGNATURE, f"the signature of {what} is not in the agreed form")


_PARTS = frozenset(name("ds", part) for part in ("SignedInfo", "SignatureValue", "KeyInfo"))


def _algorithms(element: Element, path: str) -> list[str | None]:
    return [one.get("Algorithm") for one in children(element, path)]


def place_for_signature() -> Element:
    """Where `sign` puts the signature; SAML's schemas want it in one place."""
    return etree.Element(f"{{{SIGNATURE}}}Signature", _PLACEHOLDER, nsmap={"ds": SIGNATURE})


def sign(element: Element, pair: Pair) -> bytes:
    """The element with an enveloped RSA-SHA256 signature of all of it, as a document."""
    signer = XMLSigner(
        method=ENVELOPED,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=EXCLUSIVE,
    )
    signed = signer.sign(
        element, key=pair.private, cert=[pair.certificate], reference_uri=f"#{element.get('ID')}", id_attribute="ID"
    )
    return etree.tostring(signed)


def signed_query(pairs: Sequence[tuple[str, str]], key: rsa.RSAPrivateKey) -> str:
    """The query of the HTTP-Redirect binding with SigAlg and Signature (SAML bindings section 3.4.4.1)."""
    query = "&".join(f"{key_}={quote(value, safe='')}" for key_, value in (*pairs, ("SigAlg", RSA_SHA256)))
    signature = base64.b64encode(key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return f"{query}&Signature={quote(signature, safe='')}"
