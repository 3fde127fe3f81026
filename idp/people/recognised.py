"""What comes of a sign-in: whom it belongs to, or that a clerk has to look; and what the population register said."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.registers import Verdict
from idp import errors
from idp.errors import Refused
from idp.people.evidence import Evidence
from idp.people.matching import Decision
from idp.people.person import Person


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Whom a sign-in belongs to, and the rule that said so."""

    person: Person
    outcome: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What came of asking the population register about somebody who signs in; `verdict` None: it did not answer."""

    source_id: str
    verdict: Verdict | None
    number: str | None = None  # about whom it was asked
    asked_at: int  # milliseconds, before it answered: what it reports meanwhile is not settled by that


class Undecided(Refused):
    """Nobody is let in, and a clerk has to look: whom the rules found, and what was said by which subject."""

    def __init__(self, decision: Decision, said: Evidence, subject_index: bytes) -> None:
        super().__init__(errors.PERSON_CONFLICT, decision.rule)
        self.decision = decision
        self.said = said
        self.subject_index = subject_index
