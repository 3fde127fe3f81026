"""How long it takes to issue and to verify a code, beside bare ES256 in the same run; how large lists come out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from idp import clock
from idp.digital_id import status_lists
from idp.digital_id.card import WEBP, Card, StatusReference
from idp.digital_id.forging import CARDS, LIST_SIZE, Forger, Outcome, Party, count, lists_for
from idp.digital_id.issuing import issue
from idp.digital_id.trust import key_id, trusted
from idp.digital_id.verification import verify
from idp.entropy import Repeatable

ISSUER, OTHER = "https://id.gov.example", "https://id.other.example"
LIST = "https://id.gov.example/status/12"
YEAR_SECONDS = 365 * 86_400
PHOTO_BYTES = 415
_NAMES = (
    ("Nguyễn", "Trần", "Lê", "Phạm"),
    ("Thị Bích", "Văn", "Hoàng Phương", "Quốc"),
    ("Ngọc", "Đức", "Thảo", "Khánh"),
)
_WARM = 50
_ES256 = jwt.get_algorithm_by_name("ES256")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`p50` and `p99` in milliseconds that passed; `per_second` by the time that one core computed."""

    p50: float
    p99: float
    per_second: float


@dataclass(frozen=True, kw_only=True)
class Speeds:
    sign: Pace  # bare ES256
    issue: Pace
    issue_photo: Pace
    check: Pace  # bare ES256
    verify: Pace
    verify_photo: Pace


@dataclass(frozen=True, kw_only=True)
class ListSize:
    cards: int
    lists: int
    bytes: int
    build_seconds: float


@dataclass(frozen=True, kw_only=True)
class _Signer:
    """As `idp.keys.SigningKey` signs, which stands above this room."""

    private: ec.EllipticCurvePrivateKey
    alg: str = "ES256"

    def signature(self, message: bytes) -> bytes:
        signature: bytes = _ES256.sign(message, self.private)
        return signature


def party(issuer: str, *, withdrawn: bool = False) -> Party:
    """Somebody with a new key for ES256."""
    private = ec.generate_private_key(ec.SECP256R1())
    signer = _Signer(private=private)
    known = trusted(private.public_key(), issuer, withdrawn=withdrawn)
    return Party(signer=signer, trusted=known, key_id=key_id(private.public_key()))


def cards(number: int, now: int, seed: int) -> list[Card]:
    """So many cards of invented people, every second one with a photograph's worth of chance."""
    chance = Repeatable(seed)
    return [
        Card(
            issuer=ISSUER, issued_at=now, expires_at=now + YEAR_SECONDS, holder_key=chance.randbytes(32),
            status=StatusReference(index=chance.randrange(LIST_SIZE), uri=LIST), version="1.0",
            number=f"VN{chance.randbytes(5).hex()}", language="vie", full_name=_name(at),
            birth_date=f"19{chance.randint(40, 99)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}",
            gender=chance.randint(1, 2), nationality="VNM",
            photo=chance.randbytes(PHOTO_BYTES) if at % 2 else None, photo_format=WEBP if at % 2 else None,
        )
        for at in range(number)
    ]  # fmt: skip


def texts(number: int, seed: int) -> list[str]:
    """The texts of so many codes, every second one with a photograph."""
    ours = party(ISSUER)
    return [issue(card, ours.signer, ours.key_id) for card in cards(number, clock.seconds(), seed)]


def _name(at: int) -> str:
    """A name that only one of 64 has."""
    return " ".join(names[at // 4**place % 4] for place, names in enumerate(_NAMES))


def speeds(times: int, seed: int) -> Speeds:
    now, ours = clock.seconds(), party(ISSUER)
    plain, photo = cards(2, now, seed)
    private = ec.generate_private_key(ec.SECP256R1())
    public, hashed = private.public_key(), ec.ECDSA(hashes.SHA256())
    message = bytes(200)
    signature = private.sign(message, hashed)
    statuses = lists_for(LIST, ISSUER, OTHER, now)
    codes = [issue(card, ours.signer, ours.key_id) for card in (plain, photo)]
    return Speeds(
        sign=_pace(lambda: private.sign(message, hashed), times),
        issue=_pace(lambda: issue(plain, ours.signer, ours.key_id), times),
        issue_photo=_pace(lambda: issue(photo, ours.signer, ours.key_id), times),
        check=_pace(lambda: public.verify(signature, message, hashed), times),
        verify=_pace(lambda: verify(codes[0], [ours.trusted], now, statuses), times),
        verify_photo=_pace(lambda: verify(codes[1], [ours.trusted], now, statuses), times),
    )


def forgeries(number: int, seed: int) -> Outcome:
    """So many forged codes, held against three keys that are known and two lists."""
    now = clock.seconds()
    ours, other = party(ISSUER), party(OTHER)
    old, stranger = party(ISSUER, withdrawn=True), party(ISSUER)
    forger = Forger(cards(CARDS, now, seed), ours, other, old, stranger, seed)
    keys = [ours.trusted, other.trusted, old.trusted]
    return count(forger, number, keys, now, lists_for(LIST, ISSUER, OTHER, now))


def list_size(number: int, seed: int) -> ListSize:
    """The lists that so many cards are in, as they are published: one of a hundred revoked, signed; and the time to
    make all of them.
    """
    chance, ours, now = Repeatable(seed), party(ISSUER), clock.seconds()
    lists = -(-number // status_lists.PLACES)
    in_each = number // lists // 100
    revoked = [
        {chance.randrange(status_lists.PLACES): status_lists.INVALID for _ in range(in_each)} for _ in range(lists)
    ]
    began, signed = clock.monotonic(), 0
    for values in revoked:
        array = status_lists.array_of(status_lists.PLACES, values)
        one = status_lists.StatusList(uri=LIST, issuer=ISSUER, bits=status_lists.BITS, array=array, issued_at=now)
        signed += len(status_lists.as_cwt(one, ours.signer, ours.key_id))
    return ListSize(cards=number, lists=lists, bytes=signed, build_seconds=clock.monotonic() - began)


def _pace(call: Callable[[], object], times: int) -> Pace:
    for _ in range(_WARM):
        call()
    gc.collect()
    passed, computed = [], clock.processor_seconds()
    for _ in range(times):
        began = clock.monotonic()
        call()
        passed.append(clock.monotonic() - began)
    computed = clock.processor_seconds() - computed
    passed.sort()
    return Pace(p50=1_000 * passed[times // 2], p99=1_000 * passed[times * 99 // 100], per_second=times / computed)
