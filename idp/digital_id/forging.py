"""Forged codes, to count how many are taken for genuine: bits turned at every layer, and frauds with a plan."""

from __future__ import annotations

import hmac
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.digital_id import base45, cbor, cose, packing
from idp.digital_id.card import CONFIRMATION, EXPIRES, IDENTITY, STATUS, Card, StatusReference, claims_of
from idp.digital_id.issuing import issue
from idp.digital_id.status_lists import INVALID, SUSPENDED, Lists, StatusList, array_of
from idp.digital_id.trust import ORDER, Signer, TrustedKey, halves
from idp.digital_id.verification import verify
from idp.entropy import Repeatable

CARDS = 64
LIST_SIZE = 4_096
MOST_BITS = 8
_FULL_NAME, _PHOTO = 4, 16
_HS256 = 5


@dataclass(frozen=True, kw_only=True)
class Party:
    """Somebody with a key: `trusted` is how verifiers know it, if they do."""

    signer: Signer
    trusted: TrustedKey
    key_id: bytes


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many of each fraud there were, why they were refused, and how many were not."""

    frauds: Counter[str]
    reasons: Counter[str]
    accepted: Counter[str]


class Forger:
    """Has genuine cards to begin with, and keys of their own; has no key of the issuer.

    Of `issuer` comes all that is genuine. `other` is trusted as well, under a name of their own; `old` is the issuer's
    key that was withdrawn because it was stolen; nobody knows `stranger`.
    """

    def __init__(
        self, cards: Sequence[Card], issuer: Party, other: Party, old: Party, stranger: Party, seed: int
    ) -> None:
        self._cards = cards
        self._issuer, self._other, self._old, self._stranger = issuer, other, old, stranger
        self._chance = Repeatable(seed)
        self._texts = [issue(card, issuer.signer, issuer.key_id) for card in cards]
        self._codes = [packing.unpacked(text)[0] for text in self._texts]
        self._genuine = frozenset(self._texts)
        self._plans: tuple[Callable[[int, int], str], ...] = (
            self._by_a_stranger, self._by_another_issuer, self._by_a_stolen_key, self._algorithm_swapped,
            self._key_as_secret, self._holder_of_another, self._list_of_another, self._name_of_another,
            self._photo_of_another, self._longer_expiry, self._signature_of_another, self._revoked, self._suspended,
            self._key_in_header, self._other_half, self._unsigned,
        )  # fmt: skip

    def turned(self) -> tuple[str, str]:
        """A genuine code with 1 to 8 bits turned at one of its layers, and the layer."""
        while True:
            at = self._chance.randrange(len(self._codes))
            layer = self._chance.choice(("text", "compressed", "signed", "header", "payload", "signature"))
            text = self._turned_at(layer, at)
            if text not in self._genuine:
                return text, layer

    def planned(self) -> tuple[str, str]:
        """A code made by one of the plans, and the plan."""
        while True:
            one, other = self._chance.sample(range(len(self._codes)), 2)
            plan = self._chance.choice(self._plans)
            text = plan(one, other)
            if text not in self._genuine:
                return text, plan.__name__.strip("_")

    def _turned_at(self, layer: str, at: int) -> str:
        text = self._texts[at]
        if layer == "text":
            letters = list(text)
            for _ in range(self._chance.randint(1, 3)):
                letters[self._chance.randrange(len(letters))] = self._chance.choice(base45.ALPHABET)
            return "".join(letters)
        if layer == "compressed":
            return base45.encode(self._bits(base45.decode(text)))
        if layer == "signed":
            return packing.packed(self._bits(self._codes[at]))
        parts = self._parts(at)
        place = {"header": 0, "payload": 2, "signature": 3}[layer]
        parts[place] = self._bits(parts[place])
        return _text(parts)

    def _bits(self, data: bytes) -> bytes:
        turned = bytearray(data)
        for _ in range(self._chance.randint(1, MOST_BITS)):
            place = self._chance.randrange(8 * len(turned))
            turned[place // 8] ^= 1 << place % 8
        return bytes(turned)

    def _parts(self, at: int) -> list[Any]:
        parts: list[Any] = cbor.decode(self._codes[at][1:])
        return parts

    def _spliced(self, one: int, *changes: tuple[Sequence[int], Any]) -> str:
        """The code of `one` with claims changed, and its signature as it was."""
        parts = self._parts(one)
        claims = cbor.decode(parts[2])
        for path, value in changes:
            inside = claims
            for key in path[:-1]:
                inside = inside[key]
            inside[path[-1]] = value
        parts[2] = cbor.encode(claims)
        return _text(parts)

    # ---- the plans ----

    def _by_a_stranger(self, one: int, _other: int) -> str:
        return issue(self._cards[one], self._stranger.signer, self._issuer.key_id)

    def _by_another_issuer(self, one: int, _other: int) -> str:
        return issue(self._cards[one], self._other.signer, self._other.key_id)

    def _by_a_stolen_key(self, one: int, _other: int) -> str:
        return issue(self._cards[one], self._old.signer, self._old.key_id)

    def _algorithm_swapped(self, one: int, _other: int) -> str:
        parts = self._parts(one)
        swapped = self._chance.choice((-8, -35, -257, -65_535, _HS256, 0, None))
        parts[0] = cbor.encode({1: swapped, 4: self._issuer.key_id})
        return _text(parts)

    def _key_as_secret(self, one: int, _other: int) -> str:
        """HMAC by the public key, for whoever lets the code name the algorithm."""
        parts = self._parts(one)
        parts[0] = cbor.encode({1: _HS256, 4: self._issuer.key_id})
        public = self._issuer.trusted.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        parts[3] = hmac.digest(public, cbor.encode(["Signature1", parts[0], b"", parts[2]]), "sha256")
        return _text(parts)

    def _holder_of_another(self, one: int, other: int) -> str:
        return self._spliced(one, ([CONFIRMATION], claims_of(self._cards[other])[CONFIRMATION]))

    def _list_of_another(self, one: int, other: int) -> str:
        return self._spliced(one, ([STATUS], claims_of(self._cards[other])[STATUS]))

    def _name_of_another(self, one: int, other: int) -> str:
        return self._spliced(one, ([IDENTITY, _FULL_NAME], self._cards[other].full_name))

    def _photo_of_another(self, one: int, _other: int) -> str:
        return self._spliced(one, ([IDENTITY, _PHOTO], self._chance.randbytes(300)))

    def _longer_expiry(self, one: int, _other: int) -> str:
        return self._spliced(one, ([EXPIRES], (self._cards[one].expires_at or 0) + self._chance.randint(1, 10**9)))

    def _signature_of_another(self, one: int, other: int) -> str:
        return _text([*self._parts(one)[:3], self._parts(other)[3]])

    def _revoked(self, one: int, _other: int) -> str:
        return self._listed_as(one, INVALID)

    def _suspended(self, one: int, _other: int) -> str:
        return self._listed_as(one, SUSPENDED)

    def _listed_as(self, one: int, value: int) -> str:
        """Really issued, and no longer good; see `lists_for`."""
        card, uri = self._cards[one], (self._cards[one].status or _NOWHERE).uri
        place = self._chance.randrange(LIST_SIZE // 2) * 2 + (value - 1)
        card = replace(card, status=StatusReference(index=LIST_SIZE + place, uri=uri))
        return issue(card, self._issuer.signer, self._issuer.key_id)

    def _key_in_header(self, one: int, _other: int) -> str:
        """The forger's key comes along, for whoever takes keys from there."""
        data = cose.signed(cbor.encode(claims_of(self._cards[one])), self._stranger.signer, self._issuer.key_id)
        parts = cbor.decode(data[1:])
        parts[1] = {4: self._stranger.key_id, 33: self._chance.randbytes(64)}
        return _text(parts)

    def _other_half(self, one: int, _other: int) -> str:
        """The second signature that anybody can make of one by ECDSA."""
        parts = self._parts(one)
        r, s = halves(parts[3])
        parts[3] = r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")
        return _text(parts)

    def _unsigned(self, one: int, _other: int) -> str:
        parts = self._parts(one)
        parts[3] = self._chance.choice((b"", bytes(64), b"\xff" * 64, bytes(63)))
        return _text(parts)


