"""What the register has on file, and what has happened to it: deaths, corrections, new numbers."""

from __future__ import annotations

import threading
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import register_record, without_marks
from connectors.sandbox.population import Population

ChangeKind = Literal["death", "correction", "renumbering"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One person. `family` and `middle` are empty where the whole name stands in `given`."""

    citizen: Citizen
    number: str
    family: str
    middle: str
    given: str
    birth: tuple[int, int | None, int | None]
    deceased: bool
    former_number: str | None
    old_numbers: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.family, self.middle, self.given) if part)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of the feed; `place` is its number in it, from 1."""

    place: int
    kind: ChangeKind
    number: str
    at: datetime
    new_number: str | None = None


class ChangeOrder(BaseModel):
    """What a test, or whoever shows the demo, wants to have happened. `citizen` is a personal number or an index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ChangeKind
    citizen: str | int
    new_number: str | None = Field(None, pattern="^[0-9]{12}$")  # of a renumbering
    name: str | None = None  # of a correction: family|middle|given
    birth_date: str | None = Field(None, pattern="^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$")  # likewise


def alike(name: str) -> str:
    """What of a name is compared: portals send it in capitals, or without its marks."""
    return " ".join(without_marks(unicodedata.normalize("NFC", name).replace("Ð", "D")).upper().split())


class Records:
    """The register's file; shared by all threads."""

    def __init__(self, population: Population, seed: int) -> None:
        self._population = population
        self._seed = seed
        self._lock = threading.Lock()
        self._changed: dict[str, Record] = {}  # by the number that the citizen was born with
        self._born_with: dict[str, str] = {}  # that number, by every other one given since
        self._by_former: dict[str, list[str]] = defaultdict(list)
        for citizen in population:
            if citizen.former_number is not None:
                self._by_former[citizen.former_number].append(citizen.personal_number)
        self._feed: list[Change] = []

    def find(self, number: str) -> Record | None:
        """Whoever has or had this personal number."""
        citizen = self._population.find(self._born_with.get(number, number)) if len(number) == 12 else None
        if citizen is None or not citizen.in_register:
            return None
        return self._changed.get(citizen.personal_number) or self._as_born(citizen)

    def find_former(self, former_number: str) -> list[Record]:
        """Everybody who had this identity card number: two people can share one."""
        found = (self.find(number) for number in self._by_former.get(former_number, ()))
        return [record for record in found if record is not None]

    def _as_born(self, citizen: Citizen) -> Record:
        held = register_record(citizen, seed=self._seed)
        return Record(
            citizen=citizen,
            number=citizen.personal_number,
            family=held.family,
            middle=held.middle,
            given=held.given,
            birth=(citizen.birth_year, citizen.birth_month, citizen.birth_day),
            deceased=citizen.deceased,
            former_number=citizen.former_number,
        )

    def change(self, order: ChangeOrder) -> Change:
        """The change has happened and stands in the feed; raises ValueError for one that cannot."""
        citizen = self._population.find(str(order.citizen))
        record = self.find(citizen.personal_number) if citizen is not None else self.find(str(order.citizen))
        if record is None:
            raise ValueError("there is no such citizen in the register")
        if (order.type == "renumbering") != (order.new_number is not None):
            raise ValueError("a renumbering, and only that, has a new_number")
        if (order.type == "correction") != (order.name is not None or order.birth_date is not None):
            raise ValueError("a correction, and only that, has a name or a birth_date")
        if order.new_number is not None and self.find(order.new_number) is not None:
            raise ValueError("somebody has this number")
        after = _corrected(record, order)
        with self._lock:
            born_with = record.citizen.personal_number
            self._changed[born_with] = after
            if order.new_number is not None:
                self._born_with[order.new_number] = born_with
            change = Change(
                place=len(self._feed) + 1,
                kind=order.type,
                number=record.number,
                at=datetime.now(UTC),
                new_number=order.new_number,
            )
            self._feed.append(change)
        return change

    def forget(self) -> int:
        """Nothing has happened; how many changes that undoes."""
        with self._lock:
            count = len(self._feed)
            self._feed, self._changed, self._born_with = [], {}, {}
        return count

    def feed(self, after: int, limit: int) -> tuple[list[Change], bool]:
        """The changes after this place, and whether there are more."""
        with self._lock:
            page = self._feed[after : after + limit]
            return page, after + limit < len(self._feed)


def _corrected(record: Record, order: ChangeOrder) -> Record:
    if order.type == "death":
        return replace(record, deceased=True)
    if order.new_number is not None:
        return replace(record, number=order.new_number, old_numbers=(*record.old_numbers, record.number))
    if order.name is not None:
        family, middle, given = (f"||{order.name}" if "|" not in order.name else order.name).split("|")
        record = replace(record, family=family, middle=middle, given=given)
    if order.birth_date is not None:
        day = datetime.strptime(order.birth_date, "%Y-%m-%d" if "-" in order.birth_date else "%Y").replace(tzinfo=UTC)
        whole = "-" in order.birth_date
        record = replace(record, birth=(day.year, day.month if whole else None, day.day if whole else None))
    return record
