"""Somebody with a real browser, who knows the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from connectors.sandbox.cast import ONE_TIME_CODE, PASSWORD
from connectors.sandbox.citizen import Citizen
from idp.web.language import Language, text
from tests.journeys.portals import DemoPortal
from tests.world import World

CHOICE = re.compile(r"/sign-in/[0-9a-f]+(\?.*)?$")
INFORMATION = re.compile(r"/sign-in/[0-9a-f]+/information$")


@dataclass(frozen=True)
class Place:
    country: World
    ministry: DemoPortal
    province: DemoPortal
    folder: Path


class Person:
    """Acts in `tab`, the first of their browser's tabs unless told otherwise."""

    def __init__(self, context: BrowserContext, place: Place, citizen: Citizen, language: Language = "vi") -> None:
        self.context = context
        self.place = place
        self.citizen = citizen
        self.language = language
        self.tab: Page = context.new_page()

    def in_new_tab(self) -> Person:
        return Person(self.context, self.place, self.citizen, self.language)

    def says(self, message: str, **values: str) -> str:
        return text(self.language, message, **values)

    # --- where one is

    def is_at_choice(self) -> None:
        expect(self.tab).to_have_url(CHOICE)
        expect(self.heading).to_have_text(self.says("choose.title"))

    def is_at_information(self, kind: str = "told") -> None:
        expect(self.tab).to_have_url(INFORMATION)
        expect(self.heading).to_have_text(self.says(f"information.title_{kind}"))

    def is_in(self, portal: DemoPortal) -> None:
        expect(self.tab.locator("#person")).to_have_text(self.citizen.full_name)
        assert self.tab.url.startswith(portal.base), self.tab.url

    def is_out_of(self, portal: DemoPortal) -> None:
        self.tab.goto(portal.at("/"))
        expect(self.tab.locator("#sign-in")).to_be_visible()

    @property
    def heading(self) -> Locator:
        return self.tab.get_by_role("heading", level=1)

    # --- what one does

    def to_choice(self, portal: DemoPortal) -> None:
        self.tab.goto(portal.at("/"))
        self.tab.locator("#sign-in").click()
        self.is_at_choice()

    def tile(self, source: str) -> Locator:
        return self.tab.get_by_role("button", name=f"Nguồn {source}" if self.language == "vi" else f"Source {source}")

    def choose(self, source: str) -> None:
        self.tile(source).click()
        expect(self.tab).to_have_url(re.compile(rf"^http://{source}\.localhost:\d+/login"))

    def prove(self) -> None:
        """Sign in at the source, by number, password and code."""
        self.tab.locator("#number").fill(self.citizen.personal_number)
        self.tab.locator("#password").fill(PASSWORD)
        self.tab.locator("#otp").fill(ONE_TIME_CODE)
        self.tab.locator("#sign-in button").click()

    def press(self, message: str, **values: str) -> None:
        self.tab.get_by_role("button", name=self.says(message, **values), exact=True).click()

    def agree(self) -> None:
        self.tab.get_by_role("checkbox").check()

    def to_information(self, portal: DemoPortal, source: str = "population") -> None:
        self.to_choice(portal)
        self.choose(source)
        self.prove()
        self.is_at_information("consent" if portal.id == "province" else "told")

    def sign_in(self, portal: DemoPortal, source: str = "population") -> None:
        self.to_information(portal, source)
        if portal.id == "province":
            self.agree()
        self.press("information.continue")
        self.is_in(portal)

    def sign_out(self, portal: DemoPortal) -> None:
        self.tab.goto(portal.at("/"))
        self.tab.locator("#sign-out button").click()
        expect(self.tab.locator("#signed-out")).to_be_visible()
