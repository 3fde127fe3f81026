"""OpenID Connect Basic and Form Post: prompt, max_age and id_token_hint, over a session that one browser keeps."""

from __future__ import annotations

import time

from tests.conformance.conftest import NewClient
from tests.conformance.suite_client import SuiteClient, Tokens


def test_oidcc_prompt_login(basic: NewClient) -> None:
    first = basic()
    before = first.sign_in()
    time.sleep(1.1)
    again = first.sign_in(prompt="login")
    assert again.visit.shown, "the person was asked again"
    assert again.claims["auth_time"] > before.claims["auth_time"]
    assert again.claims["sub"] == before.claims["sub"]


def test_oidcc_prompt_none_not_logged_in(basic: NewClient) -> None:
    first = basic()
    asked = first.ask(prompt="none")
    visit = first.visit(asked)
    assert visit.shown == [], "no page"
    assert visit.answer["error"] in ("login_required", "interaction_required", "consent_required")
    assert visit.answer["state"] == asked.parameters["state"]
    assert "iss" in visit.answer
    assert "code" not in visit.answer
    assert visit.arrival is not None
    assert visit.arrival.mode == (first.response_mode or "query")


def test_oidcc_prompt_none_logged_in(basic: NewClient) -> None:
    first = basic()
    before = first.sign_in()
    _is_the_same_without_a_page(before, first, prompt="none")


def test_oidcc_max_age_1(basic: NewClient) -> None:
    first = basic()
    before = first.sign_in()
    time.sleep(2.1)
    again = first.sign_in(max_age="1")
    assert again.visit.shown
    assert again.claims["auth_time"] > before.claims["auth_time"]
    assert time.time() - again.claims["auth_time"] < 30


def test_oidcc_max_age_10000(basic: NewClient) -> None:
    first = basic()
    before = first.sign_in(max_age="15000")
    assert before.claims["auth_time"]
    _is_the_same_without_a_page(before, first, max_age="10000")


def test_oidcc_id_token_hint(basic: NewClient) -> None:
    first = basic()
    before = first.sign_in()
    _is_the_same_without_a_page(before, first, prompt="none", id_token_hint=before.id_token)
    stranger = basic()  # another browser, in which nobody is signed in
    assert stranger.visit(stranger.ask(prompt="none", id_token_hint=before.id_token)).answer["error"]


def _is_the_same_without_a_page(before: Tokens, first: SuiteClient, **asked: str) -> None:
    again = first.sign_in(**asked)
    assert again.visit.shown == []
    assert (again.claims["sub"], again.claims["auth_time"]) == (before.claims["sub"], before.claims["auth_time"])
