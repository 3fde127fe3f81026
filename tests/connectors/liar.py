"""A source that is strict with its client and tells whatever lie a test asks for.

Its sign-in page asks nobody anything. A test puts functions into `lies` (each gets the honest thing and gives back what
is sent) or a whole `Wire` answer for a path; `asked` holds what the client sent.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

DISCOVERY = "/.well-known/openid-configuration"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Wire:
    """An answer as bytes. `announce`: what Content-Length says instead; `drip`: seconds between two bytes."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    announce: int | None = None
    drip: float = 0.0
    reset: bool = False


@dataclass(frozen=True)
class SigningKey:
    kid: str | None
    algorithm: str
    private: Any

    @classmethod
    def new(cls, algorithm: str, kid: str | None = None) -> SigningKey:
        if algorithm.startswith("ES"):
            return cls(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
        return cls(kid, algorithm, rsa.generate_private_key(65537, 2048))

    def jwk(self) -> dict[str, Any]:
        reader = ECAlgorithm if self.algorithm.startswith("ES") else RSAAlgorithm
        jwk = {**reader.to_jwk(self.private.public_key(), as_dict=True), "use": "sig", "alg": self.algorithm}
        jwk.pop("key_ops", None)
        return jwk if self.kid is None else {**jwk, "kid": self.kid}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        headers = {"kid": self.kid, **header} if self.kid is not None else header
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=headers)


@dataclass
class Client:
    """How the client is registered at the source."""

    client_id: str = "one-door"
    redirect_uri: str = "https://idp.example/callback/liar"
    method: str = "private_key_jwt"
    key: SigningKey = field(default_factory=lambda: SigningKey.new("ES256", "client-key"))
    secret: str = "a secret: with %20 & signs"


PERSON = {"name": "Trần Thị Thu Hà", "birthdate": "1990-03-14", "gender": "female", "national_id": "001190000101"}
KEYS = {algorithm: SigningKey.new(algorithm, f"{algorithm}-key") for algorithm in ("ES256", "RS256")}


