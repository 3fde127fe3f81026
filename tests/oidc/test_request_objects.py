"""Signed requests at `/authorize` (RFC 9101, OpenID Connect Core section 6): what counts, and whence it may come."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest

from idp import clock
from tests.oidc.asserting import private_key
from tests.oidc.packing import Shelf, answered, request_object, shelf, signing, url_of
from tests.oidc.residents import Resident, seconds_later
from tests.world import Browser, Portal

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture
def signer(portals: Portals) -> Portal:
    return signing(portals)


def sent(browser: Browser, portal: Portal, token: str, **outside: str) -> dict[str, str]:
    """What the portal is told of a request object that it sends by value."""
    page = browser.get(url_of(portal, request=token, **outside))
    return answered(page, portal)


def refused(browser: Browser, portal: Portal, token: str, code: str = "A09") -> None:
    """The portal is told, since its redirect_uri stands outside too; without that, the person is."""
    answer = sent(browser, portal, token, redirect_uri=portal.redirect_uri, state="outside")
    assert (answer["error_description"][:3], answer["state"]) == (code, "outside"), answer
    assert answer["iss"] == portal.world.issuer
    page = browser.get(url_of(portal, request=token, redirect_uri="http://elsewhere.example/"))
    assert (page.status, page.onward, code in page.html) == (400, None, True)


# ---- what is inside counts ----


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_signed_request_is_answered(portals: Portals, residents: Residents, alg: str) -> None:
    """Section 6.1. What must be outside is client_id; response_type and scope may (OAuth libraries)."""
    portal = signing(portals, alg)
    resident, request = residents(portal), portal.ask()
    token = request_object(portal, request.parameters, alg)
    answer = sent(resident.browser, portal, token, response_type="code", scope="openid")
    assert answer["state"] == request.parameters["state"]
    assert resident.country.redeemed(portal, request, answer).claims["nonce"] == request.parameters["nonce"]


def test_what_is_inside_wins_and_what_is_only_outside_is_added(signer: Portal, residents: Residents) -> None:
    """OpenID Connect Core section 6.1."""
    inside = signer.ask(state="inside", max_age=None)
    token = request_object(signer, inside.parameters, nonce=None)
    answer = sent(
        residents(signer).browser,
        signer,
        token,
        state="outside",
        nonce="outside",
        redirect_uri="http://elsewhere.example/",
    )
    assert answer["state"] == "inside"
    assert signer.claims(signer.redeem(answer["code"], inside.verifier).json()["id_token"])["nonce"] == "outside"


def test_a_portal_that_must_sign_has_only_what_it_signed(portals: Portals, residents: Residents) -> None:
    """RFC 9101 section 6.3: nothing is added that anybody could have added."""
    portal = signing(portals, require_signed_request_object=True)
    resident = residents(portal)
    token = request_object(portal, portal.ask(state=None, nonce=None).parameters)
    answer = sent(resident.browser, portal, token, state="outside", nonce="outside", prompt="login")
    assert answer.keys() == {"code", "iss", "session_state"}
    plain = answered(resident.browser.get(portal.ask().url), portal)
    assert (plain["error"], plain["error_description"][:3]) == ("invalid_request", "A24")


def test_claims_are_an_object_inside_and_max_age_a_number(signer: Portal, residents: Residents) -> None:
    """RFC 9101 section 4: parameters are JSON there."""
    request = signer.ask(scope="openid")
    token = request_object(signer, request.parameters, claims={"userinfo": {"name": {"essential": True}}}, max_age=9999)
    answer = sent(residents(signer).browser, signer, token)
    token = signer.redeem(answer["code"], request.verifier).json()
    assert "name" in signer.userinfo(token["access_token"]).json()


def test_the_parameters_inside_are_checked_like_any_others(signer: Portal, browser: Browser) -> None:
    for change, code in (
        ({"scope": "profile"}, "A08"), ({"code_challenge": None}, "A06"), ({"response_type": "token"}, "A05"),
        ({"response_type": None}, "A04"), ({"max_age": -1}, "A04"), ({"claims": {"userinfo": []}}, "A04"),
        ({"login_hint": "a\nb"}, "A04"), ({"nonce": "n" * 200}, "A04"), ({"prompt": "none login"}, "A12"),
        ({"response_mode": "x"}, "A13"),
    ):  # fmt: skip
        answer = sent(browser, signer, request_object(signer, signer.ask().parameters, **change))
        assert answer["error_description"][:3] == code, change


def test_the_redirect_uri_inside_must_be_registered(signer: Portal, browser: Browser) -> None:
    """Nothing is redirected before it is proven; that outside is not the one that counts."""
    for inside in ("http://elsewhere.example/", None):
        token = request_object(signer, signer.ask(redirect_uri=inside).parameters)
        page = browser.get(url_of(signer, request=token))
        assert (page.status, page.onward, "A02" in page.html) == (400, None, True)


# ---- who signed, for whom, until when (RFC 9101 sections 4, 6 and 10.8) ----


CLAIMS: list[tuple[str, dict[str, Any]]] = [
    ("another client's iss", {"iss": "another"}), ("an empty iss", {"iss": ""}),
    ("for another provider", {"aud": "https://elsewhere.example"}), ("for nobody", {"aud": []}),
    ("for one of several others", {"aud": ["https://a.example", "https://b.example"]}),
    ("for an endpoint", {"aud": "/authorize"}), ("an aud that is a number", {"aud": 1}),
    ("another client_id", {"client_id": "another"}), ("a sub that is the client", {"sub": "SELF"}),
    ("expired", {"exp": -60}), ("not yet valid", {"nbf": 60}), ("issued in the future", {"iat": 600}),
    ("an exp of four hundred digits", {"exp": 10**400}),
    ("an exp that is a text", {"exp": "tomorrow"}), ("an nbf that is true", {"nbf": True}),
    ("a request object inside", {"request": "x"}), ("a reference inside", {"request_uri": "https://a.example/r"}),
    ("a list for a parameter", {"scope": ["openid"]}), ("an object for a state", {"state": {}}),
    ("a number with a point", {"max_age": 1.5}), ("half a character", {"state": "\ud800"}),
    ("an empty jti", {"jti": ""}), ("a jti that is a number", {"jti": 7}), ("a long jti", {"jti": "j" * 257}),
    ("a jti that is half a character", {"jti": "\ud800"}), ("a jti that is not ASCII", {"jti": "số một"}),
]  # fmt: skip


@pytest.mark.parametrize("changes", [changes for _, changes in CLAIMS], ids=[what for what, _ in CLAIMS])
def test_a_request_object_that_is_not_for_us_and_now_is_refused(
    signer: Portal, browser: Browser, changes: dict[str, Any]
) -> None:
    def told(value: Any, name: str) -> Any:
        if name in ("exp", "nbf", "iat") and type(value) is int:
            return clock.seconds() + value
        return signer.id if value == "SELF" else value

    claims = {name: told(value, name) for name, value in changes.items()}
    refused(browser, signer, request_object(signer, signer.ask(prompt="none").parameters, **claims))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["https://elsewhere.example", "ISSUER"]}, {"nbf": 8}, {"exp": None, "nbf": None, "iat": None},
        {"iss": None, "aud": None, "jti": None}, {"client_id": None}, {"sub": "somebody"},
    ],
)  # fmt: skip
def test_what_openid_connect_leaves_open_is_left_open(
    signer: Portal, browser: Browser, changes: dict[str, Any]
) -> None:
    claims = dict(changes)
    if claims.get("nbf"):
        claims["nbf"] += clock.seconds()
    if claims.get("aud"):
        claims["aud"][1] = signer.world.issuer
    answer = sent(browser, signer, request_object(signer, signer.ask(prompt="none").parameters, **claims))
    assert answer["error"] == "login_required"


def test_a_response_type_outside_must_not_differ(signer: Portal, browser: Browser) -> None:
    """OpenID Connect Core section 6.1."""
    token = request_object(signer, signer.ask(prompt="none").parameters)
    answer = sent(browser, signer, token, redirect_uri=signer.redirect_uri, response_type="code id_token")
    assert answer["error_description"].startswith("A09")


def test_a_jti_is_spent_once(signer: Portal, browser: Browser) -> None:
    token = request_object(signer, signer.ask(prompt="none").parameters)
    assert sent(browser, signer, token)["error"] == "login_required"
    refused(browser, signer, token)
    other = request_object(signer, signer.ask(prompt="none").parameters, jti=None)
    for _ in range(2):
        assert sent(browser, signer, other)["error"] == "login_required"


def test_a_posted_request_object_is_opened_once(signer: Portal, browser: Browser) -> None:
    """A POST comes back by GET: only there is it opened, so that its jti is not spent on the way."""
    token = request_object(signer, signer.ask(prompt="none").parameters)
    form = {"client_id": signer.id, "request": token}
    kept = browser.request("POST", f"{signer.world.issuer}/authorize", data=form)
    assert answered(browser.get(kept.location), signer)["error"] == "login_required"


def test_request_and_request_uri_exclude_each_other(signer: Portal, browser: Browser) -> None:
    token = request_object(signer, signer.ask(prompt="none").parameters)
    answer = sent(browser, signer, token, redirect_uri=signer.redirect_uri, request_uri="https://a.example/r")
    assert answer["error"] == "invalid_request_object"


# ---- a request object at an address (section 6.2) ----


def by_reference(browser: Browser, portal: Portal, uri: str, **outside: str) -> dict[str, str]:
    outside.setdefault("redirect_uri", portal.redirect_uri)
    return answered(browser.get(url_of(portal, request_uri=uri, **outside)), portal)


def left(portals: Portals, place: Shelf, fragment: str = "", **claims: Any) -> Portal:
    """A portal that registered this address and left a request there."""
    portal = signing(portals, request_uris=[place.url + fragment])
    place.document = request_object(portal, portal.ask(prompt="none", state="inside").parameters, **claims)
    return portal


def test_a_registered_document_is_fetched_and_kept_for_a_minute(portals: Portals, browser: Browser) -> None:
    with shelf() as place:
        portal = left(portals, place, jti="always")
        for _ in range(3):  # for three people: a document's jti is not spent
            answer = by_reference(browser, portal, place.url, state="outside")
            assert (answer["error"], answer["state"]) == ("login_required", "inside")
        assert place.seen == ["/request.jwt?"]
        with seconds_later(61):
            by_reference(browser, portal, place.url)
        assert len(place.seen) == 2


def test_a_fragment_is_never_sent_and_names_a_version(portals: Portals, browser: Browser) -> None:
    """Section 6.2: with another fragment, what we kept is not fresh any more. It need not be the hash of what is there:
    the conformance suite has to make it up before it knows the document.
    """
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"made up").digest()).rstrip(b"=").decode()
    with shelf() as place:
        portal = left(portals, place)
        assert by_reference(browser, portal, f"{place.url}#{digest}")["state"] == "inside"
        for number in range(5):  # anybody can make up fragments: the portal's server is not asked for each
            assert by_reference(browser, portal, f"{place.url}#{number}")["state"] == "inside"
        assert place.seen == ["/request.jwt?"]
        with seconds_later(3):
            assert by_reference(browser, portal, f"{place.url}#another")["state"] == "inside"
        assert place.seen == ["/request.jwt?"] * 2


def test_a_fragment_that_was_registered_must_be_there(portals: Portals, browser: Browser) -> None:
    with shelf() as place:
        portal = left(portals, place, fragment="#v1")
        assert by_reference(browser, portal, f"{place.url}#v1")["state"] == "inside"
        for other in (place.url, f"{place.url}#v2"):
            assert by_reference(browser, portal, other)["error"] == "invalid_request_uri"


def test_a_portal_with_a_slow_server_holds_up_nobody_else(portals: Portals, browser: Browser) -> None:
    """Whoever names its address is told, at once or in a second; other portals' people do not wait at all."""
    with shelf() as slow, shelf() as quick, ThreadPoolExecutor(8) as together:
        slow.open.clear()
        laggard, portal = left(portals, slow), left(portals, quick)
        uris = [f"{slow.url}#{number}" for number in range(8)]
        waiting = [together.submit(by_reference, portal.world.browser(), laggard, uri) for uri in uris]
        assert by_reference(browser, portal, quick.url)["state"] == "inside"
        told = [each.result()["error"] for each in islice(as_completed(waiting), 7)]
        assert (told, len(slow.seen)) == (["invalid_request_uri"] * 7, 1)
        slow.open.set()


