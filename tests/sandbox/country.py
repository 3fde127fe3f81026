"""An invented country as its files have it, read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connectors.sandbox.country import files
from connectors.sandbox.country.rates import SOURCES

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Country:
    register: dict[str, Row]
    records: list[Row]
    truth: list[Row]
    written: files.Written

    @cached_property
    def known(self) -> dict[str, list[tuple[Row, Row, Row]]]:
        """By source: (register, record, truth) of each record whose person is in the register."""
        found: dict[str, list[tuple[Row, Row, Row]]] = {source: [] for source in SOURCES}
        for record, truth in zip(self.records, self.truth, strict=True):
            if truth["person"] is not None:
                found[record["source"]].append((self.register[truth["person"]], record, truth))
        return found

    def with_structure(self, name: str) -> list[Row]:
        return [truth for truth in self.truth if name in truth["structures"]]

    def share(self, source: str, error: str, eligible: Callable[[Row, Row], bool]) -> tuple[int, int]:
        """In how many records of how many that could show it this went wrong."""
        shown = [truth for person, record, truth in self.known[source] if eligible(person, record)]
        return sum(error in truth["errors"] for truth in shown), len(shown)


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@cache
def country_of(people: int) -> Country:
    """The country of seed 1; made once for all the tests of a process."""
    with TemporaryDirectory() as folder:
        written = files.write(Path(folder), people=people, seed=1)
        register, records, truth = (rows(Path(folder) / name) for name in files.FILES)
    by_name = {row["person"]: row for row in register}
    assert len(by_name) == len(register)
    return Country(register=by_name, records=records, truth=truth, written=written)


def identifiers(row: Row, kind: str) -> list[str]:
    return [one["value"] for one in row.get("identifiers", []) if one["type"] == kind]


def repeated(values: list[Any]) -> set[Any]:
    return {value for value, times in Counter(values).items() if times > 1}


def within_five_sigma(found: int, of: int, rate: float) -> bool:
    return abs(found - of * rate) <= 5 * (of * rate * (1 - rate)) ** 0.5 + 1
