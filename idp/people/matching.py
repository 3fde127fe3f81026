"""Who is this? Rules only, each with a name: MATCH, NEW, REVIEW or CONFLICT. Nothing that merely looks alike is linked.

Whoever was linked to the source's subject stays who they are, as long as what the source says can be of them. Anybody
else is sought by numbers, by name and birth date, and by phone; what each person found amounts to, `rules` says, and
here it is put together. Only a source that proofed the person (`person.PROVEN`) is believed a number; with a weaker one
somebody is whoever its own subject was before, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from idp import errors
from idp.errors import Failure
from idp.people.evidence import Evidence
from idp.people.person import PROVEN
from idp.people.rules import Finding, Outcome, disagreement_of_linked, has_number_of, is_enough_alone, judge, looks_like

# Proofed in person by who certified number and name together (a certificate holds no birth date): these two suffice.
CERTIFIED = 3
MOST_BY_ONE_KEY = 50  # people; a key that more share tells nothing
_FAILURES = {
    Outcome.INCOMPLETE: errors.PERSON_INCOMPLETE,
    Outcome.REVIEW: errors.PERSON_CONFLICT,
    Outcome.CONFLICT: errors.PERSON_CONFLICT,
    Outcome.BARRED: errors.PERSON_BARRED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Somebody known who may be meant; `id` is whatever the caller knows them by."""

    id: Any
    evidence: Evidence
    status: str = "active"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Whose sign-in this is, and the rule that said so; `alike` are all whom a clerk has to look at, in no order."""

    outcome: Outcome
    rule: str
    id: Any = None
    alike: tuple[Any, ...] = ()

    @property
    def failure(self) -> Failure | None:
        return _FAILURES.get(self.outcome)


def decide(
    said: Evidence, proofing: int, linked: Candidate | None, candidates: Iterable[Candidate], *, complete: bool = False
) -> Decision:
    """Whose sign-in this is; the same in whatever order the candidates come, who are each there once.

    `linked` is whom the source's subject was linked to before; `candidates` all who have one of the keys of what is
    said, and are not looked at where the source has not proofed the person. `complete`: nobody is there but these.
    """
    lack = _lack(said)
    if lack is not None:
        return Decision(outcome=Outcome.INCOMPLETE, rule=lack)
    others = list(candidates) if proofing >= PROVEN else []
    if len(said.numbers) > 1:
        return _conflict("two-numbers", [each for each in others if has_number_of(said, each.evidence)])
    if linked is not None:
        return _as_linked(said, linked, others)
    if proofing < PROVEN:
        return Decision(outcome=Outcome.NEW, rule="subject-alone")
    return _sought(said, others, has_birth_date=bool(said.births) or proofing >= CERTIFIED, complete=complete)


def as_added(
    decision: Decision, said: Evidence, proofing: int, adds_to: Any, linked_id: Any, found: Candidate | None
) -> Decision:
    """What is decided where `adds_to` says that a source's subject is they: never more than without that."""
    if linked_id is not None:
        if linked_id == adds_to:
            return decision
        return Decision(outcome=Outcome.CONFLICT, rule="subject-is-anothers", alike=(linked_id, adds_to))
    if found is None or proofing < PROVEN or decision.failure is not None:
        return decision
    # A namesake's account is not to be added at a screen that was left.
    if has_number_of(said, found.evidence) or not said.own.isdisjoint(found.evidence.own):
        return decision
    return Decision(outcome=Outcome.REVIEW, rule="added-without-number", alike=(found.id,))


def _sought(said: Evidence, others: list[Candidate], *, has_birth_date: bool, complete: bool) -> Decision:
    found = [(each, finding) for each in others if (finding := judge(said, each.evidence)) is not None]
    if not has_birth_date:  # nobody is linked unseen
        if not found:
            return Decision(outcome=Outcome.INCOMPLETE, rule="no-birth-date")
        found = [(each, _looked_at(finding)) for each, finding in found]
    decision = _found(said, found, complete=complete)
    if decision.outcome is not Outcome.CONFLICT:
        return decision
    # Whoever brought another's number may be known as well: the clerk is to see them too.
    alike = [each.id for each in others if each.id not in decision.alike and looks_like(said, each.evidence)]
    return replace(decision, alike=(*decision.alike, *alike))


def _lack(said: Evidence) -> str | None:
    """The name of the rule by which there is too little to go by, or None."""
    if not said.names:
        return "no-name"
    if said.malformed and not said.numbers:
        return "number-malformed"
    return None


def _as_linked(said: Evidence, linked: Candidate, candidates: list[Candidate]) -> Decision:
    others = [each for each in candidates if each.id != linked.id]
    numbered = [each for each in others if has_number_of(said, each.evidence)]
    if numbered and not any(number in linked.evidence.numbers for number in said.numbers):
        return _conflict("link-and-number-are-two-people", [linked, *numbered])
    holders = [each for each in others if not (said.own - linked.evidence.own).isdisjoint(each.evidence.own)]
    if holders:
        return _conflict("link-and-other-number-are-two-people", [linked, *holders])
    disagreement = disagreement_of_linked(said, linked.evidence)
    if disagreement is not None:
        return _conflict(disagreement, [linked])
    return _barred(linked) or Decision(outcome=Outcome.MATCH, rule="link", id=linked.id)


def _found(said: Evidence, found: list[tuple[Candidate, Finding]], *, complete: bool) -> Decision:
    """What all who were found amount to: who has the number decides alone; otherwise nobody may stand against it."""
    numbered = [pair for pair in found if has_number_of(said, pair[0].evidence)]
    holders = [pair for pair in numbered if said.numbers[0] in pair[0].evidence.numbers]
    found = holders or numbered or found  # of a number given up, too, whoever has it now comes first
    if complete and len(found) == 1 and is_enough_alone(said, found[0][0].evidence, found[0][1]):
        found = [(found[0][0], replace(found[0][1], outcome=Outcome.MATCH))]
    matched = [pair for pair in found if pair[1].outcome is Outcome.MATCH]
    for outcome in (Outcome.CONFLICT, *(() if matched else (Outcome.REVIEW,))):
        alike = [pair for pair in found if pair[1].outcome is outcome]
        if alike:
            rule = min(finding.rule for _, finding in alike)
            return Decision(outcome=outcome, rule=rule, alike=tuple(each.id for each, _ in alike))
    if len(matched) > 1:
        return _conflict("two-people", [each for each, _ in matched])
    if matched:
        person, finding = matched[0]
        return _barred(person) or Decision(outcome=Outcome.MATCH, rule=finding.rule, id=person.id)
    if not said.numbers:
        return Decision(outcome=Outcome.INCOMPLETE, rule="no-number")
    return Decision(outcome=Outcome.NEW, rule="number-unknown")


def _looked_at(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.REVIEW) if finding.outcome is Outcome.MATCH else finding


def _conflict(rule: str, alike: list[Candidate]) -> Decision:
    return Decision(outcome=Outcome.CONFLICT, rule=rule, alike=tuple(each.id for each in alike))


def _barred(person: Candidate) -> Decision | None:
    if person.status == "active":
        return None
    return Decision(outcome=Outcome.BARRED, rule=f"status-{person.status}", alike=(person.id,))
