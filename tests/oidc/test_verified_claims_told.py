"""No way round what people are told and asked: a claim within `verified_claims` is told of like any other, a portal
gets none that it may not have, and learns who vouched for somebody only after they have seen that it will.
"""

from __future__ import annotations

import json
from typing import Any

from idp.clients import Registration
from idp.people import claims
from tests.oidc.assured import (
    EVERYTHING,
    Residents,
    asked,
    assured_country,
    country,
    portal,
    residents,
    told,
    wanted,
)
from tests.oidc.residents import EVERY_CLAIM, fresh_name
from tests.peers.visitor import Page
from tests.world import Portal, World, parameters_of

__all__ = ["assured_country", "country", "portal", "residents"]

LABELS = {"name": "Họ và tên", "birthdate": "Ngày sinh", "verified_by": "Ai đã xác nhận các thông tin này, và khi nào"}
NUMBER = "Số định danh cá nhân"


def knows(country: World, residents: Residents, portal: Portal, *names: str, agreed: bool = False) -> Any:
    """Somebody who was told of these claims, and of no other."""
    resident = residents()
    client = country.house.clients.find(portal.id)
    assert client is not None
    with country.house.database.write() as tx:
        country.house.people.keep_told(
            tx, person_id=resident.person_id, client_id=client.id, sector=client.sector, claim_names=names,
            agreed=agreed,
        )  # fmt: skip
    return resident


def shown(resident: Any, portal: Portal, element: Any) -> Page:
    page: Page = resident.browser.open_at(portal.ask(scope="openid", claims=asked(userinfo=element)).url, portal)
    assert page.url.endswith("/information"), page.url
    return page


# ---- told ----


def test_a_claim_within_verified_claims_is_told_of_like_any_other(
    country: World, portal: Portal, residents: Residents
) -> None:
    resident = knows(country, residents, portal, "name")
    assert told(resident, portal, wanted("name"))["claims"] == {"name": "Nguyễn Thị Mai Anh"}  # they know of that
    for part in ("userinfo", "id_token"):
        request = {"scope": "openid", "prompt": "none", "claims": asked(**{part: wanted("name", "birthdate")})}
        assert resident.asked(portal, **request)["error"] == "consent_required"
    page = shown(resident, portal, wanted("name", "birthdate"))
    assert LABELS["birthdate"] in page.html and "1992" in page.html
    assert LABELS["verified_by"] not in page.html


def test_every_one_of_several_elements_is_told_of(country: World, portal: Portal, residents: Residents) -> None:
    page = shown(residents(), portal, [wanted("name"), wanted("birthdate", "personal_number")])
    for label in (LABELS["name"], LABELS["birthdate"], NUMBER):
        assert label in page.html


def test_who_vouched_is_told_of_by_name_where_the_portal_asks_that(
    country: World, portal: Portal, residents: Residents
) -> None:
    """The sources that somebody uses tell something of them: at which bank they are."""
    resident = knows(country, residents, portal, *(name for name in EVERY_CLAIM if name != claims.VERIFIED_BY))
    assert "code" in resident.asked(portal, scope="openid", claims=asked(userinfo=wanted("name")))
    page = shown(resident, portal, wanted("name", verification=EVERYTHING))
    assert LABELS["verified_by"] in page.html
    assert "Nguồn population" in page.html
    resident.browser.answer(page, portal)
    assert told(resident, portal, wanted("name", verification=EVERYTHING)) is not None, "and not again"


def test_that_it_was_told_of_is_on_record(country: World, portal: Portal, residents: Residents) -> None:
    resident = residents()
    page = shown(resident, portal, wanted("name", verification=EVERYTHING))
    request = portal.ask(scope="openid", claims=asked(userinfo=wanted("name", verification=EVERYTHING)))
    resident.browser.answer(page, portal)
    country.redeemed(
        portal, request, resident.browser.answer(resident.browser.open_at(request.url, portal), portal)
    )  # fmt: skip
    events = [event for event in country.house.audit.export() if event["client_id"] == portal.id]
    [seen] = [event["details"]["claims"] for event in events if event["event"] == "told"]
    [granted] = [event["details"]["claims"] for event in events if event["event"] == "granted"]
    assert seen == granted == ["name", "verified_by"]


# ---- asked ----


def test_a_portal_that_needs_consent_needs_it_for_verified_claims(country: World, residents: Residents) -> None:
    asking = country.portal(fresh_name(), consent_required=True)
    resident = knows(country, residents, asking, "name")  # told, and never asked
    request = {"scope": "openid", "claims": asked(userinfo=wanted("name"))}
    assert resident.asked(asking, prompt="none", **request)["error"] == "consent_required"
    page = shown(resident, asking, wanted("name"))
    refused = resident.browser.submit(page, {"decision": "continue"}, follow=False)
    assert refused.status == 422
    answer = resident.browser.answer(page, asking)
    assert "code" in answer


def test_who_says_no_to_it_ends_the_sign_in(country: World, portal: Portal, residents: Residents) -> None:
    resident = residents()
    page = shown(resident, portal, wanted("name", verification=EVERYTHING))
    ended = resident.browser.follow(
        resident.browser.submit(page, {"decision": "cancel"}, follow=False), until=portal.redirect_uri
    )
    assert parameters_of(str(ended.onward))["error"] == "access_denied"


# ---- allowed ----


def test_a_claim_that_a_portal_may_not_have_is_not_verified_for_it_either(country: World, residents: Residents) -> None:
    modest = country.portal(fresh_name(), scopes=["openid", "name"])
    resident = residents(modest)
    found = told(resident, modest, wanted("name", "birthdate", "personal_number", "SoDinhDanh", "HoVaTen"))
    assert found["claims"].keys() == {"name"}
    assert told(resident, modest, wanted("personal_number")) is None
    nobody_told = residents()
    page = shown(nobody_told, modest, wanted("name", "personal_number"))
    assert NUMBER not in page.html


def test_what_an_operator_takes_from_a_portal_it_gets_no_more(country: World, residents: Residents) -> None:
    portal = country.portal(fresh_name(), scopes=["openid", "profile"])
    resident = residents(portal)
    tokens = resident.tokens(portal, scope="openid", claims=asked(userinfo=wanted("name", "birthdate")))
    assert tokens.userinfo["verified_claims"]["claims"].keys() == {"name", "birthdate"}
    client = country.house.clients.find(portal.id)
    assert client is not None
    before = Registration(**client.model_dump(include=set(Registration.model_fields)))
    with country.house.database.write() as tx:
        after = before.model_copy(update={"scopes": ("openid", "birthdate")})
        country.house.clients.change(tx, portal.id, before, after)
    assert portal.userinfo(tokens.access_token).json()["verified_claims"]["claims"].keys() == {"birthdate"}


def test_nobody_is_told_who_vouched_as_an_ordinary_claim(portal: Portal, residents: Residents) -> None:
    wish = {claims.VERIFIED_BY: {"essential": True}}
    found = residents(portal).tokens(portal, scope="openid", claims=json.dumps({"userinfo": wish, "id_token": wish}))
    assert found.userinfo.keys() == {"sub"}
    assert claims.VERIFIED_BY not in found.claims
