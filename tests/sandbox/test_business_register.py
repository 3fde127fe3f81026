"""The invented businesses, and the sandbox's register of them behind X-Road."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.sandbox.businesses import BUSINESS_CAST, NOBODYS_PREFIX, Businesses, Firm, with_check_digit
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.places import PROVINCE_NAMES
from connectors.sandbox.population import Population
from tests.sandbox.conftest import running
from tests.sandbox.xroad_member import MEMBER, Asker

NUMBER = CAST[Part.ORDINARY].personal_number


@pytest.fixture(scope="module")
def _asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    members = tmp_path_factory.mktemp("business") / "members.json"
    members.write_text(json.dumps([MEMBER]), "utf-8")
    with running("business", members) as address:
        yield Asker(address)


@pytest.fixture
def asker(_asker: Asker) -> Asker:
    _asker.control("DELETE", "faults").raise_for_status()
    return _asker


# ---- the businesses -----------------------------------------------------------------------------------------------


def test_there_are_three_hundred_the_same_every_time() -> None:
    businesses = Businesses(2019)
    assert len(businesses) == 300
    assert list(businesses) == list(Businesses(2019)) != list(Businesses(2020))
    assert list(Businesses(2019, 50)) == list(businesses)[:50]
    assert list(businesses)[: len(BUSINESS_CAST)] == list(Businesses(2020))[: len(BUSINESS_CAST)]


def test_every_tax_code_is_well_formed_and_nobodys() -> None:
    codes = [business.tax_code for business in Businesses(2019)]
    assert len(set(codes)) == len(codes)
    assert all(code == with_check_digit(code[:9]) + code[10:] for code in codes)  # type: ignore[operator]
    assert all(code.startswith(NOBODYS_PREFIX) for code in codes)
    assert not any(province.endswith(NOBODYS_PREFIX) for province in PROVINCE_NAMES)


def test_a_code_whose_check_would_need_two_digits_is_never_given_out() -> None:
    assert with_check_digit("990000007") is None
    assert with_check_digit("010010910") == "0100109106"


def test_who_represents_what_in_the_cast() -> None:
    businesses = Businesses(2019)
    held = {part: [business.index for business, _ in businesses.of(CAST[part].personal_number)] for part in Part}
    assert {part: firms for part, firms in held.items() if firms} == {
        Part.ORDINARY: [Firm.ORDINARY, Firm.BRANCH],
        Part.ORDINARY_SECOND: [Firm.ORDINARY_SECOND],
        Part.ORDINARY_THIRD: [Firm.EXPIRED, Firm.DISSOLVED],
        Part.ORDINARY_FOURTH: [Firm.PARENT],
    }
    assert businesses[Firm.BRANCH].tax_code == f"{businesses[Firm.PARENT].tax_code}-001"
    assert businesses[Firm.BRANCH].legal_representative is None
    assert businesses.find("9900000016") == businesses[Firm.ORDINARY]


def test_representatives_are_citizens_who_were_grown_up() -> None:
    population = Population(2019, 300)
    for business in Businesses(2019):
        for mandate in business.mandates:
            citizen = population.find(mandate.personal_number)
            assert citizen is not None and mandate.since.year - citizen.birth_year >= 18
            assert mandate.until is None or mandate.until >= mandate.since


# ---- the register -------------------------------------------------------------------------------------------------


def test_it_lists_everything_and_leaves_the_reading_to_others(asker: Asker) -> None:
    answer = asker.search(CAST[Part.ORDINARY_THIRD].personal_number, X_Road_Id="0d5a")
    assert answer.headers["X-Road-Id"] == "0d5a" and answer.headers["X-Road-Request-Id"] != "0d5a"
    assert answer.headers["X-Road-Service"] == "VN/GOV/0002/business/representation"
    told = answer.json()
    assert (told["total"], told["page"], told["personalNumber"]) == (2, 1, CAST[Part.ORDINARY_THIRD].personal_number)
    assert [(one["taxCode"], one["until"], one["status"]) for one in told["representatives"]] == [
        ("9900000048", "2025-05-31", "active"),
        ("9900000055", None, "dissolved"),
    ]


def test_a_stranger_has_nothing(asker: Asker) -> None:
    assert asker.search("000000000000").json()["representatives"] == []


@pytest.mark.parametrize(
    "headers, status, code",
    [
        ({"X_Road_Client": None}, 500, "Client.MissingHeader"),
        ({"X_Road_Id": None}, 500, "Client.MissingHeader"),
        ({"X_Road_Client": "VN/GOV/9999/nobody"}, 500, "Server.ServerProxy.AccessDenied"),
        ({"X_Road_UserId": "VN001090000101"}, 500, "Client.BadRequest"),
        ({"ApiKey": None}, 401, None),
        ({"Timestamp": "1"}, 401, None),
        ({"Authorization": None}, 401, None),
    ],
)
def test_who_is_not_let_in(asker: Asker, headers: dict[str, Any], status: int, code: str | None) -> None:
    answer = asker.search(NUMBER, **headers)
    assert (answer.status_code, answer.headers.get("X-Road-Error")) == (status, code)
    assert "taxCode" not in answer.text


@pytest.mark.parametrize(
    "number, page, limit",
    [("", 1, 10), ("abc", 1, 10), (NUMBER, 0, 10), (NUMBER, 1, 0), (NUMBER, 1, 201), (NUMBER, "1", 10), (1, 1, 10)],
)
def test_what_is_no_search(asker: Asker, number: Any, page: Any, limit: Any) -> None:
    answer = asker.search(number, page, limit)
    assert (answer.status_code, answer.headers.get("X-Road-Error")) == (400, None)


def test_pages(asker: Asker) -> None:
    asker.control("POST", "faults", json={"fault": "many"}).raise_for_status()
    pages = [asker.search(NUMBER, page, 150).json() for page in (1, 2, 3)]
    assert [(len(one["representatives"]), one["total"]) for one in pages] == [(150, 200), (50, 200), (0, 200)]


def test_a_fault_may_be_for_one_person(asker: Asker) -> None:
    asker.control("POST", "faults", json={"fault": "down", "citizen": NUMBER}).raise_for_status()
    assert asker.search(NUMBER).status_code == 503
    assert asker.search(CAST[Part.ORDINARY_SECOND].personal_number).status_code == 200
