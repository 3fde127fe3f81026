"""How well records were linked, held against the truth of an invented country (`docs/matching.md`).

Right is a link to the person whom the record is of. Whoever is in no register, or has died, is to be linked to nobody,
and does not count for the recall. Intervals are Wilson's, of 95 % (E. B. Wilson, 1927).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from idp import entropy
from idp.people.linking import Link

Z = 1.959964  # of 95 %
CLERK_ERRS = 0.01  # of the cases that a clerk decides
WHOLE_IDENTITY = "borrowed_identity"
LOOKED_AT = frozenset({"REVIEW", "CONFLICT"})
LIKELY = 0.5  # a proposal from which on it is likelier than not
_PROPOSED = {
    "sought": "of somebody", "shown": "in `alike`", "first": "proposed first", "among": "proposed",
    "likely_wrong": "another is likely", "nobody": "of nobody", "likely_nobody": "somebody is likely",
}  # fmt: skip
_ASPECTS = ("source", "sex", "age_band", "name_origin")


@dataclass
class Tally:
    """Records of one kind, and what came of them."""

    records: int = 0
    sought: int = 0  # that are of somebody alive in the register
    linked: int = 0
    right: int = 0
    reviewed: int = 0
    right_after_review: int = 0
    linked_after_review: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "records": self.records, "linked": self.linked, "wrong": self.linked - self.right,
            "precision": share(self.right, self.linked), "precision_interval": interval(self.right, self.linked),
            "recall_automatic": share(self.right, self.sought),
            "recall_automatic_interval": interval(self.right, self.sought),
            "recall_after_review": share(self.right_after_review, self.sought),
            "precision_after_review": share(self.right_after_review, self.linked_after_review),
            "review_share": share(self.reviewed, self.records),
        }  # fmt: skip


@dataclass
class Score:
    """Tallies by aspect and its value: ("error", "lost_marks"), ("sex", "female"); ("", "") has all records."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # outcome, rule, whether it was right

    conflicts_linked: int = 0  # links to somebody whose number the record has, and whose name or birth date it has not
    of_whole_identities: Tally = field(default_factory=Tally)

    @property
    def whole(self) -> Tally:
        return self.tallies["", ""]

    @property
    def knowable_precision(self) -> dict[str, Any]:
        """But for records in which everything is another's: no rule can know that, and no clerk."""
        right, linked = self.whole.right, self.whole.linked - self.of_whole_identities.linked
        return {"precision": share(right, linked), "precision_interval": interval(right, linked)}

    def in_order(self) -> list[tuple[tuple[str, str], Tally]]:
        return sorted(self.tallies.items())


def score(links: Iterable[Link], truths: Iterable[dict[str, Any]], dead: frozenset[str], seed: int = 0) -> Score:
    """How well; both in one order. `dead` are the register's names of people who have died.

    A clerk decides what is neither linked nor nobody's: they see the people whom the case shows, know the right one
    among them, or that it is none, and err in one case of a hundred. Raises ValueError where the files do not fit.
    """
    scored, chance = Score(), entropy.Repeatable(seed)
    for link, truth in zip(links, truths, strict=True):
        if link.record != truth["record"]:
            raise ValueError(f"{link.record} and {truth['record']}: the files are of different records")
        person = truth["person"] if truth["person"] not in dead else None
        decided = _clerk(link, person, chance) if link.outcome in LOOKED_AT else link.person
        borrowed = link.person is not None and link.person == truth.get("papers_of")
        scored.conflicts_linked += borrowed and WHOLE_IDENTITY not in truth["errors"]
        if WHOLE_IDENTITY in truth["errors"]:
            _count(scored.of_whole_identities, link, person, decided)
        for aspect in _aspects(truth):
            _count(scored.tallies[aspect], link, person, decided)
        fared = "right" if link.person == person else "missed" if link.person is None else "wrong"
        scored.rules[link.outcome, link.rule, fared] += 1
    return scored


def _clerk(link: Link, person: str | None, chance: entropy.Repeatable) -> str | None:
    """Whom the clerk takes it to be, of those shown; None: nobody."""
    choices: list[str | None] = [*link.alike, None]
    right = person if person in choices else None
    if chance.random() >= CLERK_ERRS:
        return right
    return chance.choice([each for each in choices if each != right] or [None])


