"""Whom a Vietnamese certificate is about: the attributes of its subject, read from DER and never from a printed name.

The subject holds UID attributes (0.9.2342.19200300.100.1.1), as many as needed, in any order and in one RDN or several:
`CCCD:` a personal number, `CMND:` an identity card number (9 digits, or the 12 of a personal number), `MST:` a tax code
and `MNS:` the code of a unit paid from the budget. A subject with the last two alone is an organisation: its seal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from connectors.answers import Refusal
from connectors.base import Context, Failure, Identifier, IdentifierType, Name, Organisation
from connectors.claims import Claims

ATTRIBUTES_LIMIT = 40

Attribute: TypeAlias = x509.NameAttribute[str | bytes]

_PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
_FORMER_NUMBER = re.compile(r"[0-9]{9}")
_TAX_CODE = re.compile(r"[0-9]{10}(-[0-9]{3})?|[0-9]{12}")  # 12 digits: a person's or a household's, since July 2025
_BUDGET_CODE = re.compile(r"[0-9]{4,12}")
_TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person; `identifiers` begins with the number by which they are known, the personal one where there is one."""

    name: Name
    identifiers: tuple[Identifier, ...]
    organisation: Organisation | None


def read_subject(certificate: x509.Certificate, context: Context) -> Subject:
    """The person whose certificate it is; raises Refusal.

    NOT_A_PERSON for an organisation's seal, INCOMPLETE where nothing says who it is, BROKEN_ANSWER for numbers that are
    none, or that contradict each other.
    """
    attributes = list(certificate.subject)
    if len(attributes) > ATTRIBUTES_LIMIT:
        raise Refusal(Failure.BROKEN_ANSWER, "the subject has too many attributes")
    numbers = _numbers(attributes)
    personal, former, tax_code = (_only(numbers, kind) for kind in ("CCCD", "CMND", "MST"))
    if personal is None and former is None:
        if tax_code is not None or "MNS" in numbers:
            raise Refusal(Failure.NOT_A_PERSON, "the certificate is an organisation's seal")
        raise Refusal(Failure.INCOMPLETE, "the subject has no UID with CCCD: or CMND:")
    texts = Claims(
        {
            "CN": _value(attributes, NameOID.COMMON_NAME),
            "O": _value(attributes, NameOID.ORGANIZATION_NAME),
            "T": _value(attributes, NameOID.TITLE),
        },
        context,
    )
    employer = texts.text("O")
    for_business = tax_code is not None and employer is not None and tax_code != personal
    identifiers = [
        _identifier(IdentifierType.PERSONAL_NUMBER, personal),
        # Identity card numbers of 9 digits have been invalid since 2025.
        _identifier(IdentifierType.FORMER_NUMBER, former, "former"),
        _identifier(IdentifierType.TAX_CODE, None if for_business else tax_code),
    ]
    return Subject(
        name=texts.name("CN"),
        identifiers=tuple(one for one in identifiers if one is not None),
        organisation=Organisation(tax_code=tax_code, name=employer, role=texts.text("T"))
        if for_business and tax_code and employer
        else None,
    )


def _identifier(kind: IdentifierType, value: str | None, state: str = "current") -> Identifier | None:
    return None if value is None else Identifier(type=kind, value=value, state=state)


def _numbers(attributes: list[Attribute]) -> dict[str, set[str]]:
    """The numbers in the UID attributes, by prefix, a CMND of 12 digits among the personal ones; raises Refusal."""
    found: dict[str, set[str]] = {}
    for attribute in attributes:
        if attribute.oid != NameOID.USER_ID or not isinstance(attribute.value, str):
            continue
        prefix, colon, value = attribute.value.partition(":")
        prefix, value = prefix.strip().upper(), value.strip()
        if not colon or prefix not in ("CCCD", "CMND", "MST", "MNS"):
            continue
        if prefix == "CMND" and _PERSONAL_NUMBER.fullmatch(value):
            prefix = "CCCD"
        if not _is_well_formed(prefix, value):
            raise Refusal(Failure.BROKEN_ANSWER, f"the UID with {prefix}: holds no such number")
        found.setdefault(prefix, set()).add(value)
    return found


def _is_well_formed(prefix: str, value: str) -> bool:
    if prefix == "MST":
        return bool(_TAX_CODE.fullmatch(value)) and (len(value) == 12 or _has_right_check_digit(value))
    form = {"CCCD": _PERSONAL_NUMBER, "CMND": _FORMER_NUMBER, "MNS": _BUDGET_CODE}[prefix]
    return bool(form.fullmatch(value)) and value.strip("0") != ""


def _has_right_check_digit(code: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(_TAX_WEIGHTS, code[:9], strict=True))
    return 10 - total % 11 == int(code[9])


def _only(numbers: dict[str, set[str]], prefix: str) -> str | None:
    found = numbers.get(prefix, set())
    if len(found) > 1:
        raise Refusal(Failure.BROKEN_ANSWER, f"the subject contradicts itself: several {prefix}:")
    return next(iter(found), None)


def _value(attributes: list[Attribute], oid: x509.ObjectIdentifier) -> str | None:
    found = {attribute.value for attribute in attributes if attribute.oid == oid}
    if len(found) > 1:
        raise Refusal(Failure.BROKEN_ANSWER, "the subject contradicts itself: several names of one kind")
    value = next(iter(found), None)
    return value if isinstance(value, str) else None
