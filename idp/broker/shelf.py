"""What the journey keeps while it is under way: in the short-lived store, sealed, each thing under its own key.

Nothing is ever overwritten, so two tabs, two clicks or two workers cannot undo each other's steps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from idp import clock, entropy
from idp.broker.steps import Need, Progress
from idp.broker.stops import Stop, as_values, from_values
from idp.errors import CATALOGUE, Failure
from idp.seal import Sealer
from idp.storage import ShortLived

KEPT_SECONDS = 21_600  # six hours, of what leads back to the portal: a page may be found long after its sign-in expired
SECOND_CLICK_SECONDS = 120
_STEPS = ("signed-in", "told", "checked", "acted", "by-phone")
_OF_A_PHONE = ("begun", "scanned", "decided", "failed")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the portal was, or is about to be, told: the parameters, and in which response_mode they go where."""

    redirect_uri: str
    parameters: dict[str, str]
    mode: str
    given_at: int


@dataclass(frozen=True, kw_only=True)
class Login:
    """A sign-in under way. `request` is the portal's request as `oidc` wrote it down; the journey does not read it."""

    id: str
    need: Need
    request: str
    browser: str  # fingerprint, hexadecimal, of the cookie that this sign-in alone has
    expires_at: int
    answer: Answer | None = None  # its end, if it had come to one when it was read
    verdict: str | None = None  # the failure that it ends with

    @property
    def expired(self) -> bool:
        return self.expires_at <= clock.seconds()


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A visit to a source, found again by the handle that went with it as `state` or RelayState."""

    login_id: str
    source_id: str
    version: int
    stop: Stop


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A visit went on: to its next stop, or to its end with a session or with the failure to show."""

    login_id: str
    session_cookie: str | None = None
    failure_code: str | None = None
    source_id: str | None = None
    waiting: str | None = None  # the handle of the visit's next stop, where it is not over
    request_id: str | None = None  # by which clerks find what was refused, whichever click the person reads it from

    @property
    def failure(self) -> Failure | None:
        return None if self.failure_code is None else CATALOGUE[self.failure_code]


