"""Which language is spoken, and how dates and gaps are written in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from markupsafe import Markup

from connectors.base import BirthDate
from idp.web import language

from .preview import create


@pytest.mark.parametrize(
    "asked, remembered, ui_locales, accept_language, spoken",
    [
        ("en", "vi", ["vi"], "vi", "en"),  # the link that was just pressed
        (None, "en", ["vi"], "vi", "en"),  # what this person chose before
        (None, None, ["fr", "en-GB", "vi"], "vi", "en"),  # the first that we know (OpenID Connect Core section 3.1.2.1)
        (None, None, ["EN_us"], "", "en"),
        (None, None, [], "en-US,en;q=0.9,vi;q=0.8", "en"),
        (None, None, [], "fr,vi-VN;q=0.5,en;q=0.4", "vi"),
        (None, None, [], "fr-FR,ko", "vi"),
        (None, None, [], "", "vi"),
        ("xx", "<script>", ["../en"], ";;q=,", "vi"),
    ],
)
def test_the_nearest_wish_wins_and_vietnamese_is_the_default(
    asked: str | None, remembered: str | None, ui_locales: list[str], accept_language: str, spoken: str
) -> None:
    assert language.choose(asked, remembered, ui_locales, accept_language) == spoken


def test_the_switch_is_remembered_for_a_year(client: FlaskClient) -> None:
    cookie = client.get("/show/home?lang=en").headers["Set-Cookie"]
    assert cookie.startswith("lang=en;") and f"Max-Age={365 * 24 * 3600}" in cookie
    assert "SameSite=Lax" in cookie and "HttpOnly" in cookie and "Path=/" in cookie
    assert '<html lang="en">' in client.get("/show/home").text


def test_the_cookie_is_for_tls_only_where_the_provider_is() -> None:
    secure = create(issuer="https://dangnhap.example.vn").test_client()
    assert "Secure" in secure.get("/show/home?lang=en").headers["Set-Cookie"]


@pytest.mark.parametrize("query", ["", "?lang=fr", "?lang=", "?lang=en%0d%0aSet-Cookie:x=y"])
def test_no_cookie_is_set_without_a_choice(client: FlaskClient, query: str) -> None:
    assert "Set-Cookie" not in client.get("/show/home" + query).headers


def test_the_switch_keeps_everything_but_the_language(client: FlaskClient) -> None:
    page = client.get("/show/home?a=1&a=2&lang=vi&next=%2Fx%3Fy%26z").text
    assert 'href="?a=1&amp;a=2&amp;next=%2Fx%3Fy%26z&amp;lang=en"' in page


def test_a_path_cannot_turn_the_switch_into_a_way_out(client: FlaskClient) -> None:
    assert 'href="?lang=en"' in client.get("//elsewhere.example/").text


def test_an_unknown_message_is_a_fault_while_we_build_and_an_id_in_production(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        language.text("vi", "no.such.message")
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    production = create(
        mode="production", issuer="https://x.example", master_keys_file=str(keys), metrics_token_file=str(keys)
    )
    with production.app_context():
        assert language.text("vi", "no.such.message") == "no.such.message"
        assert language.text("en", "common.back_to") == "Go back to {portal}"


def test_a_missing_value_is_a_fault_while_we_build() -> None:
    with pytest.raises(KeyError):
        language.text("vi", "common.back_to")


def test_values_are_escaped_unless_they_are_markup() -> None:
    assert language.markup("en", "common.back_to", portal="<script>{x}") == "Go back to &lt;script&gt;{x}"
    assert language.markup("en", "common.back_to", portal=Markup("<b>x</b>")) == "Go back to <b>x</b>"


def test_an_instant_is_read_on_vietnams_clock() -> None:
    late = datetime(2026, 11, 21, 18, 30, 5, tzinfo=UTC)
    assert language.format_instant("vi", late) == "01:30:05, 22/11/2026"
    assert language.format_instant("en", late) == "22 November 2026, 01:30:05"
    assert language.format_date("vi", late) == "22/11/2026"
    assert language.format_date("en", date(1987, 2, 4)) == "4 February 1987"


@pytest.mark.parametrize(
    "month, day, in_vietnamese, in_english",
    [(2, 4, "04/02/1987", "4 February 1987"), (2, None, "02/1987", "February 1987"), (None, None, "1987", "1987")],
)
def test_a_birth_date_says_no_more_than_is_known(
    month: int | None, day: int | None, in_vietnamese: str, in_english: str
) -> None:
    born = BirthDate(year=1987, month=month, day=day, as_sent="")
    assert language.format_birth_date("vi", born) == in_vietnamese
    assert language.format_birth_date("en", born) == in_english
