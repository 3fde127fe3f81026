"""What people hold: a key in a token, and the certificate that says whose it is.

Tools write subjects differently, and so do these: attributes in one order or the other, UIDs in RDNs of their own or in
one, as UTF8String, PrintableString or BMPString. Keys are RSA (signing with PKCS #1 v1.5 or PSS) or on P-256 or P-384.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.faults import FaultName
from connectors.sandbox.authority.hierarchy import Authority
from connectors.sandbox.businesses import Business
from connectors.sandbox.cast import Part
from connectors.sandbox.citizen import Citizen

TOKEN_POLICY, SOFTWARE_POLICY = "2.999.1.1", "2.999.1.2"  # below the arc that is kept for examples
ELSEWHERE = "http://elsewhere.localhost:1"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, kw_only=True)
class Token:
    """`pss`: an RSA key that signs with PSS; `authority` issued the certificate."""

    certificate: x509.Certificate
    key: PrivateKey
    authority: Authority
    pss: bool = False


class Tokens:
    """Everybody's tokens, made when first needed; and every certificate issued, by serial number."""

    def __init__(self, seed: int, issuer: str) -> None:
        self._seed, self._issuer = seed, issuer
        self._lock = threading.RLock()
        self._held: dict[str, Token] = {}
        self.issued: dict[
            int, tuple[x509.Certificate, str]
        ] = {}  # with the personal number, or tax code, of the holder
        self.generation = 1

    def authority(self, generation: int | None = None) -> Authority:
        return hierarchy.issuing(self._seed, self._issuer, generation or self.generation)

    def roll_over(self) -> str:
        """From now on another issuing authority issues; what the former ones issued stays good."""
        with self._lock:
            self.generation = min(self.generation + 1, hierarchy.GENERATIONS[-1])
        return f"issuing-{self.generation}"

    def of(self, citizen: Citizen, employer: Business | None, *, renew: bool = False) -> Token:
        """The person's token; with `renew`, a new one, with a new key, that they hold from now on."""
        with self._lock:
            if renew or citizen.personal_number not in self._held:
                self._held[citizen.personal_number] = self._made(citizen, _subject(citizen, employer), None)
            return self._held[citizen.personal_number]

    def seal_of(self, business: Business) -> Token:
        with self._lock:
            if business.tax_code not in self._held:
                key, subject = ec.generate_private_key(ec.SECP256R1()), _seal(business)
                self._held[business.tax_code] = self._issued(self.authority(), key, subject, business.tax_code, None)
            return self._held[business.tax_code]

    def lying(self, citizen: Citizen, business: Business, lie: FaultName) -> Token:
        """A token of this person's that should never be accepted, or not as a person's."""
        return self._made(citizen, _false_subject(citizen, business, lie), lie)

    def _made(self, citizen: Citizen, subject: x509.Name, lie: FaultName | None) -> Token:
        key: PrivateKey
        if lie == FaultName.WEAK_KEY:
            key = rsa.generate_private_key(65537, 1024)  # noqa: S505  weak on purpose
        elif citizen.index % 4 in (1, 2):
            key = rsa.generate_private_key(65537, 2048)
        else:
            key = ec.generate_private_key(ec.SECP256R1() if citizen.index % 4 == 0 else ec.SECP384R1())
        stranger = lie == FaultName.WRONG_CA
        authority = hierarchy.issuing(self._seed, self._issuer, self.generation, stranger=stranger)
        policy = SOFTWARE_POLICY if citizen.index == Part.NOT_IN_REGISTER else TOKEN_POLICY
        return self._issued(authority, key, subject, citizen.personal_number, lie, policy, pss=citizen.index % 4 == 2)

    def _issued(
        self, authority: Authority, key: PrivateKey, subject: x509.Name, holder: str, lie: FaultName | None,
        policy: str = TOKEN_POLICY, *, pss: bool = False,
    ) -> Token:  # fmt: skip
        begin, end = _lifetime(lie)
        places = ELSEWHERE if lie == FaultName.OTHER_PLACES else self._issuer
        used = (
            ("key_encipherment",) if lie == FaultName.NOT_FOR_SIGNING else ("digital_signature", "content_commitment")
        )
        usage = dict.fromkeys(hierarchy.KEY_USAGES, False) | dict.fromkeys(used, True)
        wrong = lie == FaultName.WRONG_PURPOSE
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if wrong else ExtendedKeyUsageOID.CLIENT_AUTH
        policies = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None)]
        builder = (
            x509.CertificateBuilder(
                authority.certificate.subject, subject, key.public_key(), x509.random_serial_number(), begin, end
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(hierarchy.issued_by(authority), False)
            .add_extension(x509.KeyUsage(**usage), True)
            .add_extension(x509.ExtendedKeyUsage([purpose, ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
            .add_extension(x509.CertificatePolicies(policies), False)
            .add_extension(hierarchy.lists_at(f"{places}{authority.lists}"), False)
            .add_extension(hierarchy.responder_at(f"{places}/ocsp"), False)
        )
        certificate = builder.sign(authority.key, hashes.SHA256())
        with self._lock:
            self.issued[certificate.serial_number] = (certificate, holder)
        return Token(certificate=certificate, key=key, authority=authority, pss=pss)


def _lifetime(lie: FaultName | None) -> tuple[datetime, datetime]:
    today = datetime.now(UTC).replace(microsecond=0)
    if lie == FaultName.EXPIRED:
        return today - timedelta(days=400), today - timedelta(days=1)
    if lie == FaultName.NOT_YET_VALID:
        return today + timedelta(days=1), today + timedelta(days=400)
    return today - timedelta(days=1), today + timedelta(days=1095)


# ---- subjects -----------------------------------------------------------------------------------------------------


def _subject(citizen: Citizen, employer: Business | None) -> x509.Name:
    if citizen.index == Part.FORMER_NUMBER and citizen.former_number:
        return _person(citizen, [f"CMND:{citizen.former_number}"])
    if employer is not None:
        return _employed(citizen, employer)
    return _person(citizen, [f"CCCD:{citizen.personal_number}"])


def _employed(citizen: Citizen, business: Business) -> x509.Name:
    role = next((one.role for one in business.mandates if one.personal_number == citizen.personal_number), "Nhân viên")
    uids = [f"MST:{business.tax_code}", f"CCCD:{citizen.personal_number}"]
    return _person(citizen, uids, (NameOID.ORGANIZATION_NAME, business.name), (NameOID.TITLE, role))


def _seal(business: Business) -> x509.Name:
    uid = x509.NameAttribute(NameOID.USER_ID, f"MST:{business.tax_code}")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, business.name), uid])


def _false_subject(citizen: Citizen, business: Business, lie: FaultName) -> x509.Name:
    number, former = citizen.personal_number, citizen.former_number
    if lie == FaultName.SEAL:
        return _seal(business)
    if lie == FaultName.SEAL_AND_PERSON:
        return _employed(citizen, business)
    uids = {
        FaultName.CMND12: [f"CMND:{number}", *([f"CMND:{former}"] if former else [])],
        FaultName.NO_UID: ["PHONE:0"],
        FaultName.MALFORMED_UID: ["CCCD:12345"],
        FaultName.CONTRADICTORY_UIDS: [f"CCCD:{number}", f"CCCD:{number[:-1]}{(int(number[-1]) + 1) % 10}"],
    }
    return _person(citizen, uids.get(lie, [f"CCCD:{number}"]))


def _person(citizen: Citizen, uids: list[str], *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    # The name as BMPString for some, as old tools write what is not ASCII; PrintableString has the colon of UIDs.
    letters = _ASN1Type.BMPString if citizen.index % 3 == 2 else _ASN1Type.UTF8String
    digits = _ASN1Type.PrintableString if citizen.index % 3 == 1 else _ASN1Type.UTF8String
    about = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        *(x509.NameAttribute(oid, value) for oid, value in more),
        x509.NameAttribute(NameOID.COMMON_NAME, citizen.full_name, letters),
    ]
    identity = [x509.NameAttribute(NameOID.USER_ID, uid, digits) for uid in uids]
    together = [x509.RelativeDistinguishedName(identity)] if citizen.index % 3 == 1 else _apart(identity)
    return x509.Name([*together, *reversed(_apart(about))] if citizen.index % 2 else [*_apart(about), *together])


def _apart(attributes: list[x509.NameAttribute[str]]) -> list[x509.RelativeDistinguishedName]:
    return [x509.RelativeDistinguishedName([attribute]) for attribute in attributes]
