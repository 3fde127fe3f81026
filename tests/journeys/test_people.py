"""Who is this? Rules, never likeness: one person stays one, and nobody becomes somebody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import bank_record
from connectors.sandbox.population import DEFAULT_SEED, Population
from tests.journeys.conftest import NewPortal
from tests.journeys.reading import CarefulBrowser, code_on, events, refusals, says, session_of, ways_on, words
from tests.world import CITIZENS, Page, Portal, World


def come(country: World, portal: Portal, source: str, citizen: Citizen) -> Page:
    """Sign in from a browser of one's own; where one ends up."""
    browser = CarefulBrowser(country.issuer)
    return browser.at_source(browser.to_source(portal.ask(), portal, source), portal, citizen=citizen.personal_number)


def whole_way(country: World, portal: Portal, source: str, citizen: Citizen) -> str:
    """The sub, after a whole sign-in from a browser of one's own."""
    browser = CarefulBrowser(country.issuer)
    sub: str = country.sign_in(browser, portal, source=source, citizen=citizen.personal_number).claims["sub"]
    return sub


def with_bank_error(error: str) -> Iterator[Citizen]:
    """Citizens whom the bank has on file with this error and no other."""
    people = Population(DEFAULT_SEED, CITIZENS)
    for citizen in people:
        record = bank_record(citizen, seed=DEFAULT_SEED, source="bank", strangers_number=CAST[0].personal_number)
        well = citizen.in_register and citizen.account_level == 2 and not (citizen.locked or citizen.deceased)
        if well and citizen.index >= len(CAST) and record.errors == (error,):
            yield citizen


@pytest.mark.parametrize("error", ["upper_case", "lost_marks", "other_tone_place", "eth_for_d"])
@pytest.mark.parametrize("first, second", [("bank", "population"), ("population", "bank")])
def test_a_name_that_a_bank_spells_its_own_way_is_the_same_persons(
    country: World, portal: Portal, error: str, first: str, second: str
) -> None:
    people = list(with_bank_error(error))
    citizen = people[0] if first == "bank" else people[-1]
    assert whole_way(country, portal, first, citizen) == whole_way(country, portal, second, citizen)


def test_the_registers_spelling_stays_whatever_a_bank_makes_of_it(country: World, portal: Portal) -> None:
    citizen = CAST[Part.LOST_MARKS]
    whole_way(country, portal, "population", citizen)
    browser = CarefulBrowser(country.issuer)
    tokens = country.sign_in(browser, portal, source="bank", citizen=citizen.personal_number)
    assert tokens.userinfo["name"] == citizen.full_name


@pytest.mark.parametrize("source", ["population", "bank"])
def test_a_birth_date_of_which_only_the_year_is_known_stays_the_year(
    country: World, new_portal: NewPortal, source: str
) -> None:
    portal = new_portal(scopes=["openid", "profile", "vnconnect"])
    citizen = CAST[Part.YEAR_ONLY]
    tokens = country.sign_in(
        CarefulBrowser(country.issuer), portal, source=source, citizen=citizen.personal_number,
        scope="openid profile vnconnect",
    )  # fmt: skip
    assert tokens.userinfo["birthdate"] == "1952"
    assert tokens.userinfo["NgayThangNamSinh"] == "1952"


def test_a_name_of_one_word_is_a_name(country: World, portal: Portal) -> None:
    tokens = country.sign_in(
        CarefulBrowser(country.issuer), portal, citizen=CAST[Part.ONE_WORD].personal_number
    )  # fmt: skip
    assert tokens.userinfo["name"] == "H'Blin" and "family_name" not in tokens.userinfo


@pytest.mark.parametrize("source", ["population", "bank"])
def test_a_locked_account_is_told_kindly_with_a_way_on(country: World, portal: Portal, source: str) -> None:
    page = come(country, portal, source, CAST[Part.LOCKED])
    assert (page.status, code_on(page)) == (403, "S02")
    assert refusals(country, portal) == [("S02", source)]
    assert len(ways_on(page)) == 2


def test_a_death_is_told_to_nobody(country: World, portal: Portal) -> None:
    page = come(country, portal, "population", CAST[Part.DECEASED])
    assert page.status == 403 and code_on(page) is None
    assert says("error.P01.title") in words(page), "the same words as for any other reason"
    assert refusals(country, portal) == [("S03", "population")]


def test_a_former_number_alone_is_too_little(country: World, portal: Portal) -> None:
    """Two people can share a number of nine digits."""
    page = come(country, portal, "bank", CAST[Part.FORMER_NUMBER])
    assert (page.status, code_on(page)) == (403, "P02")
    assert refusals(country, portal) == [("P02", "bank")]
    assert len(ways_on(page)) == 2


