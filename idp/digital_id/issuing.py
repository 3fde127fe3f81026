"""Cards in the strict form, signed: the standard one, the one with a photograph, the one that tells only an age."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from idp.digital_id import card as layout
from idp.digital_id import cbor, cose, packing
from idp.digital_id.card import Card
from idp.digital_id.trust import KEY_ID_BYTES, NUMBERS, Signer

HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
CODE_ID_BYTES = 8
THUMBPRINT_BYTES = 32
_LIKE_A_PERSONS_NUMBER = re.compile(r"\d{9}|\d{12}")
_DATE = re.compile(r"\d{8}")


class Unfit(ValueError):
    """No such card is issued; the text says why, without what stood in it."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How long the text of a code may be, and the version of the QR code, at level M, that it then fits."""

    name: str
    characters: int
    qr_version: int


STANDARD = Profile(name="standard", characters=450, qr_version=13)
WITH_PHOTO = Profile(name="photo", characters=1_100, qr_version=22)
AGE_ONLY = Profile(name="age", characters=260, qr_version=9)


# What goes without saying on a card of one country, left out in this order where a long name needs the room.
SPARE = ("version", "nationality", "language")


def issue(card: Card, signer: Signer, key_id: bytes) -> str:
    """The text of a code that says what `card` does, without some of SPARE where they do not fit; raises Unfit for
    what no profile has room or use for.
    """
    _check(card, signer, key_id)
    profile = STANDARD if card.photo is None else WITH_PHOTO
    for spare in SPARE:
        without: dict[str, Any] = {spare: None}
        text = _text(card, signer, key_id)
        if len(text) <= profile.characters:
            return text
        card = replace(card, **without)
    return _fitting(_text(card, signer, key_id), profile)


def issue_age(*, issuer: str, age: int, now: int, code_id: bytes, signer: Signer, key_id: bytes) -> str:
    """The text of a code that says that whoever shows it has reached an age, and nothing else; good for a day.

    There is no name, number, key or status by which two showings could be joined; so that the moment of issue is none
    either, it is the hour's. `code_id` is chance, and lets a verifier see a code twice. Raises Unfit.
    """
    if len(code_id) != CODE_ID_BYTES:
        raise Unfit(f"code_id: needs {CODE_ID_BYTES} bytes of chance")
    if not 1 <= age <= layout.CHOICES[layout.AGE_OVER][1]:
        raise Unfit("age: not the age of a person")
    hour = now - now % HOUR_SECONDS
    card = Card(issuer=issuer, issued_at=hour, expires_at=hour + DAY_SECONDS, code_id=code_id, age_over=age)
    return _fitting(_text(card, signer, key_id), AGE_ONLY)


def _text(card: Card, signer: Signer, key_id: bytes) -> str:
    return packing.packed(cose.signed(cbor.encode(layout.claims_of(card)), signer, key_id))


def _fitting(text: str, profile: Profile) -> str:
    if len(text) > profile.characters:
        raise Unfit(f"{len(text)} characters; the profile {profile.name} has room for {profile.characters}")
    return text


def _check(card: Card, signer: Signer, key_id: bytes) -> None:
    if signer.alg not in NUMBERS:
        raise Unfit(f"a key for {signer.alg}; cards are signed with {' or '.join(NUMBERS)}")
    if len(key_id) != KEY_ID_BYTES:
        raise Unfit(f"key_id: needs {KEY_ID_BYTES} bytes")
    if not card.issuer or card.issued_at is None or card.expires_at is None:
        raise Unfit("issuer, issued_at and expires_at are needed")
    if not card.issued_at < card.expires_at:
        raise Unfit("expires_at: before it was issued")
    if not card.number or _LIKE_A_PERSONS_NUMBER.fullmatch(card.number):
        raise Unfit("number: needs one of the card's own; never a person's")
    if card.birth_date is not None and not _DATE.fullmatch(card.birth_date):
        raise Unfit("birth_date: needs YYYYMMDD; leave out what is not known to the day")
    if card.holder_key is not None and len(card.holder_key) != THUMBPRINT_BYTES:
        raise Unfit("holder_key: needs a SHA-256 thumbprint")
    if card.unknown or card.age_over is not None:
        raise Unfit("a card with unknown attributes, or with an age")
    if (card.photo is None) != (card.photo_format is None):
        raise Unfit("photo and photo_format go together")
