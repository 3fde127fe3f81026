"""Nobody gets past the population register by making it fall silent about themselves."""

from __future__ import annotations

import pytest

from connectors.base import Failure
from connectors.sandbox.citizen import Citizen
from tests.journeys.checked import check_of, checked_country, country, register, sent_away
from tests.journeys.reading import CarefulBrowser, code_on, refusals
from tests.registers.party import Register
from tests.storage.places import at_once
from tests.world import Portal, World

__all__ = ["checked_country", "country", "register"]


@pytest.mark.parametrize(
    "failure", [Failure.CONTRADICTORY, Failure.INCOMPLETE, Failure.WRONG_NONCE, Failure.UNSAFE_DOCUMENT]
)
def test_whose_entry_cannot_be_read_does_not_enter_unchecked(
    country: World, register: Register, browser: CarefulBrowser, portal: Portal, citizen: Citizen, failure: Failure
) -> None:
    register.failure = failure
    assert code_on(sent_away(browser, portal, citizen)) == "P06"
    assert browser.session_cookie() is None and refusals(country, portal) == [("P06", "bank")]


def test_and_closes_the_register_for_nobody_else(
    country: World, register: Register, portal: Portal, citizen: Citizen, another_citizen: Citizen
) -> None:
    register.failure = Failure.CONTRADICTORY
    for _ in range(4):
        sent_away(CarefulBrowser(country.issuer), portal, citizen)
    register.failure = None
    country.sign_in(
        CarefulBrowser(country.issuer), portal, source="population", citizen=another_citizen.personal_number,
        acr_values="LoA3",
    )  # fmt: skip
    assert check_of(country, another_citizen)[1] is False


def test_who_comes_with_many_others_at_once_does_not_enter_unchecked(
    country: World, register: Register, portal: Portal, citizen: Citizen
) -> None:
    """Our own cap on calls is no outage of the register: of ten, some are asked about, and none is let in."""
    register.everybody, register.slow_seconds = False, 0.6
    browsers = [CarefulBrowser(country.issuer) for _ in range(10)]
    at_once(10, lambda number: sent_away(browsers[number], portal, citizen))
    assert [browser.session_cookie() for browser in browsers] == [None] * 10
    assert {code for code, _ in refusals(country, portal)} <= {"P05", "P06"}
