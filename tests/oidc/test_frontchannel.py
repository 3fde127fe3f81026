"""Telling portals by the browser that a session is over (OpenID Connect Front-Channel Logout 1.0)."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from idp.clients import Registration
from tests.oidc.receivers import Receiver
from tests.oidc.residents import Resident, fresh_name
from tests.peers.visitor import Page
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def framed(portals: Portals, country: World, *, query: str = "", **registration: Any) -> Portal:
    """A portal that wants to be told by the browser."""
    portal_id = fresh_name()
    return country.portal(
        portal_id, frontchannel_logout_uri=f"http://{portal_id}.localhost:9/frontchannel{query}", **registration
    )


def leave(resident: Resident, portal: Portal, id_token: str, **asked: str) -> Page:
    return resident.browser.get(f"{portal.world.issuer}/logout?{urlencode({'id_token_hint': id_token, **asked})}")


def frames(page: Page) -> list[str]:
    """What the page loads within itself; every frame is held on a short lead."""
    found = re.findall(r"<iframe ([^>]*)>", page.html)
    for attributes in found:
        assert 'sandbox="allow-scripts allow-same-origin"' in attributes
        assert 'title="' in attributes
    return [unescape(re.search(r'src="([^"]*)"', attributes)[1]) for attributes in found]  # type: ignore[index]


def policy(page: Page) -> dict[str, list[str]]:
    parts = [part.split() for part in page.headers["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in parts}


def test_discovery_says_so(country: World) -> None:
    """Section 3; certification wants both."""
    document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True
    assert document["end_session_endpoint"] == f"{country.issuer}/logout"


def test_no_portal_s_address_can_keep_the_person_from_signing_out(
    country: World, portals: Portals, residents: Residents
) -> None:
    """RFC 1035 section 2.3.4: a label has up to 63 letters, and a port is none of them."""
    place = f"https://x.{'a' * 63}:8443"
    long = country.portal(fresh_name(), redirect_uris=[f"{place}/cb"], frontchannel_logout_uri=f"{place}/out")
    plain = framed(portals, country)
    resident = residents(long, plain)
    resident.tokens(long)
    page = leave(resident, plain, resident.tokens(plain).id_token)
    assert page.status == 200 and "session" not in {cookie.name for cookie in resident.browser.cookies}
    assert set(policy(page)["frame-src"]) == {place, f"http://{plain.id}.localhost:9"}


@pytest.mark.parametrize("query", ["", "?a=b"])
def test_each_portal_of_the_session_is_told_who_and_which_session_if_it_needs_that(
    country: World, portals: Portals, residents: Residents, query: str
) -> None:
    wanting = framed(portals, country, query=query, frontchannel_logout_session_required=True)
    plain, not_visited, deaf = framed(portals, country, query=query), framed(portals, country), portals()
    resident = residents(wanting, plain, not_visited, deaf)
    tokens = [resident.tokens(portal) for portal in (wanting, plain, deaf, wanting)]
    page = leave(resident, wanting, tokens[0].id_token)
    told = {urlsplit(address).hostname: address for address in frames(page)}
    assert told.keys() == {f"{wanting.id}.localhost", f"{plain.id}.localhost"}
    assert len(frames(page)) == 2
    asked = parse_qs(urlsplit(told[f"{wanting.id}.localhost"]).query)
    before = {"a": ["b"]} if query else {}
    assert asked == before | {"iss": [country.issuer], "sid": [str(tokens[0].claims["sid"])]}
    assert parse_qs(urlsplit(told[f"{plain.id}.localhost"]).query) == before
    assert resident.sid_at(plain) != resident.sid_at(wanting)


def test_nothing_but_these_portals_may_be_framed(country: World, portals: Portals, residents: Residents) -> None:
    first, second = framed(portals, country), framed(portals, country)
    resident = residents(first, second)
    tokens = [resident.tokens(portal) for portal in (first, second)]
    page = leave(resident, first, tokens[0].id_token)
    assert set(policy(page)["frame-src"]) == {f"http://{portal.id}.localhost:9" for portal in (first, second)}
    assert policy(page)["frame-ancestors"] == ["'none'"]
    assert policy(page)["script-src"] == ["'self'"]
    assert "frame-src" not in policy(leave(resident, first, tokens[0].id_token))  # once is enough


@pytest.mark.parametrize("state", [None, "s t&a=t%e", "x" * 128])
def test_then_the_browser_goes_on_by_itself_and_needs_no_script_for_it(
    country: World, portals: Portals, residents: Residents, state: str | None
) -> None:
    portal = framed(portals, country)
    resident = residents(portal)
    tokens, back = resident.tokens(portal), portal.post_logout_redirect_uri
    asked = {"post_logout_redirect_uri": back} | ({} if state is None else {"state": state})
    page = leave(resident, portal, tokens.id_token, **asked)
    assert (page.status, len(frames(page))) == (200, 1)
    assert page.onward is not None
    assert (page.onward.split("?")[0], parse_qs(urlsplit(page.onward).query)) == (
        back, {} if state is None else {"state": [state]},
    )  # fmt: skip
    links = [unescape(link) for link in re.findall(r'<a class="button" href="([^"]*)"', page.html)]
    assert links == [page.onward]  # for who does not want to wait
    assert 'type="module"' not in page.html
    assert "session=;" in page.headers["Set-Cookie"]
    assert portal.userinfo(tokens.access_token).status_code == 401  # it is over before any portal is asked
    assert resident.asked(portal, prompt="none")["error"] == "login_required"


def test_without_a_way_back_the_page_stays_and_names_who_is_told(
    country: World, portals: Portals, residents: Residents
) -> None:
    portal = framed(portals, country)
    resident = residents(portal)
    page = leave(resident, portal, resident.tokens(portal).id_token)
    assert (page.status, page.onward, len(frames(page))) == (200, None, 1)
    assert f"Cổng {portal.id}" in page.html


def test_who_was_asked_first_tells_the_portals_just_so(country: World, portals: Portals, residents: Residents) -> None:
    portal = framed(portals, country, frontchannel_logout_session_required=True)
    resident = residents(portal)
    resident.tokens(portal)
    question = resident.browser.get(f"{country.issuer}/logout?{urlencode({'client_id': portal.id})}")
    assert frames(question) == []
    page = resident.browser.submit(question, {"decision": "sign_out"}, follow=False)
    (address,) = frames(page)
    assert parse_qs(urlsplit(address).query)["sid"] == [resident.sid_at(portal)]


def test_a_portal_with_both_channels_is_told_by_both(
    country: World, portals: Portals, residents: Residents, receivers: Callable[[], Receiver]
) -> None:
    receiver = receivers()
    portal = framed(portals, country, backchannel_logout_uri=receiver.address)
    resident = residents(portal)
    page = leave(resident, portal, resident.tokens(portal).id_token)
    assert len(frames(page)) == 1
    assert page.html.count(f'<li><b class="name">Cổng {portal.id}</b>') == 1  # named once
    house = country.house
    while house.outbox.deliver({"backchannel_logout": house.notices.deliver}):
        pass
    assert len(receiver.tokens) == 1


def test_a_portal_that_is_switched_off_gets_nobody_s_browser(
    country: World, portals: Portals, residents: Residents
) -> None:
    portal, other = framed(portals, country), portals()
    resident = residents(portal, other)
    resident.tokens(portal)
    hint = resident.tokens(other).id_token
    with country.house.database.write() as tx:
        country.house.clients.set_enabled(tx, portal.id, False)
    assert frames(leave(resident, other, hint)) == []


REGISTERED = {
    "name_vi": "Cổng", "name_en": "Portal", "home_url": "https://a.example/", "sector": "a.example",
    "redirect_uris": ["https://a.example/callback", "https://b.example:8443/callback"],
}  # fmt: skip


@pytest.mark.parametrize(
    "uri", ["https://a.example/out", "https://A.example:443/out", "https://b.example:8443/out?x=y"]
)
def test_a_portal_registers_an_address_beside_a_redirect_uri(uri: str) -> None:
    """Section 2: scheme, host and port of one of them."""
    assert Registration.model_validate(REGISTERED | {"frontchannel_logout_uri": uri}).frontchannel_logout_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "https://b.example/out", "https://a.example:8443/out", "https://www.a.example/out", "https://a.example.evil/out",
        "http://a.example/out", "https://elsewhere.example/out", "javascript:1", "https://a.example@elsewhere.example/",
    ],
)  # fmt: skip
def test_and_no_other(uri: str) -> None:
    with pytest.raises(ValueError, match="frontchannel_logout_uri"):
        Registration.model_validate(REGISTERED | {"frontchannel_logout_uri": uri})
