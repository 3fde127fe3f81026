"""Signing in at a portal, with an OpenID Provider that is not ours."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

import pytest

from tests.peers.visitor import Page, Visitor
from tests.relying_party_demo.conftest import query


def answer(portal, sent: Page, **changes: str | None) -> str:
    """The callback address with which a provider would answer the request in `sent`; None leaves a parameter out."""
    parameters = {"state": query(sent.location)["state"], "iss": portal.issuer, **changes}
    return portal.at("/callback?" + urlencode({name: value for name, value in parameters.items() if value is not None}))


def session_cookie(visitor: Visitor, portal) -> str | None:
    return visitor.cookies.get("portal-session", domain=urlsplit(portal.base).hostname)


def test_a_person_signs_in_and_is_greeted_by_name(ministry, visitor):
    home = visitor.open(ministry.at("/"))
    assert home.has("sign-in")
    assert not home.has("sign-out")

    form = visitor.click(home, "sign-in")
    assert form.url.startswith(ministry.issuer)
    home = visitor.submit(form, {"account": "lan", "decision": "sign-in"})

    assert home.url == ministry.at("/")
    assert home.text("person") == "Nguyễn Thị Lan"
    assert home.has("sign-out")
    assert not home.has("sign-in")


def test_the_request_carries_what_a_safe_code_flow_carries(ministry, visitor):
    sent = query(visitor.get(ministry.at("/sign-in")).location)

    assert sent["response_type"] == "code"
    assert sent["client_id"] == ministry.client_id
    assert sent["redirect_uri"] == ministry.at("/callback")
    assert sent["scope"] == "openid profile email address"
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43  # base64url of a SHA-256
    assert len(sent["state"]) >= 22  # 128 bits
    assert len(sent["nonce"]) >= 20
    assert sent["ui_locales"] == "vi en"


def test_the_request_owes_the_level_of_the_portal_or_of_the_service(ministry, province, visitor):
    of_ministry = query(visitor.get(ministry.at("/sign-in")).location)
    of_land = query(visitor.get(province.at("/sign-in?service=land")).location)

    assert json.loads(of_ministry["claims"])["id_token"]["acr"]["values"] == ["LoA2", "LoA3", "LoA4"]
    assert json.loads(of_land["claims"])["id_token"]["acr"] == {"essential": True, "values": ["LoA3", "LoA4"]}


def test_me_shows_everything_received_with_labels_for_people(ministry, visitor):
    ministry.sign_in(visitor)

    me = visitor.open(ministry.at("/me"))

    assert me.text("claim-name") == "Nguyễn Thị Lan"
    assert me.text("claim-birthdate") == "1990-03-15"
    assert me.text("claim-email_verified") == "true"
    assert json.loads(me.text("claim-address")) == {"locality": "Đà Lạt", "country": "VN"}
    assert me.text("acr") == "LoA2"
    assert me.text("source-kind") == "banking"
    assert "Ngày sinh" in me.html
    assert json.loads(me.text("claims-json"))["sub"] == me.text("sub")
    assert json.loads(me.text("id-token-header"))["alg"] == "RS256"
    assert json.loads(me.text("id-token-payload"))["aud"] == ministry.client_id


def test_the_raw_id_token_is_on_no_page_and_in_no_log(ministry, visitor):
    ministry.sign_in(visitor)

    pages = [visitor.open(ministry.at(path)).html for path in ("/", "/me", "/services/driving-licence")]

    assert not any("eyJ" in html for html in pages)  # how every JWT begins: base64url of '{"'
    assert "eyJ" not in (ministry.folder / "log").read_text()


def test_two_portals_know_one_person_by_different_subjects(ministry, province, visitor):
    ministry.sign_in(visitor)
    province.sign_in(Visitor())
    other = Visitor()
    province.sign_in(other)

    assert visitor.open(ministry.at("/me")).text("sub") != other.open(province.at("/me")).text("sub")


def test_a_portal_whose_tokens_are_es256_works_the_same(province, visitor):
    province.sign_in(visitor)

    me = visitor.open(province.at("/me"))

    assert json.loads(me.text("id-token-header"))["alg"] == "ES256"
    assert me.text("claim-name") == "Nguyễn Thị Lan"


def test_sign_ins_in_many_tabs_all_come_home(province, visitor):
    visitor.open(province.at("/"))
    tabs = [visitor.get(province.at(f"/sign-in?service={service}")) for service in ("land", "birth", "land")]
    visitor.submit(visitor.follow(tabs[0]), {"account": "lan", "decision": "sign-in"})

    ends = [visitor.follow(tab) for tab in tabs[1:]]

    assert [page.url for page in ends] == [province.at("/services/birth"), province.at("/services/land")]


def test_no_number_of_sign_ins_under_way_makes_the_cookies_grow(ministry, visitor):
    visitor.get(ministry.at("/sign-in"))
    before = dict(visitor.cookies)
    for _ in range(30):
        last = visitor.get(ministry.at("/sign-in"))

    assert dict(visitor.cookies) == before
    assert visitor.submit(visitor.follow(last), {"account": "lan", "decision": "sign-in"}).has("person")


def test_the_oldest_of_too_many_sign_ins_makes_room(ministry, visitor):
    oldest = visitor.get(ministry.at("/sign-in"))
    for _ in range(20):
        visitor.get(ministry.at("/sign-in"))

    assert visitor.get(answer(ministry, oldest, code="any")).text("error") == "sign_in_expired"


def test_going_back_to_a_used_callback_leads_home_when_signed_in(ministry, visitor):
    ministry.sign_in(visitor)
    callback = next(address for address in reversed(visitor.trail) if "/callback" in address)

    again = visitor.open(callback)

    assert again.url == ministry.at("/")
    assert again.text("person") == "Nguyễn Thị Lan"


def test_a_callback_that_nobody_began_is_refused_kindly(ministry, visitor):
    page = visitor.get(ministry.at("/callback?code=abc&state=never-made"))

    assert page.status == 400
    assert page.text("error") == "sign_in_expired"
    assert page.link("try-again") == ministry.at("/sign-in")
    assert page.link("home") == ministry.at("/")


def test_a_sign_in_comes_home_only_to_the_browser_that_began_it(ministry, visitor, another_visitor):
    begun_elsewhere = another_visitor.submit(
        another_visitor.open(ministry.at("/sign-in")), {"account": "minh", "decision": "sign-in"}, follow=False
    )
    callback = another_visitor.follow(begun_elsewhere, until=ministry.base).location

    slipped = visitor.open(callback)

    assert slipped.text("error") == "sign_in_expired"
    assert not visitor.open(ministry.at("/")).has("person")
    assert another_visitor.open(callback).text("person") == "Trần Văn Minh"


@pytest.mark.parametrize("iss", [None, "http://elsewhere.localhost:1", ""])
def test_an_answer_that_does_not_name_our_issuer_is_refused(ministry, visitor, iss):
    sent = visitor.get(ministry.at("/sign-in"))

    page = visitor.get(answer(ministry, sent, code="abc", iss=iss))

    assert page.text("error") == "untrusted_answer"


def test_a_code_that_the_provider_does_not_know_starts_no_session(ministry, visitor):
    sent = visitor.get(ministry.at("/sign-in"))

    page = visitor.get(answer(ministry, sent, code="made-up"))

    assert page.text("error") == "sign_in_expired"
    assert session_cookie(visitor, ministry) is None


def test_an_answer_with_neither_code_nor_error_is_refused(ministry, visitor):
    sent = visitor.get(ministry.at("/sign-in"))

    assert visitor.get(answer(ministry, sent)).text("error") == "untrusted_answer"


def test_saying_no_at_the_provider_leads_to_a_page_with_a_way_back(province, visitor):
    form = visitor.open(province.at("/sign-in?service=land"))

    page = visitor.submit(form, {"decision": "cancel"})

    assert page.status == 403
    assert page.text("error") == "access_denied"
    assert page.link("try-again") == province.at("/sign-in?service=land")


@pytest.mark.parametrize(
    "wire, ours",
    [
        ("access_denied", "access_denied"),
        ("login_required", "sign_in_needed"),
        ("interaction_required", "sign_in_needed"),
        ("consent_required", "sign_in_needed"),
        ("unmet_authentication_requirements", "level_not_reached"),
        ("temporarily_unavailable", "provider_busy"),
        ("server_error", "provider_busy"),
        ("invalid_scope", "request_refused"),
        ("<script>alert(1)</script>", "request_refused"),
    ],
)
def test_every_error_of_a_provider_has_words_for_people(ministry, visitor, wire, ours):
    sent = visitor.get(ministry.at("/sign-in"))

    page = visitor.get(answer(ministry, sent, error=wire, error_description="<b>secret detail</b>"))

    assert page.text("error") == ours
    assert page.has("try-again")
    assert "secret detail" not in page.html
    assert "script" not in page.html
    assert "Traceback" not in page.html


def test_a_new_sign_in_gets_a_new_session_value(ministry, visitor):
    ministry.sign_in(visitor)
    first = session_cookie(visitor, ministry)
    visitor.open(ministry.at("/sign-in"))
    second = session_cookie(visitor, ministry)

    thief = Visitor()
    thief.cookies.set("portal-session", first, domain=urlsplit(ministry.base).hostname)

    assert first != second
    assert visitor.open(ministry.at("/")).has("person")
    assert not thief.open(ministry.at("/")).has("person")


def test_a_session_value_planted_before_the_sign_in_is_worth_nothing_after(ministry, visitor):
    visitor.cookies.set("portal-session", "planted", domain=urlsplit(ministry.base).hostname)
    ministry.sign_in(visitor)
    planter = Visitor()
    planter.cookies.set("portal-session", "planted", domain=urlsplit(ministry.base).hostname)

    assert visitor.open(ministry.at("/")).has("person")
    assert not planter.open(ministry.at("/")).has("person")


def test_a_service_that_needs_more_raises_the_level_of_a_person_signed_in(province, visitor):
    province.sign_in(visitor)
    assert visitor.open(province.at("/me")).text("acr") == "LoA1"

    form = visitor.click(visitor.open(province.at("/")), "service-land")
    assert form.url.startswith(province.issuer)
    land = visitor.submit(form, {"account": "lan", "decision": "sign-in"})

    assert land.url == province.at("/services/land")
    assert land.text("acr") == "LoA3"
    assert visitor.open(province.at("/services/land")).url == province.at("/services/land")


def test_a_person_who_cannot_reach_the_level_is_told_so_and_stays_signed_in(province, visitor):
    province.sign_in(visitor, "minh")

    refused = province.sign_in(visitor, "minh", at="/services/land")

    assert refused.text("error") == "level_not_reached"
    assert refused.link("try-again") == province.at("/sign-in?service=land")
    assert visitor.open(province.at("/me")).text("acr") == "LoA1"


def test_a_service_opens_only_to_somebody_signed_in(ministry, visitor):
    assert visitor.get(ministry.at("/services/driving-licence")).location == ministry.at(
        "/sign-in?service=driving-licence"
    )
    assert visitor.get(ministry.at("/me")).location == ministry.at("/sign-in")


def test_a_service_that_is_not_there_is_said_not_to_be_there(ministry, visitor):
    assert visitor.get(ministry.at("/services/nothing")).status == 404
    assert visitor.get(ministry.at("/sign-in?service=nothing")).text("error") == "not_found"


def test_all_workers_know_the_session(ministry, visitor):
    ministry.sign_in(visitor)

    # A new connection each time, so that either worker may get it.
    pages = [visitor.request("GET", ministry.at("/"), headers={"Connection": "close"}) for _ in range(20)]

    assert all(page.has("person") for page in pages)
