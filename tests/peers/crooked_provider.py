"""An OpenID Provider that answers as a test tells it to: honestly until told what to get wrong.

It has no sign-in page. A test takes `state` and `nonce` from the authorization request, tells the provider the nonce,
and comes back to the relying party with any code.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class SigningKey:
    """A private key with its public half as a JWK, for tokens that a test makes itself."""

    alg: str
    kid: str
    private: Any

    @classmethod
    def new(cls, alg: str) -> SigningKey:
        private = ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else rsa.generate_private_key(65537, 2048)
        return cls(alg, f"{alg}-{uuid.uuid4()}", private)

    def jwk(self, *, private: bool = False) -> dict[str, Any]:
        key = self.private if private else self.private.public_key()
        jwk = jwt.get_algorithm_by_name(self.alg).to_jwk(key, as_dict=True)
        jwk.pop("key_ops", None)  # `use` says enough, and a public half made from it would inherit "sign"
        return {**jwk, "alg": self.alg, "use": "sig", "kid": self.kid}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.private, algorithm=self.alg, headers={"kid": self.kid, **header})


def changed(honest: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`honest` with `changes`; a change to None takes the member away."""
    return {name: value for name, value in {**honest, **changes}.items() if value is not None}


class CrookedProvider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.client_id = ""
        self.nonce = ""
        self.key = SigningKey.new("ES256")
        self.published = [self.key]
        self.metadata: dict[str, Any] = {}
        self.id_token: dict[str, Any] = {}
        self.id_token_header: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] | None = None
        self.userinfo: dict[str, Any] = {}
        self.token_answer: dict[str, Any] = {}
        self.broken: dict[str, Response] = {}  # path -> what is answered there instead
        self.asked: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        answers = {
            "/.well-known/openid-configuration": self._metadata,
            "/jwks": lambda: {"keys": [key.jwk() for key in self.published]},
            "/token": self._token,
            "/userinfo": lambda: changed({"sub": "person-1", "name": "Lê Thị Hoa"}, self.userinfo),
        }
        response = self.broken.get(request.path)
        if response is None:
            response = Response(json.dumps(answers[request.path]()), mimetype="application/json")
        return response(environ, start_response)

    def _metadata(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/jwks",
            "end_session_endpoint": "/logout",
        }
        honest = {"issuer": self.issuer, **{name: self.issuer + path for name, path in places.items()}}
        return changed(honest, self.metadata)

    def _token(self) -> dict[str, Any]:
        now = int(time.time())
        honest = {"iss": self.issuer, "sub": "person-1", "aud": self.client_id, "iat": now, "exp": now + 300}
        claims = changed({**honest, "nonce": self.nonce, "acr": "LoA2", "sid": "session-1"}, self.id_token)
        token = self.sign(claims) if self.sign else self.key.sign(claims, **self.id_token_header)
        answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        return changed(answer, self.token_answer)

    def logout_token(
        self, *, header: dict[str, Any] | None = None, key: SigningKey | None = None, **changes: Any
    ) -> str:
        """A logout token for the session of this provider's id_tokens, with `changes` to its claims."""
        return logout_token(
            key or self.key, self.issuer, self.client_id, header=header, **{"sid": "session-1", **changes}
        )


def logout_token(
    key: SigningKey, issuer: str, client_id: str, *, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A good logout token (OpenID Connect Back-Channel Logout 2.4), but for the `changes`."""
    now = int(time.time())
    honest = {
        **{"iss": issuer, "aud": client_id, "iat": now, "exp": now + 120, "jti": str(uuid.uuid4())},
        "events": {LOGOUT_EVENT: {}},
    }
    return key.sign(changed(honest, changes), **(header if header is not None else {"typ": "logout+jwt"}))


@contextlib.contextmanager
def crooked_provider() -> Iterator[CrookedProvider]:
    """Run one on a free port until the end of the block."""
    provider = CrookedProvider("")
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.issuer = f"http://crooked.localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
