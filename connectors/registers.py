"""What a source may do beside signing people in; each role is found by `isinstance`, as the ones in `base` are.

    verify(context, Pivot) -> Verdict | Failed            the population register: exists, alive, agrees
    changes(context, after) -> Changes | Failed           its feed: deaths, corrections, renumberings
    organisations(context, number) -> tuple | Failed      the business register: whom this person may act for

A register may raise `OutboundError`, and answers with `Failed` for whatever else is its fault; somebody whom it does
not know is an answer, not a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connectors.base import BirthDate, Context, Failed, Identifier, Name, Organisation

VIET_NAM = timezone(timedelta(hours=7))  # whose days registers mean


@dataclass(frozen=True, kw_only=True)
class Pivot:
    """Who is meant: a number (current or former) with the name and birth date that are said to belong to it."""

    identifier: Identifier
    name: Name
    birth_date: BirthDate | None


class Agreement(StrEnum):
    AGREES = "agrees"
    DIFFERS = "differs"  # the number exists, and name or birth date are somebody else's
    UNKNOWN = "unknown"  # nobody has this number


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the register says of a pivot. `alive` is None where it does not tell.

    `rectified` are the person's details as the register has them now, where it says that ours are older; `aliases` are
    numbers that were or are this person's.
    """

    agreement: Agreement
    alive: bool | None
    at: datetime
    evidence: bytes  # SHA-256 of the answer
    rectified: Pivot | None = None
    aliases: tuple[Identifier, ...] = ()


@runtime_checkable
class Verifier(Protocol):
    def verify(self, context: Context, pivot: Pivot) -> Verdict | Failed:
        """Whether the register knows this person by these details."""
        ...


class ChangeType(StrEnum):
    DEATH = "death"
    CORRECTION = "correction"  # name, birth date or sex were corrected: ask again
    RENUMBERING = "renumbering"  # `personal_number` gave way to `new_number`


@dataclass(frozen=True, kw_only=True)
class Change:
    type: ChangeType
    personal_number: str
    at: datetime
    new_number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """One page of the feed, oldest first; `next` is what to ask after next time, `more` whether there is more now."""

    changes: tuple[Change, ...]
    next: str
    more: bool


@runtime_checkable
class ReportsChanges(Protocol):
    def changes(self, context: Context, after: str) -> Changes | Failed:
        """What happened after the cursor; "" is the beginning. Asking twice with one cursor is harmless."""
        ...


@runtime_checkable
class KnowsOrganisations(Protocol):
    def organisations(self, context: Context, personal_number: str) -> tuple[Organisation, ...] | Failed:
        """Every organisation that the holder of this number may act for today."""
        ...
