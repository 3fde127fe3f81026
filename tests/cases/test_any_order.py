"""Whatever order people come in and clerks decide in: nobody becomes two, and no portal loses whom it knew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Assertion, IdentifierType, Name
from idp.cases import CannotBe, Overtaken
from idp.people import Undecided
from idp.people.joining import MERGED
from tests.cases.conftest import BY, NUMBER, Office, numbered
from tests.oidc.residents import assertion
from tests.sessions.rooms import furnished, registered

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
SPELLINGS = ("Nguyễn Thị Mai Anh", "NGUYEN THI MAI ANH", "nguyễn thị mai anh", "Nguyễn T. Mai Anh")
LETTERS = "ABCDEF"
INSURANCE = IdentifierType.INSURANCE_NUMBER


@contextmanager
def fresh_office() -> Iterator[Office]:
    with TemporaryDirectory() as home:
        house = furnished(Path(home), with_keys=False)
        yield Office(house, (registered(house, "tax"), registered(house, "health")))
        house.database.engine.dispose()


def everywhere(number: str) -> list[tuple[str, Assertion]]:
    """One person, as four sources know them: each its own spelling, number and subject."""
    card, insured = (NUMBER, number), (INSURANCE, f"01{number[-8:]}")
    told = {
        "population": (card,), "bank": (card,), "tax": ((IdentifierType.TAX_CODE, number),),
        "insurance": (card, insured),
    }  # fmt: skip
    return [
        (source, replace(numbered(assertion(), *identifiers), issuer=f"http://{source}", subject=number,
                         name=Name(full=spelled)))
        for (source, identifiers), spelled in zip(told.items(), SPELLINGS, strict=True)
    ]  # fmt: skip


@FEW
@given(order=st.permutations(range(8)))
def test_it_does_not_matter_in_which_order_somebodys_sources_are_met(order: list[int]) -> None:
    said = [*everywhere("079192000017"), *everywhere("001192777777")]
    with fresh_office() as office:
        people = {position: office.come(said[position][1], said[position][0], 2) for position in order}
        assert len({people[position] for position in range(4)}) == 1
        assert len({people[position] for position in range(4, 8)}) == 1
        assert people[0] != people[4]
        linked = [len(office.house.joining.links_of(people[position])) for position in (0, 4)]
        assert linked == [4, 4]


@FEW
@given(order=st.permutations(range(4)), again=st.lists(st.integers(0, 3), max_size=8))
def test_to_come_again_changes_nothing(order: list[int], again: list[int]) -> None:
    said = everywhere("079192000017")
    with fresh_office() as office:
        for position in (*order, *order):  # the second time, every source has said what it says
            office.come(said[position][1], said[position][0], 2)
        person_id = office.come(said[order[-1]][1], said[order[-1]][0], 2)
        links = [(link.id, link.rule, link.made_at) for link in office.house.joining.links_of(person_id)]
        for position in again:
            assert office.come(said[position][1], said[position][0], 2) == person_id
        assert [(link.id, link.rule, link.made_at) for link in office.house.joining.links_of(person_id)] == links
        assert len(office.events("person_made")) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["use", "merge", "split", "unlink", "undo"]), st.integers(0, 5), st.integers(0, 5)),
    min_size=3, max_size=12,
)  # fmt: skip


class Play:
    """Citizens who come and go, and clerks who do what the steps say; all that portals were told is remembered."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.told: set[tuple[str, str]] = set()  # sector and sub
        self.changes: list[bytes] = []
        self.people: list[bytes] = []
        self.said = [assertion(subject=letter, name=Name(full=f"Lê Văn {letter}")) for letter in LETTERS]
        for who in range(len(LETTERS)):
            self.people.append(self.use(who, who))

    def use(self, who: int, where: int) -> bytes:
        portal = self.office.portals[where % 2]
        grant = self.office.use(self.said[who], portal, LETTERS[who])
        entitled = self.office.house.grants.entitled(grant.id)
        assert entitled is not None
        self.told.add((portal.sector, entitled.sub))
        return grant.person_id

    def come_all(self) -> None:
        """Who cannot is one whom a clerk has parted from the number that they still say."""
        for who in range(len(LETTERS)):
            with suppress(Undecided):
                self.people[who] = self.office.come(self.said[who], LETTERS[who])

    def merge(self, one: int, other: int) -> None:
        with self.office.house.database.write() as tx:
            change = self.office.house.joining.merge(tx, self.people[one], self.people[other], BY)
        self.changes.append(change)

    def split(self, who: int, where: int) -> None:
        link = self.office.house.joining.links_of(self.people[who])[0].id
        sectors = [portal.sector for portal in self.office.portals[: where % 2]]
        with self.office.house.database.write() as tx:
            change = self.office.house.joining.split(tx, self.people[who], [link], sectors, BY)
        self.changes.append(change)

    def unlink(self, who: int, _: int) -> None:
        link = self.office.house.joining.links_of(self.people[who])[-1].id
        with self.office.house.database.write() as tx:
            change = self.office.house.joining.unlink(tx, self.people[who], link, BY)
        self.changes.append(change)

    def undo(self, _: int, __: int) -> None:
        if self.changes:
            with self.office.house.database.write() as tx:
                self.office.house.joining.undo(tx, self.changes.pop(), BY)


@FEW
@given(steps=STEPS)
def test_whatever_clerks_do_every_sub_leads_to_somebody(steps: list[tuple[str, int, int]]) -> None:
    with fresh_office() as office:
        play = Play(office)
        for what, one, other in steps:
            play.come_all()
            with suppress(CannotBe, Overtaken, Undecided):
                getattr(play, what)(one, other)
        for sector, sub in play.told:
            holder = office.house.people.by_sub(sector, sub)
            assert holder is not None
            person = office.house.people.find(holder)
            assert person is not None
            assert person.status != MERGED


@FEW
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=5))
def test_merges_that_are_undone_backwards_have_never_been(pairs: list[tuple[int, int]]) -> None:
    with fresh_office() as office:
        play = Play(office)
        before = office.state(*play.people)
        for one, other in pairs:
            with suppress(CannotBe):  # of themselves, or of somebody who has gone already
                play.merge(one, other)
        while play.changes:
            play.undo(0, 0)
        assert office.state(*play.people) == before
