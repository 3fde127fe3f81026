"""Whole files linked to a register, with the rules of a sign-in: what operators do offline, and what is measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from idp.people import evidence, records
from idp.people.matching import Decision, decide
from idp.people.person import PROVEN
from idp.people.population import Population


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What came of one record; people by the names that the register has for them."""

    record: str
    outcome: str
    rule: str
    person: str | None = None
    alike: tuple[str, ...] = ()

    def to_json(self) -> str:
        row = {"record": self.record, "outcome": self.outcome, "rule": self.rule, "person": self.person}
        told = {name: value for name, value in row.items() if value is not None}
        return json.dumps(told | ({"alike": list(self.alike)} if self.alike else {}), ensure_ascii=False)

    @staticmethod
    def from_row(row: dict[str, Any]) -> Link:
        return Link(**(row | {"alike": tuple(row.get("alike", ()))}))


def resolve(population: Population, record: records.Record) -> Decision:
    """Who is meant by this record alone: what other records say of the same subject is not looked at."""
    proofed = record.assertion.proofing >= PROVEN
    said = evidence.of_assertion(record.assertion, with_numbers=proofed)
    return decide(said, record.assertion.proofing, None, population.candidates(said) if proofed else (), complete=True)


def link(population: Population, lines: Iterable[bytes]) -> Iterator[Link]:
    """What comes of each line; raises ValueError for one that is no object."""
    for line in lines:
        record = records.record(records.read(line))
        yield told(population, record.id, resolve(population, record))


def told(population: Population, record_id: str, decision: Decision) -> Link:
    return Link(
        record=record_id, outcome=decision.outcome.value, rule=decision.rule,
        person=None if decision.id is None else population.name_of(decision.id),
        alike=tuple(sorted(map(population.name_of, decision.alike))),
    )  # fmt: skip
