"""A careful client, written by hand, with its browser: the other side of everything that a source says."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT_ID = "door"
REDIRECT_URI = "http://idp.localhost:8400/callback/source"
SIGNED_OUT_URI = "http://idp.localhost:8400/signed-out"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TIMEOUT_SECONDS = 20


@dataclass
class Attempt:
    """One sign-in, as the client remembers it."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def parameters(self) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }


@dataclass
class Returned:
    """What the browser brought back to the client, query as received."""

    raw_query: str

    def __getitem__(self, name: str) -> str | None:
        pairs = (pair.partition("=") for pair in self.raw_query.split("&"))
        return next((unquote(value) for key, _, value in pairs if key == name), None)


def changed(parameters: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """The parameters with some replaced, and those left out that are changed to None."""
    return {name: value for name, value in (parameters | changes).items() if value is not None}


class Peer:
    algorithm: str
    password = "thu-nghiem"

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.browser = requests.Session()
        self.server = requests.Session()
        for session in (self.browser, self.server):
            session.trust_env = False  # no proxy between a test and its own machine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.browser.close()
        self.server.close()

    def forget_everything(self) -> None:
        self.browser.cookies.clear()
        self.server.delete(f"{self.issuer}/_sandbox/faults", timeout=TIMEOUT_SECONDS)
        self.server.delete(f"{self.issuer}/_sandbox/requests", timeout=TIMEOUT_SECONDS)

    # ---- what differs between the sources ------------------------------------------------------------------------

    def registration(self) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "redirect_uris": [REDIRECT_URI],
            "post_logout_redirect_uris": [SIGNED_OUT_URI],
        }

    def start(self, attempt: Attempt, **changes: str | None) -> requests.Response:
        """What the browser gets for the authorization request, redirects not followed."""
        raise NotImplementedError

    def credentials(self) -> dict[str, str]:
        raise NotImplementedError

    # ---- the browser -----------------------------------------------------------------------------------------------

    def get(self, path: str, **parameters: str) -> requests.Response:
        return self.browser.get(
            f"{self.issuer}{path}", params=parameters, allow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    def login_page(self, attempt: Attempt, **changes: str | None) -> requests.Response:
        started = self.start(attempt, **changes)
        assert started.status_code == 303, started.text
        return self.get(started.headers["Location"])

    def press(self, login_page: requests.Response, **fields: str) -> requests.Response:
        """One of the page's forms, sent with these fields."""
        found = re.search(r'name="interaction" value="([^"]+)"', login_page.text)
        assert found
        values = {"interaction": html.unescape(found[1]), **fields}
        return self.browser.post(f"{self.issuer}/login", data=values, allow_redirects=False, timeout=TIMEOUT_SECONDS)

    @staticmethod
    def returned(response: requests.Response) -> Returned:
        location = response.headers.get("Location", "")
        assert location.startswith(f"{REDIRECT_URI}?"), (response.status_code, response.text)
        return Returned(urlsplit(location).query)

    def come_back(self, attempt: Attempt, citizen: int = 0, **changes: str | None) -> Returned:
        """A sign-in by one click, in a browser that knows nobody yet, up to the client's own door."""
        self.browser.cookies.clear()
        return self.returned(self.press(self.login_page(attempt, **changes), citizen=str(citizen)))

    # ---- the client's server ---------------------------------------------------------------------------------------

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self.server.post(f"{self.issuer}{path}", data=form, timeout=TIMEOUT_SECONDS)

    def document(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.get(f"{self.issuer}{path}", timeout=TIMEOUT_SECONDS).json()
        return found

    def redeem(self, attempt: Attempt, code: str | None, /, **changes: str | None) -> requests.Response:
        assert code
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": attempt.verifier,
            **self.credentials(),
        }
        return self.post("/token", changed(form, changes))

    def tokens(self, attempt: Attempt, citizen: int = 0, **changes: str | None) -> dict[str, Any]:
        """The token endpoint's answer for a whole sign-in."""
        answer = self.redeem(attempt, self.come_back(attempt, citizen, **changes)["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def userinfo(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.server.get(f"{self.issuer}/userinfo", headers=headers, timeout=TIMEOUT_SECONDS)

    def verified(self, id_token: str) -> dict[str, Any]:
        """The claims, having checked all that can be checked without the attempt; raises jwt.PyJWTError."""
        header = jwt.get_unverified_header(id_token)
        keys = {key["kid"]: key for key in self.document("/jwks")["keys"]}
        if header["kid"] not in keys:
            raise jwt.InvalidKeyError("no such kid")
        claims: dict[str, Any] = jwt.decode(
            id_token,
            jwt.PyJWK(keys[header["kid"]]),
            algorithms=[self.algorithm],
            issuer=self.issuer,
            audience=CLIENT_ID,
            leeway=5,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "auth_time"]},
        )
        return claims

    # ---- the sandbox's own controls --------------------------------------------------------------------------------

    def order(self, fault: str, **more: object) -> int:
        """The source has been told to fail in this way."""
        answer = self.server.post(
            f"{self.issuer}/_sandbox/faults", json={"fault": fault, **more}, timeout=TIMEOUT_SECONDS
        )
        assert answer.status_code == 201, answer.text
        fault_id: int = answer.json()["ids"][0]
        return fault_id

    def asked(self, path: str) -> list[dict[str, Any]]:
        """What the source was asked at this path."""
        answer = self.server.get(f"{self.issuer}/_sandbox/requests", timeout=TIMEOUT_SECONDS)
        return [entry for entry in answer.json() if entry["path"] == path]


class BankPeer(Peer):
    algorithm = "ES256"

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def registration(self) -> dict[str, Any]:
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return super().registration() | {"jwks": {"keys": [{**public, "kid": "door-1", "alg": "ES256"}]}}

    def assertion(self, **changes: Any) -> str:
        issued_at = int(time.time())
        claims = {
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": self.issuer,
            "iat": issued_at,
            "exp": issued_at + 60,
            "jti": secrets.token_urlsafe(16),
        }
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": "door-1"})

    def credentials(self) -> dict[str, str]:
        return {"client_id": CLIENT_ID, "client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}

    def push(self, attempt: Attempt, **changes: str | None) -> requests.Response:
        return self.post("/par", changed(attempt.parameters() | self.credentials(), changes))

    def start(self, attempt: Attempt, **changes: str | None) -> requests.Response:
        pushed = self.push(attempt, **changes)
        assert pushed.status_code == 201, pushed.text
        return self.get("/authorize", client_id=CLIENT_ID, request_uri=pushed.json()["request_uri"])


class RegisterPeer(Peer):
    algorithm = "RS256"
    secret = "an invented secret"

    def registration(self) -> dict[str, Any]:
        return super().registration() | {"client_secret": self.secret}

    def credentials(self) -> dict[str, str]:
        return {"client_id": CLIENT_ID, "client_secret": self.secret}

    def start(self, attempt: Attempt, **changes: str | None) -> requests.Response:
        return self.get("/authorize", **changed(attempt.parameters(), changes))


def spaced(raw_query: str) -> str:
    """The code as a client reads it that takes `+` for a space, as form decoding does."""
    return parse_qs(raw_query)["code"][0]
