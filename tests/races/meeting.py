"""Two processes that meet one person at one moment, each by what another source says, round after round."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name
from idp.errors import Refused
from idp.house import build
from idp.settings import load
from tests.races.provider import patiently, said
from tests.storage.places import LONGEST_WAIT_SECONDS

SOURCES = ("bank", "tax")  # the one that each of the two processes hears
BIRTHDAYS = 336  # that `said` gives; after so many the next year's begin
NAME = "Nguyễn Thị Mai Anh"

Form = tuple[IdentifierType, str]  # of a number, to be filled with the round's own digits


@dataclass(frozen=True, kw_only=True)
class Words:
    """What one source says of a round's person."""

    numbers: tuple[Form, ...] = ()
    name: str = NAME
    year_alone: bool = False  # of the birth date
    phone: bool = False

    def identifiers(self, person: int) -> tuple[Identifier, ...]:
        return tuple(Identifier(type=kind, value=form.format(person)) for kind, form in self.numbers)

    def of(self, person: int, source: str) -> Assertion:
        born = BirthDate(
            year=1970 + person // BIRTHDAYS, month=None if self.year_alone else 1 + person // 28 % 12,
            day=None if self.year_alone else 1 + person % 28, as_sent="as sent",
        )  # fmt: skip
        return said(
            person, issuer=f"http://{source}.localhost", subject=f"{person} at {source}", name=Name(full=self.name),
            birth_date=born, identifiers=self.identifiers(person), phone=f"+8491{person:07}" if self.phone else None,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Round:
    """One person, as a number that fills every form, and what the two sources say of them."""

    kind: str
    person: int
    words: tuple[Words, Words]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Who it was for one of the two, or the rule by which nobody; times are of the machine, in nanoseconds."""

    person_id: bytes | None
    rule: str
    began_at: int
    ended_at: int


def race(settings: dict[str, Any], rounds: Sequence[Round]) -> list[tuple[Ended, Ended]]:
    """What each round ended with for each of two processes, which are let go together for every one."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, _meet, (context.Barrier(2),)) as processes:
        first, second = processes.starmap(_take_part, [(side, settings, rounds) for side in (0, 1)], chunksize=1)
    return list(zip(first, second, strict=True))


_meeting: list[Barrier] = []  # where this process waits for the other: a barrier can be inherited, and not be sent


def _meet(barrier: Barrier) -> None:
    _meeting.append(barrier)


def _take_part(side: int, settings: dict[str, Any], rounds: Sequence[Round]) -> list[Ended]:
    house, (meeting,) = build(load(**settings)), _meeting
    house.database.check()
    ended = []
    for each in rounds:
        assertion = each.words[side].of(each.person, SOURCES[side])
        meeting.wait(LONGEST_WAIT_SECONDS)
        began_at = time.monotonic_ns()
        try:
            person_id, rule = patiently(house, assertion, SOURCES[side]).person_id, ""
        except Refused as problem:
            person_id, rule = None, problem.detail
        ended.append(Ended(person_id=person_id, rule=rule, began_at=began_at, ended_at=time.monotonic_ns()))
    house.database.engine.dispose()
    return ended
