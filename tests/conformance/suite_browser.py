"""The suite's browser, without script: it does on our pages what the prepared configuration tells it to.

It runs the same tasks, from the same JSON, as the suite's own browser does: so that JSON is proven here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from tests.peers.visitor import REDIRECT_LIMIT, Form, Page, Visitor

BUTTON = re.compile(r"button\[name=([a-z_]+)\]\[value=([a-z_-]+)\]")


@dataclass(frozen=True)
class Arrival:
    """What the suite's redirect_uri was told, and by which response_mode: query, fragment or form_post."""

    url: str
    mode: str
    parameters: Mapping[str, str]


@dataclass
class Visit:
    """Where an address led. `arrival` is None where the last page is one of ours: an error, or one to sign in at."""

    page: Page
    arrival: Arrival | None
    shown: list[Page] = field(default_factory=list)  # the pages at which a person would have had to do something

    @property
    def answer(self) -> Mapping[str, str]:
        assert self.arrival is not None, (
            f"no answer, but {self.page.status} at {self.page.url}\n{self.page.html[:1500]}"
        )
        return self.arrival.parameters


class SuiteBrowser(Visitor):
    """A browser with the cookies of one person; `suite` is what the addresses of the suite begin with."""

    def __init__(self, suite: str) -> None:
        super().__init__("en")
        self._suite = suite

    def visit(self, url: str, entries: Sequence[Mapping[str, Any]], *, method: str = "GET", data: Any = None) -> Visit:
        """Open the address and run the tasks of the first entry that fits it; none where `entries` is empty."""
        visit = self._went(self.request(method, url, data=data), [])
        entry = next((entry for entry in entries if _fits(entry["match"], url)), {"tasks": []})
        for task in entry["tasks"]:
            if visit.arrival is not None:
                return visit
            if _fits(task["match"], visit.page.url):
                visit = self._done(visit, task["commands"])
        return visit

    def close(self) -> None:
        self._session.close()

    def press(self, visit: Visit, name: str, value: str) -> Visit:
        """The button was pressed, on the page at which the visit stands."""
        return self._done(visit, [["click", "css", f"button[name={name}][value={value}]"]])

    def _done(self, visit: Visit, commands: Sequence[Sequence[Any]]) -> Visit:
        typed: dict[str, str] = {}
        for verb, how, what, *more in commands:
            if verb == "text" and how == "id":
                typed[_ids(visit.page.html)[what]] = more[0]
            elif verb == "click" and how == "css":
                found = BUTTON.fullmatch(what)
                assert found is not None, what
                form = next((form for form in visit.page.forms if found.groups() in form.buttons), None)
                if form is None:
                    assert "optional" in more, f"no {what} at {visit.page.url}\n{visit.page.html[:1500]}"
                    return visit
                visit = self._pressed(visit, form, typed | {found[1]: found[2]})
            else:
                raise AssertionError(f"a command that a page of ours needs not: {verb} {how}")
        return visit

    def _pressed(self, visit: Visit, form: Form, fields: Mapping[str, str]) -> Visit:
        to = urljoin(visit.page.url, form.action)
        return self._went(self.request(form.method.upper(), to, data={**form.fields, **fields}), visit.shown)

    def _went(self, page: Page, shown: list[Page]) -> Visit:
        """On, as far as redirects and pages that send on by themselves lead, but never into the suite."""
        for _ in range(REDIRECT_LIMIT):
            arrival = self._arrival(page)
            if arrival is not None or page.onward is None:
                return Visit(page, arrival, shown if arrival is not None else [*shown, page])
            page = self.get(page.onward)
        raise AssertionError(f"more than {REDIRECT_LIMIT} redirects: {self.trail[-4:]}")

    def _arrival(self, page: Page) -> Arrival | None:
        if page.onward is not None and page.onward.startswith(f"{self._suite}/"):
            parts = urlsplit(page.onward)
            mode = "fragment" if parts.fragment else "query"
            return Arrival(page.onward, mode, _once(parts.fragment or parts.query))
        for form in page.forms:
            if form.action.startswith(f"{self._suite}/"):
                assert form.method == "post"
                return Arrival(form.action, "form_post", dict(form.fields))
        return None


def _fits(pattern: str, url: str) -> bool:
    """`*` is anything, every other character itself, as in the suite."""
    return fnmatchcase(url, pattern.replace("[", "[[]").replace("?", "[?]"))


def _once(text: str) -> dict[str, str]:
    found = parse_qs(text, keep_blank_values=True, strict_parsing=bool(text))
    assert all(len(values) == 1 for values in found.values()), "every parameter once"
    return {name: values[0] for name, values in found.items()}


class _Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("id") and given.get("name"):
            self.names[str(given["id"])] = str(given["name"])


def _ids(html: str) -> dict[str, str]:
    reader = _Ids()
    reader.feed(html)
    return reader.names