def _aspects(truth: dict[str, Any]) -> list[tuple[str, str]]:
    several = [("error", each) for each in truth["errors"] or ["none"]]
    several += [("structure", each) for each in truth["structures"] or ["none"]]
    return [("", ""), *several, *((aspect, str(truth.get(aspect))) for aspect in _ASPECTS)]


def _count(tally: Tally, link: Link, person: str | None, decided: str | None) -> None:
    tally.records += 1
    tally.sought += person is not None
    tally.linked += link.person is not None
    tally.right += person is not None and link.person == person
    tally.reviewed += link.outcome in LOOKED_AT
    tally.right_after_review += person is not None and decided == person
    tally.linked_after_review += decided is not None


def proposals_table(
    proposed: Iterable[tuple[Link, Sequence[tuple[str, float]]]], truths: Iterable[dict[str, Any]]
) -> Iterator[str]:
    """Markdown: for each outcome how often the person is among those proposed, who come with their probability."""
    person_of = {truth["record"]: truth["person"] for truth in truths}
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for link, people in proposed:
        person, names = person_of[link.record], [name for name, _ in people]
        likely = bool(people) and people[0][1] >= LIKELY
        for tally in (counted[link.outcome], counted["all"]):
            if person is None:
                tally.update(nobody=1, likely_nobody=likely)
            else:
                tally.update(sought=1, shown=person in link.alike, first=names[:1] == [person], among=person in names)
                tally.update(likely_wrong=likely and names[:1] != [person])
    yield f"| {' | '.join(('outcome', *_PROPOSED.values()))} |"
    yield f"|{'---|' * (len(_PROPOSED) + 1)}"
    for outcome, tally in sorted(counted.items()):
        yield f"| {outcome} | " + " | ".join(f"{tally[name]:,}" for name in _PROPOSED) + " |"


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def interval(part: int, whole: int) -> tuple[float, float] | None:
    """The lower and upper bound of a share (Wilson's score interval)."""
    if not whole:
        return None
    found, spread = part / whole, Z * Z / whole
    middle = (found + spread / 2) / (1 + spread)
    half = Z * sqrt(found * (1 - found) / whole + spread / (4 * whole)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def figures(scored: Score, records_per_second: float | None = None) -> dict[str, Any]:
    """What is asked of the whole, and under it what came of each kind of record."""
    whole = scored.whole.figures()
    asked = ("precision", "recall_automatic", "recall_after_review", "review_share")
    return {
        **{name: whole[name] for name in asked}, "conflicts_linked": scored.conflicts_linked,
        "records_per_second": records_per_second, "precision_but_for_whole_identities": scored.knowable_precision,
        "whole": whole,
        "kinds": {f"{aspect}: {value}": tally.figures() for (aspect, value), tally in scored.in_order() if aspect},
        "rules": [[*key, number] for key, number in scored.rules.most_common()],
    }  # fmt: skip


def table(scored: Score) -> Iterator[str]:
    """The figures for people, as Markdown."""
    yield "| | records | wrong links | precision (95 %) | recall, automatic | after review | reviewed |"
    yield "|---|---|---|---|---|---|---|"
    for (aspect, value), tally in scored.in_order():
        told = tally.figures()
        bounds = told["precision_interval"]
        between = f" ({bounds[0]:.6f}–{bounds[1]:.6f})" if bounds else ""
        yield (
            f"| {f'{aspect}: {value}' if aspect else 'all'} | {tally.records:,} | {told['wrong']:,} "
            f"| {_worded(told['precision'], 6)}{between} | {_worded(told['recall_automatic'], 4)} "
            f"| {_worded(told['recall_after_review'], 4)} | {_worded(told['review_share'], 4)} |"
        )
    yield ""
    yield f"Conflicts that were linked: {scored.conflicts_linked}."
    yield (
        f"Without records that show another's papers in number, name and birth date ({WHOLE_IDENTITY}): precision "
        f"{_worded(scored.knowable_precision['precision'], 6)} {scored.knowable_precision['precision_interval']}."
    )


def _worded(figure: float | None, places: int) -> str:
    return "–" if figure is None else f"{figure:.{places}f}"
