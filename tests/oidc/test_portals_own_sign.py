"""What a portal registered to be shown of itself: its logo, what it does with people's data, its terms."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.oidc.residents import fresh_name
from tests.peers.visitor import Page
from tests.world import Browser, World


def image_policy(page: Page) -> str:
    return next(
        part.strip()
        for part in page.headers["Content-Security-Policy"].split(";")
        if part.strip().startswith("img-src")
    )


def test_logo_policy_and_terms_are_on_the_page_where_one_chooses_and_on_the_one_that_tells(
    country: World, browser: Browser
) -> None:
    portal_id = fresh_name()
    base = f"http://{portal_id}.localhost:9"
    portal = country.portal(
        portal_id,
        logo_uri=f"{base}/logo(1);x.png?v=2",
        policy_uri=f"{base}/policy",
        tos_uri="https://law.example/terms",
    )
    choice = browser.open_at(portal.ask().url, portal)
    told = browser.step(browser.step(choice, portal), portal)
    assert told.url.endswith("/information")
    for page in (choice, told):
        assert [unescape(src) for src in re.findall(r'<img [^>]*src="([^"]*)"', page.html)] == [
            f"{base}/logo(1);x.png?v=2"
        ]
        assert image_policy(page) == f"img-src 'self' data: {base}/logo%281%29%3Bx.png"  # this image, and no other
        for address in (f"{base}/policy", "https://law.example/terms"):
            (link,) = re.findall(rf'<a href="{address}"[^>]*>', page.html)
            assert 'rel="noopener noreferrer"' in link


@pytest.mark.parametrize("logo", ["https://cdn.example/logo.png", "http://{id}.localhost:10/logo.png", None])
def test_a_logo_from_elsewhere_is_not_loaded_for_it_would_tell_others_who_signs_in(
    country: World, browser: Browser, logo: str | None
) -> None:
    portal_id = fresh_name()
    portal = country.portal(portal_id, logo_uri=None if logo is None else logo.format(id=portal_id))
    page = browser.open_at(portal.ask().url, portal)
    assert "<img" not in page.html
    assert image_policy(page) == "img-src 'self' data:"
