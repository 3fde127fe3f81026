"""What each page says, and that nothing a stranger wrote becomes part of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from idp.errors import CATALOGUE, STORE_UNREACHABLE, Failure
from idp.web import leaving, pages
from idp.web.language import LANGUAGES, Language, text

from .preview import CHOICE, INFORMATION, MANY, REQUEST_ID, SHOWN, TOLD, create

EVIL = "<script>alert('x')</script>\"onload='y"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_whole_in_both_languages(client: FlaskClient, name: str, language: Language) -> None:
    response = client.get(f"/show/{name}?lang={language}")
    page = response.text
    assert response.mimetype == "text/html" and response.headers["Content-Language"] == language
    assert page.startswith("<!doctype html>") and f'<html lang="{language}">' in page
    assert page.count("<h1>") == page.count("<main ") == page.count("<title>") == 1
    assert text(language, "common.skip") in page
    assert "http://idp.localhost:8400" in page and "hotro@motcua.example" in page


# A portal's own: its page that signs somebody out there, its logo.
ELSEWHERE = dict.fromkeys(("signed-out-onward", "choose-portal", "information-portal"), ("http://ministry.localhost",))


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_has_no_script_or_style_of_its_own_and_nothing_from_elsewhere(client: FlaskClient, name: str) -> None:
    page = client.get(f"/show/{name}").text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert set(re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)) == {""}
    elsewhere = ELSEWHERE.get(name, ())
    assert all(source.startswith(("/static/", *elsewhere)) for source in re.findall(r"\ssrc=\"([^\"]*)", page))
    assert len(re.findall(r"<iframe|<img", page)) == len(elsewhere)
    assert all(link.startswith("/static/") for link in re.findall(r"<link [^>]*href=\"([^\"]*)", page))


@pytest.mark.parametrize("name", SHOWN)
def test_ids_are_unique_and_what_they_are_for_is_there(client: FlaskClient, name: str) -> None:
    page = client.get(f"/show/{name}").text
    ids = re.findall(r"\sid=\"([^\"]+)", page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:\sfor|aria-labelledby|aria-describedby)=\"([^\"]+)", page)) <= set(ids)


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_failure_has_its_status_and_tells_code_and_request(app: Flask, code: str) -> None:
    failure = CATALOGUE[code]
    with app.test_request_context():
        response = pages.failure(failure, REQUEST_ID, "vi")
    assert response.status_code == failure.status
    page = response.get_data(as_text=True)
    assert f"<dd>{REQUEST_ID}</dd>" in page
    assert (f"<dd>{code}</dd>" in page) is (failure not in pages.UNTOLD_FAILURES)


def test_a_conflict_a_bar_and_a_death_make_the_same_page(app: Flask) -> None:
    def without_clock(failure: Failure) -> str:
        page = shown(app, lambda: pages.failure(failure, REQUEST_ID, "vi"))
        return re.sub(r"\d\d:\d\d:\d\d", "", page)

    assert len({without_clock(failure) for failure in pages.UNTOLD_FAILURES}) == 1


def test_a_failure_is_readable_in_the_other_language_without_being_repeated(client: FlaskClient) -> None:
    page = client.get("/show/failure").text
    assert '<details class="beside" lang="en">' in page
    assert text("en", f"error.{STORE_UNREACHABLE.code}.title") in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_outside_are_escaped(app: Flask, language: Language) -> None:
    tile = replace(CHOICE.sources[0], id=EVIL, name_vi=EVIL, name_en=EVIL, kind=EVIL)
    for page in (
        shown(app, lambda: pages.choose(
            replace(CHOICE, portal_vi=EVIL, portal_en=EVIL, sources=(tile, replace(tile, selectable=False)),
                    form_token=EVIL, action_url=EVIL, cancel_url=EVIL), language), query=f"?{EVIL}={EVIL}"),
        shown(app, lambda: pages.choose(replace(CHOICE, sources=CHOICE.sources + MANY), language), query=f"?q={EVIL}"),
        shown(app, lambda: pages.information(
            replace(INFORMATION, portal_vi=EVIL, portal_en=EVIL, source_vi=EVIL, source_en=EVIL,
                    lines=(replace(INFORMATION.lines[0], value=EVIL),)), language)),
        shown(app, lambda: pages.failure(STORE_UNREACHABLE, EVIL, language, return_link=("/x?" + EVIL, EVIL),
                                         retry_url="/y?" + EVIL, contact=EVIL)),
        shown(app, lambda: pages.finished(language, ("https://x.example/?" + EVIL, EVIL))),
        shown(app, lambda: leaving.signed_out(
            leaving.SignedOutPage(
                told=(replace(TOLD[0], name_vi=EVIL, name_en=EVIL),), frames=("https://x.example/?" + EVIL,),
                onward=("https://x.example/?" + EVIL, EVIL), return_link=("https://x.example/?" + EVIL, EVIL),
            ), language)),
        shown(app, lambda: pages.auto_post(
            pages.AutoPostPage(url="https://x.example/" + EVIL, fields=((EVIL, EVIL),), to=EVIL), language)),
        shown(app, lambda: pages.onward("https://x.example/" + EVIL, EVIL, language)),
    ):  # fmt: skip
        assert "<script>alert" not in page and '"onload' not in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//elsewhere.example", "/\\elsewhere"])
def test_a_link_never_runs_a_script_or_hides_a_host(app: Flask, address: str) -> None:
    page = shown(
        app, lambda: pages.failure(STORE_UNREACHABLE, "r", "vi", return_link=(address, "X"), retry_url=address)
    )
    assert address not in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/here", "https://a.example;x"])
def test_nobody_is_sent_on_to_what_is_no_address(app: Flask, address: str) -> None:
    with pytest.raises(ValueError):
        shown(app, lambda: pages.onward(address, "X", "vi"))


def test_a_source_that_cannot_be_chosen_is_told_with_its_reason_and_has_no_button(client: FlaskClient) -> None:
    page = client.get("/show/choose").text
    assert re.findall(r'name="source" value="(\w+)"', page) == ["population", "sen", "tre"]
    assert "Tài khoản thuế" in page and text("vi", "reason.level") in page


def test_the_choice_says_what_level_is_needed_in_words(client: FlaskClient) -> None:
    page = client.get("/show/choose?lang=en").text
    assert "Needs at least trust level 2." in page and text("en", "level.needs_2") in page


def test_a_choice_with_nothing_to_choose_says_so_and_leads_back(client: FlaskClient) -> None:
    page = client.get("/show/choose-none?lang=en").text
    assert "Nothing here reaches the trust level" in page
    assert 'name="source"' not in page and "Go back to" in page


@pytest.mark.parametrize("asked, found", [("ngan hang", 2), ("NGÂN HÀNG SEN", 1), ("dong thap 11", 1), ("không có", 0)])
def test_the_search_needs_neither_marks_nor_capitals(client: FlaskClient, asked: str, found: int) -> None:
    page = client.get("/show/choose-many", query_string={"q": asked, "login": "abc"}).text
    assert page.count('name="source"') == found
    assert text("vi", "choose.found", count=found, asked=asked) in page
    assert '<input type="hidden" name="login" value="abc">' in page


def test_a_short_list_has_no_search(client: FlaskClient) -> None:
    assert "<input" not in re.sub(r"<input type=\"hidden\"[^>]*>", "", client.get("/show/choose?q=sen").text)


def test_a_masked_value_does_not_reach_the_page(client: FlaskClient) -> None:
    page = client.get("/show/information").text
    assert "4321" in page and "001187654321" not in page


@pytest.mark.parametrize("value", ["1234", "1", ""])
def test_a_short_masked_value_shows_nothing_at_all(app: Flask, value: str) -> None:
    line = replace(INFORMATION.lines[2], value=value)
    page = shown(app, lambda: pages.information(replace(INFORMATION, lines=(line,)), "en"))
    assert text("en", "information.hidden") in page and text("en", "information.masked") not in page


def test_consent_is_asked_only_where_it_is_owed(client: FlaskClient) -> None:
    assert 'name="consent"' not in client.get("/show/information").text
    assert 'name="consent" value="yes"' in client.get("/show/consent").text
    assert 'name="consent"' not in client.get("/show/anonymous").text


def test_a_missing_tick_is_told_at_the_tick(client: FlaskClient) -> None:
    response = client.get("/show/consent-missing")
    assert response.status_code == 422
    assert re.search(r'<input id="consent"[^>]*aria-invalid="true" aria-describedby="consent-problem"', response.text)
    assert f'<a href="#consent">{text("vi", "information.consent_missing")}</a>' in response.text


def test_a_one_time_code_can_be_filled_in_by_the_phone(client: FlaskClient) -> None:
    response = client.get("/show/ask-wrong")
    assert response.status_code == 422
    assert 'autocomplete="one-time-code" inputmode="numeric"' in response.text


def test_a_contact_is_a_link_only_where_it_can_be_one() -> None:
    assert pages.contact_href("hotro@motcua.example") == "mailto:hotro@motcua.example"
    assert pages.contact_href("https://motcua.example/hotro") == "https://motcua.example/hotro"
    assert pages.contact_href("1900 0000") is None
    assert pages.contact_href("javascript:alert(1)") is None


def test_words_in_the_other_language_say_so(client: FlaskClient) -> None:
    english = client.get("/show/signed-out?lang=en").text
    assert '<span class="brand-other" lang="vi">Một Cửa</span>' in english
    assert '<b class="name" lang="vi">Sổ tay khám bệnh</b>' in english  # it has no English name
    assert 'lang="vi" hreflang="vi">Tiếng Việt</a>' in english


def test_the_door_carries_the_name_that_the_operator_gave_it() -> None:
    other = create(name_vi="Cửa Chung", name_en="Common Door").test_client()
    assert "– Cửa Chung</title>" in other.get("/show/home").text


def shown(app: Flask, make: Callable[[], Response], query: str = "") -> str:
    with app.test_request_context("/login" + query):
        return make().get_data(as_text=True)
