"""People and records as rows of one table, for `proposing`: what is compared, and the keys by which two are at all.

It is wider than what the rules go by (`Evidence.keys`), since whoever reads a proposal decides, and we do not: a number
and a name that were both mistyped still leave a phone, or a birth date and a word of the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from connectors.base import IdentifierType
from idp.people.births import Born
from idp.people.evidence import Evidence
from idp.people.names import folded, strict

PERSONAL = IdentifierType.PERSONAL_NUMBER.value
OTHER_KINDS = tuple(each.value for each in (
    IdentifierType.TAX_CODE, IdentifierType.INSURANCE_NUMBER, IdentifierType.HEALTH_CARD, IdentifierType.PASSPORT,
    IdentifierType.FORMER_NUMBER,
))  # fmt: skip
# Lists hold what is and what was; columns of one value what is.
COLUMNS = {
    "unique_id": "BIGINT", "keys": "VARCHAR[]",
    "names": "VARCHAR[]", "bare_names": "VARCHAR[]", "name": "VARCHAR", "first_word": "VARCHAR",
    "last_word": "VARCHAR", "words": "VARCHAR",
    "births": "VARCHAR[]", "birth": "VARCHAR", "year": "INTEGER", "month": "INTEGER", "day": "INTEGER",
    "sex": "VARCHAR", "phone": "VARCHAR", "province": "VARCHAR",
    PERSONAL: "VARCHAR[]", "number": "VARCHAR", **dict.fromkeys(OTHER_KINDS, "VARCHAR[]"),
}  # fmt: skip


def row(position: int, said: Evidence, wanted: Set[str] | None = None) -> dict[str, Any]:
    """The row; of its keys those that are wanted, which are all where nothing is said. What is unknown is None."""
    found = set(keys(said))
    return {
        "unique_id": position, "keys": sorted(found if wanted is None else found & wanted),
        **_names(said), **_births(said), "sex": said.sex, "phone": said.phone, "province": said.province,
        PERSONAL: [*said.numbers, *said.earlier_numbers] or None, "number": next(iter(said.numbers), None),
        **{kind: _of_kind(said, kind) for kind in OTHER_KINDS},
    }  # fmt: skip


def keys(said: Evidence) -> Iterator[str]:
    """Two who share one of these are compared."""
    for number in (*said.numbers, *said.earlier_numbers):
        first, middle, last = number[:6], number[6:9], number[9:]  # one slip of the hand leaves two of the three
        yield from (f"number:{number}", f"head:{first}{middle}", f"tail:{middle}{last}", f"ends:{first}{last}")
    yield from (*said.own, *said.shared)
    if said.phone is not None:
        yield f"phone:{said.phone}"
    for name in filter(None, map(_sound, map(folded, said.names))):
        if said.province is not None:
            yield f"name-province:{name}:{said.province}"
        for born in said.births:
            yield from _of_name_and_birth(name, born)


def _of_name_and_birth(name: str, born: Born) -> Iterator[str]:
    yield f"name-year:{name}:{born.year}"
    if born.day is not None:
        yield f"name-day:{name}:{born.month}-{born.day}"
        yield from (f"word-birth:{word}:{born.year}-{born.month}-{born.day}" for word in name.split())


def _names(said: Evidence) -> dict[str, Any]:
    names = [_sound(strict(name)) for name in said.names]
    bare = [_sound(folded(name)) for name in said.names]
    words = bare[0].split() if bare else []
    return {
        "names": names or None, "bare_names": bare or None, "name": bare[0] if words else None,
        "first_word": words[0] if words else None, "last_word": words[-1] if words else None,
        "words": " ".join(sorted(words)) or None,
    }  # fmt: skip


def _births(said: Evidence) -> dict[str, Any]:
    whole = [each for each in said.births if each.day is not None]
    now = next(iter(said.births), None)
    return {
        "births": [_digits(each) for each in whole] or None,
        "birth": None if now is None or now.day is None else _digits(now),
        "year": now and now.year, "month": now and now.month, "day": now and now.day,
    }  # fmt: skip


def _digits(born: Born) -> str:
    return f"{born.year:04}{born.month or 0:02}{born.day:02}"


def _of_kind(said: Evidence, kind: str) -> list[str] | None:
    return sorted(each for each in said.own | said.shared if each.startswith(f"{kind}:")) or None


def _sound(text: str) -> str:
    """Without halves of characters, which JSON may name and no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
