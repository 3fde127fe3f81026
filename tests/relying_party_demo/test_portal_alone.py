"""A portal by itself: how it starts, what it shows while the provider is away, and the headers of its pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from relying_party_demo.app import create_app
from relying_party_demo.failures import STATUS
from relying_party_demo.settings import SettingsError, read_settings
from relying_party_demo.store import Store
from relying_party_demo.words import CLAIM_LABELS, FAILURES, WORDS
from tests.peers.visitor import Visitor


@pytest.fixture
def alone(environment):
    """A portal whose provider does not answer."""
    return create_app(read_settings(environment())).test_client()


def test_the_portal_opens_while_the_provider_is_away_and_says_so_at_sign_in(alone):
    assert alone.get("/").status_code == 200
    assert alone.get("/health").text == "ok"

    page = alone.get("/sign-in")

    assert page.status_code == 503
    assert "provider_unreachable" in page.text
    assert 'id="try-again"' in page.text


def test_the_portal_finds_the_provider_once_it_is_there(guest, crooked):
    honest = dict(crooked.metadata)
    crooked.metadata = {"issuer": None}
    assert guest.get("/sign-in").status == 502
    crooked.metadata = honest

    guest.come_back()

    assert guest.signed_in


def test_the_client_secret_may_arrive_after_the_start(guest):
    secret = Path(guest.environment["PORTAL_CLIENT_SECRET_FILE"])
    text = secret.read_text()
    secret.unlink()
    assert guest.come_back().text("error") == "portal_not_ready"
    secret.write_text(text)

    guest.come_back()

    assert guest.signed_in


def test_a_path_that_is_not_there_is_told_kindly(alone):
    page = alone.get("/nothing")

    assert page.status_code == 404
    assert 'id="home"' in page.text


def test_a_fault_of_our_own_shows_no_trace(environment):
    app = create_app(read_settings(environment()))
    app.add_url_rule("/broken", view_func=lambda: {}["a person's name"])

    page = app.test_client().get("/broken")

    assert page.status_code == 500
    assert "a person's name" not in page.text
    assert "Traceback" not in page.text


def test_every_page_carries_headers_that_keep_it_to_itself(ministry, visitor):
    for path in ("/", "/nothing", "/callback", "/static/portal.css"):
        page = visitor.get(ministry.at(path))
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"form-action 'self' {ministry.issuer}" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"
    assert visitor.get(ministry.at("/")).headers["Cache-Control"] == "no-store"


def test_no_page_has_script_or_inline_style(ministry, visitor):
    ministry.sign_in(visitor)

    for path in ("/", "/me", "/services/driving-licence", "/nothing", "/signed-out"):
        html = visitor.open(ministry.at(path)).html
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", html)


def test_cookies_are_for_this_host_and_not_for_scripts(guest):
    cookies = guest.get("/").headers.getlist("Set-Cookie") + guest.come_back().headers.getlist("Set-Cookie")

    assert {cookie.partition("=")[0] for cookie in cookies} == {"portal-browser", "portal-session"}
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie


def test_over_https_cookies_are_secure_and_bound_to_the_host(environment):
    variables = environment("https://idp.example") | {"PORTAL_BASE_URL": "https://ministry.example"}
    answer = create_app(read_settings(variables)).test_client().get("/")

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal-browser=")
    assert "Secure" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    "path, accept, expected",
    [
        ("/", "", "vi"),
        ("/", "fr", "vi"),
        ("/", "en-GB,en;q=0.9", "en"),
        ("/", "vi;q=0.5,en;q=0.9", "en"),
        ("/?lang=en", "vi", "en"),
        ("/?lang=vi", "en", "vi"),
        ("/?lang=xx", "vi", "vi"),
    ],
)
def test_the_language_is_the_one_chosen_then_the_browsers_then_vietnamese(alone, path, accept, expected):
    assert f'<html lang="{expected}">' in alone.get(path, headers={"Accept-Language": accept}).text


def test_a_chosen_language_stays_and_reaches_the_provider(ministry):
    visitor = Visitor(language="vi")
    visitor.open(ministry.at("/?lang=en"))

    assert "Sign in once" in visitor.open(ministry.at("/")).html
    assert "ui_locales=en+vi" in visitor.get(ministry.at("/sign-in")).location


def test_every_failure_has_words_and_every_word_has_both_languages():
    assert set(FAILURES) == set(STATUS)
    pairs = [*WORDS.values(), *CLAIM_LABELS.values(), *(pair for both in FAILURES.values() for pair in both)]
    assert all(len(pair) == 2 and all(text.strip() for text in pair) for pair in pairs)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"PORTAL_CLIENT_ID": ""}, "PORTAL_CLIENT_ID is not set"),
        ({"PORTAL_LEVEL": "LoA5"}, "PORTAL_LEVEL is 'LoA5'"),
        ({"PORTAL_LOOK": "bank"}, "PORTAL_LOOK is 'bank'"),
        ({"PORTAL_SCOPE": "profile"}, "PORTAL_SCOPE must contain openid"),
        ({"PORTAL_BASE_URL": "http://portal.localhost/app"}, "without a path"),
        ({"PORTAL_ISSUER": "idp.example"}, "PORTAL_ISSUER must be an https address"),
        ({"PORTAL_SERVICES": "[{"}, "PORTAL_SERVICES is not a JSON list"),
        ({"PORTAL_SERVICES": '[{"id": "x"}]'}, "PORTAL_SERVICES is not a JSON list"),
        (
            {"PORTAL_SERVICES": json.dumps([{"id": "x", "name_vi": "x", "name_en": "x", "level": "high"}])},
            "level of x is 'high'",
        ),
        ({"MOTCUA_MODE": "production"}, "must be an https address"),
        ({"MOTCUA_MODE": ""}, "must be an https address"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(environment, wrong, sentence):
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        read_settings(environment() | wrong)


def test_a_key_too_short_to_be_one_stops_the_start(environment):
    variables = environment()
    Path(variables["PORTAL_SESSION_KEY_FILE"]).write_bytes(b"short")

    with pytest.raises(SettingsError, match="fewer than 32 bytes"):
        read_settings(variables)


def test_the_session_key_is_made_once_and_kept_to_the_owner(environment):
    variables = environment()

    keys = {read_settings(variables).session_key for _ in range(3)}

    path = Path(variables["PORTAL_SESSION_KEY_FILE"])
    assert len(keys) == 1
    assert path.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith("session-key")] == ["session-key"]


def test_the_file_with_peoples_data_is_the_owners_and_holds_no_cookie(guest):
    guest.come_back()
    path = Path(guest.environment["PORTAL_DATA"])
    cookie = guest.browser.get_cookie("portal-session")

    assert path.stat().st_mode & 0o077 == 0
    assert cookie is not None
    assert cookie.value.encode() not in path.read_bytes()


def test_an_expired_session_is_over(guest, monkeypatch):
    monkeypatch.setattr("relying_party_demo.store.SESSION_SECONDS", -1)
    guest.come_back()

    assert not guest.signed_in


def test_an_expired_sign_in_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr("relying_party_demo.store.PENDING_SECONDS", -1)
    store = Store(tmp_path / "data", b"k" * 32)
    store.begin("state", "browser", {})

    assert store.take("state", "browser") is None
