"""One citizen a source walks through the running demo: `./run journey`, or `python -m tests.journeys.walk`.

Portal, choice, source, what will be sent, portal; the second portal without signing in; a service that owes more; and
out of everything at once. A source that is too weak for the ministry is walked from the province. Then somebody asks
for a licence in the name of a business. One line a step, with its milliseconds; the first thing that is not as promised
ends the walk with a sentence that says what, and a status of 1.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from connectors.sandbox.cast import ONE_TIME_CODE, TO_TRY
from connectors.sandbox.citizen import Citizen
from tests.peers.visitor import Page, Visitor

DEMO = Path(__file__).resolve().parents[2] / "config" / "demo" / "demo.toml"
DEFAULT_PORT_BASE = 8400
PATIENCE_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.1
STRONG_SERVICE, STRONG_LEVEL, STRONG_SOURCE = "land", "LoA3", "population"
BUSINESS_SERVICE = "licence"
PAGES_AT_ONE_SOURCE = 6

Say = Callable[[str], None]


class Broken(Exception):
    """Something is not as promised; the text says what, and what was seen instead."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    provider: str
    ministry: str
    province: str


def addresses_of_demo(port_base: int = DEFAULT_PORT_BASE) -> Addresses:
    """Where the demo's processes are, as its plan has them."""
    processes = {each["name"]: each for each in tomllib.loads(DEMO.read_text("utf-8"))["process"]}

    def url(name: str) -> str:
        return f"http://{processes[name]['host']}:{port_base + processes[name]['port']}"

    return Addresses(provider=url("idp"), ministry=url("ministry"), province=url("province"))


