"""What `/authorize` answers: single sign-on, prompt, max_age, levels, hints, claims; the code, the state and `iss`."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

import jwt
import pytest

from idp.oidc.sealed import CODE_LIMIT_CHARACTERS, NONCE_LIMIT_CHARACTERS
from tests.oidc.residents import Resident, seconds_later, told
from tests.world import CITIZEN, Browser, Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


# ---- the answer (section 3.1.2.5, RFC 9207) ----


@pytest.mark.parametrize("state", [None, "s", "a b+c&d=e%20/?#", "tr\u1ea1ng th\u00e1i", "x" * 128, "y" * 2000])
def test_state_and_iss_come_back_as_they_were(resident: Resident, portal: Portal, state: str | None) -> None:
    for prompt, found in (("none", "code"), ("none login", "error")):
        answer = resident.asked(portal, state=state, prompt=prompt)
        assert (answer.get("state"), answer["iss"]) == (state, portal.world.issuer)
        assert found in answer


def test_the_longest_code_fits_everywhere(country: World, portals: Portals, residents: Residents) -> None:
    host = "http://longest.localhost:9"
    uris = {"home_url": host, "redirect_uris": [f"{host}/callback"], "post_logout_redirect_uris": [f"{host}/out"]}
    portal = country.portal(f"{residents().session}-{'x' * 31}", sector="longest", **uris)
    assert len(portal.id) == 64
    answer = residents(portal).asked(
        portal, nonce="n" * NONCE_LIMIT_CHARACTERS, claims=json.dumps({"userinfo": {"name": None}})
    )
    assert len(answer["code"]) <= CODE_LIMIT_CHARACTERS == 512


def test_every_code_is_another(resident: Resident, portal: Portal) -> None:
    """Behaviour 5.4: long and unlike one another."""
    codes = {resident.code(portal)[0] for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) > 128 for code in codes)
    assert len({code[20:30] for code in codes}) == 5


def test_answers_are_kept_in_no_cache(resident: Resident, portal: Portal) -> None:
    assert resident.browser.get(portal.ask().url).headers["Cache-Control"] == "no-store"


def test_a_post_is_answered_like_a_get(resident: Resident, portal: Portal) -> None:
    """Section 3.1.2.1. It comes from the portal's page, cross-site, so it carries no Lax cookie of ours."""
    stranger = resident.country.browser()
    request = portal.ask(prompt="none", state="posted")
    url = request.url.split("?")[0]
    kept = stranger.request("POST", url, data=dict(request.parameters))
    assert (kept.status, kept.location.split("?")[0]) == (303, url)
    answer = told(resident.browser.get(kept.location), portal)
    assert (answer["state"], "code" in answer) == ("posted", True)
    again = stranger.request("POST", url, data=dict(request.parameters))
    assert told(stranger.get(again.location), portal)["error"] == "login_required"
    for wrong in ({"client_id": "nobody"}, {"redirect_uri": "http://elsewhere.example/"}):
        page = stranger.request("POST", url, data=dict(request.parameters) | wrong)
        assert (page.status, page.onward) == (400, None)  # nothing is kept for whoever is no portal


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_a_post_must_be_a_form(country: World, browser: Browser, portal: Portal, content_type: str) -> None:
    answer = browser.request(
        "POST", f"{country.issuer}/authorize", data=urlencode(portal.ask().parameters),
        headers={"Content-Type": content_type},
    )  # fmt: skip
    assert (answer.status, answer.onward) == (415, None)


@pytest.mark.parametrize(
    "asked",
    [
        {"display": "wap"}, {"ui_locales": "fr en-GB vi"}, {"claims_locales": "xx"}, {"login_hint": CITIZEN},
        {"unheard_of": "1"}, {"acr_values": "urn:mace:gold LoA99"}, {"scope": "openid profile unheard_of"},
        {"prompt": "create"}, {"response_mode": "query"}, {"nonce": None}, {"claims": "{}"}, {"claims": '{"other":1}'},
        {"claims": '{"id_token":null,"userinfo":{"unheard_of":{"essential":true}}}'},
        {"claims": '{"id_token":{"acr":{"essential":true}}}'}, {"posted": "1"}, {"claims_locales": "se vi"},
        {"claims": '{"userinfo":{"name":{"essential":true,"value":"x"},"email":{"values":["a@example.vn"]}}}'},
    ],
)  # fmt: skip
def test_what_is_not_known_does_not_stand_in_the_way(
    resident: Resident, portal: Portal, asked: dict[str, str | None]
) -> None:
    """Section 3.1.2.1; behaviour 5.3."""
    assert "code" in resident.asked(portal, **asked)


