"""Reading an authentication request: one visible list of checks, in the order in which they are made.

Until the client and its redirect_uri are known, a fault is told to the person on a page (`Refused`); afterwards it is
told to the portal (`Returned`), with `state` and `iss`, so that nobody is left standing at our door.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from idp import clock, errors
from idp.clients import AuthenticationRequest, Client, Clients
from idp.errors import Failure, Refused
from idp.keys import Keys, NotOurs
from idp.oidc.http import Parameters
from idp.oidc.sealed import NONCE_LIMIT_CHARACTERS
from idp.people import People, assurance, claims
from idp.seal import from_text

SHA256_BYTES = 32  # what a code_challenge is the base64url of (RFC 7636 section 4.2)
STATE_LIMIT_CHARACTERS = 2048
PROMPTS = ("none", "login", "consent", "select_account")
MAX_AGE_LIMIT = re.compile(r"[0-9]{1,9}", re.ASCII)
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# A fault in one of these cannot be told to the portal, because it is they that say who and where the portal is.
IDENTIFYING = ("client_id", "redirect_uri")


class Returned(Exception):
    """The request fails, and the portal is told at its redirect_uri."""

    def __init__(
        self, failure: Failure, redirect_uri: str, state: str | None, client_id: str, detail: str = ""
    ) -> None:
        super().__init__(failure.code)
        self.failure = failure
        self.redirect_uri = redirect_uri
        self.state = state
        self.client_id = client_id
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Reader:
    clients: Clients
    people: People
    keys: Keys
    parameter_characters: int

    def read(self, parameters: Parameters) -> tuple[AuthenticationRequest, Client]:
        """The request, valid in every part; raises Refused or Returned."""
        client, redirect_uri = self.portal(parameters)
        given = parameters.as_dict()
        state = given.get("state")
        if state is not None and (len(state) > STATE_LIMIT_CHARACTERS or "state" in parameters.repeated()):
            state = None
        try:
            return self._request(parameters, given, client, redirect_uri), client
        except Refused as problem:
            raise Returned(problem.failure, redirect_uri, state, client.id, problem.detail) from None

    def portal(self, parameters: Parameters) -> tuple[Client, str]:
        """Who asks, and where the answer goes: checked before anything else, and exactly (RFC 9700 section 2.1)."""
        given = parameters.as_dict()
        if parameters.repeated().intersection(IDENTIFYING):
            raise Refused(errors.REPEATED_PARAMETER)
        client = self.clients.find(given.get("client_id", ""))
        if client is None:
            raise Refused(errors.UNKNOWN_CLIENT)
        if given.get("redirect_uri") not in client.redirect_uris:
            raise Refused(errors.BAD_REDIRECT_URI, client.id)
        if not client.enabled:
            raise Refused(errors.CLIENT_DISABLED, client.id)
        return client, given["redirect_uri"]

    def _request(
        self, parameters: Parameters, given: dict[str, str], client: Client, redirect_uri: str
    ) -> AuthenticationRequest:
        self._refuse_malformed(parameters)
        _refuse_unsupported(given)
        scopes = _scopes(given, client)
        asked = _asked_claims(given.get("claims"))
        prompts = _prompts(given.get("prompt", ""))
        return AuthenticationRequest(
            client_id=client.id, redirect_uri=redirect_uri, state=given.get("state"), nonce=_nonce(given, client),
            code_challenge=_code_challenge(given, client), scopes=scopes, prompts=prompts,
            id_token_claims=claims.allowed(asked.id_token, client.scopes),
            userinfo_claims=claims.allowed({*asked.userinfo, *claims.of_scopes(scopes, client.scopes)}, client.scopes),
            max_age_seconds=_max_age(given.get("max_age")),
            owed_level=max(client.minimum_level, min(asked.essential_levels, default=1)),
            wished_level=next(
                iter((*assurance.known_levels(given.get("acr_values", "").split()), *asked.wished_levels)), 1
            ),
            hinted_person_id=self._hinted(given.get("id_token_hint"), asked.sub, client),
            ui_locales=tuple(given.get("ui_locales", "").split()[:10]), requested_at=clock.seconds(),
        )  # fmt: skip

    def _refuse_malformed(self, parameters: Parameters) -> None:
        if repeated := parameters.repeated():
            raise Refused(errors.REPEATED_PARAMETER, ",".join(sorted(repeated))[:100])
        for name, value in parameters.pairs:
            limit = STATE_LIMIT_CHARACTERS if name == "state" else self.parameter_characters
            if len(value) > limit or CONTROL_CHARACTER.search(value):
                raise Refused(errors.BAD_PARAMETER, name[:40])

    def _hinted(self, id_token_hint: str | None, asked_sub: str | None, client: Client) -> str | None:
        """Whom the portal expects, by our random id; "" if it names nobody we know or two, so that nobody will do."""
        subs = set() if asked_sub is None else {asked_sub}
        if id_token_hint is not None:
            try:
                subs.add(self.keys.open_hint(id_token_hint)["sub"])
            except NotOurs as problem:
                raise Refused(errors.BAD_HINT, str(problem)) from None
        if not subs:
            return None
        person_id = self.people.by_sub(client.sector, subs.pop()) if len(subs) == 1 else None
        return "" if person_id is None else person_id.hex()


@dataclass(frozen=True, kw_only=True)
class AskedClaims:
    """What the `claims` parameter asks for (OpenID Connect Core section 5.5)."""

    id_token: frozenset[str] = frozenset()
    userinfo: frozenset[str] = frozenset()
    essential_levels: tuple[int, ...] = ()
    wished_levels: tuple[int, ...] = ()
    sub: str | None = None


def _asked_claims(text: str | None) -> AskedClaims:
    if text is None:
        return AskedClaims()
    try:
        asked = json.loads(text)
        id_token, userinfo = (asked.get(part) or {} for part in ("id_token", "userinfo"))
        levels, owed = _levels(id_token.get("acr"))
        return AskedClaims(
            id_token=frozenset(id_token.keys()) & frozenset(claims.BY_NAME),
            userinfo=frozenset(userinfo.keys()) & frozenset(claims.BY_NAME),
            essential_levels=levels if owed else (),
            wished_levels=() if owed else levels,
            sub=_asked_sub(id_token.get("sub")),
        )
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Refused(errors.BAD_PARAMETER, "claims") from None


def _levels(asked: Any) -> tuple[tuple[int, ...], bool]:
    """The levels that an acr names, and whether one of them is owed (section 5.5.1.1); without a value none is."""
    if asked is None:
        return (), False
    owed = asked.get("essential") is True
    values = asked.get("values", [asked["value"]] if "value" in asked else [])
    levels = assurance.known_levels(str(value) for value in values)
    if owed and values and not levels:
        raise Refused(errors.UNMET_LEVEL, "essential acr names no level of ours")
    return tuple(levels), owed


def _asked_sub(asked: Any) -> str | None:
    value = None if asked is None else asked.get("value")
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


def _refuse_unsupported(given: dict[str, str]) -> None:
    for name, failure in (
        ("request", errors.REQUEST_OBJECT),
        ("request_uri", errors.REQUEST_URI),
        ("registration", errors.REGISTRATION_PARAMETER),
    ):
        if name in given:
            raise Refused(failure)
    if "response_type" not in given:
        raise Refused(errors.BAD_PARAMETER, "response_type is missing")
    if given["response_type"] != "code":
        raise Refused(errors.BAD_RESPONSE_TYPE)
    if given.get("response_mode", "query") != "query":
        raise Refused(errors.BAD_RESPONSE_MODE)


def _scopes(given: dict[str, str], client: Client) -> tuple[str, ...]:
    """The requested scopes that exist (unknown ones are ignored); one that exists but was not granted is refused."""
    asked = [scope for scope in dict.fromkeys(given.get("scope", "").split()) if scope in claims.SCOPES]
    if "openid" not in asked or not set(asked) <= set(client.scopes):
        raise Refused(errors.BAD_SCOPE)
    return tuple(asked)


def _prompts(text: str) -> tuple[str, ...]:
    """The known prompts; others are ignored, but `none` never stands beside anything (section 3.1.2.1)."""
    values = text.split()
    if "none" in values and len(values) > 1:
        raise Refused(errors.BAD_PROMPT)
    return tuple(value for value in values if value in PROMPTS)


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not MAX_AGE_LIMIT.fullmatch(text):
        raise Refused(errors.BAD_PARAMETER, "max_age")
    return int(text)


def _nonce(given: dict[str, str], client: Client) -> str | None:
    nonce = given.get("nonce")
    if nonce is None and not client.pkce_required:
        raise Refused(errors.NONCE_REQUIRED)
    if nonce is not None and (len(nonce) > NONCE_LIMIT_CHARACTERS or not nonce.isascii()):
        raise Refused(errors.BAD_PARAMETER, "nonce")
    return nonce


def _code_challenge(given: dict[str, str], client: Client) -> str | None:
    """S256 from everyone; a confidential client that an operator exempted may leave it out (RFC 9700 section 2.1.1)."""
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None and method is None and not client.pkce_required:
        return None
    if challenge is None or method != "S256":
        raise Refused(errors.PKCE_REQUIRED)
    try:
        if len(from_text(challenge)) == SHA256_BYTES:
            return challenge
    except ValueError:
        pass
    raise Refused(errors.PKCE_REQUIRED, "code_challenge is no SHA-256 in base64url")
