"""The only source of chance, and the only form in which a bearer value may be kept: its fingerprint."""

from __future__ import annotations

import hashlib
import secrets
from random import Random

from idp import clock

ID_BYTES = 16
PLAIN_LETTERS = "23456789BCDFGHJKLMNPQRSTVWXZ"  # none that is taken for another, and no vowels


def opaque_value() -> str:
    """256 bits of chance as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def short_handle() -> str:
    """144 bits of chance as 24 URL-safe characters: RelayState must stay within 80 bytes (SAML bindings, 3.4.3)."""
    return secrets.token_urlsafe(18)


def random_id() -> bytes:
    """An id that tells nothing, not even when it was made: for people."""
    return secrets.token_bytes(ID_BYTES)


def ordered_id() -> bytes:
    """An id that sorts by the time it was made, so that an index grows at its end (the layout of RFC 9562's UUIDv7)."""
    return clock.milliseconds().to_bytes(6, "big") + secrets.token_bytes(ID_BYTES - 6)


def letters(alphabet: str, number: int) -> str:
    """So many letters of the alphabet, each as likely as any other."""
    return "".join(secrets.choice(alphabet) for _ in range(number))


def below(upper: int) -> int:
    """A whole number from 0 up to `upper`, each as likely as any other."""
    return secrets.randbelow(upper)


def chance(length: int) -> bytes:
    return secrets.token_bytes(length)


def jitter(upper: float) -> float:
    """A number from 0 up to `upper`, to keep many workers from doing one thing at one moment."""
    return secrets.randbelow(1_000_000) / 1_000_000 * upper


class Repeatable(Random):
    """Chance that comes out the same for the same seed: to measure by, and never to keep anything secret."""


def fingerprint(value: str | bytes) -> bytes:
    """SHA-256 of a bearer value."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Whether two secrets are equal, in a time that does not tell how far they agree."""
    as_bytes = [part.encode() if isinstance(part, str) else part for part in (one, other)]
    return secrets.compare_digest(*as_bytes)
