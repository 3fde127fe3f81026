"""Request objects (RFC 9101, OpenID Connect Core section 6): a request that its portal signed, sent or left for us.

What is inside counts. Outside stand `client_id`, which says by whose keys to check it, and whatever the portal's
profile lets it split off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.base import Http
from idp import clock, errors
from idp.clients import Client
from idp.clients.fetching import Fetching
from idp.errors import Refused
from idp.oidc.documents import Documents
from idp.oidc.jose import BadToken, Jose
from idp.oidc.strict_json import is_jti, is_number
from idp.storage import Database
from idp.storage.spent import spend_now

TYPES = ("oauth-authz-req+jwt", "jwt", None)  # RFC 9101 section 10.8; older libraries say JWT or nothing
CLOCK_SKEW_SECONDS = 15  # FAPI 2.0 Security Profile section 5.3.2.1: ten seconds ahead are taken, sixty are not
LIFE_LIMIT_SECONDS = 3600  # FAPI 2.0 Message Signing section 5.3.1
SPENT_SECONDS = 604_800  # at most: of a request object that is good for longer, or for ever
END_OF_TIME = 2**53  # above, JSON numbers are not read alike everywhere (RFC 8259 section 6)
# RFC 7519 section 4.1: of the token, and no parameters of the request.
TOKEN_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


class RequestObjects:
    def __init__(self, *, jose: Jose, http: Http, fetching: Fetching, database: Database, issuer: str) -> None:
        self._jose = jose
        self._documents = Documents(http, fetching)
        self._database = database
        self._issuer = issuer

    def opened(self, token: str, client: Client, *, once: bool) -> dict[str, str]:
        """The parameters in a request object that this client signed for us and for now; raises Refused.

        `once`: its `jti`, if there is one, is spent. A document at a request_uri may be read for many people.
        """
        try:
            held = self._jose.verified(token, client, client.request_object_algorithms, types=TYPES)
        except BadToken as problem:
            raise _bad(str(problem)) from None
        self._check_parties(held, client)
        _check_times(held, owed=client.is_fapi)
        values = {name: _text(name, value) for name, value in held.items() if name not in TOKEN_CLAIMS}
        if {"request", "request_uri"} & values.keys():
            raise _bad("a request object within a request object")  # RFC 9101 section 4
        if values.get("client_id", client.id) != client.id:
            raise _bad("client_id inside differs")
        if once and "jti" in held:
            self._spend(held, client)
        return {name: value for name, value in values.items() if value}

    def fetched(self, uri: str, client: Client) -> str:
        """The request object that the client left at a registered address; raises Refused.

        The document is believed for its signature. A fragment, though it should be the hash of what is there, tells
        but one version from another (OpenID Connect Core section 6.2).
        """
        if not {uri, uri.partition("#")[0]}.intersection(client.request_uris):
            raise Refused(errors.BAD_REQUEST_URI, "not registered")
        document = self._documents.read(client.id, uri)
        if document is None:
            raise Refused(errors.BAD_REQUEST_URI, "cannot be fetched")
        return document

    def _check_parties(self, held: Mapping[str, Any], client: Client) -> None:
        """From this client, to us (RFC 9101 section 4): owed by FAPI, and right wherever it is said."""
        audiences = held.get("aud")
        audiences = audiences if isinstance(audiences, list) else [audiences]
        if (client.is_fapi or "iss" in held) and held.get("iss") != client.id:
            raise _bad("iss")
        if (client.is_fapi or "aud" in held) and self._issuer not in audiences:
            raise _bad("aud")
        if held.get("sub") == client.id:
            raise _bad("sub is the client: an assertion for client authentication")  # RFC 9101 section 10.8
        if client.is_fapi and "client_id" not in held:
            raise _bad("client_id is missing")

    def _spend(self, held: Mapping[str, Any], client: Client) -> None:
        jti = held["jti"]
        if not is_jti(jti):
            raise _bad("jti")
        seconds = SPENT_SECONDS
        if "exp" in held:
            seconds = min(seconds, int(held["exp"]) - clock.seconds() + 2 * CLOCK_SKEW_SECONDS)
        if not spend_now(self._database, f"request object {client.id} {jti}", seconds):
            raise _bad("jti was used before")


def _check_times(held: Mapping[str, Any], *, owed: bool) -> None:
    """It is good now; where `owed`, it says from when until when, an hour at most: so it is no older than that."""
    now, times = clock.seconds(), {name: held[name] for name in ("exp", "nbf", "iat") if name in held}
    if not all(_is_instant(value) for value in times.values()):
        raise _bad("exp, nbf or iat is no number of seconds")
    if owed and not {"exp", "nbf"} <= times.keys():
        raise _bad("exp or nbf is missing")
    if times.get("exp", now) < now - CLOCK_SKEW_SECONDS:
        raise _bad("exp")
    if max(times.get("nbf", now), times.get("iat", now)) > now + CLOCK_SKEW_SECONDS:
        raise _bad("nbf or iat lies ahead")
    if owed and times["exp"] - times["nbf"] > LIFE_LIMIT_SECONDS:
        raise _bad("exp is more than an hour after nbf")


def _is_instant(value: Any) -> bool:
    return is_number(value) and abs(value) < END_OF_TIME


def _text(name: str, value: Any) -> str:
    """The value as it would stand outside: numbers and the `claims` object are written as JSON (RFC 9101 section 4)."""
    if isinstance(value, str):
        return value if _is_text(value) else _refuse(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else _refuse(name)
    if isinstance(value, dict) and name == "claims":
        return json.dumps(value, ensure_ascii=False)
    return _refuse(name)


def _is_text(value: str) -> bool:
    """JSON can name half a character, which no query and no form can carry on."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _refuse(name: str) -> str:
    raise _bad(f"{name[:40]} is of a wrong kind")


def _bad(detail: str) -> Refused:
    return Refused(errors.BAD_REQUEST_OBJECT, detail)
