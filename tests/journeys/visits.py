"""A visit to a source, one step at a time, as somebody's browser makes it."""

from __future__ import annotations

from tests.journeys.reading import CarefulBrowser
from tests.world import Page, Portal


def chosen(browser: CarefulBrowser, portal: Portal, source: str) -> Page:
    """What follows the choice, without going on to where it leads."""
    page = browser.open_at(portal.ask().url, portal)
    return browser.submit(page, {"source": source}, follow=False)


def at_office(browser: CarefulBrowser, portal: Portal, source: str) -> Page:
    """The page of a source that one is sent to by a redirect or by a form."""
    page = chosen(browser, portal, source)
    return browser.submit(page) if page.onward is None else browser.follow(page)


def decided(browser: CarefulBrowser, page: Page, **pressed: str) -> Page:
    """The page with which the source sends the browser back to us by POST."""
    form = next(number for number, form in enumerate(page.forms) if "interaction" in form.fields)
    return browser.submit(page, pressed, form=form)


def home(browser: CarefulBrowser, page: Page, portal: Portal) -> Page:
    """The source's page posts itself to us; a browser sends no Lax cookie with that, nor do we."""
    form = page.forms[0]
    kept = CarefulBrowser(browser.issuer).request("POST", form.action, data=form.fields)
    assert kept.status == 303, kept.html
    return browser.follow(browser.get(kept.location), until=portal.redirect_uri)


def typed(browser: CarefulBrowser, page: Page, portal: Portal, decision: str = "continue", **fields: str) -> Page:
    """What follows a form of ours in the middle of the visit."""
    form = next(number for number, form in enumerate(page.forms) if "form_token" in form.fields)
    sent = browser.submit(page, {"decision": decision, **fields}, form=form, follow=False)
    return browser.follow(sent, until=portal.redirect_uri)
