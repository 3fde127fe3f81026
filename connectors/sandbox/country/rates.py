"""`rates.toml`, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCES = ("tax", "insurance", "bank")

Table = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """`people` and `register` by name; the others by source, then by name; `signs_in` by age band, then by source."""

    people: Mapping[str, float]
    register: Mapping[str, float]
    signs_in: Table
    forms: Table
    errors: Table
    unknown_days: Table
    careless: float
    careless_times: float


def _by_source(table: Mapping[str, Mapping[str, float]]) -> Table:
    return {source: {name: rates[source] for name, rates in table.items()} for source in SOURCES}


def _read(path: Path) -> Rates:
    read: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return Rates(
        people=read["people"],
        register=read["register"],
        signs_in=read["signs_in"],
        forms=_by_source(read["forms"]),
        errors=_by_source(read["errors"]),
        unknown_days=_by_source(read["unknown_days"]),
        careless=read["together"]["careless"],
        careless_times=read["together"]["careless_times"],
    )


RATES = _read(Path(__file__).with_name("rates.toml"))
