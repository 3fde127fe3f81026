"""A device without a keyboard, as its portal's program plays it, and the way of a person who signs in for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from idp.clients.registration import DEVICE_CODE
from tests.oidc.holder import Holder, asked, posted
from tests.peers.visitor import Page
from tests.world import CITIZEN, Browser, Portal

TELEVISION: dict[str, Any] = {
    "grant_types": [DEVICE_CODE], "redirect_uris": [], "post_logout_redirect_uris": [],
    "token_endpoint_auth_method": "none",
}  # fmt: skip
OFFLINE: dict[str, Any] = {
    **TELEVISION, "grant_types": [DEVICE_CODE, "refresh_token"], "scopes": ["openid", "profile", "offline_access"],
}  # fmt: skip


@dataclass
class Device:
    """One that has begun, and what it was told."""

    portal: Portal
    told: dict[str, Any]
    holder: Holder | None = field(default=None)

    @property
    def code(self) -> str:
        """What its screen shows."""
        return str(self.told["user_code"])

    @property
    def page(self) -> str:
        return str(self.told["verification_uri"])

    def ask(self, **also: Any) -> requests.Response:
        """The token endpoint's answer; a form member that is None is left out."""
        form = {"device_code": self.told["device_code"]} | also
        return asked(self.portal, DEVICE_CODE, holder=self.holder, **form)


def begun(portal: Portal, *, holder: Holder | None = None, **parameters: str | None) -> Device:
    answer = begin(portal, **parameters)
    assert answer.status_code == 200, answer.text
    return Device(portal, answer.json(), holder)


def begin(portal: Portal, **parameters: str | None) -> requests.Response:
    return posted(portal, "/device_authorization", {"scope": "openid profile"} | parameters)


def typed(browser: Browser, device: Device, code: str | None = None) -> Page:
    """Where somebody gets who types the code that the device shows, or another."""
    return browser.submit(browser.get(device.page), {"user_code": device.code if code is None else code})


def agreed(browser: Browser, page: Page) -> Page:
    """It is mine, go on."""
    return browser.submit(page, {"decision": "continue"})


def declined(browser: Browser, page: Page) -> Page:
    return browser.submit(page, {"decision": "decline"})


def signed_in(browser: Browser, page: Page, portal: Portal, *, citizen: str = CITIZEN) -> Page:
    """From whatever page of the journey to its end."""
    for _ in range(6):
        if is_end(page):
            return page
        page = browser.step(page, portal, source="population", citizen=citizen)
    raise AssertionError(f"no end; last: {page.status} {page.url}")


def is_end(page: Page) -> bool:
    return urlsplit(page.url).path.endswith("/end")


def heading(page: Page) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.html, re.S)
    assert found is not None, page.html[:500]
    return found[1]
