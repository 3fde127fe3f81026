"""A population register as a test plays it: a party in a test's own words, behind the contract and not behind a wire.

What it speaks over the wire is tested with its connector and its sandbox; here it only has to have the roles.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from connectors import KINDS
from connectors.base import BirthDate, Context, Failed, Failure, Identifier, IdentifierType, Kind, Name, OutboundError
from connectors.registers import Agreement, Change, Changes, ChangeType, Pivot, Verdict
from idp.house import House
from idp.sources import SourceDraft
from tests.world import add_source

REGISTER = "register"
ENDLESS = "endless"


class _Nothing(BaseModel):
    name: str


@dataclass
class Entry:
    """What the register has of somebody."""

    name: str
    alive: bool = True
    rectified: Pivot | None = None
    aliases: tuple[Identifier, ...] = ()


@dataclass
class Register:
    people: dict[str, Entry] = field(default_factory=dict)
    everybody: bool = False  # it knows whoever it is asked about
    failure: Failure | None = None  # it answers with this
    gone: bool = False  # nobody answers
    slow_seconds: float = 0
    asked: list[Pivot] = field(default_factory=list)
    asked_after: list[str] = field(default_factory=list)
    pages: dict[str, Changes] = field(default_factory=dict)

    def verify(self, context: Context, pivot: Pivot) -> Verdict | Failed:
        self.asked.append(pivot)
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        found = self.people.get(pivot.identifier.value)
        if found is None and self.everybody:
            found = Entry(pivot.name.full)
        if found is None:
            return self._says(Agreement.UNKNOWN, None)
        if found.name != pivot.name.full:
            return self._says(Agreement.DIFFERS, found.alive)
        return self._says(Agreement.AGREES, found.alive, rectified=found.rectified, aliases=found.aliases)

    def changes(self, context: Context, after: str) -> Changes | Failed:
        self.asked_after.append(after)
        return self._trouble() or self.pages.get(after) or Changes(changes=(), next=after, more=False)

    def report(self, *changes: Change, after: str = "", next_cursor: str = "", more: bool = False) -> None:
        """From now on this page follows the cursor."""
        self.pages[after] = Changes(changes=changes, next=next_cursor or f"{after}.", more=more)

    def _trouble(self) -> Failed | None:
        time.sleep(self.slow_seconds)
        if self.gone:
            raise OutboundError(Failure.TIMED_OUT, "nobody answers")
        return None if self.failure is None else Failed(failure=self.failure, detail="as told")

    def _says(self, agreement: Agreement, alive: bool | None, **more: Any) -> Verdict:
        evidence = hashlib.sha256(agreement.value.encode()).digest()
        return Verdict(agreement=agreement, alive=alive, at=datetime.now(UTC), evidence=evidence, **more)


@contextmanager
def registered(house: House, register: Register, source_id: str = REGISTER) -> Iterator[Register]:
    """The register is a source of this provider, and of every other one on its database, until the block ends."""
    kind = f"test_{source_id}"
    KINDS[kind] = Kind(name=kind, configuration=_Nothing, connector=lambda _: register, ceiling=4)
    draft = SourceDraft(
        id=source_id,
        kind=kind,
        name_vi="Dân cư",
        name_en="Register",
        ceiling=4,
        configuration={"name": "x"},
        secrets={},
    )
    try:
        add_source(house, draft)
        yield register
    finally:
        with house.database.write() as tx:
            house.sources.set_enabled(tx, source_id, False)
        del KINDS[kind]


def happened(kind: ChangeType, number: str, *, new: str | None = None, at: float | None = None) -> Change:
    return Change(type=kind, personal_number=number, at=datetime.fromtimestamp(at or time.time(), UTC), new_number=new)


def details(number: str, name: str, year: int = 1992) -> Pivot:
    identifier = Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number)
    born = BirthDate(year=year, month=8, day=5, as_sent=f"05/08/{year}")
    return Pivot(identifier=identifier, name=Name(full=name), birth_date=born)
