"""Client assertions (RFC 7523 section 3): a client signs who it is, for whom and until when, and each is used once.

Before the signature is known to be right, a refusal says nothing but that; afterwards it says what to put right, since
then only the holder of the key reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idp import clock, entropy, errors
from idp.clients import Client, Clients
from idp.clients.jwks import SIGNING_ALGORITHMS
from idp.errors import Refused
from idp.oidc.jose import BadToken, Jose, header_of
from idp.oidc.strict_json import is_jti, is_number
from idp.seal import from_text
from idp.storage import Database
from idp.storage.spent import spend_now

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = (*SIGNING_ALGORITHMS, "HS256")
TYPES = (None, "jwt", "client-authentication+jwt")  # the last by the revision of RFC 7523 that FAPI waits for
LIFETIME_SECONDS = 600
LONGEST_SECONDS = 3600
FAPI_LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 10  # it may begin so far in the future (FAPI 2.0 Security Profile section 5.3.2.1)
REMEMBERED_SECONDS = 60  # after its end: other machines' clocks may be behind


class ClientAssertions:
    def __init__(
        self, *, jose: Jose, clients: Clients, database: Database, issuer: str, origins: Sequence[str]
    ) -> None:
        self._jose = jose
        self._clients = clients
        self._database = database
        self._issuer = issuer
        self._origins = origins
        self._nobodys_keys = _nobodys_keys()

    def check(self, assertion: str, client: Client, path: str) -> None:
        """The assertion is this client's, for us, good now, and spent; raises Refused."""
        secret = self._clients.secret_of(client)
        try:
            claims = self._jose.verified(assertion, client, client.assertion_algorithms, types=TYPES, secret=secret)
        except BadToken as problem:
            raise Refused(errors.BAD_CLIENT_AUTHENTICATION, f"client assertion: {problem}") from None
        _check_names(claims, client)
        self._check_audience(claims.get("aud"), client, path)
        seconds = int(_end(claims, client)) - clock.seconds() + REMEMBERED_SECONDS
        if not spend_now(self._database, f"client assertion {client.id} {claims['jti']}", seconds):
            raise Refused(errors.SPENT_ASSERTION)

    def check_as_nobodys(self, assertion: str) -> None:
        """As much work as `check` has with a wrong signature: who is registered, no clock shall tell."""
        with suppress(BadToken, jwt.PyJWTError):
            alg, _ = header_of(assertion, ASSERTION_ALGORITHMS, TYPES)
            jwt.PyJWS().decode(assertion, self._nobodys_keys[alg], algorithms=[alg])

    def _check_audience(self, audience: object, client: Client, path: str) -> None:
        """FAPI 2.0 Security Profile section 5.3.2.1: the issuer as a string, and nothing else.

        Others may name the endpoint that they ask, or the token endpoint (OpenID Connect Core section 9); but no second
        party beside us, who could use the assertion here.
        """
        if audience == self._issuer:
            return
        named = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
        ours = {self._issuer, *(origin + at for origin in self._origins for at in ("/token", path))}
        if client.is_fapi or not isinstance(named, str) or named not in ours:
            raise Refused(errors.ASSERTION_AUDIENCE)


def unverified_issuer(assertion: str) -> str:
    """In whose name the assertion comes, whether or not it is true; "" where that cannot be read."""
    try:
        issuer = json.loads(from_text(assertion.split(".")[1]))["iss"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return ""
    return issuer if isinstance(issuer, str) else ""


def _check_names(claims: Mapping[str, Any], client: Client) -> None:
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise Refused(errors.ASSERTION_INCOMPLETE, "iss or sub")
    if not is_jti(claims.get("jti")):
        raise Refused(errors.ASSERTION_INCOMPLETE, "jti")


def _end(claims: Mapping[str, Any], client: Client) -> float:
    """When the assertion ends, which is soon; it has begun.

    Some libraries (Authlib) always say an hour. That is not believed, but cut down by when the assertion was issued:
    never by the clock, or it would be good again in its last minutes, when it is forgotten that it was spent.
    """
    now, end = clock.seconds(), _instant(claims, "exp")
    begins = {name: begin for name in ("nbf", "iat") if (begin := _instant(claims, name)) is not None}
    if end is None:
        raise Refused(errors.ASSERTION_INCOMPLETE, "exp")
    if not client.is_fapi and "iat" in begins and end <= begins["iat"] + LONGEST_SECONDS:
        end = min(end, begins["iat"] + LIFETIME_SECONDS)
    lifetime = FAPI_LIFETIME_SECONDS if client.is_fapi else LIFETIME_SECONDS
    if not now < end <= now + lifetime + CLOCK_SKEW_SECONDS:
        raise Refused(errors.ASSERTION_TIME, "exp")
    for name, begin in begins.items():
        if begin > now + CLOCK_SKEW_SECONDS:
            raise Refused(errors.ASSERTION_TIME, name)
    return end


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """The NumericDate of this name (RFC 7519 section 2), or None; raises Refused for what is no number."""
    if name not in claims:
        return None
    value = claims[name]
    if not is_number(value):
        raise Refused(errors.ASSERTION_TIME, f"{name} is no number")
    return value


def _nobodys_keys() -> dict[str, Any]:
    """A key for each algorithm, whose private half nobody has; the modulus need not even be a product of primes."""
    modulus = int.from_bytes(entropy.chance(256)) | 1 << 2047 | 1
    of_rsa = rsa.RSAPublicNumbers(65537, modulus).public_key()
    return {
        "RS256": of_rsa, "PS256": of_rsa, "HS256": entropy.chance(32),
        "ES256": ec.generate_private_key(ec.SECP256R1()).public_key(),
        "EdDSA": ed25519.Ed25519PrivateKey.generate().public_key(),
    }  # fmt: skip
