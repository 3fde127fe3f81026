"""A person's browser without script: cookies per host, links and forms, and host names under `localhost`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

REDIRECTS = {301, 302, 303, 307, 308}
REDIRECT_LIMIT = 20
VOID_ELEMENTS = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
TIMEOUT_SECONDS = 30


class LoopbackAdapter(HTTPAdapter):
    """Connects to loopback for *.localhost, as browsers do, and leaves address, Host header and cookies as they are."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["host"].endswith(".localhost"):
            host["host"] = "127.0.0.1"
        return host, tls

    def add_headers(self, request: Any, **kwargs: Any) -> None:
        request.headers["Host"] = urlsplit(request.url).netloc


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects texts by element id, links and forms; enough for pages that work without script."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.form_ids: dict[str, Form] = {}
        self.refresh: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID_ELEMENTS:
            self.open.append((tag, given.get("id")))
        if "id" in given:
            self.texts.setdefault(given["id"], "")
        if tag == "a" and "id" in given:
            self.links[given["id"]] = given.get("href", "")
        if tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"].partition("url=")[2] or None  # a page may also renew itself
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
            self.form_ids[given.get("id", "")] = self.forms[-1]
        self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form = self.form_ids.get(given.get("form", "")) if "form" in given else (self.forms[-1] if self.forms else None)
        if form is None or "name" not in given:
            return
        if tag == "button":
            form.buttons.append((given["name"], given.get("value", "")))
        elif tag == "input" and given.get("type") not in {"submit", "checkbox", "radio"}:
            form.fields[given["name"]] = given.get("value", "")
        elif tag in {"select", "textarea"}:
            form.fields[given["name"]] = ""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, identifier in self.open:
            if identifier:
                self.texts[identifier] += data


@dataclass(frozen=True)
class Page:
    """One answer, read as a person would: where one is, what it says, what can be clicked."""

    url: str
    status: int
    headers: Any
    html: str

    @property
    def location(self) -> str:
        return urljoin(self.url, self.headers["Location"])

    @property
    def onward(self) -> str | None:
        """Where a browser goes from here by itself: a redirect, or a page that sends it on."""
        if self.status in REDIRECTS:
            return self.location
        refresh = self._read.refresh if "http-equiv" in self.html else None
        return None if refresh is None else urljoin(self.url, refresh)

    @cached_property
    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader

    def has(self, identifier: str) -> bool:
        return identifier in self._read.texts

    def text(self, identifier: str) -> str:
        return " ".join(self._read.texts[identifier].split())

    def link(self, identifier: str) -> str:
        return urljoin(self.url, self._read.links[identifier])

    @property
    def forms(self) -> list[Form]:
        return self._read.forms


class Visitor:
    """Requests with one cookie jar; a redirect is followed only where a test says so."""

    def __init__(self, language: str = "vi") -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Language"] = language
        self._session.mount("http://", LoopbackAdapter())
        self.trail: list[str] = []

    @property
    def cookies(self) -> requests.cookies.RequestsCookieJar:
        return self._session.cookies

    def request(self, method: str, url: str, **options: Any) -> Page:
        answer = self._session.request(method, url, allow_redirects=False, timeout=TIMEOUT_SECONDS, **options)
        self.trail.append(url)
        return Page(url, answer.status_code, answer.headers, answer.text)

    def get(self, url: str) -> Page:
        return self.request("GET", url)

    def follow(self, page: Page, *, until: str | None = None) -> Page:
        """Go where the redirects lead; with `until`, stop at the answer that leads to it."""
        for _ in range(REDIRECT_LIMIT):
            onward = page.onward
            if onward is None or (until and onward.startswith(until)):
                return page
            page = self.get(onward)
        raise AssertionError(f"more than {REDIRECT_LIMIT} redirects: {self.trail[-4:]}")

    def open(self, url: str) -> Page:
        return self.follow(self.get(url))

    def click(self, page: Page, identifier: str) -> Page:
        return self.open(page.link(identifier))

    def submit(self, page: Page, fields: dict[str, str] | None = None, *, form: int = 0, follow: bool = True) -> Page:
        chosen = page.forms[form]
        answer = self.request(
            chosen.method.upper(), urljoin(page.url, chosen.action), data={**chosen.fields, **(fields or {})}
        )
        return self.follow(answer) if follow else answer
