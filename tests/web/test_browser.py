"""The pages in a real browser: for every eye, hand and ear, with script and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AxeResults  # type: ignore[import-untyped]
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, Route, expect

from idp.web.language import LANGUAGES, Language

from .conftest import OpenPage, Shown
from .preview import SHOWN
from .test_colours import CSS

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (320, 390, 1280)  # 320 is what is left of 1280 at 400 % zoom (WCAG 2.2 success criterion 1.4.10)
SMALLEST_TARGET = 44
EVERYWHERE = next(iter(SHOWN))  # the one page that is looked at everywhere
COLOURS = ("color-contrast", "link-in-text-block")
ALL_RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
ONLY_COLOURS = {"resultTypes": ["violations"], "runOnly": COLOURS}
ALL_BUT_COLOURS = ALL_RULES | {"rules": {"target-size": {"enabled": True}} | dict.fromkeys(COLOURS, {"enabled": False})}
ONLY_FAULTS = "({violations}) => ({violations})"  # whatever else it tells is long, and nobody reads it
CONTROLS = "a[href], button, input:not([type=hidden]), summary"


every_page = pytest.mark.parametrize(
    "opened", [pytest.param(page, id="-".join(page)) for page in product(SHOWN, LANGUAGES)], indirect=True
)


@every_page
def test_a_page_has_no_barrier_in_any_scheme_or_width(shown: Shown, pytestconfig: pytest.Config) -> None:
    page, language = shown.page, shown.language
    everywhere = pytestconfig.getoption("--all-engines") or f"/show/{EVERYWHERE}?" in page.url
    page.evaluate(Axe().axe_script)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in SCHEMES:
            rules = ALL_RULES if everywhere else _news(scheme, width, language)
            if rules is not None:
                page.emulate_media(color_scheme=scheme)
                found = AxeResults(page.evaluate(f"rules => axe.run(rules).then({ONLY_FAULTS})", rules))
                assert not found.response["violations"], f"{scheme} {width}: {found.generate_report()}"
    assert page.locator("html").get_attribute("lang") == language


def _news(scheme: str, width: int, language: Language) -> dict[str, Any] | None:
    """The rules by which axe can find here what it finds nowhere else; with --all it goes by all of them everywhere.

    A scheme changes colours and nothing else, a width no colour, a language neither colours nor what a page is made
    of, and 390 has the rules of 320 (the tests below). Colours are looked at where the ground behind the text is plain.
    """
    if width == WIDTHS[0]:
        in_dark = ONLY_COLOURS if language == "vi" else None
        return (ALL_RULES if language == "vi" else ALL_BUT_COLOURS) if scheme == "light" else in_dark
    return ALL_BUT_COLOURS if (scheme, width, language) == ("light", WIDTHS[-1], "vi") else None


def test_no_rule_begins_between_the_two_narrow_widths() -> None:
    begins = [16 * float(rem) for rem in re.findall(r"@media [^{]*width: ([0-9.]+)rem", CSS)]
    assert begins, "there are such rules"
    assert not [pixels for pixels in begins if WIDTHS[0] <= pixels <= WIDTHS[1]]


def test_a_scheme_changes_colours_and_nothing_else() -> None:
    [rules] = re.findall(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}", CSS, re.DOTALL)
    assert CSS.count("color-scheme: dark") == 1
    assert re.fullmatch(r"(\s*--[a-z-]+: #[0-9a-f]{6};)+\s*", rules)


def test_a_width_changes_no_colour_but_the_ground_of_the_whole_page() -> None:
    rules = "".join(re.findall(r"@media [^{]*width: .*?\n\}", CSS, re.DOTALL))
    coloured = re.findall(r"([.\w -]+) \{[^}]*(?:color|background|fill|stroke|opacity|filter)[a-z-]*: ", rules)
    assert [where.strip() for where in coloured] == ["body"]


@pytest.mark.parametrize("opened", [pytest.param((name, "vi"), id=f"{name}-vi") for name in SHOWN], indirect=True)
def test_every_control_is_reached_in_order_seen_when_reached_and_large_enough(shown: Shown) -> None:
    page = shown.page
    controls = page.locator(CONTROLS).count()
    page.get_by_role("link").first.focus()
    reached = list(steps_of_the_tab_key(page, controls))
    assert [focused["index"] for focused in reached] == list(range(controls))
    for focused in reached:
        assert focused["outline"] == "solid 3px", focused
        assert focused["inText"] or focused["smallerSide"] >= SMALLEST_TARGET, focused


@every_page
def test_the_policy_is_never_broken_and_nothing_fails_to_load(shown: Shown) -> None:
    # The browser also notes that the page itself came with the status of a failure, as it should.
    assert [complaint for complaint in shown.complaints if not complaint.endswith(shown.page.url)] == []


def test_the_choice_reads_well_to_a_screen_reader(visit: OpenPage) -> None:
    page = visit("choose", language="en")
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("contentinfo")).to_be_visible()
    expect(page.get_by_role("main")).to_match_aria_snapshot("""
        - main:
          - heading "Choose how to sign in" [level=1]
          - paragraph: You are on your way to Ministry of Rivers. Use an account you already have.
          - paragraph: /Needs at least trust level 2/
          - heading "You can use" [level=2]
          - list "You can use":
            - listitem:
              - button "Population register Dữ liệu dân cư Trust level 4 of 4"
            - listitem:
              - button "Sen Bank Ngân hàng Sen Trust level 3 of 4"
            - listitem:
              - button "Tre Bank Ngân hàng Tre Trust level 2 of 4 Slower than usual just now. You can still choose it."
          - paragraph
          - heading "Not this time" [level=2]
          - list "Not this time":
            - listitem: /Social insurance .* Not working just now/
            - listitem: /Tax account .* Does not reach the trust level/
          - button "Go back to Ministry of Rivers"
    """)


def test_the_information_reads_well_to_a_screen_reader(visit: OpenPage) -> None:
    page = visit("consent", language="en")
    expect(page.get_by_role("main")).to_match_aria_snapshot("""
        - main:
          - heading "Do you agree to send this?" [level=1]
          - paragraph
          - paragraph: You signed in at Sen Bank
          - paragraph: You are going to Ministry of Rivers
          - term: Full name
          - definition: Nguyễn Thị Ánh Nguyệt
          - term: Date of birth
          - definition: 04/02/1987
          - term: Personal number
          - definition: partly hidden, ending in 4321
          - term: E-mail
          - definition
          - paragraph: /Trust level 3 of 4/
          - paragraph
          - checkbox "I agree that Ministry of Rivers receives the details above."
          - button "Continue"
          - button "Cancel"
          - paragraph:
            - button "This is not me"
    """)


@pytest.mark.parametrize("name", ["consent-missing", "ask-wrong"])
def test_a_problem_is_where_the_eye_and_the_focus_land_even_without_script(visit: OpenPage, name: str) -> None:
    page = visit(name, java_script_enabled=False)
    expect(page.get_by_role("alert").get_by_role("heading")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("[aria-invalid=true]")).to_be_focused()


def test_a_source_is_chosen_without_script(visit: OpenPage) -> None:
    page = visit("choose", java_script_enabled=False)
    page.get_by_role("button", name="Dữ liệu dân cư").click()
    expect(page.locator("body")).to_contain_text("form_token=token-of-the-form&source=population")


def test_the_choice_is_cancelled_without_script(visit: OpenPage) -> None:
    page = visit("choose", java_script_enabled=False)
    page.get_by_role("button", name="Quay lại Cổng dịch vụ Bộ Sông Nước").click()
    expect(page.locator("body")).to_contain_text("form_token=token-of-the-form&decision=cancel")


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    "button, decision", [("Tiếp tục", "continue"), ("Hủy", "cancel"), ("Đây không phải là tôi", "switch")]
)
def test_the_decision_that_was_pressed_is_the_one_that_is_sent(
    visit: OpenPage, script: bool, button: str, decision: str
) -> None:
    page = visit("consent", java_script_enabled=script)
    page.get_by_role("button", name=button).click()  # the box is not ticked: the server decides about that
    expect(page.locator("body")).to_have_text(re.compile(f"form_token=token-of-the-form&decision={decision}$"))


def test_a_tick_is_sent_and_enter_continues(visit: OpenPage) -> None:
    page = visit("consent", java_script_enabled=False)
    page.get_by_role("checkbox").press("Space")
    page.get_by_role("checkbox").press("Enter")
    expect(page.locator("body")).to_contain_text("consent=yes&decision=continue")


def test_the_search_works_without_script_and_keeps_the_language(visit: OpenPage) -> None:
    page = visit("choose-many", language="en", java_script_enabled=False)
    page.get_by_role("searchbox", name="Search by name").fill("dong thap 7")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("1 found for “dong thap 7”.")
    expect(page.get_by_role("button", name="Quỹ tín dụng Đồng Tháp 7")).to_be_visible()


def test_the_language_is_switched_on_the_spot_and_stays(visit: OpenPage) -> None:
    page = visit("choose", query="&login=a%26b")
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(re.compile(r"/show/choose\?login=a%26b&lang=en$"))
    page.goto(page.url.replace("&lang=en", ""))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")


def test_a_failure_opens_in_the_other_language_without_script(visit: OpenPage) -> None:
    page = visit("failure", java_script_enabled=False)
    page.get_by_text("The same in English").click()
    expect(page.get_by_text("Something here is not working")).to_be_visible()


def test_a_form_on_its_way_sends_itself_and_back_does_not_send_it_again(visit: OpenPage) -> None:
    page = visit("home")
    page.goto(page.url.replace("home", "auto-post"), wait_until="commit")
    page.wait_for_url("**/landed")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Một Cửa là gì?")


def test_a_form_on_its_way_has_a_button_for_those_without_script(visit: OpenPage) -> None:
    page = visit("auto-post", java_script_enabled=False)
    page.get_by_role("button", name="Tiếp tục").click()
    page.wait_for_url("**/landed")


def test_two_clicks_send_a_form_once(visit: OpenPage) -> None:
    page = visit("choose")
    on_the_way: list[Route] = []

    def hold(route: Route) -> None:
        on_the_way.append(route)

    page.route("**/posted", hold)
    button = page.get_by_role("button", name="Dữ liệu dân cư").bounding_box()
    assert button is not None
    with page.expect_request("**/posted"):
        page.mouse.click(button["x"] + 9, button["y"] + 9)
    page.mouse.click(button["x"] + 9, button["y"] + 9)
    on_the_way[0].continue_()
    expect(page.locator("body")).to_contain_text("source=population")
    assert len(on_the_way) == 1


def test_a_form_may_lead_to_the_party_that_the_page_names(visit: OpenPage) -> None:
    page = visit("choose-cancelled")
    page.get_by_role("button", name="Ngân hàng Sen").click()
    page.wait_for_url("http://ministry.localhost:*/landed")


@pytest.mark.parametrize("name, source", [("choose", "Ngân hàng Sen"), ("choose-cancelled", "Ngân hàng Tre")])
def test_a_form_leads_to_nobody_whom_the_page_does_not_name(visit: OpenPage, name: str, source: str) -> None:
    """The second source's own redirect is stopped as well, which is why `pages.onward` exists."""
    page = visit(name)
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.get_by_role("button", name=source).click(no_wait_after=True)
    assert "/landed" not in page.url