class Liar:
    def __init__(self) -> None:
        self.client = Client()
        self.key = KEYS["ES256"]
        self.lies: dict[str, Callable[[Any], Any]] = {}
        self.wire: dict[str, Wire] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.authorization_headers: list[str] = []
        self.wanted: dict[str, str] = {}  # the latest authorization request
        self._pushed: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}
        self._assertions: set[str] = set()
        self._server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"liar": self}))
        self.issuer = f"http://liar.localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self, name: str, honest: Any) -> Any:
        return self.lies.get(name, lambda value: value)(honest)

    def sent(self, path: str) -> dict[str, str]:
        """What was last sent to `path`."""
        return next(fields for asked, fields in reversed(self.asked) if asked == path)

    # --- what is answered; (status, JSON) or a Wire

    def discovery(self) -> Any:
        places = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/jwks",
            "pushed_authorization_request_endpoint": "/par",
            "end_session_endpoint": "/logout",
        }
        honest = {
            "issuer": self.issuer,
            **{name: self.issuer + path for name, path in places.items()},
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": ["bank:pwd", "bank:otp"],
            "authorization_response_iss_parameter_supported": True,
        }
        return self.told("discovery", honest)

    def jwks(self) -> Any:
        return self.told("jwks", {"keys": [key.jwk() for key in KEYS.values()]})

    def par(self, form: dict[str, str], authorization: str) -> Any:
        if problem := self._stranger(form, authorization):
            return problem
        reference = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(8)}"
        self._pushed[reference] = form
        return 201, self.told("par", {"request_uri": reference, "expires_in": 60})

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent."""
        wanted = self._pushed.pop(query["request_uri"]) if "request_uri" in query else query
        assert wanted["client_id"] == query["client_id"] == self.client.client_id
        assert wanted["redirect_uri"] == self.client.redirect_uri and wanted["response_type"] == "code"
        self.wanted = wanted
        code = f"{secrets.token_urlsafe(8)}+{secrets.token_urlsafe(8)}"
        self.codes[code] = wanted
        answer = self.told("redirect", [("code", code), ("state", wanted["state"]), ("iss", self.issuer)])
        return f"{self.client.redirect_uri}?{answer if isinstance(answer, str) else urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> Any:
        if problem := self._stranger(form, authorization):
            return problem
        wanted = self.codes.pop(form.get("code", ""), None)
        if wanted is None or form.get("redirect_uri") != wanted["redirect_uri"] or not _fits(wanted, form):
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        claims = self.told("claims", self._claims(wanted, access_token))
        self._tokens[access_token] = claims.get("sub", "")
        id_token = self.told("id_token", claims)
        if isinstance(id_token, dict):
            id_token = self.key.sign(id_token)
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 60, "id_token": id_token}
        return 200, self.told("token", answer)

    def _claims(self, wanted: dict[str, str], access_token: str) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            **{"iss": self.issuer, "sub": "person-1", "aud": self.client.client_id, "iat": now, "exp": now + 300},
            **{"auth_time": now, "acr": "bank:otp", "amr": ["pwd", "otp"], "sid": "session-1"},
            "at_hash": encoded(hashlib.sha256(access_token.encode()).digest()[:16]),
        }
        return {**claims, "nonce": wanted["nonce"]} if "nonce" in wanted else claims

    def userinfo(self, authorization: str) -> Any:
        subject = self._tokens.get(authorization.removeprefix("Bearer "))
        if subject is None:
            return 401, {"error": "invalid_token"}
        return 200, self.told("userinfo", {"sub": subject, **PERSON})

    # --- the client

    def _stranger(self, form: dict[str, str], authorization: str) -> Any:
        """An answer for whoever is not the client."""
        try:
            if self.client.method == "private_key_jwt":
                known = self._signed_assertion(form)
            elif self.client.method == "client_secret_post":
                known = form["client_secret"] == self.client.secret
            else:
                known = authorization == f"Basic {self._basic()}" and "client_secret" not in form
        except (KeyError, jwt.PyJWTError):
            known = False
        return None if known else (401, {"error": "invalid_client", "error_description": "a secret detail"})

    def _basic(self) -> str:
        pair = urlencode({self.client.client_id: self.client.secret}).replace("=", ":", 1)
        return base64.b64encode(pair.encode()).decode()

    def _signed_assertion(self, form: dict[str, str]) -> bool:
        claims = jwt.decode(
            form["client_assertion"],
            self.client.key.private.public_key(),
            algorithms=[self.client.key.algorithm],
            issuer=self.client.client_id,
            subject=self.client.client_id,
            audience=self.issuer,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
        )
        fresh = claims["jti"] not in self._assertions and claims["exp"] - claims["iat"] <= 60
        self._assertions.add(claims["jti"])
        return fresh and form["client_assertion_type"] == ASSERTION_TYPE and claims["aud"] == self.issuer


def _fits(wanted: dict[str, str], form: dict[str, str]) -> bool:
    if "code_challenge" not in wanted:
        return "code_verifier" not in form
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return wanted["code_challenge_method"] == "S256" and wanted["code_challenge"] == encoded(digest)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    body = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{encoded(sign(body.encode()))}"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up on a liar does right."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    liar: Liar

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        self.liar.asked.append((path, query))
        if path in self.liar.wire:
            self._send(self.liar.wire[path])
        elif path == "/authorize":
            self._send(Wire(303, headers=(("Location", self.liar.authorize(query)),)))
        else:
            answers: dict[str, Callable[[], Any]] = {
                DISCOVERY: lambda: (200, self.liar.discovery()),
                "/jwks": lambda: (200, self.liar.jwks()),
                "/userinfo": lambda: self.liar.userinfo(self.headers.get("Authorization", "")),
            }
            self._answer(answers[path]())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form, authorization = dict(parse_qsl(body.decode())), self.headers.get("Authorization", "")
        self.liar.asked.append((self.path, form))
        self.liar.authorization_headers.append(authorization)
        if self.path in self.liar.wire:
            return self._send(self.liar.wire[self.path])
        return self._answer({"/token": self.liar.token, "/par": self.liar.par}[self.path](form, authorization))

    def _answer(self, answer: tuple[int, Any]) -> None:
        status, payload = answer
        self._send(payload if isinstance(payload, Wire) else Wire(status, json.dumps(payload).encode()))

    def _send(self, wire: Wire) -> None:
        if wire.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(wire.status)
        for name, value in (("Content-Type", wire.content_type), *wire.headers):
            self.send_header(name, value)
        announced = len(wire.body) if wire.announce is None else wire.announce
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        try:
            size = 1 if wire.drip else len(wire.body) or 1
            for position in range(0, len(wire.body), size):
                self.wfile.write(wire.body[position : position + size])
                time.sleep(wire.drip)
        except OSError:
            self.close_connection = True
        if announced != len(wire.body):
            self.close_connection = True

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Tests read answers, not logs."""
