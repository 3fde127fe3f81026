"""A signature over a challenge: CMS SignedData (RFC 5652) by one signer, detached or with the challenge in it.

The structure is read with asn1crypto, and every signature is verified by `cryptography`. What is checked, in this
order: size and form; one signer, whose certificate is there; digests of SHA-2 and a key that we take; the signature
over the signed attributes; and then, against a challenge, contentType, messageDigest and the content itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]  # it has no types
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.x509.certificates import UNREADABLE, PublicKey, read_der, usable_key

SIGNED_DATA_LIMIT_BYTES = 49_152
CERTIFICATES_LIMIT = 10
ATTRIBUTES_LIMIT = 32

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip
_ONCE = ("content_type", "message_digest")  # RFC 5652 section 11: exactly one, with exactly one value


@dataclass(frozen=True, kw_only=True)
class SignedData:
    """A signature that is its signer's own; `check_content` says whether it is over our challenge."""

    signer: x509.Certificate
    offered: tuple[x509.Certificate, ...]  # the other certificates that came with it
    evidence: bytes  # the same for the same act of signing, however it is encoded again
    digest: str
    message_digest: bytes
    content: bytes | None  # None: detached

    def check_content(self, challenge: bytes) -> None:
        """The signature is over exactly this; raises Refusal."""
        expected = hashlib.new(self.digest, challenge).digest()
        if self.content not in (None, challenge) or not hmac.compare_digest(self.message_digest, expected):
            raise Refusal(Failure.WRONG_NONCE, "something else was signed than this sign-in's challenge")


@dataclass(frozen=True, kw_only=True)
class _Read:
    certificates: list[x509.Certificate]
    signer: x509.Certificate
    attributes: dict[str, Any]
    attributes_der: bytes  # as they are signed: a SET, not the implicit tag (RFC 5652 section 5.4)
    digest: str
    algorithm: Any
    signature: bytes
    content: bytes | None


def verified(encoded: str) -> SignedData:
    """The signature in base64, its signer's own; raises Refusal (BROKEN_ANSWER, WRONG_SIGNATURE, ...).

    Whether the signer's certificate is to be trusted is not looked at here.
    """
    try:
        read = _read(_decoded(encoded))
    except Refusal:
        raise
    except UNREADABLE:
        raise Refusal(Failure.BROKEN_ANSWER, "the signature is not CMS SignedData") from None
    if read.digest not in _DIGESTS:
        raise Refusal(Failure.WRONG_SIGNATURE, "the signature's digest is none of SHA-256, SHA-384 and SHA-512")
    try:
        _verify(usable_key(read.signer), read)
    except (InvalidSignature, *UNREADABLE) as problem:
        if isinstance(problem, Refusal):
            raise
        raise Refusal(Failure.WRONG_SIGNATURE, "the signature does not fit the signer's key") from None
    _check_attributes(read)
    signed = hashlib.sha256(read.attributes_der).digest() + read.signer.tbs_certificate_bytes
    return SignedData(
        signer=read.signer,
        offered=tuple(one for one in read.certificates if one != read.signer),
        # Of what is signed alone: around it, and in ECDSA signatures, much can be changed without harm to the rest.
        evidence=hashlib.sha256(signed).digest(),
        digest=read.digest,
        message_digest=read.attributes["message_digest"],
        content=read.content,
    )


def _decoded(encoded: str) -> bytes:
    if len(encoded) > SIGNED_DATA_LIMIT_BYTES * 4 // 3 + 1024:
        raise Refusal(Failure.BROKEN_ANSWER, "the signature is too large")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(Failure.BROKEN_ANSWER, "the signature is not base64") from None


def _read(body: bytes) -> _Read:
    info = cms.ContentInfo.load(body, strict=True)
    if info["content_type"].native != "signed_data":
        raise Refusal(Failure.BROKEN_ANSWER, "the signature is not CMS SignedData")
    signed = info["content"]
    if len(signed["signer_infos"]) != 1 or not 0 < len(signed["certificates"]) <= CERTIFICATES_LIMIT:
        raise Refusal(Failure.BROKEN_ANSWER, "there must be one signature, and one to ten certificates with it")
    (signer_info,) = signed["signer_infos"]
    if not len(signer_info["signed_attrs"]):
        raise Refusal(Failure.WRONG_SIGNATURE, "the signature has no signed attributes")
    certificates = [read_der(choice.chosen.dump()) for choice in signed["certificates"]]
    encapsulated = signed["encap_content_info"]
    if encapsulated["content_type"].native != "data":
        raise Refusal(Failure.BROKEN_ANSWER, "the content is signed as something else than data")
    content = encapsulated["content"]
    attributes = signer_info["signed_attrs"]
    return _Read(
        certificates=certificates,
        signer=_signer(signer_info["sid"], certificates),
        attributes=_attributes(attributes),
        attributes_der=b"\x31" + attributes.dump()[1:],
        digest=signer_info["digest_algorithm"]["algorithm"].native,
        algorithm=signer_info["signature_algorithm"],
        signature=signer_info["signature"].native,
        content=None if isinstance(content, core.Void) else bytes(content),
    )


