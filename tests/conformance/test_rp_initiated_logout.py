"""OpenID Connect RP-Initiated Logout: the modules by name. The portal is never led to unless it may be."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import jwt
import pytest

from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.suite_browser import Visit
from tests.conformance.suite_client import SuiteClient, Tokens, random_word
from tests.conformance.suite_keys import SigningKey, unsigned


@pytest.fixture
def first(client: NewClient) -> SuiteClient:
    return client("basic")


def leave(first: SuiteClient, **parameters: str) -> Visit:
    """Where the end_session_endpoint leads the person's browser."""
    endpoint = first.deployment.endpoint("end_session_endpoint")
    return first.browser.visit(f"{endpoint}?{urlencode(parameters, quote_via=quote)}", [])


def return_address(first: SuiteClient) -> str:
    return f"{first.deployment.suite.address}/post_logout_redirect"


def assert_nobody_is_signed_in(first: SuiteClient) -> None:
    visit = first.visit(first.ask(prompt="none"))
    assert visit.answer["error"] in ("login_required", "interaction_required")


def assert_still_signed_in(first: SuiteClient, before: Tokens) -> None:
    assert first.sign_in(prompt="none").claims["sub"] == before.claims["sub"]


def signed_out_after_being_asked(first: SuiteClient, visit: Visit) -> Visit:
    """The person was asked, said yes, and is signed out."""
    assert visit.arrival is None
    assert visit.page.status == 200
    after = first.browser.press(visit, "decision", "sign_out")
    assert_nobody_is_signed_in(first)
    return after


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(deployment: Deployment) -> None:
    assert deployment.discovery()["end_session_endpoint"].startswith(f"{deployment.issuer}/")


def test_oidcc_rp_initiated_logout(first: SuiteClient) -> None:
    tokens, state = first.sign_in(), random_word()
    visit = leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=return_address(first), state=state)
    assert visit.arrival is not None
    assert visit.arrival.url.partition("?")[0] == return_address(first)
    assert visit.answer == {"state": state}
    assert_nobody_is_signed_in(first)


def test_oidcc_rp_initiated_logout_no_state(first: SuiteClient) -> None:
    tokens = first.sign_in()
    visit = leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=return_address(first))
    assert visit.arrival is not None
    assert visit.arrival.url == return_address(first), "with nothing added"
    assert_nobody_is_signed_in(first)


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(first: SuiteClient) -> None:
    tokens = first.sign_in()
    elsewhere = f"{first.deployment.suite.address}/bad_post_logout_redirect"
    _is_refused(leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=elsewhere, state=random_word()))
    assert_still_signed_in(first, tokens)


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(first: SuiteClient) -> None:
    tokens = first.sign_in()
    added = f"{return_address(first)}?foo=bar"
    _is_refused(leave(first, id_token_hint=tokens.id_token, post_logout_redirect_uri=added, state=random_word()))
    assert_still_signed_in(first, tokens)


def test_oidcc_rp_initiated_logout_modified_id_token_hint(first: SuiteClient) -> None:
    tokens = first.sign_in()
    hint = unsigned(tokens.claims, jwt.get_unverified_header(tokens.id_token))
    _is_refused(leave(first, id_token_hint=hint, post_logout_redirect_uri=return_address(first), state=random_word()))
    assert_still_signed_in(first, tokens)


def test_oidcc_rp_initiated_logout_bad_id_token_hint(first: SuiteClient) -> None:
    tokens = first.sign_in()
    header = jwt.get_unverified_header(tokens.id_token)
    hint = SigningKey.new("RS256").signed(tokens.claims, header)
    _is_refused(leave(first, id_token_hint=hint, post_logout_redirect_uri=return_address(first), state=random_word()))
    assert_still_signed_in(first, tokens)


def _is_refused(visit: Visit) -> None:
    assert visit.arrival is None, "the suite was led back to"
    assert visit.page.status == 400


def test_oidcc_rp_initiated_logout_no_id_token_hint(first: SuiteClient) -> None:
    tokens = first.sign_in()
    visit = leave(first, post_logout_redirect_uri=return_address(first), state=random_word())
    assert visit.arrival is None, "without a hint anybody on the web could have asked"
    assert_still_signed_in(first, tokens)


def test_oidcc_rp_initiated_logout_no_params(first: SuiteClient) -> None:
    first.sign_in()
    assert signed_out_after_being_asked(first, leave(first)).arrival is None


def test_oidcc_rp_initiated_logout_only_state(first: SuiteClient) -> None:
    first.sign_in()
    assert signed_out_after_being_asked(first, leave(first, state=random_word())).arrival is None


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(first: SuiteClient) -> None:
    tokens = first.sign_in()
    visit = leave(first, id_token_hint=tokens.id_token)
    assert visit.arrival is None
    assert visit.page.status == 200
    assert_nobody_is_signed_in(first)
