"""The authorities: a root, issuing authorities below it, and a stranger's root and authority of the same names.

All keys come from the seed, so that a provider can be told the root before the sandbox runs, and everybody who reads
this could be the authority: its certificates say so, and no provider that means it may ever trust them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

ROOT_NAME = "Gốc chứng thực thử nghiệm, không dùng thật"
ISSUING_NAME = "CA Lúa thử nghiệm, không dùng thật G{generation}"
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
GENERATIONS = (1, 2, 3)  # of the issuing authority: how often its keys can be rolled over

_BEGIN, _END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)
_CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


@dataclass(frozen=True, kw_only=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    lists: str  # the path of its CRL

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def key_from(seed: int, label: str) -> ec.EllipticCurvePrivateKey:
    """The same key for the same seed and label, on every machine."""
    digest = hashlib.sha512(f"authority {seed} {label}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest, "big") % (_CURVE_ORDER - 1) + 1, ec.SECP256R1())


def root(seed: int, *, stranger: bool = False) -> Authority:
    key = key_from(seed, f"root {stranger}")
    name = authority_name(ROOT_NAME)
    builder = _builder(name, name, key, f"root {stranger}").add_extension(x509.BasicConstraints(True, 1), True)
    certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return Authority(certificate=certificate, key=key, lists="/crl/root.crl")


def issuing(seed: int, issuer: str, generation: int, *, stranger: bool = False) -> Authority:
    """An authority that issues to people; `issuer` is the address of this sandbox, for CRLs."""
    above, label = root(seed, stranger=stranger), f"issuing {generation} {stranger}"
    key = key_from(seed, label)
    builder = _builder(
        above.certificate.subject, authority_name(ISSUING_NAME.format(generation=generation)), key, label
    )
    builder = builder.add_extension(x509.BasicConstraints(True, 0), True)
    builder = builder.add_extension(issued_by(above), False)
    builder = builder.add_extension(x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)]), False)
    builder = builder.add_extension(lists_at(f"{issuer}{above.lists}"), False)
    certificate = builder.sign(above.key, hashes.SHA256(), ecdsa_deterministic=True)
    return Authority(certificate=certificate, key=key, lists=f"/crl/issuing-{generation}.crl")


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey, label: str
) -> x509.CertificateBuilder:
    serial = int.from_bytes(hashlib.sha256(f"serial {label}".encode()).digest()[:8], "big") | 1
    usage = dict.fromkeys(KEY_USAGES, False) | {"key_cert_sign": True, "crl_sign": True, "digital_signature": True}
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), serial, _BEGIN, _END)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.KeyUsage(**usage), True)
    )


KEY_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
              "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def authority_name(common_name: str) -> x509.Name:
    attributes = ((NameOID.COUNTRY_NAME, "VN"), (NameOID.ORGANIZATION_NAME, "Thử nghiệm"))
    return x509.Name(
        [x509.NameAttribute(oid, value) for oid, value in (*attributes, (NameOID.COMMON_NAME, common_name))]
    )


def issued_by(authority: Authority) -> x509.AuthorityKeyIdentifier:
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def lists_at(url: str) -> x509.CRLDistributionPoints:
    name = x509.UniformResourceIdentifier(url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])


def responder_at(url: str) -> x509.AuthorityInformationAccess:
    name = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, name)])
