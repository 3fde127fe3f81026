"""A country with a business register, for journeys in which people act for organisations."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.sandbox.businesses import BUSINESS_CAST, Business, Firm
from connectors.sandbox.cast import TO_TRY
from idp.sources import SourceDraft
from tests.connectors.registers_at import CREDENTIALS, MEMBER, firms_configuration
from tests.journeys.reading import CarefulBrowser, path_of
from tests.sandbox.conftest import running
from tests.world import Page, Portal, World, add_source

REGISTER = "firms"
SCOPE = "openid profile organisation"
DIRECTOR = TO_TRY[0].personal_number  # of one firm, and authorised by another's branch
OWNER = TO_TRY[1].personal_number  # of one other firm
EMPLOYEE = TO_TRY[2].personal_number  # of nothing that counts today
FIRM, BRANCH, OTHER_FIRM = (BUSINESS_CAST[firm] for firm in (Firm.ORDINARY, Firm.BRANCH, Firm.ORDINARY_SECOND))


@contextlib.contextmanager
def business_register(country: World, folder: Path) -> Iterator[None]:
    """The register of businesses is one of the country's sources, until the block ends."""
    members = folder / "members-of-firms.json"
    members.write_text(json.dumps([MEMBER]), "utf-8")
    with running("business", members, host="firms.localhost") as url:
        draft = SourceDraft(
            id=REGISTER, kind="business", name_vi="Sổ đăng ký doanh nghiệp", name_en="Business register", ceiling=4,
            configuration=firms_configuration(url).model_dump(mode="json"), secrets=CREDENTIALS,
        )  # fmt: skip
        add_source(country.house, draft)
        country.sources[REGISTER] = url
        yield


def serves_firms(country: World, name: str, **registration: Any) -> Portal:
    """A portal that serves organisations too."""
    return country.portal(name, scopes=["openid", "profile", "organisation"], **registration)


def is_question(page: Page) -> bool:
    return path_of(page).endswith("/acting")


def to_question(
    browser: CarefulBrowser, portal: Portal, citizen: str = DIRECTOR, source: str = "bank", **asked: str
) -> Page:
    """The page that asks for whom the person acts; whatever page comes instead, where it is not asked."""
    page = browser.open_at(portal.ask(scope=SCOPE, **asked).url, portal)
    while path_of(page).startswith("/sign-in/") and path_of(page).count("/") == 2:
        page = browser.step(page, portal, source=source)
        page = browser.step(page, portal, citizen=citizen)
    return page


def offered(page: Page) -> list[str]:
    return [value for form in page.forms for name, value in form.buttons if name == "act_for"]


def act(browser: CarefulBrowser, page: Page, portal: Portal, act_for: str | Business, **changes: str) -> Page:
    value = act_for if isinstance(act_for, str) else act_for.tax_code
    return browser.follow(
        browser.submit(page, {"act_for": value, **changes}, follow=False), until=portal.redirect_uri
    )  # fmt: skip


def asked_of(country: World) -> int:
    """How often the register has been asked."""
    answer = country.http.get(f"{country.sources[REGISTER]}/_sandbox/requests", timeout=10)
    return len([each for each in answer.json() if each["path"].endswith("/search")])