def _signer(sid: Any, certificates: list[x509.Certificate]) -> x509.Certificate:
    """The one certificate that the signer's identifier names."""
    if sid.name == "issuer_and_serial_number":
        issuer, serial = sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native
        found = [one for one in certificates if one.serial_number == serial and one.issuer.public_bytes() == issuer]
    else:
        found = [one for one in certificates if _key_identifier(one) == sid.chosen.native]
    if len(found) != 1:
        raise Refusal(Failure.BROKEN_ANSWER, "the signer's certificate is not there, or there twice")
    return found[0]


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _attributes(attributes: Any) -> dict[str, Any]:
    """The signed attributes that we look at, by name, each once with one value."""
    if len(attributes) > ATTRIBUTES_LIMIT:
        raise Refusal(Failure.BROKEN_ANSWER, "the signature has too many attributes")
    found: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in found or (name in _ONCE and len(attribute["values"]) != 1):
            raise Refusal(Failure.BROKEN_ANSWER, "a signed attribute is there twice")
        if name in _ONCE:
            found[name] = attribute["values"][0].native
        elif name == "signing_certificate_v2":
            found[name] = attribute["values"][0]
    if any(name not in found for name in _ONCE):
        raise Refusal(Failure.WRONG_SIGNATURE, "contentType or messageDigest is not among the signed attributes")
    return found


def _verify(key: PublicKey, read: _Read) -> None:
    """Raises InvalidSignature, or Refusal for an algorithm that was not agreed."""
    digest, family = _DIGESTS[read.digest], read.algorithm.signature_algo
    if _own_digest(read.algorithm) not in (None, read.digest):
        raise Refusal(Failure.WRONG_SIGNATURE, "digest and signature algorithm do not belong together")
    if isinstance(key, rsa.RSAPublicKey) and family == "rsassa_pkcs1v15":
        key.verify(read.signature, read.attributes_der, padding.PKCS1v15(), digest)
    elif isinstance(key, rsa.RSAPublicKey) and family == "rsassa_pss":
        key.verify(read.signature, read.attributes_der, _pss(read), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and family == "ecdsa":
        key.verify(read.signature, read.attributes_der, ec.ECDSA(digest))
    else:
        raise Refusal(Failure.WRONG_SIGNATURE, "the signature's algorithm is none that was agreed")


def _own_digest(algorithm: Any) -> str | None:
    """The digest that a signature algorithm names itself; None for plain rsaEncryption, which names none."""
    if algorithm["algorithm"].native == "rsassa_pkcs1v15":
        return None
    return str(algorithm.hash_algo)


def _pss(read: _Read) -> padding.PSS:
    """RFC 4055: the digest of the content, of the signature and of the mask are one."""
    parameters = read.algorithm["parameters"]
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1" or mask["parameters"]["algorithm"].native != read.digest:
        raise Refusal(Failure.WRONG_SIGNATURE, "the mask of the signature is made with another digest")
    salt_bytes = parameters["salt_length"].native
    if not _DIGESTS[read.digest].digest_size <= salt_bytes <= 64:
        raise Refusal(Failure.WRONG_SIGNATURE, "the salt of the signature is too short or too long")
    return padding.PSS(mgf=padding.MGF1(_DIGESTS[read.digest]), salt_length=salt_bytes)


def _check_attributes(read: _Read) -> None:
    if read.attributes["content_type"] != "data":
        raise Refusal(Failure.WRONG_SIGNATURE, "contentType is signed as something else than data")
    named = read.attributes.get("signing_certificate_v2")
    if named is not None and not _names(named, read.signer):
        raise Refusal(Failure.WRONG_SIGNATURE, "the signature was made for another certificate")


def _names(attribute: Any, signer: x509.Certificate) -> bool:
    """Whether the attribute of RFC 5035 names this certificate first."""
    try:
        first = tsp.SigningCertificateV2.load(attribute.dump())["certs"][0]
        digest = first["hash_algorithm"]["algorithm"].native
        if digest not in _DIGESTS:
            return False
        expected = hashlib.new(digest, signer.public_bytes(Encoding.DER)).digest()
        return hmac.compare_digest(first["cert_hash"].native, expected)
    except UNREADABLE:
        return False