class Shelf:
    def __init__(self, short_lived: ShortLived, sealer: Sealer, login_seconds: int) -> None:
        self._short_lived = short_lived
        self._sealer = sealer
        self._login_seconds = login_seconds  # a sign-in's life: nobody asks later what was done within it

    def keep_login(self, login: Login) -> None:
        begun = {"need": vars(login.need), "request": login.request, "browser": login.browser}
        self._keep("login", login.id, begun | {"expires_at": login.expires_at})

    def login(self, login_id: str) -> Login | None:
        """The sign-in with its end, if it has one: one trip, for every request of a journey begins with it."""
        kept, answer, verdict = self._read_all(("login", login_id), ("answer", login_id), ("verdict", login_id))
        if kept is None:
            return None
        need, answered = _need(kept.pop("need")), None if answer is None else Answer(**answer)
        return Login(id=login_id, need=need, answer=answered, verdict=verdict, **kept)

    def progress(self, login_id: str, session_id: bytes) -> Progress:
        """What was done within this sign-in by whoever this session is of; another's steps do not count."""
        name = _within(login_id, session_id)
        done = [value is not None for value in self._read_all(*((kind, name) for kind in _STEPS))]
        return Progress(signed_in=done[0], told=done[1], checked=done[2], acted=done[3], by_phone=done[4])

    def note_signed_in(self, login_id: str, session_id: bytes) -> None:
        self._note("signed-in", login_id, session_id)

    def note_by_phone(self, login_id: str, session_id: bytes) -> None:
        self._note("by-phone", login_id, session_id)

    def note_told(self, login_id: str, session_id: bytes) -> None:
        self._note("told", login_id, session_id)

    def note_acted(self, login_id: str, session_id: bytes) -> None:
        self._note("acted", login_id, session_id)

    def note_checked(self, login_id: str, session_id: bytes) -> None:
        self._note("checked", login_id, session_id)

    def note_confirmed(self, login_id: str, session_id: bytes | None) -> None:
        """Whoever this session is of, or somebody who was not signed in, was shown which device it is, and went on."""
        self._note("confirmed", login_id, session_id or b"")

    def is_confirmed(self, login_id: str, session_id: bytes | None) -> bool:
        """Whether whoever is here now said that the device is theirs; what another person said does not count.

        Nobody's word is the word of whoever then signed in within this sign-in, and of no session from elsewhere.
        """
        if self._read("confirmed", _within(login_id, session_id or b"")) is not None:
            return True
        before = session_id is not None and self._read("confirmed", _within(login_id, b"")) is not None
        return before and self._read("signed-in", _within(login_id, session_id or b"")) is not None

    def begin_leg(self, handle: str, leg: Leg) -> None:
        """The visit can be found as long as its sign-in, so that whoever comes back late is led to the portal."""
        values = {"login_id": leg.login_id, "source_id": leg.source_id, "version": leg.version}
        self._keep("leg", handle, values | {"stop": as_values(leg.stop)})

    def leg(self, handle: str) -> Leg | None:
        return _leg(self._read("leg", handle))

    def take_leg(self, handle: str, login_id: str) -> bool:
        """Whether this call took the visit; what remains is the name of its sign-in, for a second click."""
        # First the trace, then the taking: between the two a second click finds both.
        self.note_walked(handle, login_id)
        return self._short_lived.take(_key("leg", handle)) is not None

    def note_walked(self, handle: str, login_id: str) -> None:
        """A second click finds which sign-in went on from here, and waits until the first one has arrived."""
        self._keep("walked", handle, login_id)

    def login_of_walked_leg(self, handle: str) -> str | None:
        login_id: str | None = self._read("walked", handle)
        return login_id

    def keep_arrival(self, handle: str, arrived: Arrived) -> None:
        """A second click on the same answer of a source arrives where the first one did."""
        self._keep("arrival", handle, [clock.seconds(), vars(arrived)], self._login_seconds)

    def arrival(self, handle: str) -> Arrived | None:
        """Where the first click arrived, for two minutes with its session; None while it is still on its way."""
        kept = self._read("arrival", handle)
        if kept is None:
            return None
        arrived = Arrived(**kept[1])
        return arrived if clock.seconds() - kept[0] < SECOND_CLICK_SECONDS else replace(arrived, session_cookie=None)

    def keep_verdict(self, login_id: str, code: str) -> None:
        """The sign-in ends with this failure, which `oidc` will tell the portal."""
        self._keep("verdict", login_id, code)

    def keep_answer(self, login_id: str, answer: Answer) -> Answer:
        """The sign-in's one answer: this, unless another click was first; then that one."""
        if self._keep("answer", login_id, vars(answer)):
            return answer
        first = self._read("answer", login_id)
        return answer if first is None else Answer(**first)

    # A request that was pushed is read as often as its address is visited, and answered once (RFC 9126 section 7.3).

    def keep_pushed(self, client_id: str, parameters: dict[str, str], seconds: int) -> str:
        """The parameters can be had by the handle returned, by this client."""
        handle = entropy.opaque_value()
        self._keep("pushed", handle, [client_id, parameters], seconds)
        return handle

    def pushed(self, handle: str, client_id: str) -> dict[str, str] | None:
        """The parameters; None for what is expired, answered, never was, or another client's."""
        kept = self._read("pushed", handle)
        return kept[1] if kept is not None and kept[0] == client_id else None

    def spend_pushed(self, handle: str, answered_by: str) -> bool:
        """Whether the pushed request is answered by this sign-in: of several begun with it, the first to come here."""
        if not self._keep("pushed-answered", handle, answered_by):
            return bool(self._read("pushed-answered", handle) == answered_by)
        self._short_lived.take(_key("pushed", handle))
        return True

    def keep_posted(self, text: str, seconds: int) -> str:
        """The text can be taken once by the handle returned: for cross-site POSTs, which carry no Lax cookie."""
        handle = entropy.short_handle()
        self._keep("posted", handle, text, seconds)
        return handle

    def posted(self, handle: str) -> str | None:
        """The text, still there for a second click."""
        text: str | None = self._read("posted", handle)
        return text

    def take_posted(self, handle: str) -> str | None:
        text: str | None = self._opened("posted", handle, self._short_lived.take(_key("posted", handle)))
        return text

    # Kept apart from what browsers post: nobody but the proxy can say what certificate was shown.

    def keep_certificate(self, visit: str, pem: str | None, seconds: int) -> str:
        """What the browser showed on this visit, to be found by the handle returned."""
        handle = entropy.short_handle()
        self._keep("certificate", handle, [visit, pem], seconds)
        return handle

    def certificate(self, handle: str) -> tuple[str, str | None] | None:
        """The handle of the visit, and what was shown; still there for a second click."""
        kept = self._read("certificate", handle)
        return None if kept is None else (kept[0], kept[1])

    # A phone that is to vouch for the browser of a sign-in: each of these is said once, by whoever is first.

    def keep_of_phone(self, what: str, handle: str, value: Any) -> bool:
        """Whether this is now what was begun, scanned, decided or failed under the handle, because of this call."""
        return self._keep(f"phone-{what}", handle, value, self._login_seconds)

    def of_phone(self, handle: str) -> list[Any]:
        """All that was said under the handle, in the order of `_OF_A_PHONE`; None for what was not."""
        return self._read_all(*((f"phone-{what}", handle) for what in _OF_A_PHONE))

    def keep_offer(self, login_id: str, session_id: bytes, offer: Any, seconds: int) -> None:
        self._keep("offer", _within(login_id, session_id), offer, seconds)

    def offer(self, login_id: str, session_id: bytes) -> Any:
        """The organisations that were offered to whoever this session is of, within this sign-in and minutes ago."""
        return self._read("offer", _within(login_id, session_id))

    def keep_leaving(self, return_url: str | None, told: list[tuple[str, str]], seconds: int) -> str:
        """Where somebody goes on after signing out at their source, to be found by the handle returned."""
        handle = entropy.short_handle()
        self._keep("leaving", handle, [return_url, told], seconds)
        return handle

    def leaving(self, handle: str) -> tuple[str | None, list[tuple[str, str]]] | None:
        kept = self._read("leaving", handle)
        return None if kept is None else (kept[0], [(vi, en) for vi, en in kept[1]])

    def _note(self, kind: str, login_id: str, session_id: bytes) -> None:
        self._keep(kind, _within(login_id, session_id), True, self._login_seconds)

    def _keep(self, kind: str, name: str, value: Any, seconds: int = KEPT_SECONDS) -> bool:
        sealed = self._sealer.seal(f"shelf.{kind}", json.dumps(value).encode(), name.encode())
        return self._short_lived.put_if_absent(_key(kind, name), sealed, seconds)

    def _read(self, kind: str, name: str) -> Any:
        return self._opened(kind, name, self._short_lived.get(_key(kind, name)))

    def _read_all(self, *named: tuple[str, str]) -> list[Any]:
        """The values of these kinds and names, in one trip."""
        sealed = self._short_lived.get_all([_key(kind, name) for kind, name in named])
        return [self._opened(kind, name, value) for (kind, name), value in zip(named, sealed, strict=True)]

    def _opened(self, kind: str, name: str, sealed: bytes | None) -> Any:
        if sealed is None:
            return None
        return json.loads(self._sealer.open(f"shelf.{kind}", sealed, name.encode()))


def _within(login_id: str, session_id: bytes) -> str:
    return f"{login_id}:{session_id.hex()}"


def _key(kind: str, name: str) -> str:
    return f"{kind}:{entropy.fingerprint(name).hex()}"


def _need(kept: dict[str, Any]) -> Need:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    return Need(**values)


def _leg(kept: Any) -> Leg | None:
    return None if kept is None else Leg(**(kept | {"stop": from_values(kept["stop"])}))
