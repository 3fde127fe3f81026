"""The subject of a certificate: numbers in any order, encoding and grouping, and what cannot be about one person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from connectors.answers import Refusal
from connectors.base import Failure, Identifier, IdentifierType, Organisation
from connectors.x509.subject import Subject, read_subject
from tests.connectors.door import Door

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = (NameOID.COMMON_NAME, "Trần Minh Quân")
COMPANY = (NameOID.ORGANIZATION_NAME, "Công ty TNHH Gốm sứ Sao Biếc")
Rdn = list[x509.NameAttribute[str]]

PERSONAL = Identifier(type=IdentifierType.PERSONAL_NUMBER, value="001090000101")
FORMER = Identifier(type=IdentifierType.FORMER_NUMBER, value="010000101", state="former")


def uid(value: str, kind: _ASN1Type = _ASN1Type.UTF8String) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.USER_ID, value, kind)


def certificate(*rdns: Rdn) -> x509.Certificate:
    """A certificate of this subject, read back from its DER."""
    subject = x509.Name([x509.RelativeDistinguishedName(rdn) for rdn in rdns])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        subject, subject, KEY.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    return x509.load_der_x509_certificate(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))


def subject_of(plain_door: Door, uids: list[str], *others: tuple[x509.ObjectIdentifier, str]) -> Subject:
    rdns = [[x509.NameAttribute(oid, value)] for oid, value in (others or (NAME,))]
    return read_subject(certificate(*rdns, *([uid(value)] for value in uids)), plain_door.context)


@pytest.mark.parametrize("kind", [_ASN1Type.UTF8String, _ASN1Type.PrintableString, _ASN1Type.BMPString,
                                  _ASN1Type.IA5String, _ASN1Type.T61String])  # fmt: skip
def test_numbers_are_read_from_every_type_of_string(plain_door: Door, kind: _ASN1Type) -> None:
    name = [x509.NameAttribute(*NAME)]
    found = read_subject(certificate(name, [uid("CCCD:001090000101", kind)]), plain_door.context)
    assert found.identifiers == (PERSONAL,)


def test_names_are_read_as_bmp_string_with_their_marks(plain_door: Door) -> None:
    name = [x509.NameAttribute(*NAME, _ASN1Type.BMPString)]
    assert read_subject(certificate([uid("CCCD:001090000101")], name), plain_door.context).name.full == NAME[1]


def test_attributes_may_stand_in_one_rdn_or_in_several_and_in_any_order(plain_door: Door) -> None:
    name, personal, former = x509.NameAttribute(*NAME), uid("CCCD:001090000101"), uid("CMND:010000101")
    for rdns in ([[name], [personal], [former]], [[former], [personal], [name]], [[personal, former, name]]):
        found = read_subject(certificate(*rdns), plain_door.context)
        assert (found.name.full, found.identifiers) == (NAME[1], (PERSONAL, FORMER))


@pytest.mark.parametrize(
    "uids, expected",
    [
        (["CCCD:001090000101"], (PERSONAL,)),
        (["CMND:001090000101"], (PERSONAL,)),
        (["CMND:001090000101", "CCCD:001090000101"], (PERSONAL,)),
        (["cccd: 001090000101 "], (PERSONAL,)),
        (["CMND:010000101"], (FORMER,)),
        (["CMND:001090000101", "CMND:010000101"], (PERSONAL, FORMER)),
        (["CCCD:001090000101", "EMAIL:x", "no prefix", "MNS:1012345"], (PERSONAL,)),
        (
            ["CCCD:001090000101", "MST:001090000101"],  # a personal tax code is the personal number, since July 2025
            (PERSONAL, Identifier(type=IdentifierType.TAX_CODE, value="001090000101")),
        ),
        (
            ["CCCD:001090000101", "MST:9900000016"],  # no employer is named: the person's own, of before
            (PERSONAL, Identifier(type=IdentifierType.TAX_CODE, value="9900000016")),
        ),
    ],
)
def test_the_numbers_of_a_person(plain_door: Door, uids: list[str], expected: tuple[Identifier, ...]) -> None:
    found = subject_of(plain_door, uids)
    assert (found.identifiers, found.organisation) == (expected, None)


@pytest.mark.parametrize("code", ["9900000016", "9900000023-001", "027083001212"])
def test_a_person_with_an_employers_tax_code_may_be_asked_to_act_for_it(plain_door: Door, code: str) -> None:
    title = (NameOID.TITLE, "Giám đốc")
    found = subject_of(plain_door, ["CCCD:001090000101", f"MST:{code}"], NAME, COMPANY, title)
    assert found.organisation == Organisation(tax_code=code, name=COMPANY[1], role="Giám đốc")
    assert found.identifiers == (PERSONAL,)


@pytest.mark.parametrize(
    "uids, failure",
    [
        (["MST:9900000016"], Failure.NOT_A_PERSON),
        (["MST:9900000023-001", "MNS:1012345"], Failure.NOT_A_PERSON),
        (["MNS:1012345"], Failure.NOT_A_PERSON),
        ([], Failure.INCOMPLETE),
        (["001090000101"], Failure.INCOMPLETE),
        (["HC:B1234567"], Failure.INCOMPLETE),
        (["CCCD:"], Failure.BROKEN_ANSWER),
        (["CCCD:00109000010"], Failure.BROKEN_ANSWER),
        (["CCCD:0010900001011"], Failure.BROKEN_ANSWER),
        (["CCCD:000000000000"], Failure.BROKEN_ANSWER),
        (["CCCD:٠٠١٠٩٠٠٠٠١٠١"], Failure.BROKEN_ANSWER),
        (["CCCD:001090000101,CCCD:079185000202"], Failure.BROKEN_ANSWER),
        (["CMND:12345678"], Failure.BROKEN_ANSWER),
        (["CCCD:001090000101", "MST:9900000017"], Failure.BROKEN_ANSWER),  # its check digit is wrong
        (["CCCD:001090000101", "MST:99000000160"], Failure.BROKEN_ANSWER),
        (["CCCD:001090000101", "CCCD:079185000202"], Failure.BROKEN_ANSWER),
        (["CCCD:001090000101", "CMND:079185000202"], Failure.BROKEN_ANSWER),
        (["CMND:010000101", "CMND:020000202"], Failure.BROKEN_ANSWER),
        (["CCCD:001090000101", "MST:9900000016", "MST:9900000030"], Failure.BROKEN_ANSWER),
    ],
)
def test_what_is_nobody_or_two_people_is_refused(plain_door: Door, uids: list[str], failure: Failure) -> None:
    with pytest.raises(Refusal) as refused:
        subject_of(plain_door, uids)
    assert refused.value.failure == failure
    assert not any(character.isdigit() for character in refused.value.detail)


def test_a_name_must_be_there_once_and_be_readable(plain_door: Door) -> None:
    for others, failure in (
        ((COMPANY,), Failure.INCOMPLETE),
        (((NameOID.COMMON_NAME, "Trần\u202eMinh"),), Failure.INCOMPLETE),
        ((NAME, (NameOID.COMMON_NAME, "Lê Hoàng Đức")), Failure.BROKEN_ANSWER),
    ):
        with pytest.raises(Refusal) as refused:
            subject_of(plain_door, ["CCCD:001090000101"], *others)
        assert refused.value.failure == failure


def test_a_subject_without_end_is_refused(plain_door: Door) -> None:
    with pytest.raises(Refusal) as refused:
        subject_of(plain_door, ["CCCD:001090000101"] * 50)
    assert refused.value.failure == Failure.BROKEN_ANSWER
