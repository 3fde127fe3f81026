"""A whole register in memory, to be asked by the keys of what is said: what the database is to a sign-in."""

from __future__ import annotations

from collections.abc import Iterable

from idp.people import evidence, records
from idp.people.evidence import Evidence
from idp.people.matching import MOST_BY_ONE_KEY, Candidate

SOURCE = "register"


class Population:
    """Everybody as the rules compare them, read once: two kilobytes each, with the keys."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._names: list[str] = []
        self._candidates: list[Candidate] = []
        self._by_key: dict[int, int | list[int]] = {}
        for line in lines:
            self._add(line)

    def __len__(self) -> int:
        return len(self._names)

    def name_of(self, position: int) -> str:
        """What the register calls the person of this row."""
        return self._names[position]

    def candidates(self, said: Evidence) -> list[Candidate]:
        """Everybody who has one of the keys, once each."""
        found = dict.fromkeys(position for key in said.keys for position in self._at(key))
        return [self._candidates[position] for position in found]

    def _add(self, line: bytes) -> None:
        position, row = len(self._names), records.read(line)
        person = records.person(row, b"%d" % position, SOURCE)
        known = evidence.of_person(person)
        self._names.append(str(row.get("person", position)))
        self._candidates.append(Candidate(id=position, evidence=known, status=person.status))
        for key in known.keys:
            self._keep(hash(key), position)

    def _keep(self, key: int, position: int) -> None:
        known = self._by_key.get(key)
        if known is None:
            self._by_key[key] = position
        elif isinstance(known, list):
            known.append(position)
        else:
            self._by_key[key] = [known, position]

    def _at(self, key: str) -> list[int]:
        known = self._by_key.get(hash(key), [])
        positions = known if isinstance(known, list) else [known]
        return positions if len(positions) <= MOST_BY_ONE_KEY else []
