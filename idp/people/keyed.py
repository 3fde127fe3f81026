"""By what people are found: keyed indexes of numbers, of name with birth date, of phones, of subjects of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.base import Assertion
from idp.people import evidence, models
from idp.people.evidence import NUMBER, Evidence
from idp.people.joining import MERGED
from idp.people.matching import MOST_BY_ONE_KEY
from idp.people.person import Person
from idp.seal import Sealer
from idp.storage import Transaction
from idp.storage.database import Row

MOST_KEYS = 24  # of one person, or of what is said of one: numbers first


@dataclass(frozen=True, kw_only=True)
class Keyed:
    sealer: Sealer
    is_sqlite: bool

    def subject(self, assertion: Assertion) -> bytes:
        # The issuer is part of the name: a source that is pointed at another issuer meets other people.
        return self.sealer.index("links.subject", f"{assertion.issuer}\n{assertion.subject}")

    def number(self, number: str) -> bytes:
        return self.sealer.index("people.number", number)

    def own_number(self, person: Person) -> bytes | None:
        """Of the person's current personal number, which nobody else can have."""
        number = None if person.status == MERGED else person.personal_number
        return None if number is None else self.number(number)

    def candidates(self, tx: Transaction, said: Evidence, *, alone: bool = False) -> dict[bytes, Row]:
        """Everybody who has one of the keys of what is said, by id; `alone`: while no other may write them."""
        asked = sorted(map(self._key, said.keys[:MOST_KEYS]))  # all hold them in this order
        if not asked:
            return {}
        named = {f"key_{position}": key for position, key in enumerate(asked)}
        if alone:
            tx.run(models.hold_keys(len(asked)), **named)
        rows = tx.all(models.find_by_keys(len(asked), MOST_BY_ONE_KEY + 1), **named)
        shared = Counter(bytes(row[0]) for row in rows)
        told = [row for row in rows if shared[bytes(row[0])] <= MOST_BY_ONE_KEY]  # a key that more share tells nothing
        return {bytes(row[1]): row[1:] for row in told}

    def held_by_others(self, tx: Transaction, numbers: Iterable[str], than: bytes | None) -> frozenset[str]:
        """Of these numbers with their kind, those that somebody else has."""
        find = models.find_by_keys(1, MOST_BY_ONE_KEY)
        return frozenset(
            number for number in numbers
            if any(bytes(row[1]) != than for row in tx.all(find, key_0=self._key(number)))
        )  # fmt: skip

    def keep(self, tx: Transaction, before: Person | None, after: Person) -> None:
        """The person is found by what they are known by now, and by nothing else."""
        had, has = (set() if each is None else self._keys_of(each) for each in (before, after))
        for key in had - has:
            tx.run(models.REMOVE_KEY, key=key, person=after.id)
        new = sorted(has - had)
        if new:
            named = {f"key_{position}": key for position, key in enumerate(new)}
            tx.run(models.add_keys(len(new), self.is_sqlite), person=after.id, **named)

    def _keys_of(self, person: Person) -> set[bytes]:
        if not person.is_proven or person.status == MERGED:
            return set()
        return {self._key(key) for key in evidence.of_person(person).keys[:MOST_KEYS]}

    def _key(self, key: str) -> bytes:
        kind, _, value = key.partition(":")
        return self.number(value) if kind == NUMBER else self.sealer.index("people.key", key)
