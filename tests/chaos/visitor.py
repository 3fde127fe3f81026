"""A person's browser and the portal that sent it, on one connection: what they ask, what they do when it fails, and
what of the answers they would swear to later.
"""

from __future__ import annotations

import base64
import hashlib
import html
import http.client
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import jwt

from tests.chaos.ledger import Grant, Ledger
from tests.races.provider import Citizen, Portal

PATIENCE_SECONDS = 20  # of whoever waits for an answer
RELOADS, BETWEEN_SECONDS = 3, 1.0  # of a page that did not come, or came with "try again soon"
PAGES = 12  # of one sign-in at most
ANSWERED, LOST, PUT_OFF, TURNED_AWAY = "answered", "lost", "put off", "turned away"
_FORM_TOKEN = re.compile(rb'name="form_token" value="([^"]+)"')
_ACTION = re.compile(rb'action="([^"]*/information[^"]*)"')
_ONWARD = re.compile(rb'http-equiv="refresh" content="0; url=([^"]+)"')
_FAILURE = re.compile(rb'(?:<dd>|"error_description": ?")([A-Z][0-9]{2})\b')


class Failed(Exception):
    """It cannot go on from here: it must be begun anew."""


@dataclass(frozen=True)
class Asked:
    """One request: when it was over, and how it went."""

    ended_at: float
    outcome: str
    what: str


@dataclass
class Log:
    """What all visitors met."""

    asked: list[Asked] = field(default_factory=list)
    begun_anew: list[tuple[float, str, str]] = field(default_factory=list)  # when, "sign-on" or "sign-in", why

    def last_failure_at(self) -> float:
        requests = [each.ended_at for each in self.asked if each.outcome != ANSWERED]
        return max([*requests, *(when for when, _, _ in self.begun_anew)], default=0.0)


@dataclass(frozen=True)
class Answer:
    status: int  # 0: none came
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def onward(self) -> str | None:
        """Where the browser goes by itself."""
        found = _ONWARD.search(self.body)
        return self.headers["Location"] or (html.unescape(found[1].decode()) if found else None)

    @property
    def named(self) -> str:
        """The status, and the code of what went wrong."""
        found = _FAILURE.search(self.body)
        return f"{self.status or 'no answer'}{' ' + found[1].decode() if found else ''}"


@dataclass(frozen=True, kw_only=True)
class Where:
    """Whom visitors ask."""

    port: int
    host: str
    source_port: int  # where browsers find the source, which they know by another address
    signed_out_uri: str


