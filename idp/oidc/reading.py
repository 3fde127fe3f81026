"""Reading an authentication request: one visible list of checks, in the order in which they are made.

A request comes as parameters, as a signed object, or by the name of one that was pushed (`_unpacked`). Until the
client and its redirect_uri are known, a fault is told to the person on a page (`Refused`); afterwards it is told to the
portal (`Returned`), with `state` and `iss`, so that nobody is left standing at our door.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from idp import clock, errors
from idp.broker.shelf import Shelf
from idp.clients import AuthenticationRequest, Binding, Client, Clients
from idp.clients.registration import AUTHORIZATION_CODE, DEVICE_CODE
from idp.errors import Failure, Refused
from idp.keys import Keys, NotOurs
from idp.oidc import verified_claims
from idp.oidc.answering import mode_of, usual_mode
from idp.oidc.asked_claims import AskedClaims, asked_claims
from idp.oidc.http import Parameters
from idp.oidc.remembered import NOTHING, Remembered
from idp.oidc.request_objects import RequestObjects
from idp.oidc.sealed import NONCE_LIMIT_CHARACTERS
from idp.people import People, claims
from idp.people.assurance import AcrWords
from idp.seal import from_text, to_text

SHA256_BYTES = 32  # of a code_challenge (RFC 7636 section 4.2) and of a dpop_jkt (RFC 9449 section 10)
STATE_LIMIT_CHARACTERS = 2048
PROMPTS = ("none", "login", "consent", "select_account")
MAX_AGE_LIMIT = re.compile(r"[0-9]{1,9}", re.ASCII)
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# A fault in one of these cannot be told to the portal, because it is they that say who and where the portal is.
IDENTIFYING = ("client_id", "redirect_uri")
PUSHED = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 section 2.2
# By these a client proves itself where it pushes a request; they are no part of the request.
OF_AUTHENTICATION = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
# What of a pushed request is kept: all that is read of it later.
OF_REQUESTS = frozenset({
    "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "claims", "acr_values", "id_token_hint", "ui_locales", "dpop_jkt",
    "resource",
})  # fmt: skip
# What a device may ask for. Its redirect_uri is the name of its grant type: no code for it can be used as another.
OF_DEVICES = frozenset({"scope", "claims", "acr_values", "max_age", "ui_locales", "resource"})
# Conformance wants invalid_request of a pushed request whatever is wrong with its parameters.
AT_PUSHING = {errors.BAD_SCOPE: errors.PUSHED_SCOPE, errors.BAD_RESPONSE_TYPE: errors.PUSHED_RESPONSE_TYPE}


class Returned(Exception):
    """The request fails, and the portal is told at its redirect_uri."""

    def __init__(self, problem: Refused, client: Client, redirect_uri: str, given: Mapping[str, str]) -> None:
        super().__init__(problem.failure.code)
        self.failure: Failure = problem.failure
        self.detail = problem.detail
        self.client = client
        self.redirect_uri = redirect_uri
        state = given.get("state")
        self.state = None if state is None or len(state) > STATE_LIMIT_CHARACTERS else state
        try:
            self.mode = mode_of(given, client)
        except Refused:
            self.mode = usual_mode(client)


@dataclass(frozen=True, kw_only=True)
class Reader:
    clients: Clients
    people: People
    keys: Keys
    shelf: Shelf
    request_objects: RequestObjects
    parameter_characters: int
    words: AcrWords
    verified_claims: bool  # whether they are offered

    def read(self, parameters: Parameters) -> tuple[AuthenticationRequest, Client]:
        """The request, valid in every part; raises Refused or Returned."""
        client = self.portal(parameters)
        outside = _once(parameters)
        try:
            given, pushed = self._unpacked(parameters, outside, client)
        except Refused as problem:
            redirect_uri = outside.get("redirect_uri", "")
            if client.takes_answers_at(redirect_uri):
                raise Returned(problem, client, redirect_uri, outside) from None
            raise
        redirect_uri = given.get("redirect_uri", "")
        if not client.takes_answers_at(redirect_uri):
            raise Refused(errors.BAD_REDIRECT_URI, client.id)
        try:
            _refuse_other_flows(client)
            return self._request(given, client, pushed), client
        except Refused as problem:
            raise Returned(problem, client, redirect_uri, given) from None

    def portal(self, parameters: Parameters) -> Client:
        """Who asks, before anything else is read; and where the answer goes, unless that is said in a signed or pushed
        request (RFC 9700 section 2.1).
        """
        given = parameters.as_dict()
        if parameters.repeated().intersection(IDENTIFYING):
            raise Refused(errors.REPEATED_PARAMETER)
        client = self.clients.find(given.get("client_id", ""))
        if client is None:
            raise Refused(errors.UNKNOWN_CLIENT)
        packed = "request" in given or "request_uri" in given
        if not packed and not client.takes_answers_at(given.get("redirect_uri")):
            raise Refused(errors.BAD_REDIRECT_URI, client.id)
        if not client.enabled:
            raise Refused(errors.CLIENT_DISABLED, client.id)
        return client

    def pushed(self, parameters: Parameters, client: Client, proven: Binding | None) -> dict[str, str]:
        """What this client may now ask for by name; raises Refused for what would be refused later (RFC 9126)."""
        _refuse_repeated(parameters)
        given = {name: value for name, value in parameters.pairs if name not in OF_AUTHENTICATION}
        token = given.pop("request", None)  # as long as it may be, the endpoint has seen to
        self._refuse_oversized(given.items())
        if "request_uri" in given:
            raise Refused(errors.REQUEST_URI_PUSHED)
        if token is not None:  # what stands outside of it does not count (RFC 9126 section 3)
            given = self.request_objects.opened(token, client, once=True)
        elif client.require_signed_request_object:
            raise Refused(errors.SIGNED_REQUEST_REQUIRED)
        if not client.takes_answers_at(given.get("redirect_uri")):
            raise Refused(errors.BAD_REDIRECT_URI, client.id)
        if proven is not None:
            thumbprint = to_text(proven.thumbprint)
            if given.setdefault("dpop_jkt", thumbprint) != thumbprint:
                raise Refused(errors.DPOP_KEY_DIFFERS)
        _refuse_other_flows(client)
        try:
            self._request(given, client, None)
        except Refused as problem:
            raise Refused(AT_PUSHING.get(problem.failure, problem.failure), problem.detail) from None
        return {name: value for name, value in given.items() if name in OF_REQUESTS}

    def of_device(self, parameters: Parameters, client: Client) -> AuthenticationRequest:
        """What a device asks for (RFC 8628 section 3.1); raises Refused.

        As at /authorize, but for what is about the way back: no browser carries a code to it, so that there is nothing
        that PKCE or a nonce would guard.
        """
        self._refuse_malformed(parameters)
        if client.require_signed_request_object:  # and no device signs any
            raise Refused(errors.SIGNED_REQUEST_REQUIRED)
        given = {name: value for name, value in parameters.pairs if name in OF_DEVICES}
        given |= {"response_type": "code", "redirect_uri": DEVICE_CODE}
        return self._request(given, client.model_copy(update={"pkce_required": False, "nonce_required": False}), None)

    def _unpacked(
        self, parameters: Parameters, outside: dict[str, str], client: Client
    ) -> tuple[dict[str, str], str | None]:
        """The parameters that count, and the handle if they were pushed; raises Refused."""
        self._refuse_malformed(parameters)
        uri, token = outside.get("request_uri"), outside.get("request")
        if uri is not None and token is not None:
            raise Refused(errors.BAD_REQUEST_OBJECT, "request beside request_uri")  # RFC 9101 section 5
        if uri is not None and uri.startswith(PUSHED):
            handle = uri.removeprefix(PUSHED)
            kept = self.shelf.pushed(handle, client.id)
            if kept is None:
                raise Refused(errors.BAD_REQUEST_URI, "expired, answered, or another client's")
            return kept, handle
        if client.require_pushed_authorization_requests:
            raise Refused(errors.PUSH_REQUIRED)
        if uri is not None:
            token = self.request_objects.fetched(uri, client)
        if token is not None:
            return self._of_object(token, outside, client, once=uri is None), None
        if client.require_signed_request_object:
            raise Refused(errors.SIGNED_REQUEST_REQUIRED)
        return outside, None

    def _of_object(self, token: str, outside: dict[str, str], client: Client, *, once: bool) -> dict[str, str]:
        """What is inside wins (OpenID Connect Core section 6.1); from whoever must sign, it alone counts (RFC 9101)."""
        inside = self.request_objects.opened(token, client, once=once)
        if len({asked.get("response_type") for asked in (inside, outside)} - {None}) > 1:
            raise Refused(errors.BAD_REQUEST_OBJECT, "response_type outside differs")
        if client.is_fapi or client.require_signed_request_object:
            return inside
        return {name: value for name, value in outside.items() if name not in ("request", "request_uri")} | inside

    def _request(self, given: dict[str, str], client: Client, pushed: str | None) -> AuthenticationRequest:
        self._refuse_oversized(given.items())
        _refuse_unsupported(given)
        mode = mode_of(given, client)
        scopes = _scopes(given, client)
        asked = asked_claims(given.get("claims"), self.words, verified=self.verified_claims)
        acr_values = given.get("acr_values", "").split()
        remembered = _remembered(asked, self.words.series_of((*asked.acr_words, *acr_values)), client)
        prompts = _prompts(given.get("prompt", ""))
        return AuthenticationRequest(
            client_id=client.id, redirect_uri=given["redirect_uri"], state=given.get("state"),
            nonce=_nonce(given, client), code_challenge=_code_challenge(given, client), scopes=scopes, prompts=prompts,
            id_token_claims=claims.allowed(asked.id_token, client.scopes),
            userinfo_claims=claims.allowed({*asked.userinfo, *claims.of_scopes(scopes, client.scopes)}, client.scopes),
            max_age_seconds=_max_age(given.get("max_age"), client),
            owed_level=max(client.minimum_level, min(asked.essential_levels, default=1)),
            wished_level=next(iter((*self.words.known_levels(acr_values), *asked.wished_levels)), 1),
            hinted_person_id=self._hinted(given.get("id_token_hint"), asked.subs, client),
            ui_locales=tuple(given.get("ui_locales", "").split()[:10]), requested_at=clock.seconds(),
            response_mode=mode, dpop_jkt=_dpop_jkt(given), resource=_resource(given, client), pushed=pushed,
            remembered=to_text(remembered.packed()), told_claims=remembered.names_to_tell,
        )  # fmt: skip

    def _refuse_malformed(self, parameters: Parameters) -> None:
        _refuse_repeated(parameters)
        self._refuse_oversized(parameters.pairs)

    def _refuse_oversized(self, pairs: Iterable[tuple[str, str]]) -> None:
        for name, value in pairs:
            limit = STATE_LIMIT_CHARACTERS if name == "state" else self.parameter_characters
            if len(value) > limit or CONTROL_CHARACTER.search(value):
                raise Refused(errors.BAD_PARAMETER, name[:40])

    def _hinted(self, id_token_hint: str | None, asked_subs: frozenset[str], client: Client) -> str | None:
        """Whom the portal expects, by our random id; "" if it names nobody we know or two, so that nobody will do."""
        subs = set(asked_subs)
        if id_token_hint is not None:
            try:
                subs.add(self.keys.open_hint(id_token_hint)["sub"])
            except NotOurs as problem:
                raise Refused(errors.BAD_HINT, str(problem)) from None
        if not subs:
            return None
        person_id = self.people.by_sub(client.sector, subs.pop()) if len(subs) == 1 else None
        return "" if person_id is None else person_id.hex()


def _once(parameters: Parameters) -> dict[str, str]:
    """The parameters but for a state or response_mode that came twice: neither is chosen from, not even to say so."""
    repeated = parameters.repeated()
    return {
        name: value
        for name, value in parameters.pairs
        if name not in repeated or name not in ("state", "response_mode")
    }


def _refuse_repeated(parameters: Parameters) -> None:
    if repeated := parameters.repeated():
        failure = errors.BAD_TARGET if repeated == {"resource"} else errors.REPEATED_PARAMETER
        raise Refused(failure, ",".join(sorted(repeated))[:100])


def _refuse_other_flows(client: Client) -> None:
    if AUTHORIZATION_CODE not in client.grant_types:
        raise Refused(errors.NOT_FOR_CODES)


def _refuse_unsupported(given: Mapping[str, str]) -> None:
    if "registration" in given:
        raise Refused(errors.REGISTRATION_PARAMETER)
    if "response_type" not in given:
        raise Refused(errors.BAD_PARAMETER, "response_type is missing")
    if given["response_type"] != "code":
        raise Refused(errors.BAD_RESPONSE_TYPE)


def _scopes(given: Mapping[str, str], client: Client) -> tuple[str, ...]:
    """The requested scopes that exist (unknown ones are ignored); one that exists but was not granted is refused."""
    asked = [scope for scope in dict.fromkeys(given.get("scope", "").split()) if scope in claims.SCOPES]
    if "openid" not in asked or not set(asked) <= set(client.scopes):
        raise Refused(errors.BAD_SCOPE)
    return tuple(asked)


def _remembered(asked: AskedClaims, acr_series: int, client: Client) -> Remembered:
    """What is asked beside the names of claims, and of that what this portal may have."""
    if not (acr_series or asked.verified_id_token or asked.verified_userinfo):
        return NOTHING
    id_token, userinfo = (
        verified_claims.allowed(part, client.scopes) for part in (asked.verified_id_token, asked.verified_userinfo)
    )
    return Remembered(acr_series=acr_series, id_token=id_token, userinfo=userinfo)


def _prompts(text: str) -> tuple[str, ...]:
    """The known prompts; others are ignored, but `none` never stands beside anything (section 3.1.2.1)."""
    values = text.split()
    if "none" in values and len(values) > 1:
        raise Refused(errors.BAD_PROMPT)
    return tuple(value for value in values if value in PROMPTS)


def _max_age(text: str | None, client: Client) -> int | None:
    if text is None:
        return client.default_max_age
    if not MAX_AGE_LIMIT.fullmatch(text):
        raise Refused(errors.BAD_PARAMETER, "max_age")
    return int(text)


def _nonce(given: Mapping[str, str], client: Client) -> str | None:
    nonce = given.get("nonce")
    if nonce is None and not client.pkce_required and client.nonce_required:
        raise Refused(errors.NONCE_REQUIRED)
    if nonce is not None and (len(nonce) > NONCE_LIMIT_CHARACTERS or not nonce.isascii()):
        raise Refused(errors.BAD_PARAMETER, "nonce")
    return nonce


def _code_challenge(given: Mapping[str, str], client: Client) -> str | None:
    """S256 from everyone; a confidential client that an operator exempted may leave it out (RFC 9700 section 2.1.1)."""
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None and method is None and not client.pkce_required:
        return None
    if challenge is None or method != "S256":
        raise Refused(errors.PKCE_REQUIRED)
    if not _is_sha256(challenge):
        raise Refused(errors.PKCE_REQUIRED, "code_challenge is no SHA-256 in base64url")
    return challenge


def _dpop_jkt(given: Mapping[str, str]) -> str | None:
    thumbprint = given.get("dpop_jkt")
    if thumbprint is not None and not _is_sha256(thumbprint):
        raise Refused(errors.BAD_PARAMETER, "dpop_jkt")
    return thumbprint


def _is_sha256(text: str) -> bool:
    try:
        return len(from_text(text)) == SHA256_BYTES
    except ValueError:
        return False


def _resource(given: Mapping[str, str], client: Client) -> str | None:
    """The API that the access token is for (RFC 8707 section 2): one that an operator lets this client call."""
    resource = given.get("resource")
    if resource is not None and resource not in client.may_call:
        raise Refused(errors.BAD_TARGET)
    return resource