# ---- single sign-on (sections 2 and 8.1) ----


def test_the_second_portal_opens_at_once(country: World, browser: Browser, portals: Portals) -> None:
    ministry, province = portals(), portals()
    first = country.sign_in(browser, ministry)
    page = browser.open_at(province.ask().url, province)
    assert page.url.endswith("/information")  # told once what goes there; nothing is typed again
    second = country.sign_in(browser, province)
    third = country.sign_in(browser, province)
    for claim in ("auth_time", "acr", "source_kind"):
        assert first.claims[claim] == second.claims[claim] == third.claims[claim], claim
    assert first.claims["sid"] != second.claims["sid"] == third.claims["sid"]  # one session, a name for each portal
    assert third.answer.keys() == {"code", "state", "iss", "session_state"}


def test_portals_of_one_sector_share_a_sub_and_others_do_not(portals: Portals, residents: Residents) -> None:
    first = portals()
    sister = portals(sector=f"{first.id}.localhost")
    other = portals()
    anh, chi = residents(first, sister, other), residents(first, sister, other)
    subs = {
        person.session: [person.tokens(portal).claims["sub"] for portal in (first, sister, other)]
        for person in (anh, chi)
    }
    for one, two, elsewhere in subs.values():
        assert one == two != elsewhere
    assert len({sub for found in subs.values() for sub in found}) == 4
    assert all(anh.person_id.hex() not in sub and anh.session not in sub for sub in subs[anh.session])


def test_a_sub_stays_the_same_from_sign_in_to_sign_in(country: World, portal: Portal) -> None:
    first, second = (country.sign_in(country.browser(), portal) for _ in range(2))
    assert first.claims["sub"] == second.claims["sub"]
    assert first.claims["sid"] != second.claims["sid"]


# ---- prompt (section 3.1.2.1) ----


