"""One citizen a source walks through the running demo: `./run journey`, or `python -m tests.journeys.walk`.

Portal, choice, source, what will be sent, portal; the second portal without signing in; a service that owes more; and
out of everything at once. One line a step, with its milliseconds; the first thing that is not as promised ends the
walk with a sentence that says what, and a status of 1.
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

from connectors.sandbox.cast import TO_TRY
from connectors.sandbox.citizen import Citizen
from tests.peers.visitor import Page, Visitor

DEMO = Path(__file__).resolve().parents[2] / "config" / "demo" / "demo.toml"
DEFAULT_PORT_BASE = 8400
PATIENCE_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.1
STRONG_SERVICE, STRONG_LEVEL, STRONG_KIND = "land", "LoA3", "population"

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
    sources = _sources(addresses)
    for number, source in enumerate(sources):
        _Walk(addresses, source, TO_TRY[number % len(TO_TRY)], say, patience_seconds).whole()
    return len(sources)


def _sources(addresses: Addresses) -> list[str]:
    """What the choice page offers."""
    with _answering(addresses.ministry):
        page = Visitor().open(f"{addresses.ministry}/sign-in")
    _promise(page.url.startswith(f"{addresses.provider}/sign-in/"), "the portal leads to the choice of sources", page)
    sources = [value for form in page.forms for name, value in form.buttons if name == "source"]
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
        choice = self._step("the portal leads to the choice of sources", self._to_choice)
        at_source = self._step("the choice leads to the source", lambda: self._choose(choice, self._source))
        back = self._step("the source leads back", lambda: self._sign_in(at_source))
        home = self._step("the person sees what will be sent, and goes on", lambda: self._go_on(back))
        self._step("the portal knows the person", lambda: self._known(home, self._at.ministry))
        self._step("the second portal opens without signing in", self._second_portal)
        self._step(f"a service that owes {STRONG_LEVEL} gets it", self._strong_service)
        self._step("signing out at one portal", self._sign_out)
        self._step("both portals are signed out", self._both_signed_out)

    def _step(self, promise: str, act: Callable[[], Page]) -> Page:
        began = time.monotonic()
        try:
            page = act()
        except (requests.RequestException, LookupError, AssertionError) as problem:
            raise Broken(f"{self._source}: {promise}: {type(problem).__name__}: {problem}") from problem
        self._say(f"  {promise:<48} {(time.monotonic() - began) * 1000:6.0f} ms")
        return page

    def _to_choice(self) -> Page:
        home = self._visitor.open(f"{self._at.ministry}/")
        _promise(home.status == 200 and home.has("sign-in"), "nobody is signed in at a portal just opened", home)
        page = self._visitor.click(home, "sign-in")
        _promise(_is_choice(page), "a choice of sources is shown", page)
        return page

    def _choose(self, choice: Page, source: str) -> Page:
        form = _form_with(choice, "source", source)
        page = self._visitor.submit(choice, {"source": source}, form=form)
        _promise(_site(page.url) != _site(self._at.provider), f"{source} shows a page of its own", page)
        return page

    def _sign_in(self, at_source: Page) -> Page:
        form = _form_with(at_source, "citizen", str(self._citizen.index))
        return self._visitor.submit(at_source, {"citizen": self._citizen.personal_number}, form=form)

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

    def _second_portal(self) -> Page:
        self._visitor.trail.clear()
        page = self._go_on(self._visitor.open(f"{self._at.province}/sign-in"))
        known = self._known(page, self._at.province)
        places = {_site(self._at.provider), _site(self._at.province)}
        _promise({_site(url) for url in self._visitor.trail} <= places, "no source was asked again", known)
        return known

    def _strong_service(self) -> Page:
        page = self._visitor.open(f"{self._at.province}/services/{STRONG_SERVICE}")
        if _is_choice(page):
            offered = [value for form in page.forms for name, value in form.buttons if name == "source"]
            _promise(offered == [STRONG_KIND], f"only what reaches {STRONG_LEVEL} is offered, not {offered}", page)
            page = self._go_on(self._sign_in(self._choose(page, STRONG_KIND)))
        _promise(page.has("service"), "the service is open", page)
        _promise(page.text("acr") == STRONG_LEVEL, f"the service sees {STRONG_LEVEL}", page)
        return page

    def _sign_out(self) -> Page:
        home = self._visitor.open(f"{self._at.ministry}/")
        form = next(i for i, form in enumerate(home.forms) if form.action.endswith("/sign-out"))
        page = self._visitor.submit(home, form=form)
        _promise(_site(page.url) == _site(self._at.ministry) and page.has("signed-out"), "the portal says so", page)
        return page

    def _both_signed_out(self) -> Page:
        """The province is told behind the browser's back: it takes a moment."""
        until = time.monotonic() + self._patience_seconds
        while True:
            pages = [self._visitor.open(f"{portal}/") for portal in (self._at.ministry, self._at.province)]
            still_in = [page for page in pages if page.has("person")]
            if not still_in:
                return self._to_choice()
            if time.monotonic() > until:
                raise Broken(f"{self._source}: signed out, but {still_in[0].url} still knows the person")
            time.sleep(LOOK_AGAIN_SECONDS)


def _is_choice(page: Page) -> bool:
    return page.status == 200 and any(name == "source" for form in page.forms for name, _ in form.buttons)


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
