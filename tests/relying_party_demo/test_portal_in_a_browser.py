"""The portal in real Chromium: the whole way by clicks, accessible, and readable on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


@pytest.fixture(params=[390, 1280], ids=["phone", "desktop"])
def page(chromium, request):
    context = chromium.new_context(viewport={"width": request.param, "height": 844}, locale="vi-VN")
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert not [text for text in complaints if "Content Security Policy" in text]


def check(page):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def sign_in_at_the_provider(page, account):
    page.get_by_label("Account").select_option(account)
    page.get_by_role("button", name="Sign in").click()


def test_the_whole_way_by_clicks_is_accessible_on_phone_and_desktop(page, province):
    page.goto(province.at("/"))
    check(page)
    page.locator("#sign-in").click()
    sign_in_at_the_provider(page, "lan")
    expect(page.locator("#person")).to_have_text("Nguyễn Thị Lan")
    check(page)

    page.locator("#me").click()
    expect(page.locator("#acr")).to_have_text("LoA1")
    for summary in page.locator("summary").all():
        summary.click()
    check(page)

    page.goto(province.at("/"))
    page.locator("#service-land").click()
    sign_in_at_the_provider(page, "lan")
    expect(page.locator("#service")).to_contain_text("Đăng ký đất đai")
    expect(page.locator("#acr")).to_have_text("LoA3")
    check(page)

    page.locator("#sign-out button").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#signed-out")).to_be_visible()
    check(page)


def test_a_cancelled_sign_in_ends_at_an_accessible_page(page, ministry):
    page.goto(ministry.at("/sign-in"))
    page.get_by_role("button", name="Cancel").click()

    expect(page.locator("#error")).to_have_text("access_denied")
    check(page)
    page.locator("#home").click()
    expect(page.locator("#sign-in")).to_be_visible()


def test_the_back_button_after_signing_in_never_ends_in_an_error(page, ministry):
    page.goto(ministry.at("/"))
    page.locator("#sign-in").click()
    sign_in_at_the_provider(page, "lan")
    expect(page.locator("#person")).to_be_visible()

    page.go_back()
    page.goto(ministry.at("/"))

    expect(page.locator("#person")).to_be_visible()
