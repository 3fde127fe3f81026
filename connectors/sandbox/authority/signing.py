"""What a token's plug-in makes of a challenge: CMS SignedData (RFC 5652), and the ways in which it can be wrong."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, cms  # type: ignore[import-untyped]  # it has no types
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.sandbox.authority.faults import FaultName
from connectors.sandbox.authority.tokens import Token

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303  for a lie
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How this token signs."""

    digest: str
    attached: bool
    attributes: bool = True


def signed(token: Token, challenge: bytes, lie: str | None, other: Token) -> bytes:
    """The signature over the challenge; `other` is somebody else, for a lie that needs one."""
    content = b"a document of another sort" if lie == FaultName.WRONG_CHALLENGE else challenge
    form = _form(token, lie)
    certificate = other.certificate if lie == FaultName.OTHER_CERTIFICATE else token.certificate
    signer_info = _signer_info(token, certificate, content, form)
    if lie == FaultName.TAMPERED:
        signature = signer_info["signature"].native
        signer_info["signature"] = signature[:-1] + bytes([signature[-1] ^ 1])
    signer_infos = [signer_info, signer_info] if lie == FaultName.TWO_SIGNERS else [signer_info]
    encapsulated: dict[str, Any] = {"content_type": "data"}
    if form.attached:
        encapsulated["content"] = content
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": form.digest}],
            "encap_content_info": encapsulated,
            "certificates": [_choice(certificate), _choice(token.authority.certificate)],
            "signer_infos": signer_infos,
        }
    )
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump()
    return der


def _form(token: Token, lie: str | None) -> _Form:
    strong = "sha384" if isinstance(token.key, ec.EllipticCurvePrivateKey) and token.key.key_size > 256 else "sha256"
    return _Form(
        digest="sha1" if lie == FaultName.WEAK_DIGEST else strong,
        attached=token.pss,
        attributes=lie != FaultName.NO_SIGNED_ATTRIBUTES,
    )


def _choice(certificate: x509.Certificate) -> cms.CertificateChoices:
    return cms.CertificateChoices("certificate", _as_asn1(certificate))


def _as_asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.public_bytes(Encoding.DER))


def _signer_info(token: Token, certificate: x509.Certificate, content: bytes, form: _Form) -> cms.SignerInfo:
    named = _as_asn1(certificate)
    identifier = cms.IssuerAndSerialNumber({"issuer": named.issuer, "serial_number": named.serial_number})
    digest = hashlib.new(form.digest, content, usedforsecurity=False).digest()
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
        ]
    )
    values: dict[str, Any] = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", identifier),
        "digest_algorithm": {"algorithm": form.digest},
        "signature_algorithm": _algorithm(token, form.digest),
        "signature": _signature(token, attributes.dump() if form.attributes else content, form.digest),
    }
    if form.attributes:
        values["signed_attrs"] = attributes
    return cms.SignerInfo(values)


def _algorithm(token: Token, digest: str) -> algos.SignedDigestAlgorithm:
    if isinstance(token.key, ec.EllipticCurvePrivateKey):
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})
    if not token.pss:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})  # plain rsaEncryption, as most tokens say
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest}},
            "salt_length": _HASHES[digest].digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _signature(token: Token, signed_bytes: bytes, digest: str) -> bytes:
    algorithm = _HASHES[digest]
    if isinstance(token.key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)
        return token.key.sign(signed_bytes, pss if token.pss else padding.PKCS1v15(), algorithm)
    return token.key.sign(signed_bytes, ec.ECDSA(algorithm))
