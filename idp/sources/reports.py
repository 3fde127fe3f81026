"""Reports of contract checks: evidence of what a version of a source did, kept for good."""

from __future__ import annotations

import json
from dataclasses import dataclass

from idp import clock, entropy
from idp.sources import models
from idp.sources.contract import Case, as_json
from idp.storage import Database, Transaction

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Report:
    id: bytes
    version: int
    made_at: int
    passed: bool
    cases: tuple[Case, ...]


def keep(tx: Transaction, source_id: str, version: int, cases: list[Case]) -> bool:
    """The report is kept; returns whether every case passed."""
    passed = all(case.passed for case in cases)
    tx.run(
        models.ADD_REPORT, id=entropy.ordered_id(), source_id=source_id, version=version, made_at=clock.seconds(),
        passed=int(passed), report=as_json(cases),
    )  # fmt: skip
    return passed


def reports_of(database: Database, source_id: str) -> list[Report]:
    """The latest reports of this source, newest first."""
    rows = database.all(models.FIND_REPORTS, source_id=source_id, most=MOST)
    return [
        Report(
            id=bytes(row[0]), version=row[1], made_at=row[2], passed=bool(row[3]),
            cases=tuple(Case(**case) for case in json.loads(row[4])),
        )
        for row in rows
    ]  # fmt: skip
