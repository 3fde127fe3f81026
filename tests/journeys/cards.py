"""A person with a card, and whoever checks it with nothing but what the provider publishes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image

from connectors.sandbox.citizen import Citizen
from idp import clock
from idp.digital_id import Lists, Verdict, read_cwt, trust_lists, verify
from tests.journeys.reading import CarefulBrowser
from tests.journeys.test_account import sign_in
from tests.world import Page, Portal, World


@dataclass
class Holder:
    """Somebody who is signed in by the population register."""

    country: World
    browser: CarefulBrowser

    def cards(self) -> Page:
        return self.browser.follow(self.browser.get(f"{self.country.issuer}/account/cards"))

    def make(self) -> Page:
        """The page of a new card."""
        return self.browser.submit(self.cards(), {})

    def file(self, card: Page, kind: str) -> Any:
        return self.browser._session.get(f"{card.url}/card.{kind}", timeout=30)

    def press(self, card: Page, ending: str) -> Page:
        """The form of this page whose action ends so is sent."""
        form = next(i for i, form in enumerate(card.forms) if form.action.endswith(ending))
        return self.browser.submit(card, {}, form=form)

    def numbers(self) -> list[str]:
        return re.findall(r'href="/account/cards/([0-9A-Z]{12})"', self.cards().html)


def holder(country: World, browser: CarefulBrowser, portal: Portal, citizen: Citizen) -> Holder:
    sign_in(browser, portal, "population", citizen)
    return Holder(country, browser)


def scanned(picture: Image.Image) -> str | None:
    """What a scanner reads in it, if it finds one code; one that knows no negatives, as many do."""
    formats = zxingcpp.barcode_formats_from_str("QRCode")
    found = zxingcpp.read_barcodes(picture, formats=formats, try_invert=False)
    return found[0].text if len(found) == 1 else None


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def printed(data: bytes, dots_per_inch: int) -> list[Image.Image]:
    """The pages of a PDF as a printer would set them."""
    document = pypdfium2.PdfDocument(data)
    return [page.render(scale=dots_per_inch / 72).to_pil().convert("L") for page in document]


def words_of(data: bytes) -> list[str]:
    """The text of each page of a PDF, as somebody would mark and copy it."""
    document = pypdfium2.PdfDocument(data)
    return [page.get_textpage().get_text_range() for page in document]


def checked(country: World, text: str) -> Verdict:
    """What a verifier says who fetches trust list and status list now, by HTTP."""
    country.house.changes.forget()  # a worker looks once a second whether something was changed
    now = clock.seconds()
    trust = trust_lists.read(country.http.get(f"{country.issuer}/trust-list", timeout=30).text, country.issuer, now)
    keys, uri = trust.trusted(), trust.status_lists[0]
    return verify(text, keys, now, Lists([read_cwt(country.http.get(uri, timeout=30).content, keys, now, uri)]))
