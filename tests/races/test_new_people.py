"""Two processes that recognise one person at the same moment, through two sources: one person, however they are named.

Each kind of a round is a way in which the rules find that both sources mean one (docs/matching.md), so that the race is
about every kind of key. Two at once must end as one after the other would have.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from sqlalchemy import bindparam, select

from connectors.base import IdentifierType
from idp import seal
from idp.house import House, build
from idp.people import evidence
from idp.people.models import KeyRow, LinkRow, PersonRow
from idp.settings import load
from tests.races.meeting import SOURCES, Ended, Form, Round, Words, race
from tests.races.provider import patiently
from tests.storage.places import empty_database

pytestmark = pytest.mark.both_engines
ROUNDS, ROUNDS_OF_TWO = 500, 120
KNEW_BEFORE = "population"  # the source by which somebody was known before the two came

DIGITS = "079092{:06}"
NUMBER: Form = (IdentifierType.PERSONAL_NUMBER, DIGITS)
SLIP: Form = (IdentifierType.PERSONAL_NUMBER, "079093{:06}")  # of the hand: one digit is another
OTHER: Form = (IdentifierType.PERSONAL_NUMBER, "001185{:06}")
CODE: Form = (IdentifierType.TAX_CODE, DIGITS)
INSURED: Form = (IdentifierType.INSURANCE_NUMBER, DIGITS)
OLD_CARD: Form = (IdentifierType.FORMER_NUMBER, DIGITS)
FORMER: Form = (IdentifierType.FORMER_NUMBER, "02{:07}")
INSURANCE: Form = (IdentifierType.INSURANCE_NUMBER, "79{:08}")
HEALTH_CARD: Form = (IdentifierType.HEALTH_CARD, "GD47979{:08}")
PASSPORT: Form = (IdentifierType.PASSPORT, "B{:07}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the two sources say of one person, and what a third one said of them before."""

    said: tuple[Words, Words]
    known: Words | None = None
    known_at: str = KNEW_BEFORE
    refused: frozenset[str] = frozenset()  # the rules by which one of the two is, whichever it is
    both_may_enter: bool = False


def words(*numbers: Form, **changes: object) -> Words:
    return Words(numbers=numbers, **changes)  # type: ignore[arg-type]


ONE_PERSON: Mapping[str, Kind] = {
    "number": Kind(said=(words(NUMBER), words(NUMBER))),
    "number, and it as a tax code": Kind(said=(words(NUMBER), words(CODE))),
    "number as a tax code": Kind(said=(words(CODE), words(CODE))),
    "number as an insurance number and as a tax code": Kind(said=(words(INSURED), words(CODE))),
    "number of an old card": Kind(said=(words(NUMBER), words(OLD_CARD))),
    "name without marks": Kind(said=(words(NUMBER), words(NUMBER, name="NGUYEN THI MAI ANH"))),
    "middle names shortened": Kind(said=(words(NUMBER), words(CODE, name="Nguyễn T. M. Anh"))),
    "year of birth alone": Kind(said=(words(NUMBER), words(NUMBER, year_alone=True))),
    "former number beside": Kind(said=(words(NUMBER), words(NUMBER, FORMER))),
    "insurance number beside": Kind(said=(words(NUMBER, INSURANCE), words(CODE, HEALTH_CARD))),
    "known by insurance number": Kind(
        known=words(NUMBER, INSURANCE), said=(words(INSURANCE, PASSPORT), words(HEALTH_CARD, FORMER))
    ),
    "known by passport and number": Kind(known=words(NUMBER, PASSPORT), said=(words(PASSPORT), words(CODE, INSURANCE))),
    "known by former number": Kind(known=words(NUMBER, FORMER), said=(words(FORMER), words(FORMER, PASSPORT))),
    "known by phone and number": Kind(known=words(NUMBER, phone=True), said=(words(phone=True), words(CODE))),
    "known by tax code": Kind(known=words(CODE), said=(words(NUMBER), words(NUMBER, INSURANCE))),
}
# Whoever comes second is no match, or may be none: then a clerk has to look, and nobody is let in.
ONE_OF_TWO: Mapping[str, Kind] = {
    "another name": Kind(said=(words(CODE), words(CODE, name="Lê Văn Tám")), refused=frozenset({"name-differs"})),
    "a slip of the hand": Kind(said=(words(NUMBER), words(SLIP)), refused=frozenset({"number-mistyped"})),
    "another number": Kind(
        said=(words(NUMBER, INSURANCE), words(OTHER, INSURANCE)), refused=frozenset({"other-number-name-birth"})
    ),
    "another number and name": Kind(
        said=(words(NUMBER, PASSPORT), words(OTHER, PASSPORT, name="Lê Văn Tám")),
        refused=frozenset({"other-number-of-another"}),
    ),
    "a number that somebody linked has not told before": Kind(
        known=words(NUMBER), known_at=SOURCES[0], said=(words(NUMBER, INSURANCE), words(OTHER, INSURANCE)),
        refused=frozenset({"link-and-other-number-are-two-people", "other-number-name-birth"}),
    ),
    "no number that makes somebody known": Kind(
        said=(words(NUMBER, INSURANCE), words(INSURANCE)), refused=frozenset({"no-number"}), both_may_enter=True
    ),
}  # fmt: skip
KINDS = ONE_PERSON | ONE_OF_TWO