def test_whoever_is_in_no_register_signs_in_by_a_bank(country: World, portal: Portal) -> None:
    assert whole_way(country, portal, "bank", CAST[Part.NOT_IN_REGISTER])


def conflict(country: World, portal: Portal) -> Page:
    whole_way(country, portal, "population", CAST[Part.ORDINARY_FOURTH])
    return come(country, portal, "bank", CAST[Part.WRONG_NUMBER])


def test_a_bank_that_holds_somebody_elses_number_signs_in_neither(country: World, portal: Portal) -> None:
    page = conflict(country, portal)
    assert page.status == 403 and code_on(page) is None
    assert refusals(country, portal) == [("P01", "bank")]
    assert len(ways_on(page)) == 2, "try another way, or go back"


def test_a_conflict_tells_nothing_of_either_person(country: World, portal: Portal) -> None:
    page = conflict(country, portal)
    for citizen in (CAST[Part.ORDINARY_FOURTH], CAST[Part.WRONG_NUMBER]):
        for detail in (citizen.full_name, citizen.personal_number, citizen.given, str(citizen.birth_year)):
            assert detail not in words(page)
    assert "P01" not in page.html


def test_a_conflict_links_nobody_and_changes_nothing(country: World, portal: Portal) -> None:
    before = whole_way(country, portal, "population", CAST[Part.ORDINARY_FOURTH])
    seen = [len(events(country, name)) for name in ("person_made", "person_rectified", "signed_in")]
    for _ in range(2):
        assert come(country, portal, "bank", CAST[Part.WRONG_NUMBER]).status == 403
    assert [len(events(country, name)) for name in ("person_made", "person_rectified", "signed_in")] == seen
    assert whole_way(country, portal, "population", CAST[Part.ORDINARY_FOURTH]) == before
    tokens = country.sign_in(CarefulBrowser(country.issuer), portal, citizen=CAST[Part.ORDINARY_FOURTH].personal_number)
    assert tokens.userinfo["name"] == CAST[Part.ORDINARY_FOURTH].full_name


@pytest.mark.parametrize("error", ["middle_missing", "middle_abbreviated", "lost_marks"])
def test_what_a_bank_makes_of_a_name_is_the_same_person_where_number_and_birth_date_agree(
    country: World, portal: Portal, error: str
) -> None:
    citizen = next(with_bank_error(error))
    assert whole_way(country, portal, "population", citizen) == whole_way(country, portal, "bank", citizen)


def test_a_conflict_leaves_the_session_of_whoever_was_signed_in_before(
    country: World, portal: Portal, browser: CarefulBrowser, citizen: Citizen
) -> None:
    whole_way(country, portal, "population", CAST[Part.ORDINARY_FOURTH])
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    cookie = browser.session_cookie()
    at_bank = browser.to_source(portal.ask(prompt="login"), portal, "bank")
    page = browser.at_source(at_bank, portal, citizen=CAST[Part.WRONG_NUMBER].personal_number)
    assert page.status == 403
    assert browser.session_cookie() == cookie
    assert "code=" in browser.get(portal.ask().url).location


def bar(country: World, browser: CarefulBrowser) -> None:
    """Whoever is signed in at this browser is barred."""
    [signed_in] = events(country, "signed_in", session_id=session_of(country, browser))
    with country.house.database.write() as tx:
        country.house.people.set_status(tx, bytes.fromhex(signed_in["person_id"]), "barred", "a court's order")


def test_somebody_barred_is_signed_in_nowhere_and_what_they_had_is_void_at_once(
    country: World, portal: Portal, browser: CarefulBrowser, citizen: Citizen
) -> None:
    tokens = country.sign_in(browser, portal, citizen=citizen.personal_number)
    bar(country, browser)
    assert portal.userinfo(tokens.access_token).status_code == 401
    page = browser.at_source(browser.to_source(portal.ask(), portal, "bank"), portal, citizen=citizen.personal_number)
    assert page.status == 403 and code_on(page) is None
    assert refusals(country, portal)[-1] == ("P03", "bank")


def test_a_conflict_a_bar_and_a_death_look_the_same_to_whoever_sits_there(
    country: World, portal: Portal, citizen: Citizen
) -> None:
    browser = CarefulBrowser(country.issuer)
    country.sign_in(browser, portal, citizen=citizen.personal_number)
    bar(country, browser)
    pages = [
        conflict(country, portal),
        come(country, portal, "population", citizen),
        come(country, portal, "population", CAST[Part.DECEASED]),
    ]
    told = {words(page).partition(says("failure.request"))[0] for page in pages}
    assert len(told) == 1 and {page.status for page in pages} == {403}