def walk(addresses: Addresses, say: Say = print, *, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Every source was walked through by a citizen of its own; returns how many. Raises Broken.

    `patience_seconds` is how long a sign-out may take to reach every portal.
    """
    at_ministry, everywhere = (_sources(addresses, portal) for portal in (addresses.ministry, addresses.province))
    for number, source in enumerate(everywhere):
        walker = _Walk(addresses, source, TO_TRY[number % len(TO_TRY)], say, patience_seconds)
        if source in at_ministry:
            walker.whole()
        else:
            walker.from_the_province()
    _Walk(addresses, STRONG_SOURCE, TO_TRY[0], say, patience_seconds).for_a_business()
    return len(everywhere)


def _sources(addresses: Addresses, portal: str) -> list[str]:
    """What the choice page offers to who comes from this portal."""
    with _answering(portal):
        page = Visitor().open(f"{portal}/sign-in")
    _promise(page.url.startswith(f"{addresses.provider}/sign-in/"), "the portal leads to the choice of sources", page)
    sources = _offered(page)
    _promise(bool(sources), "the choice page offers a source", page)
    return sources


class _Walk:
    def __init__(self, addresses: Addresses, source: str, citizen: Citizen, say: Say, patience_seconds: float) -> None:
        self._at = addresses
        self._source = source
        self._citizen = citizen
        self._say = say
        self._patience_seconds = patience_seconds
        self._visitor = Visitor()

    def whole(self) -> None:
        self._say(f"{self._source}: {self._citizen.full_name}")
        self._begin_at(self._at.ministry)
        self._step("the second portal opens without signing in", lambda: self._opens(self._at.province))
        self._step(f"a service that owes {STRONG_LEVEL} gets it", self._strong_service)
        self._end_at(self._at.ministry)

    def from_the_province(self) -> None:
        self._say(f"{self._source}: {self._citizen.full_name}")
        self._begin_at(self._at.province)
        self._step(f"a service that owes {STRONG_LEVEL} gets it", self._strong_service)
        self._step("the second portal opens without signing in", lambda: self._opens(self._at.ministry))
        self._end_at(self._at.province)

    def for_a_business(self) -> None:
        self._say(f"for a business: {self._citizen.full_name}")
        self._begin_at(self._at.ministry)
        question = self._step("a service asks for whom one acts", self._asks_for_whom)
        page = self._step("a business is chosen, told, and known to the portal", lambda: self._act(question))
        self._step("the same person can act for themselves again", lambda: self._act_for_oneself(page))
        self._end_at(self._at.ministry)

    def _begin_at(self, portal: str) -> None:
        choice = self._step("the portal leads to the choice of sources", lambda: self._to_choice(portal))
        at_source = self._step("the choice leads to the source", lambda: self._choose(choice, self._source))
        back = self._step("the source leads back", lambda: self._sign_in(at_source))
        home = self._step("the person sees what will be sent, and goes on", lambda: self._go_on(back))
        self._step("the portal knows the person", lambda: self._known(home, portal))

    def _end_at(self, portal: str) -> None:
        self._step("signing out at one portal", lambda: self._sign_out(portal))
        self._step("both portals are signed out", self._both_signed_out)

    def _step(self, promise: str, act: Callable[[], Page]) -> Page:
        began = time.monotonic()
        try:
            page = act()
        except (requests.RequestException, LookupError, AssertionError) as problem:
            raise Broken(f"{self._source}: {promise}: {type(problem).__name__}: {problem}") from problem
        self._say(f"  {promise:<48} {(time.monotonic() - began) * 1000:6.0f} ms")
        return page

    def _to_choice(self, portal: str) -> Page:
        home = self._visitor.open(f"{portal}/")
        _promise(home.status == 200 and home.has("sign-in"), "nobody is signed in at a portal just opened", home)
        page = self._visitor.click(home, "sign-in")
        _promise(bool(_offered(page)), "a choice of sources is shown", page)
        return page

    def _choose(self, choice: Page, source: str) -> Page:
        page = self._visitor.submit(choice, {"source": source}, form=_form_with(choice, "source", source))
        while (form := _goes_on_by_itself(page)) is not None:  # SAML's and the signing page's posts
            page = self._visitor.submit(page, form=form)
        asks = any(name in form.fields for form in page.forms for name in ("number", "code"))
        elsewhere = _site(page.url) != _site(self._at.provider)
        _promise(page.status == 200 and (elsewhere or asks), f"{source} asks who it is", page)
        return page

    def _sign_in(self, page: Page) -> Page:
        """Whatever the source asks, on its own pages or on ours, until the person is back."""
        for _ in range(PAGES_AT_ONE_SOURCE):
            answered = self._answered(page)
            if answered is None:
                return page
            page = answered
        raise Broken(f"{self._source} asks on and on; last seen: {page.url.partition('?')[0]}")

    def _answered(self, page: Page) -> Page | None:
        """The page after this one; None where no source asks anything."""
        if (form := _goes_on_by_itself(page)) is not None:
            return self._visitor.submit(page, form=form)
        for number, form_ in enumerate(page.forms):
            if any(name == "citizen" for name, _ in form_.buttons):
                return self._visitor.submit(page, {"citizen": self._citizen.personal_number}, form=number)
        for number, form_ in enumerate(page.forms):
            for name, value in (("number", self._citizen.personal_number), ("code", ONE_TIME_CODE)):
                if name in form_.fields:
                    return self._visitor.submit(page, {name: value, "decision": "continue"}, form=number)
        return None

    def _go_on(self, page: Page) -> Page:
        """Where the person was told before, on an earlier walk, there is no page."""
        if page.url.endswith("/information"):
            _promise(self._citizen.full_name in page.html, "the page names the person", page)
            _promise(self._citizen.personal_number not in page.html, "the page hides the personal number", page)
            page = self._visitor.submit(page, {"decision": "continue", "consent": "yes"})
        return page

    def _known(self, home: Page, portal: str) -> Page:
        _promise(_site(home.url) == _site(portal) and home.has("person"), f"{portal} is open", home)
        _promise(home.text("person") == self._citizen.full_name, f"it greets {self._citizen.full_name}", home)
        me = self._visitor.click(home, "me")
        _promise(me.has("sub") and me.text("acr").startswith("LoA"), "it knows a number and a level", me)
        return me

    def _opens(self, portal: str) -> Page:
        self._visitor.trail.clear()
        page = self._go_on(self._visitor.open(f"{portal}/sign-in"))
        known = self._known(page, portal)
        places = {_site(self._at.provider), _site(portal)}
        _promise({_site(url) for url in self._visitor.trail} <= places, "no source was asked again", known)
        return known

    def _strong_service(self) -> Page:
        page = self._visitor.open(f"{self._at.province}/services/{STRONG_SERVICE}")
        if offered := _offered(page):
            _promise(STRONG_SOURCE in offered, f"a source that reaches {STRONG_LEVEL} is offered", page)
            page = self._go_on(self._sign_in(self._choose(page, STRONG_SOURCE)))
        _promise(page.has("service"), "the service is open", page)
        _promise(page.text("acr") == STRONG_LEVEL, f"the service sees {STRONG_LEVEL}", page)
        return page

    def _asks_for_whom(self) -> Page:
        page = self._visitor.open(f"{self._at.province}/services/{BUSINESS_SERVICE}")
        if _offered(page):  # where signing in before took less than acting for somebody does
            page = self._sign_in(self._choose(page, self._source))
        _promise(page.url.endswith("/acting"), "the person is asked for whom they act", page)
        _promise(len(_businesses(page)) >= 1, "the register names a business", page)
        return page

    def _act(self, question: Page) -> Page:
        tax_code = _businesses(question)[0]
        form = _form_with(question, "act_for", tax_code)
        page = self._go_on(self._visitor.submit(question, {"act_for": tax_code}, form=form))
        _promise(page.has("acting-for") and page.has("org-tax-code"), "the service is open for a business", page)
        _promise(page.text("org-tax-code") == tax_code, f"the service sees {tax_code}", page)
        return page

    def _act_for_oneself(self, page: Page) -> Page:
        question = self._visitor.click(page, "act-for")
        form = _form_with(question, "act_for", "myself")
        page = self._go_on(self._visitor.submit(question, {"act_for": "myself"}, form=form))
        _promise(page.has("acting-for") and not page.has("org-tax-code"), "no business is known any more", page)
        return page

    def _sign_out(self, portal: str) -> Page:
        home = self._visitor.open(f"{portal}/")
        form = next(i for i, form in enumerate(home.forms) if form.action.endswith("/sign-out"))
        page = self._visitor.submit(home, form=form)
        _promise(_site(page.url) == _site(portal) and page.has("signed-out"), "the portal says so", page)
        return page

    def _both_signed_out(self) -> Page:
        """The province is told behind the browser's back: it takes a moment."""
        until = time.monotonic() + self._patience_seconds
        while True:
            pages = [self._visitor.open(f"{portal}/") for portal in (self._at.ministry, self._at.province)]
            still_in = [page for page in pages if page.has("person")]
            if not still_in:
                return self._to_choice(self._at.ministry)
            if time.monotonic() > until:
                raise Broken(f"{self._source}: signed out, but {still_in[0].url} still knows the person")
            time.sleep(LOOK_AGAIN_SECONDS)


def _offered(page: Page) -> list[str]:
    """The sources that can be chosen; none on any other page."""
    return [value for form in page.forms for name, value in form.buttons if name == "source"]


def _businesses(page: Page) -> list[str]:
    return [value for form in page.forms for name, value in form.buttons if name == "act_for" and value != "myself"]


def _goes_on_by_itself(page: Page) -> int | None:
    """The form that a browser with script would send at once; None where there is none."""
    if "onward.js" in page.html:  # the sandbox's sources
        return 0
    found = re.search(r"<form[^>]*data-submit-now", page.html)
    return None if found is None else page.html[: found.start()].count("<form")


def _form_with(page: Page, button: str, value: str) -> int:
    for number, form in enumerate(page.forms):
        if (button, value) in form.buttons:
            return number
    raise Broken(f"the page at {page.url} has no button for {button} {value}")


def _site(url: str) -> str:
    return urlsplit(url).netloc


def _promise(kept: bool, promise: str, page: Page) -> None:
    if not kept:
        heading = re.sub(r"<[^>]+>", "", page.html.partition("<h1")[2].partition(">")[2].partition("</h1>")[0])
        seen = f"{page.url.partition('?')[0]} ({page.status}) {' '.join(heading.split())!r}"
        raise Broken(f"broken: {promise}. Seen instead: {seen}")


@contextmanager
def _answering(address: str) -> Iterator[None]:
    try:
        yield
    except requests.ConnectionError:
        raise Broken(f"nothing answers at {address}: is the demo running? Start it with ./run demo") from None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run journey", description=__doc__)
    parser.add_argument("--port-base", type=int, default=DEFAULT_PORT_BASE, help="as given to ./run demo")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        walked = walk(addresses_of_demo(given.port_base))
    except Broken as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{walked} sources walked through, every promise kept, in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