class Visitor:
    def __init__(self, where: Where, portal: Portal, ledger: Ledger, log: Log) -> None:
        self._where, self._portal, self._ledger, self._log = where, portal, ledger, log
        self._connection = http.client.HTTPConnection("127.0.0.1", where.port, timeout=PATIENCE_SECONDS)
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        self._connection.close()

    # ---- what people do ----

    def sign_on(self, citizen: Citizen, *, twice: bool) -> None:
        """The portal knows who came, by a session that stands; raises Failed."""
        self._cookies["session"] = citizen.cookie
        asked, verifier = self._request()
        onward = self._ask("GET", asked).onward or ""
        if not onward.startswith(self._portal.redirect_uri):
            raise Failed("not known any more")
        told = self._redeemed(onward, verifier, twice=twice)
        if not twice:  # else what the code bought is void, as it should be (RFC 6749 section 4.1.2)
            self._userinfo(str(told["access_token"]))

    def sign_in(self, number: str, *, sign_out: bool) -> None:
        """Somebody nobody knows has signed in at the source and agreed; the portal has their claims; raises Failed."""
        asked, verifier = self._request()
        tokens = self._redeemed(self._walk(asked, number), verifier, twice=False)
        sub = self._userinfo(str(tokens["access_token"]))
        self._ledger.known_as(self._cookies["session"], self._portal.id, sub)
        if sign_out:
            self._sign_out(tokens)

    # ---- from page to page ----

    def _walk(self, path: str, number: str) -> str:
        """Where the portal gets its answer."""
        for _ in range(PAGES):
            before = self._cookies.get("session")
            answer = self._ask("GET", path)
            if self._cookies.get("session") != before:
                self._ledger.signed_in(number, self._cookies["session"])
            onward = answer.onward or self._submitted(path, answer)
            if onward.startswith(self._portal.redirect_uri):
                return onward
            if urlsplit(onward).netloc not in ("", self._where.host):
                onward = self._at_source(f"{onward}&login_hint={number}")
            path = _path(onward)
        raise Failed("no end of pages")

    def _submitted(self, path: str, page: Answer) -> str:
        """Where the form of this page leads."""
        if "problem=" in path:
            raise Failed(f"sent back to choose: {parse_qs(urlsplit(path).query)['problem'][0]}")
        token, action = _FORM_TOKEN.search(page.body), _ACTION.search(page.body)
        if token is None:
            raise Failed(f"a page without a way on: {page.named} at {_place(path)}")
        form = {"form_token": html.unescape(token[1].decode())}
        if action is None:
            return self._ask("POST", path, form | {"source": "good"}).onward or "/nowhere"
        agreed = {"decision": "continue", "consent": "yes"}
        onward = self._ask("POST", html.unescape(action[1].decode()), form | agreed).onward or "/nowhere"
        if "/authorize/continue/" in onward:
            self._ledger.agreed(self._cookies["session"], self._portal.id)
        return onward

    def _at_source(self, url: str) -> str:
        """The source signs everybody in at once; returns where it sends the browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self._where.source_port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", _path(url))
            return str(connection.getresponse().headers["Location"])
        finally:
            connection.close()

    def _sign_out(self, tokens: dict[str, Any]) -> None:
        cookie, state = self._cookies["session"], secrets.token_hex(8)
        wish = {
            "id_token_hint": tokens["id_token"], "state": state,
            "post_logout_redirect_uri": self._where.signed_out_uri,
        }  # fmt: skip
        onward = self._ask("GET", f"/logout?{urlencode(wish)}").onward or ""
        if onward != f"{self._where.signed_out_uri}?state={state}":
            raise Failed(f"not signed out, but sent to {onward.partition('?')[0]}")
        sid = jwt.decode(tokens["id_token"], options={"verify_signature": False})["sid"]
        self._ledger.logged_out(cookie, sid, str(tokens["access_token"]))
        self.look_again(cookie, str(tokens["access_token"]))

    def look_again(self, cookie: str, token: str) -> None:
        """What was told as ended is tried; the ledger has it if it opens anything."""
        answer = self._once("GET", "/userinfo", None, f"Bearer {token}", (200, 401))
        if answer.status == 200:
            self._ledger.seen.append("userinfo opens for a token of a session that was ended")
        self._cookies = {"session": cookie}
        asked, _ = self._request(prompt="none")
        if "code=" in (self._once("GET", asked, None, "", (303,)).onward or ""):
            self._ledger.seen.append("a session that was ended still signs on")

    def look_good(self, token: str) -> None:
        """What was granted is tried; the ledger has it if it opens nothing."""
        if self._once("GET", "/userinfo", None, f"Bearer {token}", (200,)).status == 401:
            self._ledger.seen.append("a token that was given, and not revoked, opens nothing")

    # ---- the portal ----

    def _request(self, **more: str) -> tuple[str, str]:
        """Where the portal sends a browser, and the verifier that it keeps."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self._portal.id, "redirect_uri": self._portal.redirect_uri,
            "scope": "openid profile", "code_challenge_method": "S256", "code_challenge": challenge,
            "state": secrets.token_hex(8), "nonce": secrets.token_hex(16),
        }  # fmt: skip
        return f"/authorize?{urlencode(asked | more)}", verifier

    def _redeemed(self, returned_to: str, verifier: str, *, twice: bool) -> dict[str, Any]:
        """What the code bought; raises Failed. A code is never sent again by whoever got no answer."""
        told = parse_qs(urlsplit(returned_to).query)
        if "code" not in told:
            raise Failed(f"the portal was told {told.get('error', ['nothing'])[0]}")
        code, answers = told["code"][0], list[Answer]()
        if twice:
            other = Visitor(self._where, self._portal, self._ledger, self._log)
            deed = threading.Thread(target=lambda: answers.append(other.redeem(code, verifier, (200, 400))))
            deed.start()
            answers.append(self.redeem(code, verifier, (200, 400)))
            deed.join()
            other.close()
        else:
            answers.append(self.redeem(code, verifier))
        bought = next((json.loads(answer.body) for answer in answers if answer.status == 200), None)
        if bought is None:
            raise Failed(f"the code bought nothing: {', '.join(sorted(answer.named for answer in answers))}")
        self._ledger.grants.append(
            Grant(
                token=bought["access_token"], portal_id=self._portal.id, cookie=self._cookies["session"], code=code,
                verifier=verifier, at=time.monotonic(), was_sent_twice=twice,
            )
        )  # fmt: skip
        return dict(bought)

    def redeem(self, code: str, verifier: str, fine: tuple[int, ...] = (200,)) -> Answer:
        """The token endpoint's answer; the ledger counts those by which the code was spent."""
        basic = base64.b64encode(f"{quote(self._portal.id)}:{quote(self._portal.secret)}".encode()).decode()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._portal.redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        answer = self._once("POST", "/token", form, f"Basic {basic}", fine)
        if answer.status == 200:
            self._ledger.spent(code)
        return answer

    def _userinfo(self, token: str) -> str:
        claims = json.loads(self._ask("GET", "/userinfo", None, f"Bearer {token}").body)
        return str(claims["sub"])

    # ---- requests ----

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None, authorization: str = "") -> Answer:
        """An answer that leads on: people press "reload" a few times before they give up; raises Failed."""
        for left in range(RELOADS, -1, -1):
            answer = self._once(method, path, form, authorization, (200, 303))
            if answer.status in (200, 303):
                return answer
            if 400 <= answer.status < 500:
                break
            if left:
                time.sleep(BETWEEN_SECONDS)
        raise Failed(f"{answer.named} at {_place(path)}")

    def _once(
        self, method: str, path: str, form: dict[str, str] | None, authorization: str, fine: tuple[int, ...]
    ) -> Answer:
        headers = {"Host": self._where.host}
        if authorization:
            headers["Authorization"] = authorization
        elif self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = None if form is None else urlencode(form)
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            self._note(LOST, f"{type(problem).__name__} at {_place(path)}")
            return Answer(0, http.client.HTTPMessage(), b"")
        self._keep_cookies(answer)
        if answer.status in fine:
            self._note(ANSWERED, "")
        elif answer.status == 503 and answer.headers["Retry-After"]:
            self._note(PUT_OFF, f"{answer.named} at {_place(path)}")
        else:
            self._note(TURNED_AWAY if 400 <= answer.status < 500 else LOST, f"{answer.named} at {_place(path)}")
        return answer

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            if value:
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)

    def _note(self, outcome: str, what: str) -> None:
        self._log.asked.append(Asked(time.monotonic(), outcome, what))


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _place(path: str) -> str:
    """The endpoint alone: what is shown must not depend on ids."""
    return "/" + path.partition("?")[0].split("/")[1]