def test_onward_leads_on_by_itself_without_script_and_leaves_no_trap_behind(visit: OpenPage) -> None:
    page = visit("home", java_script_enabled=False)
    page.goto(page.url.replace("home", "onward"))
    page.wait_for_url("http://ministry.localhost:*/landed?code=a+b&state=c")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Một Cửa là gì?")


def test_on_paper_there_are_words_and_no_buttons(visit: OpenPage) -> None:
    page = visit("information")
    page.emulate_media(media="print")
    expect(page.get_by_text("Nguyễn Thị Ánh Nguyệt")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_nothing_moves_for_who_asked_for_stillness(visit: OpenPage) -> None:
    page = visit("choose", reduced_motion="reduce")
    moving = (
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert page.evaluate(moving) == 0


def steps_of_the_tab_key(page: Page, count: int) -> Iterator[dict[str, Any]]:
    """What the focus rests on, from where it is and after each press, as the browser paints it."""
    for _ in range(count):
        yield page.evaluate(
            """(controls) => {
                const at = document.activeElement, style = getComputedStyle(at), target = at.closest("label") ?? at;
                const box = target.getBoundingClientRect();
                return {
                    index: [...document.querySelectorAll(controls)].indexOf(at), html: at.outerHTML,
                    outline: style.outlineStyle + " " + style.outlineWidth,
                    smallerSide: Math.min(box.width, box.height),
                    inText: at.matches("p a:not(.button), p button"),
                };
            }""",
            CONTROLS,
        )
        page.keyboard.press("Tab")