_NOWHERE = StatusReference(index=0, uri="")


def _text(parts: list[Any]) -> str:
    return base45.encode(zlib.compress(b"\xd2" + cbor2.dumps(parts), packing.LEVEL))


def lists_for(uri: str, issuer: str, other: str, now: int) -> Lists:
    """The issuer's list, whose upper half is revoked and suspended in turn; and the other issuer's, by whom all under
    the same address are valid.
    """
    values = {LIST_SIZE + at: INVALID if at % 2 == 0 else SUSPENDED for at in range(LIST_SIZE)}
    array = array_of(2 * LIST_SIZE, values)
    return Lists([
        StatusList(uri=uri, issuer=issuer, bits=2, array=array, issued_at=now),
        StatusList(uri=uri, issuer=other, bits=2, array=bytes(len(array)), issued_at=now),
    ])  # fmt: skip


def count(forger: Forger, number: int, keys: Sequence[TrustedKey], now: int, statuses: Lists) -> Outcome:
    """So many forged codes are verified, every second one with a plan."""
    outcome = Outcome(frauds=Counter(), reasons=Counter(), accepted=Counter())
    for at in range(number):
        text, fraud = forger.planned() if at % 2 else forger.turned()
        verdict = verify(text, keys, now, statuses)
        outcome.frauds[fraud] += 1
        outcome.reasons[verdict.reason.value if verdict.reason else "none"] += 1
        if verdict.genuine:
            outcome.accepted[fraud] += 1
    return outcome
