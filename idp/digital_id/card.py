"""What a card says: the claims of a CWT (RFC 8392) and the attributes of its claim 169, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ISSUER, SUBJECT, EXPIRES, NOT_BEFORE, ISSUED, CODE_ID, CONFIRMATION = 1, 2, 4, 5, 6, 7, 8
STATUS, IDENTITY = 65_535, 169
THUMBPRINT = 5  # of `cnf`: "ckt" (RFC 9679 section 5.6)
STATUS_LIST, INDEX, URI = "status_list", "idx", "uri"

# Claim 169 1.2.0, by number
TEXTS = {
    1: "number", 2: "version", 3: "language", 4: "full_name", 5: "first_name", 6: "middle_name", 7: "last_name",
    8: "birth_date", 10: "address", 11: "email", 12: "phone", 13: "nationality", 15: "guardian",
    19: "secondary_full_name", 20: "secondary_language", 21: "location_code", 22: "legal_status",
    23: "country_of_issuance",
}  # fmt: skip
AGE_OVER = 75  # ours, of the numbers 75 to 99 that Claim 169 leaves to those who agree on them
CHOICES = {9: ("gender", 3), 14: ("marital_status", 3), 17: ("photo_format", 4), AGE_OVER: ("age_over", 150)}
PHOTO, BEST_FINGERS = 16, 18
BIOMETRICS = range(50, 66)  # fingers, irises, face, palms, voice
WEBP = 4
DATA, FORMAT, SUBFORMAT, BIOMETRIC_ISSUER = range(4)


@dataclass(frozen=True, kw_only=True)
class StatusReference:
    """Where a Token Status List tells what has become of the card."""

    index: int
    uri: str


@dataclass(frozen=True, kw_only=True)
class Biometric:
    data: bytes
    format: int | None = None
    subformat: int | None = None
    issuer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Instants are seconds since 1970. `number` is the card's own and never the person's; `birth_date` is YYYYMMDD.

    `holder_key` is the thumbprint of a key on the holder's device. `unknown` keeps what we do not know apart, by where
    it stood ("169/25").
    """

    issuer: str | None = None
    subject: str | None = None
    expires_at: int | None = None
    not_before: int | None = None
    issued_at: int | None = None
    code_id: bytes | None = None
    holder_key: bytes | None = None
    status: StatusReference | None = None
    number: str | None = None
    version: str | None = None
    language: str | None = None
    full_name: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    gender: int | None = None
    address: str | None = None
    email: str | None = None
    phone: str | None = None
    nationality: str | None = None
    marital_status: int | None = None
    guardian: str | None = None
    photo: bytes | None = None
    photo_format: int | None = None
    best_fingers: tuple[int, ...] | None = None
    secondary_full_name: str | None = None
    secondary_language: str | None = None
    location_code: str | None = None
    legal_status: str | None = None
    country_of_issuance: str | None = None
    age_over: int | None = None
    biometrics: Mapping[int, tuple[Biometric, ...]] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)


def claims_of(card: Card) -> dict[int, Any]:
    """The CWT's claims in the strict form; what is unknown is left out."""
    claims: dict[int, Any] = {
        ISSUER: card.issuer, SUBJECT: card.subject, EXPIRES: card.expires_at, NOT_BEFORE: card.not_before,
        ISSUED: card.issued_at, CODE_ID: card.code_id,
    }  # fmt: skip
    if card.holder_key is not None:
        claims[CONFIRMATION] = {THUMBPRINT: card.holder_key}
    if card.status is not None:
        claims[STATUS] = {STATUS_LIST: {INDEX: card.status.index, URI: card.status.uri}}
    claims[IDENTITY] = _attributes(card)
    return _known(claims)


def _attributes(card: Card) -> dict[int, Any]:
    plain = {number: getattr(card, name) for number, name in TEXTS.items()}
    plain |= {number: getattr(card, name) for number, (name, _) in CHOICES.items()}
    plain[PHOTO] = card.photo
    plain[BEST_FINGERS] = None if card.best_fingers is None else list(card.best_fingers)
    for number, several in card.biometrics.items():
        plain[number] = [_biometric(one) for one in several]
    return _known(plain)


def _biometric(one: Biometric) -> dict[int, Any]:
    return _known({
        DATA: one.data, FORMAT: one.format, SUBFORMAT: one.subformat, BIOMETRIC_ISSUER: one.issuer,
    })  # fmt: skip


def _known(members: dict[int, Any]) -> dict[int, Any]:
    return {key: value for key, value in members.items() if value is not None}
