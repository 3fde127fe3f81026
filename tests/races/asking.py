"""A portal and a browser on one connection that stays open: as little between a thread and the provider as can be."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.races.provider import Citizen, Portal, Provider

TIMEOUT_SECONDS = 40
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Code:
    """A code, and the verifier that belongs to it."""

    value: str
    verifier: str


@dataclass(frozen=True)
class Answer:
    status: int
    told: dict[str, Any]

    @property
    def token(self) -> str:
        return str(self.told["access_token"])


class Asking:
    """Raises OSError or http.client.HTTPException when the other side goes away; the next question connects anew."""

    def __init__(self, provider: Provider) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=TIMEOUT_SECONDS)
        self._host = {"Host": urlsplit(provider.issuer).netloc}

    def code(self, citizen: Citizen, portal: Portal) -> Code:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": portal.id, "redirect_uri": portal.redirect_uri, "state": "s",
            "scope": "openid profile", "nonce": secrets.token_urlsafe(16), "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        status, headers, body = self.ask(
            "GET", f"/authorize?{urlencode(asked)}", {"Cookie": f"session={citizen.cookie}"}
        )
        assert status == 303, body[:2000]
        told = parse_qs(urlsplit(headers["Location"]).query)
        assert "code" in told, headers["Location"]
        return Code(told["code"][0], verifier)

    def redeem(self, code: Code, portal: Portal, **changes: str) -> Answer:
        """The token endpoint's answer; changes replace parameters, or the `secret`."""
        form = {
            "grant_type": "authorization_code", "code": code.value, "redirect_uri": portal.redirect_uri,
            "code_verifier": code.verifier,
        } | changes  # fmt: skip
        basic = base64.b64encode(f"{portal.id}:{form.pop('secret', portal.secret)}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", **FORM}
        status, _, body = self.ask("POST", "/token", headers, urlencode(form).encode())
        return Answer(status, json.loads(body))

    def userinfo(self, token: str) -> int:
        return self.ask("GET", "/userinfo", {"Authorization": f"Bearer {token}"})[0]

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        try:
            self._connection.request(method, path, body, self._host | headers)
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()
