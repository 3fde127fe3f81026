"""A portal as a real browser meets it: pages of its own at a host of its own, and a sign-in through all of ours."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page
from werkzeug.wrappers import Request, Response

from connectors.sandbox.cast import ONE_TIME_CODE, PASSWORD
from tests.oidc.residents import fresh_name
from tests.world import CITIZEN, Portal, Tokens, World, listening, parameters_of

Shown = Callable[[Request], Response]


@dataclass
class Site:
    """What a portal's server shows, by path; anything else is a plain page with its path on it."""

    base: str
    pages: dict[str, Shown] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)  # while not set, frames get no answer

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(request)
        shown = self.pages.get(request.path, lambda request: Response(request.path, mimetype="text/html"))
        return shown(request)(environ, start_response)

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextlib.contextmanager
def site(country: World, **registration: Any) -> Iterator[tuple[Portal, Site]]:
    """A registered portal whose addresses a browser can really open.

    It is another origin than ours, at a host below ours: Debian's Chromium, as more and more browsers, keeps cookies
    out of the frames of other sites, and so defeats what frames are for here.
    """
    name = fresh_name()
    with listening(f"{name}.idp.localhost") as (base, server):
        server.app = shown = Site(base)
        shown.answering.set()
        given = {key: f"{base}{value}" if key.endswith("_uri") else value for key, value in registration.items()}
        portal = country.portal(
            name, home_url=f"{base}/", redirect_uris=[f"{base}/callback"],
            post_logout_redirect_uris=[f"{base}/signed-out"], **given,
        )  # fmt: skip
        try:
            yield portal, shown
        finally:
            shown.answering.set()


def sign_in(tab: Page, country: World, portal: Portal, *, citizen: str = CITIZEN) -> Tokens:
    """The person has come all the way to the portal, which has redeemed the code."""
    request = portal.ask()
    tab.goto(request.url)
    source = tab.locator("button[name=source][value=population]")
    if source.count():
        source.click()
        for field, value in (("number", citizen), ("password", PASSWORD), ("otp", ONE_TIME_CODE)):
            tab.locator(f"#{field}").fill(value)
        tab.locator("#sign-in button").click()
    tab.wait_for_url(re.compile(rf"/information|^{re.escape(portal.redirect_uri)}\?"))
    if "/information" in tab.url:
        tab.locator("button[name=decision][value=continue]").click()
    tab.wait_for_url(f"{portal.redirect_uri}?**")
    return country.redeemed(portal, request, parameters_of(tab.url))


def sign_out(tab: Page, portal: Portal, tokens: Tokens, *, back: bool = True) -> None:
    asked = {"id_token_hint": tokens.id_token}
    if back:
        asked["post_logout_redirect_uri"] = portal.post_logout_redirect_uri
    tab.goto(f"{portal.world.issuer}/logout?{urlencode(asked)}", wait_until="commit")
