"""Codes that say that somebody is old enough: made for whoever is, and telling nothing else."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.population import DEFAULT_SEED, Population
from idp import clock
from idp.account.ages import BATCHES
from idp.digital_id import read
from tests.journeys.cards import Holder, checked, holder, scanned
from tests.journeys.reading import CarefulBrowser, code_on, says, words
from tests.world import CITIZENS, Page, Portal, World


@pytest.fixture
def person(country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> Holder:
    return holder(country, browser, portal, citizen)


def ask(person: Holder, age: int) -> Page:
    page = person.browser.get(f"{person.country.issuer}/account/age")
    return person.browser.submit(page, {"age": str(age)})


def codes_on(page: Page) -> list[str]:
    """What a scanner reads from the drawings of the page."""
    drawn = re.findall(r'viewBox="0 0 (\d+) \d+" role="img".*?<path fill="#000" d="([^"]*)"', page.html, re.DOTALL)
    return [text for side, path in drawn if (text := scanned(picture_of(int(side), path)))]


def picture_of(side: int, path: str) -> Image.Image:
    picture = Image.new("L", (side, side), 255)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)", path):
        picture.paste(0, (int(x), int(y), int(x) + int(width), int(y) + 1))
    return picture.resize((side * 4, side * 4), Image.Resampling.NEAREST)


def test_whoever_is_old_enough_gets_codes_that_are_genuine_and_name_nobody(person: Holder, citizen: Citizen) -> None:
    page = ask(person, 14)
    codes = codes_on(page)
    assert len(codes) == len(set(codes)) == 6
    for code in codes:
        assert checked(person.country, code).genuine
        card = read(code).card
        assert (card.age_over, card.number, card.full_name, card.status, card.holder_key) == (
            14,
            None,
            None,
            None,
            None,
        )
    others = codes_on(ask(person, 14))
    assert set(others).isdisjoint(codes)


def test_whoever_is_too_young_is_told_so(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    people, year = Population(DEFAULT_SEED, CITIZENS), clock.now().year
    well = (each for each in people if each.in_register and not (each.deceased or each.locked))
    young = next(each for each in well if year - 40 < each.birth_year < year - 20 and each.account_level > 1)
    page = ask(holder(country, browser, portal, young), 60)
    assert page.status == 409
    assert says("age.hindrance_too_young") in words(page)
    assert codes_on(page) == []


def test_nobody_takes_codes_without_end(person: Holder) -> None:
    for _ in range(BATCHES):
        assert ask(person, 14).status == 200
    page = ask(person, 14)
    assert page.status == 409
    assert says("age.hindrance_too_often") in words(page)


def test_a_stranger_and_a_made_up_form_get_nothing(person: Holder) -> None:
    url = f"{person.country.issuer}/account/age"
    assert code_on(person.browser.request("POST", url, data={"age": "14"})) == "L07"
    form = person.browser.get(url).forms[0].fields
    assert code_on(person.browser.request("POST", url, data=form | {"age": "15"})) == "L07"
    stranger = CarefulBrowser(person.country.issuer)
    assert stranger.follow(stranger.get(url)).url.endswith("/account")