def test_without_a_session_prompt_none_says_login_required(browser: Browser, portal: Portal) -> None:
    answer = told(browser.get(portal.ask(prompt="none").url), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("login_required", "A14")


def test_with_a_page_owed_prompt_none_says_consent_required(residents: Residents, portal: Portal) -> None:
    answer = residents().asked(portal, prompt="none")
    assert (answer["error"], answer["error_description"][:3]) == ("consent_required", "A15")


def test_prompt_none_asks_for_no_consent_that_the_law_wants(portals: Portals, residents: Residents) -> None:
    portal = portals(consent_required=True)
    assert residents(portal, agreed=False).asked(portal, prompt="none")["error"] == "consent_required"
    assert "code" in residents(portal, agreed=True).asked(portal, prompt="none")


def test_a_portal_that_asks_for_more_has_it_told_first(portals: Portals, country: World, browser: Browser) -> None:
    portal = portals(scopes=["openid", "profile", "email"])
    country.sign_in(browser, portal, scope="openid profile")
    more = portal.ask(scope="openid profile email")
    assert browser.open_at(more.url, portal).url.endswith("/information")


def test_prompt_login_asks_again_and_moves_auth_time(country: World, browser: Browser, portal: Portal) -> None:
    first = country.sign_in(browser, portal)
    with seconds_later(90):
        page = browser.open_at(portal.ask(prompt="login").url, portal)
        assert "/sign-in/" in page.url
        second = country.sign_in(browser, portal, prompt="login")
        third = country.sign_in(browser, portal)
    assert second.claims["auth_time"] >= first.claims["auth_time"] + 90
    assert third.claims["auth_time"] == second.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["sid"] == first.claims["sid"]  # the same person's session goes on


@pytest.mark.parametrize(
    "prompt, path", [("select_account", "/sign-in/"), ("consent", "/information"), ("login", "/sign-in/")]
)
def test_other_prompts_show_their_page(resident: Resident, portal: Portal, prompt: str, path: str) -> None:
    page = resident.browser.open_at(portal.ask(prompt=prompt).url, portal)
    assert page.status == 200
    assert path in page.url


# ---- max_age (section 3.1.2.1) ----


def test_max_age_lets_a_young_session_pass_and_an_old_one_not(resident: Resident, portal: Portal) -> None:
    young = resident.tokens(portal, max_age="10000", prompt="none")
    with seconds_later(200):
        assert resident.tokens(portal, max_age="10000").claims["auth_time"] == young.claims["auth_time"]
        assert resident.asked(portal, max_age="100", prompt="none")["error"] == "login_required"
        assert "/sign-in/" in resident.browser.open_at(portal.ask(max_age="1").url, portal).url


def test_max_age_0_is_a_new_sign_in_however_young_the_session(country: World, browser: Browser, portal: Portal) -> None:
    country.sign_in(browser, portal)
    assert told(browser.get(portal.ask(max_age="0", prompt="none").url), portal)["error"] == "login_required"
    assert "/sign-in/" in browser.open_at(portal.ask(max_age="0").url, portal).url
    assert country.sign_in(browser, portal, max_age="0").claims["auth_time"]


# ---- levels: owed or wished ----


def test_a_registered_minimum_is_owed(portals: Portals, residents: Residents) -> None:
    portal = portals(minimum_level=3)
    assert residents(portal, level=2).asked(portal, prompt="none")["error"] == "login_required"
    assert residents(portal, level=3).tokens(portal).claims["acr"] == "LoA3"


def test_a_minimum_that_no_source_reaches_is_told_at_once(portals: Portals, browser: Browser) -> None:
    portal = portals(minimum_level=4)
    answer = told(browser.get(portal.ask().url), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("unmet_authentication_requirements", "A16")


@pytest.mark.parametrize(
    "acr, enough",
    [
        ({"essential": True, "value": "LoA3"}, False), ({"essential": True, "values": ["LoA3", "LoA2"]}, True),
        ({"essential": True, "values": ["LoA9", "LoA3"]}, False), ({"essential": True}, True),
        ({"value": "LoA3"}, True), (None, True),
    ],
)  # fmt: skip
def test_an_essential_acr_is_owed(portal: Portal, residents: Residents, acr: object, enough: bool) -> None:
    """Section 5.5.1.1. prompt=none, so that what is merely wished cannot be tried."""
    answer = residents(portal, level=2).asked(portal, prompt="none", claims=json.dumps({"id_token": {"acr": acr}}))
    assert ("code" in answer) is enough, answer


@pytest.mark.parametrize(
    "asked", [{"acr_values": "LoA9 LoA3 LoA1"}, {"claims": '{"id_token":{"acr":{"values":["LoA3"]}}}'}]
)
def test_a_wish_is_tried_once_and_never_stands_in_the_way(
    country: World, portal: Portal, residents: Residents, asked: dict[str, str | None]
) -> None:
    modest = residents(portal, level=1)
    assert "/sign-in/" in modest.browser.open_at(portal.ask(**asked).url, portal).url
    tokens = country.sign_in(modest.browser, portal, source="bank", **asked)  # a bank never gives level 3
    assert tokens.claims["acr"] in ("LoA1", "LoA2")
    assert "code" in modest.asked(portal, acr_values="LoA3", prompt="none")
    assert "code" in residents(portal, level=3).asked(portal, **asked)


def test_a_level_wished_is_given_where_the_source_can(country: World, browser: Browser, portal: Portal) -> None:
    assert country.sign_in(browser, portal, acr_values="LoA3").claims["acr"] == "LoA3"


# ---- whom the portal expects: id_token_hint (section 3.1.2.1) and a sub in claims (section 5.5.1) ----


def test_a_hint_of_the_same_person_changes_nothing(resident: Resident, portal: Portal) -> None:
    hint = resident.tokens(portal).id_token
    with seconds_later(3000):  # the id_token has expired, the session has not
        assert "code" in resident.asked(portal, id_token_hint=hint, prompt="none")


def test_a_hint_of_somebody_else_is_told_to_the_portal(residents: Residents, portal: Portal) -> None:
    anh, chi = residents(portal), residents(portal)
    hint = anh.tokens(portal).id_token
    answer = chi.asked(portal, id_token_hint=hint, prompt="none")
    assert (answer["error"], answer["error_description"][:3]) == ("login_required", "A19")
    page = chi.browser.open_at(portal.ask(id_token_hint=hint).url, portal)
    assert "/sign-in/" in page.url  # they may become who is meant


def test_somebody_else_than_was_hinted_is_sent_back(
    country: World, browser: Browser, residents: Residents, portal: Portal
) -> None:
    request = portal.ask(id_token_hint=residents(portal).tokens(portal).id_token)
    answer = browser.answer(browser.open_at(request.url, portal), portal)
    assert (answer["error"], answer["error_description"][:3]) == ("login_required", "A19")
    assert answer["state"] == request.parameters["state"]


def test_a_hint_of_another_sector_is_of_nobody_here(portals: Portals, residents: Residents) -> None:
    portal, other = portals(), portals()
    resident = residents(portal, other)
    answer = resident.asked(portal, id_token_hint=resident.tokens(other).id_token, prompt="none")
    assert answer["error"] == "login_required"


def _foreign(token: str, **changes: object) -> dict[str, str]:
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    header = jwt.get_unverified_header(token)
    body = token.split(".")
    return {
        "alg none": jwt.encode(claims, None, algorithm="none", headers={"kid": header["kid"]}),
        "HS256 under our kid": jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": header["kid"]}),
        "an unknown kid": jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "other"}),
        "tampered": f"{body[0]}.{body[1][:-2]}AA.{body[2]}",
        "without a signature": f"{body[0]}.{body[1]}.",
        "no token at all": "hint",
        "deeper than any parser": "W1tb" * 1000 + ".e30.AA",
        "not ASCII": "é.é.é",
    }