def test_of_those_who_come_while_it_is_fetched_one_waits_for_it(portals: Portals) -> None:
    """And for no more than a second: a slow portal holds two threads, however many people name its address."""
    with shelf() as place, ThreadPoolExecutor(4) as together:
        place.open.clear()
        portal = left(portals, place)
        asking = [together.submit(by_reference, portal.world.browser(), portal, place.url) for _ in range(4)]
        told = [each.result()["error"] for each in islice(as_completed(asking), 2)]
        assert told == ["invalid_request_uri"] * 2
        place.open.set()
        assert sorted(each.result()["error"] for each in asking) == ["invalid_request_uri"] * 2 + ["login_required"] * 2
        assert len(place.seen) == 1


@pytest.mark.parametrize(
    "other", ["/other.jwt", "/request.jwt?x=1", "/request.jwt/", "/Request.jwt", "/../request.jwt"]
)
def test_an_address_that_is_not_registered_is_never_asked(portals: Portals, browser: Browser, other: str) -> None:
    with shelf() as place:
        portal = left(portals, place)
        uri = place.url.replace("/request.jwt", other)
        assert by_reference(browser, portal, uri)["error_description"].startswith("A10")
        assert place.seen == []


@pytest.mark.parametrize("kind", ["gone", "a redirect", "too long", "not ASCII", "empty", "unsigned", "another's"])
def test_what_is_no_signed_request_is_told_to_the_portal(portals: Portals, browser: Browser, kind: str) -> None:
    with shelf() as place:
        portal = left(portals, place)
        if kind == "gone":
            place.status = 404
        elif kind == "a redirect":
            place.status, place.headers = 302, {"Location": place.url}
        elif kind == "another's":
            place.document = request_object(portal, portal.ask().parameters, key=private_key("ES256", 2))
        else:
            place.document = {
                "too long": "x" * 8193,
                "not ASCII": "é",
                "empty": "",
                "unsigned": "eyJhbGciOiJub25lIn0.e30.",
            }[kind]
        answer = by_reference(browser, portal, place.url, state="s")
        expected = {"empty": "A09", "unsigned": "A09", "another's": "A09"}.get(kind, "A10")
        assert (answer["error_description"][:3], answer["state"]) == (expected, "s")
        by_reference(browser, portal, place.url)
        assert len(place.seen) == 1  # not even a bad one is fetched for every browser


def test_a_portal_whose_documents_cannot_be_reached_is_told_soon(portals: Portals, browser: Browser) -> None:
    with shelf() as place:
        portal = left(portals, place)
    answer = by_reference(browser, portal, place.url)
    assert (answer["error"], answer["error_description"][:3]) == ("invalid_request_uri", "A10")


def test_the_egress_reaches_no_private_address(portals: Portals, browser: Browser) -> None:
    """Registered or not: an address within our own network is not asked (server-side request forgery)."""
    uri = "https://10.0.0.1/request.jwt"
    portal = signing(portals, request_uris=[uri])
    assert by_reference(browser, portal, uri)["error"] == "invalid_request_uri"
