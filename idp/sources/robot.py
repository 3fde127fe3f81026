"""A visitor for contract checks: goes through a source's own pages as a person with a test identity would.

It keeps cookies per host, follows redirects, fills in and submits forms, and stops where the source sends the person
back to us. It runs no script and reads nothing but forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from connectors.base import Http, HttpAnswer, Input

STEPS_LIMIT = 20
_ONE_COOKIE = re.compile(r",\s*(?=[^;,\s=]+=)")  # headers of one name come joined; a date has no name before its comma


class Lost(Exception):
    """The robot does not know how to go on; the text says where, without what it typed."""


@dataclass(kw_only=True)
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    buttons: set[str] = field(default_factory=set)

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        known = {name: value for name, value in values.items() if name in self.fields or name in self.buttons}
        return self.fields | known

    def fits(self, values: Mapping[str, str]) -> int:
        """How many of the values it asks for; -1 for a form that asks for something else."""
        asked = (set(self.fields) - self.hidden) | self.buttons
        known = len(asked & set(values))
        return known if known or not asked else -1


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._open: Form | None = None
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(action=urljoin(self._url, given.get("action", "")), method=given.get("method", "get"))
            self.forms.append(self._open)
        elif self._open is not None and given.get("name"):
            self._add(self._open, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _add(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text").lower()
        if tag == "button" or (tag == "input" and kind in ("submit", "image", "button")):
            form.buttons.add(name)
        elif tag in ("input", "select", "textarea") and kind not in ("checkbox", "radio"):
            form.fields[name] = given.get("value", "")
            if kind == "hidden":
                form.hidden.add(name)


class Robot:
    """One visitor with one jar of cookies; `values` is what it types and presses, by the names of the fields."""

    def __init__(self, http: Http, values: Mapping[str, str], *, home: str) -> None:
        self._http = http
        self._values = values
        self._home = home
        self._jar: dict[str, dict[str, str]] = {}

    def walk(self, url: str) -> Input:
        """From this address until we are sent home: what comes back then. Raises Lost, OutboundError."""
        return self._onward(url, self._get(url))

    def post(self, url: str, fields: Mapping[str, str]) -> Input:
        """The same, beginning with a form that our page would send."""
        return self._onward(url, self._request("POST", url, fields))

    def _onward(self, url: str, answer: HttpAnswer) -> Input:
        for _ in range(STEPS_LIMIT):
            location = answer.headers.get("location")
            if 300 <= answer.status < 400 and location:
                url = urljoin(url, location)
                if self._is_home(url):
                    return Input(method="GET", raw_query=urlsplit(url).query)
                answer = self._get(url)
                continue
            form = self._form(url, answer)
            filled = form.filled(self._values)
            if self._is_home(form.action):
                return Input(method="POST", form=tuple(filled.items()))
            url, answer = self._submitted(form, filled)
        raise Lost(f"{_place(url)}: still not back after {STEPS_LIMIT} pages")

    def _submitted(self, form: Form, filled: Mapping[str, str]) -> tuple[str, HttpAnswer]:
        if form.method.lower() == "post":
            return form.action, self._request("POST", form.action, filled)
        url = f"{form.action.partition('?')[0]}?{urlencode(filled)}"
        return url, self._get(url)

    def _form(self, url: str, answer: HttpAnswer) -> Form:
        """The form on this page that asks for most of what we have; else one that asks for nothing."""
        reader = _Forms(url)
        reader.feed(answer.body.decode("utf-8", "replace"))
        best = max(reader.forms, key=lambda form: form.fits(self._values), default=None)
        if best is None or best.fits(self._values) < 0:
            raise Lost(f"{_place(url)}: status {answer.status}, and no form that asks for what we have")
        return best

    def _is_home(self, url: str) -> bool:
        return url.partition("?")[0] == self._home

    def _get(self, url: str) -> HttpAnswer:
        return self._request("GET", url, None)

    def _request(self, method: str, url: str, form: Mapping[str, str] | None) -> HttpAnswer:
        host = urlsplit(url).hostname or ""
        jar = self._jar.setdefault(host, {})
        headers = {"Accept": "text/html", "Accept-Language": "vi"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        answer = self._http.request(method, url, headers=headers, form=form)
        for cookie in _ONE_COOKIE.split(answer.headers.get("set-cookie", "")):
            name, has_value, value = cookie.partition(";")[0].strip().partition("=")
            if has_value:
                jar[name] = value
        return answer


def pairs(answer: Input) -> list[tuple[str, str]]:
    """The parameters that came home, in order."""
    return list(answer.form) if answer.method == "POST" else parse_qsl(answer.raw_query, keep_blank_values=True)


def with_pairs(answer: Input, changed: list[tuple[str, str]]) -> Input:
    if answer.method == "POST":
        return replace(answer, form=tuple(changed))
    return replace(answer, raw_query=urlencode(changed))


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