@pytest.mark.parametrize("kind", _foreign(jwt.encode({}, "k" * 32, headers={"kid": "x"})))
def test_a_hint_that_is_not_ours_is_refused(resident: Resident, portal: Portal, kind: str) -> None:
    hint = _foreign(resident.tokens(portal).id_token)[kind]
    answer = resident.asked(portal, id_token_hint=hint)
    assert (answer["error"], answer["error_description"][:3]) == ("invalid_request", "A20")


def test_a_logout_token_is_no_hint(resident: Resident, portal: Portal) -> None:
    """RFC 8725 section 3.11: one kind of token never passes for another, though we signed both."""
    claims = resident.tokens(portal).claims
    keys = resident.country.house.keys
    assert "code" in resident.asked(portal, id_token_hint=keys.sign(claims, "RS256"))
    answer = resident.asked(portal, id_token_hint=keys.sign(claims, "RS256", typ="logout+jwt"))
    assert answer["error_description"].startswith("A20")


@pytest.mark.parametrize("sub", ["nobody", "", "\ud800", "a\x00b", "x" * 1000])
def test_a_sub_that_is_asked_for_must_be_the_one_signed_in(residents: Residents, portal: Portal, sub: str) -> None:
    anh, chi = residents(portal), residents(portal)
    mine = anh.tokens(portal)

    def asking(value: str) -> dict[str, str | None]:
        return {"claims": json.dumps({"id_token": {"sub": {"value": value}}}), "prompt": "none"}

    assert "code" in anh.asked(portal, **asking(mine.claims["sub"]))
    assert chi.asked(portal, **asking(mine.claims["sub"]))["error_description"].startswith("A19")
    assert anh.asked(portal, **asking(sub))["error_description"].startswith("A19")
    # A hint does not take the place of the sub: both must be met.
    for other in (sub, *(f"{sub}{number}" for number in range(5))):
        assert anh.asked(portal, **asking(other), id_token_hint=mine.id_token)["error_description"].startswith("A19")
