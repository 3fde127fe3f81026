"""The social insurance gateway: REST with ideas of its own.

- A token is taken with a user name and the MD5 of a password, and lives about an hour. Threads share one token and,
  when it has ended, one refresh; an operation is asked once more after a refresh, never in a loop.
- Two versions live side by side. `2019` sends a form, with token, user name and hashed password in the query; `2024`
  sends JSON, with the token in a header. The query is that version's own habit: its addresses stand in the gateway's
  logs and in those of every proxy on the way, so it is for networks that have nothing newer. Ours never log a query.
- HTTP says 200 also where `maKetQua` says that something is wrong. `ghiChu` beside it may quote the right name to who
  sent a wrong one, so it is never read.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.answers import Refusal, context_secret, json_object, successful
from connectors.base import Context, Failure, HttpAnswer, OutboundError
from connectors.configuration import Address

Version = Literal["2019", "2024"]
VERSIONS: tuple[Version, ...] = ("2019", "2024")

TOKEN_PATH = "/api/token/take"
TOKEN_LIMIT_CHARACTERS = 4096
TOKEN_MARGIN = timedelta(minutes=1)  # a token is let go so long before its end
LONGEST_WAIT_SECONDS = 60  # for another thread's refresh, which the way out has limited long before

OK = "000"
_TOKEN_OK = "200"
_TOKEN_ENDED = frozenset({"401", "501"})
# What any operation, and the token, may answer with for reasons that are not the person's.
_FAILURES: Mapping[str, Failure] = {
    **dict.fromkeys(("100", "101", "500"), Failure.BROKEN_ANSWER),  # "Lỗi server", in three ways
    **dict.fromkeys(("054", "055", "205"), Failure.MISCONFIGURED),  # the official who asks, or our parameters
}
_CODE = re.compile(r"[0-9]{3}", re.ASCII)
_BEARER = re.compile(r"[!-~]+")


class GatewayConfiguration(BaseModel):
    """How the gateway is spoken to. Its credentials are not here: `password`, and `official_number` for `cccdCb`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address = Field(description="scheme and host, like https://gateway.example")
    username: str = Field(min_length=1, max_length=100)
    version: Version = "2024"
    official_name: str = Field("", max_length=100, description="who asks, for hoTenCb: every look-up names an official")
    token_seconds: int = Field(3000, ge=60, le=3600, description="how long a token is kept at most")

    @field_validator("address")
    @classmethod
    def _address_is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be a scheme and a host, and nothing after it")
        return value


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an operation answered: its code, and the rest."""

    code: str
    values: Mapping[str, Any]
    evidence: bytes  # SHA-256 of the answer as it came


@dataclass(frozen=True, kw_only=True)
class _Token:
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    until: datetime


class Gateway:
    """One gateway in one configuration, shared by all threads."""

    def __init__(self, configuration: GatewayConfiguration) -> None:
        self._configuration = configuration
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._refresh: Future[_Token] | None = None

    def ask(
        self,
        context: Context,
        operation: str,
        values: Mapping[str, str],
        *,
        idempotent: bool,
        version: Version | None = None,
    ) -> Reply:
        """What the operation answers in the configured version, or another.

        Raises Refusal or OutboundError for whatever is not about the values. `idempotent` allows one more try after a
        broken connection; nothing is tried again after a time-out.
        """
        asked = (operation, values, idempotent, version or self._configuration.version)
        token = self._usable_token(context, refused=None)
        reply = self._asked(context, token, *asked)
        if reply is None:
            # The operation was refused before anything happened, so that asking again is asking once.
            reply = self._asked(context, self._usable_token(context, refused=token), *asked)
        if reply is None:
            raise Refusal(Failure.MISCONFIGURED, f"{operation} refuses a token that was given a moment ago")
        return reply

    def _asked(
        self,
        context: Context,
        token: _Token,
        operation: str,
        values: Mapping[str, str],
        idempotent: bool,
        version: Version,
    ) -> Reply | None:
        """The reply; None where the gateway takes the token for ended."""
        send = self._send_2019 if version == "2019" else self._send_2024
        answer = send(context, token, f"/api/egw/{operation}{version}", values, idempotent)
        if answer.status in (401, 403):
            return None
        payload = json_object(successful(answer, operation, {}), f"the answer of {operation}")
        code = _result(payload, operation)
        if code in _TOKEN_ENDED:
            return None
        if code in _FAILURES:
            raise Refusal(_FAILURES[code], f"{operation} answered {code}")
        return Reply(code=code, values=payload, evidence=hashlib.sha256(answer.body).digest())

    def _send_2019(
        self, context: Context, token: _Token, path: str, values: Mapping[str, str], idempotent: bool
    ) -> HttpAnswer:
        query = {"token": token.access_token, "id_token": token.id_token, **self._credentials(context)}
        url = f"{self._configuration.address}{path}?{urlencode(query)}"
        return context.http.request("POST", url, headers=_ACCEPT, form=values, idempotent=idempotent)

    def _send_2024(
        self, context: Context, token: _Token, path: str, values: Mapping[str, str], idempotent: bool
    ) -> HttpAnswer:
        headers = {
            **_ACCEPT,
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token.access_token}",
            "X-Id-Token": token.id_token,
        }
        url, body = f"{self._configuration.address}{path}", json.dumps(dict(values), ensure_ascii=False).encode()
        return context.http.request("POST", url, headers=headers, body=body, idempotent=idempotent)

    # --- the token

    def _usable_token(self, context: Context, *, refused: _Token | None) -> _Token:
        """A token that is not known to have ended, other than the refused one; raises Refusal or OutboundError.

        Of all the threads that need a new one, one asks the gateway, and the others get what it gets: the token, or
        the failure, so that a gateway which does not answer is waited for once.
        """
        with self._lock:
            token = self._token
            if token is not None and token is not refused and context.now() < token.until:
                return token
            refresh, mine = self._refresh, self._refresh is None
            if refresh is None:
                refresh = self._refresh = Future()
        if mine:
            self._fill(context, refresh)
        try:
            return refresh.result(LONGEST_WAIT_SECONDS)
        except TimeoutError:
            raise Refusal(Failure.TIMED_OUT, "another thread's token did not come") from None

    def _fill(self, context: Context, refresh: Future[_Token]) -> None:
        try:
            self._token = self.take_token(context)[0]
            refresh.set_result(self._token)
        except (Refusal, OutboundError) as problem:
            refresh.set_exception(problem)
        finally:
            with self._lock:
                self._refresh = None
            if not refresh.done():
                refresh.set_exception(Refusal(Failure.UNREACHABLE, "the thread that took the token ended"))

    def take_token(self, context: Context) -> tuple[_Token, HttpAnswer]:
        """A new token, and the answer that it came in; raises Refusal or OutboundError."""
        body = json.dumps(self._credentials(context)).encode()
        headers = {**_ACCEPT, "Content-Type": "application/json"}
        answer = context.http.request("POST", f"{self._configuration.address}{TOKEN_PATH}", headers=headers, body=body)
        payload = json_object(successful(answer, "the token endpoint", {}), "the token answer")
        code = _result(payload, "the token endpoint")
        if code != _TOKEN_OK:
            failure = Failure.MISCONFIGURED if code in _TOKEN_ENDED else _FAILURES.get(code, Failure.BROKEN_ANSWER)
            raise Refusal(failure, f"the token endpoint answered {code}")
        return self._read_token(payload.get("APIKey"), context.now()), answer

    def _read_token(self, sent: Any, now: datetime) -> _Token:
        if not isinstance(sent, dict) or str(sent.get("token_type")).lower() != "bearer":
            raise Refusal(Failure.BROKEN_ANSWER, "the token answer holds no bearer token")
        values = [sent.get(name) for name in ("access_token", "id_token")]
        usable = [one for one in values if isinstance(one, str) and _BEARER.fullmatch(one)]
        if len(usable) != len(values) or max(map(len, usable)) > TOKEN_LIMIT_CHARACTERS:
            raise Refusal(Failure.BROKEN_ANSWER, "the token answer lacks a token that could be sent")
        longest = now + timedelta(seconds=self._configuration.token_seconds)
        until = min(longest, _expiry(sent.get("expires_in"), now))
        return _Token(access_token=usable[0], id_token=usable[1], until=until)

    def _credentials(self, context: Context) -> dict[str, str]:
        # Their contract demands MD5, unsalted: whoever reads the hash has the password. TLS is what protects it.
        password = context_secret(context, "password").encode()
        hashed = hashlib.md5(password, usedforsecurity=False).hexdigest()
        return {"username": self._configuration.username, "password": hashed}


_ACCEPT = {"Accept": "application/json"}


def _result(payload: Mapping[str, Any], what: str) -> str:
    """The business code; raises Refusal where it is not one, whatever HTTP said."""
    code = payload.get("maKetQua")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} answered without a readable maKetQua")
    return code


def _expiry(sent: Any, now: datetime) -> datetime:
    """When to let go of the token: `expires_in` is a number of seconds in some releases, and an instant in others."""
    if isinstance(sent, str) and sent.isascii() and sent.isdigit():
        sent = int(sent)
    try:
        if isinstance(sent, int) and not isinstance(sent, bool):
            return now + timedelta(seconds=sent) - TOKEN_MARGIN
        instant = datetime.fromisoformat(sent)
        return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)) - TOKEN_MARGIN
    except (TypeError, ValueError, OverflowError):
        raise Refusal(Failure.BROKEN_ANSWER, "the token answer has no readable expires_in") from None
