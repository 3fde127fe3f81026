"""Who may ask this source, and how a client proves itself."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict, TypeAdapter

from connectors.sandbox.clients_file import ClientsFile
from connectors.sandbox.errors import ProtocolError
from connectors.sandbox.shelf import Shelf, now

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256")
ASSERTION_LIFETIME_SECONDS = 300  # the longest that we accept between now and `exp`
LEEWAY_SECONDS = 10


class Client(BaseModel):
    """One registered client; needs `jwks` at a bank, `client_secret` at the population register."""

    model_config = ConfigDict(frozen=True)

    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    jwks: dict[str, Any] | None = None
    client_secret: str | None = None


class Clients(ClientsFile[Client]):
    def __init__(self, file: Path | None) -> None:
        super().__init__(file, TypeAdapter(list[Client]), lambda client: client.client_id)


def _refused(why: str) -> ProtocolError:
    return ProtocolError("invalid_client", why, 401)


def by_secret(clients: Clients, form: Mapping[str, str]) -> Client:
    """The client whose id and secret are in the form (`client_secret_post`); raises ProtocolError."""
    client = clients.get(form.get("client_id", ""))
    secret = (client and client.client_secret) or ""
    matches = hmac.compare_digest(secret.encode(), form.get("client_secret", "").encode())
    if client is None or not secret or not matches:
        raise _refused("unknown client or wrong secret")
    return client


class AssertionCheck:
    """`private_key_jwt` (RFC 7523 section 3), each assertion good for one request."""

    def __init__(self, clients: Clients, audiences: tuple[str, ...]) -> None:
        self._clients = clients
        self._audiences = audiences
        self._used = Shelf[bool](ASSERTION_LIFETIME_SECONDS + 2 * LEEWAY_SECONDS)

    def client(self, form: Mapping[str, str]) -> Client:
        """The client that signed the form's assertion; raises ProtocolError."""
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
            raise _refused("authenticate with private_key_jwt")
        try:
            client = self._claimed_client(form, assertion)
            claims = self._verified_claims(client, assertion)
        except jwt.PyJWTError as problem:
            raise _refused(f"client assertion: {problem}") from problem
        if claims["exp"] > now() + ASSERTION_LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise _refused(f"client assertion: may live {ASSERTION_LIFETIME_SECONDS} seconds at most")
        if not claims["jti"] or not self._used.put_first(True, f"{client.client_id} {claims['jti']}"):
            raise _refused("client assertion: jti used before")
        return client

    def _claimed_client(self, form: Mapping[str, str], assertion: str) -> Client:
        unverified_claims = jwt.decode(assertion, options={"verify_signature": False})
        client_id = str(unverified_claims.get("sub", ""))
        client = self._clients.get(client_id)
        if client is None or form.get("client_id", client_id) != client_id:
            raise _refused("unknown client")
        return client

    def _verified_claims(self, client: Client, assertion: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(assertion)
        if header.get("alg") not in ASSERTION_ALGORITHMS:
            raise _refused(f"client assertion: sign with one of {', '.join(ASSERTION_ALGORITHMS)}")
        claims: dict[str, Any] = jwt.decode(
            assertion,
            _key_for(client, header),
            algorithms=[header["alg"]],
            issuer=client.client_id,
            subject=client.client_id,
            audience=self._audiences,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "jti"]},
        )
        return claims


def _key_for(client: Client, header: Mapping[str, Any]) -> jwt.PyJWK:
    keys = (client.jwks or {}).get("keys", [])
    if "kid" in header:
        keys = [key for key in keys if key.get("kid") == header["kid"]]
    if len(keys) != 1:
        raise _refused("client assertion: no key of the client has that kid")
    if keys[0].get("alg", header["alg"]) != header["alg"]:
        raise _refused("client assertion: the key is for another algorithm")
    return jwt.PyJWK(keys[0], algorithm=header["alg"])
