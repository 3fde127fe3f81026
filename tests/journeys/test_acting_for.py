"""A person says for whom they act: for themselves, or for an organisation that the register knows to be theirs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.sandbox.businesses import Business
from idp.storage import trips
from tests.journeys.firms import (
    BRANCH,
    DIRECTOR,
    EMPLOYEE,
    FIRM,
    OTHER_FIRM,
    OWNER,
    REGISTER,
    SCOPE,
    act,
    asked_of,
    business_register,
    is_question,
    offered,
    serves_firms,
    to_question,
)
from tests.journeys.reading import CarefulBrowser, code_on, events, is_choice, lines, path_of, says, words
from tests.oidc.residents import fresh_name, move_in, seconds_later
from tests.storage.places import empty_database, short_lived_beside
from tests.world import Portal, Tokens, World, parameters_of, world

pytestmark = pytest.mark.both_engines


@pytest.fixture(scope="module")
def _trading_country(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp(f"trading-on-{engine}")
    with (
        empty_database(engine, folder) as url,
        world(folder, database_url=url, short_lived_url=short_lived_beside(engine)) as country,
        business_register(country, folder),
    ):
        yield country


@pytest.fixture
def country(_trading_country: World) -> Iterator[World]:
    yield _trading_country
    _trading_country.clear_faults()
    _trading_country.house.sources.health.note(REGISTER, None, "organisations")


@pytest.fixture
def portal(country: World) -> Portal:
    return serves_firms(country, fresh_name("firms"))


def signed_in_for(country: World, browser: CarefulBrowser, portal: Portal, act_for: str | Business) -> Tokens:
    """The whole way, acting for somebody."""
    page = act(browser, to_question(browser, portal), portal, act_for)
    request = portal.ask(scope=SCOPE)
    browser.answer(page, portal)  # the first answer is not redeemed: single sign-on gives another
    return country.redeemed(portal, request, parameters_of(browser.open_at(request.url, portal).location))


def of_firm(found: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(found).items() if name.startswith("org_")}


FIRM_CLAIMS = {
    "org_tax_code": FIRM.tax_code, "org_name": FIRM.name, "org_role": "Giám đốc",
    "org_authority": "legal_representative",
}  # fmt: skip


def test_who_acts_for_a_business_is_still_who_they_are(country: World, portal: Portal) -> None:
    for_firm = signed_in_for(country, CarefulBrowser(country.issuer), portal, FIRM)
    alone = signed_in_for(country, CarefulBrowser(country.issuer), portal, "myself")
    assert of_firm(for_firm.userinfo) == FIRM_CLAIMS
    assert of_firm(alone.userinfo) == {}
    assert for_firm.claims["sub"] == alone.claims["sub"] and for_firm.userinfo["name"] == alone.userinfo["name"]


def test_only_what_the_register_says_today_is_offered(country: World, portal: Portal) -> None:
    lists = {
        citizen: offered(to_question(CarefulBrowser(country.issuer), portal, citizen))
        for citizen in (DIRECTOR, OWNER, EMPLOYEE)
    }
    assert {"myself", FIRM.tax_code, BRANCH.tax_code} <= set(lists[DIRECTOR]) and lists[DIRECTOR][0] == "myself"
    assert OTHER_FIRM.tax_code in lists[OWNER] and FIRM.tax_code not in lists[OWNER]
    assert lists[EMPLOYEE] == ["myself"], "one mandate has run out, the other firm is dissolved"


def test_who_acts_for_nobody_else_is_told_so(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    assert says("acting.none") in words(to_question(browser, portal, EMPLOYEE))


def test_a_last_day_is_shown_and_sent(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = to_question(browser, portal)
    assert says("acting.until", day="31/12/2049") in words(page)
    page = act(browser, page, portal, BRANCH)
    told = lines(page)
    assert told[says("claim.org_name")] == BRANCH.name and told[says("claim.org_until")] == "31/12/2049"
    assert told[says("claim.org_authority")] == says("authority.authorised")


def test_the_page_before_the_portal_says_for_whom_and_lets_one_think_again(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    page = act(browser, to_question(browser, portal), portal, FIRM)
    assert path_of(page).endswith("/information") and lines(page)[says("claim.org_name")] == FIRM.name
    again = browser.get(page.url.replace("/information", "/acting"))
    assert is_question(again)
    page = act(browser, again, portal, "myself")
    assert says("claim.org_name") not in lines(page) and FIRM.name not in words(page)


def test_an_organisation_of_somebody_else_cannot_be_chosen(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    page = to_question(browser, portal)
    for wrong in (OTHER_FIRM.tax_code, "", "9900000999", "MYSELF"):
        page = act(browser, page, portal, wrong)
        assert (page.status, is_question(page)) == (422, True)
        assert says("acting.not_theirs") in words(page)
    assert [each["details"] for each in events(country, "acted_for", client_id=portal.id)] == []


def test_the_choice_is_on_record_with_whom_and_why(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    act(browser, to_question(browser, portal), portal, FIRM)
    found = events(country, "acted_for", client_id=portal.id)
    assert [(each["source_id"], each["details"]) for each in found] == [
        (REGISTER, {"tax_code": FIRM.tax_code, "authority": "legal_representative"})
    ]


def test_whoever_goes_back_to_the_portal_is_let_go(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page = to_question(browser, portal)
    form = next(number for number, form in enumerate(page.forms) if ("decision", "cancel") in form.buttons)
    sent = browser.submit(page, {"decision": "cancel"}, form=form, follow=False)
    page = browser.follow(sent, until=portal.redirect_uri)
    assert page.onward is not None and parameters_of(page.onward)["error"] == "access_denied"


def test_the_next_visit_goes_on_as_before_until_the_portal_asks_again(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    signed_in_for(country, browser, portal, FIRM)
    before = asked_of(country)
    request = portal.ask(scope=SCOPE, prompt="none")
    answer = parameters_of(browser.open_at(request.url, portal).location)
    assert of_firm(country.redeemed(portal, request, answer).userinfo) == FIRM_CLAIMS
    assert asked_of(country) == before, "single sign-on costs no call"
    page = browser.open_at(portal.ask(scope=SCOPE, prompt="consent").url, portal)
    assert is_question(page) and asked_of(country) == before + 1


def test_an_hour_later_the_person_and_the_register_are_asked_again(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    tokens = signed_in_for(country, browser, portal, FIRM)
    with seconds_later(3500):
        assert "code" in parameters_of(browser.get(portal.ask(scope=SCOPE, prompt="none").url).location)
    with seconds_later(3700):
        told = parameters_of(browser.get(portal.ask(scope=SCOPE, prompt="none").url).location)
        assert told["error"] in ("interaction_required", "login_required")
    assert portal.userinfo(tokens.access_token).status_code == 200


def test_another_portal_is_not_told_of_it_and_asks_for_itself(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    signed_in_for(country, browser, portal, FIRM)
    other = serves_firms(country, fresh_name("firms"))
    told = parameters_of(browser.open_at(other.ask(scope=SCOPE, prompt="none").url, other).location)
    assert told["error"] == "interaction_required"
    assert is_question(browser.open_at(other.ask(scope=SCOPE).url, other))


def test_without_the_scope_nobody_is_asked_and_nothing_is_sent(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    signed_in_for(country, browser, portal, FIRM)
    wish = json.dumps({"id_token": {"org_name": None}, "userinfo": {"org_name": None}})
    request = portal.ask(scope="openid profile", claims=wish)
    answer = browser.answer(browser.open_at(request.url, portal), portal)
    tokens = country.redeemed(portal, request, answer)
    assert of_firm(tokens.userinfo) == of_firm(tokens.claims) == {}


def test_an_id_token_tells_it_to_who_asks_there(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    signed_in_for(country, browser, portal, FIRM)
    wish = json.dumps({"id_token": dict.fromkeys(FIRM_CLAIMS)})
    request = portal.ask(scope=SCOPE, claims=wish, prompt="none")
    answer = parameters_of(browser.open_at(request.url, portal).location)
    assert of_firm(country.redeemed(portal, request, answer).claims) == FIRM_CLAIMS


def test_a_portal_without_the_scope_may_not_ask(country: World, browser: CarefulBrowser) -> None:
    plain = country.portal(fresh_name("plain"))
    told = parameters_of(browser.get(plain.ask(scope=SCOPE).url).location)
    assert told["error"] == "invalid_scope"


def test_while_the_register_is_silent_one_can_go_on_alone_or_try_again(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    country.fault(REGISTER, fault="down")
    page = to_question(browser, portal)
    assert says("acting.incomplete") in words(page) and offered(page) == ["myself"]
    assert act(browser, page, portal, FIRM).status == 422, "nobody vouches for it now"
    country.clear_faults()
    country.house.sources.health.note(REGISTER, None, "organisations")
    page = browser.get(page.url)
    assert FIRM.tax_code in offered(page)
    assert path_of(act(browser, page, portal, "myself")).endswith("/information")


def test_below_level_two_nobody_is_asked_and_nothing_is_sent(country: World) -> None:
    portal = serves_firms(country, fresh_name("firms"))
    weak, strong = (move_in(country, portal, level=level) for level in (1, 2))
    assert "code" in weak.asked(portal, scope=SCOPE, prompt="none")
    assert strong.asked(portal, scope=SCOPE, prompt="none")["error"] == "interaction_required"


def test_a_portal_that_serves_organisations_wishes_for_level_two(country: World, portal: Portal) -> None:
    weak = move_in(country, portal, level=1)
    assert is_choice(weak.browser.open_at(portal.ask(scope=SCOPE).url, portal))


def test_a_later_choice_voids_what_was_given_for_the_earlier_one(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    tokens = signed_in_for(country, browser, portal, FIRM)
    page = browser.open_at(portal.ask(scope=SCOPE, prompt="consent").url, portal)
    act(browser, page, portal, BRANCH)
    assert portal.userinfo(tokens.access_token).status_code == 401, "it never turns into somebody else's"


def test_a_code_whose_mandate_was_taken_back_buys_nothing(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    signed_in_for(country, browser, portal, FIRM)
    request = portal.ask(scope=SCOPE, prompt="none")
    code = parameters_of(browser.open_at(request.url, portal).location)["code"]
    page = browser.open_at(portal.ask(scope=SCOPE, prompt="consent").url, portal)
    act(browser, page, portal, "myself")
    refused = portal.redeem(code, request.verifier)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_the_grant_ends_with_the_session(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    tokens = signed_in_for(country, browser, portal, FIRM)
    browser.get(f"{country.issuer}/logout?id_token_hint={tokens.id_token}")
    assert portal.userinfo(tokens.access_token).status_code == 401


def test_two_tabs_may_choose_and_the_last_choice_counts(
    country: World, browser: CarefulBrowser, portal: Portal
) -> None:
    first = to_question(browser, portal)
    second = browser.open_at(portal.ask(scope=SCOPE).url, portal)
    act(browser, first, portal, FIRM)
    assert FIRM.name not in words(act(browser, second, portal, "myself"))


def test_a_form_of_another_browser_chooses_nothing(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    page, other = to_question(browser, portal), CarefulBrowser(country.issuer)
    theirs = to_question(other, portal, OWNER)
    token = theirs.forms[0].fields["form_token"]
    assert code_on(act(browser, page, portal, FIRM, form_token=token)) == "L07"
    assert events(country, "acted_for", client_id=portal.id) == []


def test_acting_for_somebody_costs_no_trip_more(country: World, browser: CarefulBrowser, portal: Portal) -> None:
    tokens = signed_in_for(country, browser, portal, FIRM)
    client = country.app.test_client()
    client.set_cookie("session", browser.session_cookie() or "", domain="localhost")
    request = portal.ask(scope=SCOPE)
    found = [Counter[str]() for _ in range(3)]
    for counted in found:
        with trips.counted() as counter:
            answer = client.get(f"/authorize?{urlsplit(request.url).query}")
        assert "code" in parameters_of(answer.headers["Location"])
        counted.update(counter)
    assert min(each.total() for each in found) == found[-1]["read"] == 1
    form = {
        "grant_type": "authorization_code", "code": parameters_of(answer.headers["Location"])["code"],
        "code_verifier": request.verifier, "redirect_uri": portal.redirect_uri,
    }  # fmt: skip
    with trips.counted() as counter:
        redeemed = client.post("/token", data=form, auth=(portal.id, portal.secret or ""))
    assert redeemed.status_code == 200 and counter == Counter(commit=1)
    headers = {"Authorization": f"Bearer {tokens.access_token}"}
    with trips.counted() as counter:
        assert client.get("/userinfo", headers=headers).status_code == 200
    assert counter == Counter(read=1)
