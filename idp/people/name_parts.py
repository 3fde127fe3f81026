"""Family, middle and given name, where a source sent them in one field, in the wrong one, or the Western way.

What comes out is for comparing and asking, and told to nobody: a split that no source made may be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Name
from idp.people import family_names
from idp.people.legacy_encodings import repaired
from idp.people.names import LONGEST_CHARACTERS, folded, strict

_WITHOUT_MARKS = {
    table: frozenset(map(folded, table))
    for table in (
        family_names.ANYWHERE,
        family_names.IN_FRONT,
        family_names.OF_TWO_WORDS,
        family_names.OF_TWO_WORDS_IF_LONG,
    )
}
_PARTICLES = ("y ", "h'")  # in front of given names of the Central Highlands


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A name's words, as they were sent; "" for a part that it does not have, or that nobody can tell."""

    family: str
    middle: str
    given: str


def split(name: Name) -> Parts:
    """The parts that the source sent, if they make up the name; else those that the place of the family name tells.

    In front, it is in the usual order. Otherwise a family name that is nothing else tells: at the end, the given name
    is in front (Hùng Văn Nguyễn); elsewhere, all before it is the given name (Hùng Nguyễn Văn). With none, the usual
    order is supposed, but of a name that begins as those of the Central Highlands nothing is. One word is a given name.
    """
    if name.family and name.given and _makes_up(name):
        return Parts(family=name.family, middle=name.middle or "", given=name.given)
    words = repaired(name.full).split() if len(name.full) <= LONGEST_CHARACTERS else [name.full]
    in_front = _in_front(words)
    if in_front:
        return _parts(words[:in_front], words[in_front:-1], words[-1:])
    is_highland = strict(name.full).startswith(_PARTICLES)
    place = next((at for at, word in enumerate(words) if at and _is_in(family_names.ANYWHERE, [word])), None)
    if place is None:
        return _parts([], [], words) if is_highland or len(words) < 2 else _parts(words[:1], words[1:-1], words[-1:])
    if place < len(words) - 1:
        return _parts(words[place : place + 1], words[place + 1 :], words[:place])
    given = place if is_highland else 1
    return _parts(words[place:], words[given:place], words[:given])


def _makes_up(name: Name) -> bool:
    """Whether the parts are the name's words, once each: a register's last field may hold all of them again."""
    parts = f"{name.family} {name.middle or ''} {name.given}"
    return sorted(strict(parts).split()) == sorted(strict(name.full).split())


def _in_front(words: list[str]) -> int:
    """Of how many words the family name in front is; 0 where there is none, or nothing behind it."""
    two_words = len(words) > 2 and _is_in(family_names.OF_TWO_WORDS, words[:2])
    if two_words or (len(words) > 3 and _is_in(family_names.OF_TWO_WORDS_IF_LONG, words[:2])):
        return 2
    return int(len(words) > 1 and _is_in(family_names.IN_FRONT, words[:1]))


def _is_in(table: frozenset[str], words: list[str]) -> bool:
    key = strict(" ".join(words))
    return key in table or key in _WITHOUT_MARKS[table]


def _parts(family: list[str], middle: list[str], given: list[str]) -> Parts:
    return Parts(family=" ".join(family), middle=" ".join(middle), given=" ".join(given))