@dataclass(frozen=True)
class Raced:
    house: House
    known: set[bytes]  # before the first round
    ended: dict[Round, tuple[Ended, Ended]]

    def of(self, kinds: Mapping[str, Kind]) -> dict[Round, tuple[Ended, Ended]]:
        return {each: both for each, both in self.ended.items() if each.kind in kinds}


@pytest.fixture(scope="module")
def raced(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raced]:
    """All rounds are over; the rooms are a third process's over the same database."""
    folder = tmp_path_factory.mktemp(f"races-on-{engine}")
    seal.add_master_key(str(folder / "keys"))
    with empty_database(engine, folder) as url:
        settings = {"mode": "test", "database_url": url, "master_keys_file": str(folder / "keys")}
        house = build(load(**settings))
        rounds = [*rounds_of(ONE_PERSON, ROUNDS, first=1), *rounds_of(ONE_OF_TWO, ROUNDS_OF_TWO, first=ROUNDS + 1)]
        known = {person_id for each in rounds for person_id in known_before(house, each)}
        yield Raced(house, known, dict(zip(rounds, race(settings, rounds), strict=True)))
        house.database.engine.dispose()


def rounds_of(kinds: Mapping[str, Kind], number: int, *, first: int) -> list[Round]:
    return [
        Round(kind=kind, person=person, words=kinds[kind].said)
        for person, kind in zip(range(first, first + number), itertools.cycle(kinds), strict=False)
    ]


def known_before(house: House, each: Round) -> Iterator[bytes]:
    kind = KINDS[each.kind]
    if kind.known is not None:
        yield patiently(house, kind.known.of(each.person, kind.known_at), kind.known_at).person_id


def links(house: House) -> dict[bytes, list[str]]:
    """The sources at which each person is known, as often as they are."""
    found = defaultdict(list)
    for person_id, source_id in house.database.all(select(LinkRow.person_id, LinkRow.source_id)):
        found[bytes(person_id)].append(source_id)
    return {person_id: sorted(sources) for person_id, sources in found.items()}


def whoever_has(house: House, form: Form, person: int) -> set[bytes]:
    """All who are found by this number, whatever kind it was told as."""
    statement = select(KeyRow.person_id).where(KeyRow.key_index == bindparam("key"))
    index = house.sealer.index("people.number", form[1].format(person))
    return {bytes(row[0]) for row in house.database.all(statement, key=index)}


def test_500_times_one_new_person_whom_two_processes_meet_is_one_with_two_links(raced: Raced) -> None:
    house, known_at = raced.house, links(raced.house)
    made = Counter(event["person_id"] for event in house.audit.export() if event["event"] == "person_made")
    rounds = raced.of(ONE_PERSON)
    assert len(rounds) == ROUNDS
    for each, (first, second) in rounds.items():
        assert first.person_id is not None and first.person_id == second.person_id, (each, first.rule, second.rule)
        assert whoever_has(house, NUMBER, each.person) == {first.person_id}, each
        before = [] if KINDS[each.kind].known is None else [KNEW_BEFORE]
        assert known_at[first.person_id] == sorted([*SOURCES, *before]), each
        assert made[first.person_id.hex()] == 1, each


def test_nobody_is_known_whom_nobody_was_let_in_as(raced: Raced) -> None:
    let_in = {ended.person_id for both in raced.ended.values() for ended in both if ended.person_id is not None}
    assert {bytes(row[0]) for row in raced.house.database.all(select(PersonRow.id))} == let_in | raced.known


def test_what_either_source_said_at_that_moment_is_kept(raced: Raced) -> None:
    for each, (ended, _) in raced.of(ONE_PERSON).items():
        assert ended.person_id is not None
        person = raced.house.people.find(ended.person_id)
        assert person is not None
        known = set(evidence.of_person(person).keys)
        for source, words in zip(SOURCES, each.words, strict=True):
            said = evidence.of_assertion(words.of(each.person, source))
            assert {*said.own, *said.shared, *(f"personal_number:{number}" for number in said.numbers)} <= known, each


def test_of_two_who_cannot_both_be_let_in_at_one_moment_both_are_not(raced: Raced) -> None:
    for each, both in raced.of(ONE_OF_TWO).items():
        kind, refused = KINDS[each.kind], {ended.rule for ended in both if ended.person_id is None}
        assert len({ended.person_id for ended in both} - {None}) == 1, each
        assert len(refused) == 1 or kind.both_may_enter, each
        assert refused <= kind.refused, each


def test_the_two_are_at_it_at_the_same_time(raced: Raced) -> None:
    """Otherwise nothing above would be a race."""
    at_once = [
        each
        for each, (one, other) in raced.ended.items()
        if one.began_at < other.ended_at and other.began_at < one.ended_at
    ]
    assert len(at_once) > (ROUNDS + ROUNDS_OF_TWO) / 2
    assert {each.kind for each in at_once} == set(KINDS)
