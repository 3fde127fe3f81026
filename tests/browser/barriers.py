"""What would keep somebody out of a page: a barrier that a tool finds, and what no Tab key reaches."""

from __future__ import annotations

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

NARROW = 320  # what is left of 1280 at 400 % zoom (WCAG 2.2 success criterion 1.4.10)
AXE_OPTIONS = '{resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}'
TABS_LIMIT = 40


def check_page(tab: Page) -> None:
    """No barrier that axe knows, and nothing to scroll sideways on a narrow screen."""
    tab.evaluate(Axe().axe_script)
    found = AxeResults(tab.evaluate(f"axe.run({AXE_OPTIONS})"))
    assert not found.response["violations"], f"{tab.url}: {found.generate_report()}"
    size = tab.viewport_size
    tab.set_viewport_size({"width": NARROW, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= NARROW, tab.url
    if size is not None:
        tab.set_viewport_size(size)


def press_until(tab: Page, selector: str) -> None:
    """Tab to what the selector names, as somebody does who cannot point."""
    for _ in range(TABS_LIMIT):
        if tab.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached on {tab.url}")
