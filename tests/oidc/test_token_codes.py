"""What a code buys at `/token`, once, for its own client alone (RFC 6749 section 4.1.3, RFC 7636, RFC 9700)."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from idp.oidc.sealed import NONCE_LIMIT_CHARACTERS
from tests.oidc.holder import Holder, asked, told
from tests.oidc.residents import Resident, seconds_later
from tests.oidc.test_token_authentication import refused
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


def invalid_grant(answer: requests.Response, code: str) -> None:
    assert refused(answer, "invalid_grant", 400)["error_description"].startswith(code), answer.text


TAMPERED: dict[str, Callable[[str], str]] = {
    "the first character": lambda code: ("B" if code[0] == "A" else "A") + code[1:],
    "the last character": lambda code: code[:-1] + ("A" if code[-1] != "A" else "Q"),
    "one in the middle": lambda code: code[:100] + ("A" if code[100] != "A" else "B") + code[101:],
    "cut": lambda code: code[:-4],
    "longer": lambda code: code + "AAAA",
    "padded": lambda code: code + "==",
    "twice": lambda code: code + code,
    "in capitals": str.upper,
    "with a space": lambda code: code + " ",
    "not ASCII": lambda _: "mã",
    "a word": lambda _: "code",
    "a null byte": lambda code: code + "\x00",
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_code_that_is_none_of_ours_is_refused(
    resident: Resident, portal: Portal, change: Callable[[str], str]
) -> None:
    code, request = resident.code(portal)
    invalid_grant(portal.redeem(change(code), request.verifier), "T02")
    assert portal.redeem(code, request.verifier).status_code == 200


def test_an_access_token_is_no_code(resident: Resident, portal: Portal) -> None:
    """Sealed for one purpose, readable for no other."""
    token = resident.tokens(portal).access_token
    for text in (token, token.removeprefix("mc_at_")):
        invalid_grant(portal.redeem(text, "v" * 43), "T02")


def test_a_code_lives_for_a_minute(country: World, resident: Resident, portal: Portal) -> None:
    lifetime = country.settings.lifetimes.code_seconds
    early, request = resident.code(portal)
    late, late_request = resident.code(portal)
    with seconds_later(lifetime - 5):
        assert portal.redeem(early, request.verifier).status_code == 200
    with seconds_later(lifetime + 1):
        invalid_grant(portal.redeem(late, late_request.verifier), "T02")
        # A code that is too old is not ours any more, used or not; what the first use bought is left alone.
        invalid_grant(portal.redeem(early, request.verifier), "T02")


def test_a_code_from_the_future_is_refused(resident: Resident, portal: Portal) -> None:
    with seconds_later(600):
        code, request = resident.code(portal)
    invalid_grant(portal.redeem(code, request.verifier), "T02")


@pytest.mark.parametrize("redirect_uri", [None, "", "http://elsewhere.example/", "{uri}/", "{uri}?a=b", "{URI}"])
def test_the_redirect_uri_must_be_that_of_the_request(
    portals: Portals, residents: Residents, redirect_uri: str | None
) -> None:
    """RFC 6749 section 4.1.3."""
    portal = portals()
    code, request = residents(portal).code(portal)
    uri = portal.redirect_uri
    changed = redirect_uri and redirect_uri.format(uri=uri, URI=uri.upper())
    invalid_grant(portal.redeem(code, request.verifier, redirect_uri=changed), "T04")
    assert portal.redeem(code, request.verifier).status_code == 200


def test_another_registered_redirect_uri_will_not_do_either(portals: Portals, residents: Residents) -> None:
    uris = ["http://two.localhost:9/one", "http://two.localhost:9/two"]
    portal = portals(redirect_uris=uris)
    code, request = residents(portal).code(portal)
    invalid_grant(portal.redeem(code, request.verifier, redirect_uri=uris[1]), "T04")


@pytest.mark.parametrize("verifier", [None, "", "short", "x" * 42, "x" * 129, "x" * 43, "ü" * 43, "x" * 42 + "/"])
def test_the_verifier_must_fit_the_challenge(resident: Resident, portal: Portal, verifier: str | None) -> None:
    """RFC 7636 sections 4.1 and 4.6."""
    code, request = resident.code(portal)
    invalid_grant(portal.redeem(code, request.verifier, code_verifier=verifier), "T05")
    assert portal.redeem(code, request.verifier).status_code == 200


def test_a_challenge_that_is_its_own_verifier_is_refused(resident: Resident, portal: Portal) -> None:
    """`plain` by the back door."""
    code, request = resident.code(portal)
    invalid_grant(portal.redeem(code, request.parameters["code_challenge"]), "T05")


def test_a_verifier_too_short_is_refused_although_it_fits(resident: Resident, portal: Portal) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"short").digest()).rstrip(b"=").decode()
    code, _ = resident.code(portal, code_challenge=challenge)
    invalid_grant(portal.redeem(code, "short"), "T05")


def test_a_verifier_without_a_challenge_is_refused(portals: Portals, residents: Residents) -> None:
    """RFC 9700 section 4.8.2: or a challenge could be stripped from the request."""
    portal = portals(pkce_required=False)
    code, request = residents(portal).code(portal, code_challenge=None, code_challenge_method=None)
    invalid_grant(portal.redeem(code, request.verifier), "T05")
    assert portal.redeem(code, request.verifier, code_verifier=None).status_code == 200


def test_an_exempt_client_that_sent_a_challenge_owes_the_verifier(portals: Portals, residents: Residents) -> None:
    portal = portals(pkce_required=False)
    code, request = residents(portal).code(portal)
    invalid_grant(portal.redeem(code, request.verifier, code_verifier=None), "T05")


# ---- by the key that asked for it (RFC 9449 section 10) ----


def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key(portals: Portals, residents: Residents) -> None:
    portal, holder = portals(), Holder()
    code, request = residents(portal).code(portal, dpop_jkt=holder.jkt)
    form: dict[str, Any] = {
        "code": code, "redirect_uri": portal.redirect_uri, "code_verifier": request.verifier,
    }  # fmt: skip
    for other in (Holder(), None):
        invalid_grant(asked(portal, "authorization_code", **form, holder=other), "T24")
    assert told(asked(portal, "authorization_code", **form, holder=holder))["token_type"] == "DPoP"
    invalid_grant(asked(portal, "authorization_code", **form, holder=holder), "T03")


@pytest.mark.parametrize(
    "registered, error, number",
    [
        ("dpop_bound_access_tokens", "invalid_dpop_proof", "D01"),
        ("tls_client_certificate_bound_access_tokens", "invalid_request", "T25"),
    ],
)
def test_who_registered_to_bind_its_tokens_gets_none_without_a_key(
    portals: Portals, residents: Residents, registered: str, error: str, number: str
) -> None:
    """RFC 9449 section 5.2, RFC 8705 section 3. The code is not spent by that."""
    portal = portals(**{registered: True})
    code, request = residents(portal).code(portal)
    for _ in range(2):
        answer = refused(portal.redeem(code, request.verifier), error, 400)
        assert answer["error_description"].startswith(number)


# ---- once (RFC 6749 section 4.1.2) ----


@pytest.mark.parametrize("later", [0, 30])
def test_a_second_use_is_refused_and_revokes_what_the_first_bought(
    resident: Resident, portal: Portal, later: int
) -> None:
    untouched = resident.tokens(portal)
    code, request = resident.code(portal)
    first = portal.redeem(code, request.verifier).json()
    assert portal.userinfo(first["access_token"]).status_code == 200
    with seconds_later(later):
        invalid_grant(portal.redeem(code, request.verifier), "T03")
        assert portal.userinfo(first["access_token"]).status_code == 401
        invalid_grant(portal.redeem(code, request.verifier), "T03")
        assert portal.userinfo(untouched.access_token).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_a_stranger_neither_spends_nor_revokes(portals: Portals, residents: Residents, method: str) -> None:
    portal, stranger = portals(token_endpoint_auth_method=method), portals()
    resident = residents(portal)
    code, request = resident.code(portal)
    for attempt in (
        stranger.redeem(code, request.verifier),
        stranger.redeem(code, request.verifier, redirect_uri=portal.redirect_uri),
    ):
        invalid_grant(attempt, "T02")
    bought = portal.redeem(code, request.verifier).json()
    invalid_grant(stranger.redeem(code, request.verifier, redirect_uri=portal.redirect_uri), "T02")
    invalid_grant(portal.redeem(code, request.verifier, redirect_uri="http://elsewhere.example/"), "T04")
    invalid_grant(portal.redeem(code, "x" * 43), "T05")  # who does not hold the verifier is a stranger too
    assert portal.userinfo(bought["access_token"]).status_code == 200


def test_of_many_at_once_one_wins(resident: Resident, portal: Portal) -> None:
    code, request = resident.code(portal)
    start, statuses, tokens = threading.Barrier(6), [], []

    def redeem() -> None:
        start.wait()
        answer = portal.redeem(code, request.verifier)
        statuses.append(answer.status_code)
        tokens.extend([answer.json()["access_token"]] if answer.ok else [])

    threads = [threading.Thread(target=redeem) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 5
    assert portal.userinfo(tokens[0]).status_code == 401  # a code used twice is a stolen one


def test_the_longest_code_is_redeemed(country: World, residents: Residents) -> None:
    host = "http://longest.localhost:9"
    uris = {"home_url": host, "redirect_uris": [f"{host}/callback"], "post_logout_redirect_uris": [f"{host}/out"]}
    portal = country.portal(f"{residents().session}-{'y' * 31}", sector="longest", **uris)
    nonce = "n" * NONCE_LIMIT_CHARACTERS
    assert residents(portal).tokens(portal, nonce=nonce).claims["nonce"] == nonce


# ---- between the code and its use ----


def test_a_code_of_a_session_that_ended_is_refused(resident: Resident, portal: Portal) -> None:
    code, request = resident.code(portal)
    house = portal.world.house
    with house.database.write() as tx:
        house.sessions.end(tx, resident.session_id, "in a test")
    invalid_grant(portal.redeem(code, request.verifier), "T08")


@pytest.mark.parametrize("status", ["barred", "deceased"])
def test_a_code_of_a_person_who_was_barred_is_refused(resident: Resident, portal: Portal, status: str) -> None:
    code, request = resident.code(portal)
    house = portal.world.house
    with house.database.write() as tx:
        house.people.set_status(tx, resident.person_id, status, "in a test")
    invalid_grant(portal.redeem(code, request.verifier), "T08")
    assert resident.asked(portal, prompt="none")["error"] == "login_required"


def test_a_code_outlives_no_session(country: World, resident: Resident, portal: Portal) -> None:
    lifetimes = country.settings.lifetimes
    with seconds_later(lifetimes.session_idle_seconds - 30):
        code, request = resident.code(portal)  # idle just not too long
        assert portal.redeem(code, request.verifier).status_code == 200
        assert resident.is_signed_in(portal)
    with seconds_later(2 * lifetimes.session_idle_seconds - 90):
        assert resident.is_signed_in(portal)  # the redemption was a use
    with seconds_later(2 * lifetimes.session_idle_seconds + 30):
        assert not resident.is_signed_in(portal)
