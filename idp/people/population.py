"""A whole register in memory, to be asked by the keys of what is said: what the database is to a sign-in."""

from __future__ import annotations

from collections.abc import Iterable

from idp.people import evidence, records
from idp.people.evidence import Evidence
from idp.people.matching import MOST_BY_ONE_KEY, Candidate
from idp.people.person import Person

SOURCE = "register"


class Population:
    """Rows are kept as they came and read when somebody may be meant: a country of people fits into a few gigabytes."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines: list[bytes] = []
        self._by_key: dict[int, int | list[int]] = {}
        for line in lines:
            self._add(line)

    def __len__(self) -> int:
        return len(self._lines)

    def name_of(self, position: int) -> str:
        """What the register calls the person of this row."""
        return str(records.read(self._lines[position]).get("person", position))

    def candidates(self, said: Evidence) -> list[Candidate]:
        """Everybody who has one of the keys, once each."""
        found = dict.fromkeys(position for key in said.keys for position in self._at(key))
        return [self._candidate(position) for position in found]

    def _add(self, line: bytes) -> None:
        position = len(self._lines)
        self._lines.append(line)
        for key in evidence.of_person(self._person(position)).keys:
            known = self._by_key.get(hash(key))
            if known is None:
                self._by_key[hash(key)] = position
            elif isinstance(known, list):
                known.append(position)
            else:
                self._by_key[hash(key)] = [known, position]

    def _at(self, key: str) -> list[int]:
        known = self._by_key.get(hash(key), [])
        positions = known if isinstance(known, list) else [known]
        return positions if len(positions) <= MOST_BY_ONE_KEY else []

    def _person(self, position: int) -> Person:
        return records.person(records.read(self._lines[position]), b"%d" % position, SOURCE)

    def _candidate(self, position: int) -> Candidate:
        person = self._person(position)
        return Candidate(id=position, evidence=evidence.of_person(person), status=person.status)
