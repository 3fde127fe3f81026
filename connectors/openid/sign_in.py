"""OpenID Connect spoken as a relying party: the code flow of Core 1.0, with PKCE, PAR and RFC 9207.

What a kind of source adds is one method: what its claims say of a person. A `login_hint` is never passed on, since
whoever wrote it would steer who is signed in. Everything that can be wrong with an answer has its own Failure; the
id_token's are listed in `connectors.openid.id_tokens`. The token request is never tried twice: the first spends the
code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from connectors.answers import (
    Refusal,
    as_step,
    document,
    error_in,
    json_object,
    parameters,
    refuse_error,
    successful,
)
from connectors.base import (
    Assertion,
    Check,
    Context,
    Done,
    Failure,
    HttpAnswer,
    Input,
    LoginRequest,
    OutboundError,
    Redirect,
    Step,
)
from connectors.claims import Claims, Person
from connectors.openid.configuration import OpenIdConnectConfiguration
from connectors.openid.id_tokens import (
    Expected,
    Signed,
    check_access_token,
    check_id_token,
    check_parties,
    check_subject,
    verified,
)
from connectors.openid.metadata import Metadata
from connectors.state import State, oldest_auth_time

CODE_LIMIT_CHARACTERS = 4096
ACCESS_TOKEN_LIMIT_CHARACTERS = 16384
LOGOUT_HINT_LIMIT_CHARACTERS = 8192
_BEARER = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class _Begun(State):
    """What a sign-in in progress remembers."""

    handle: str
    callback_url: str
    nonce: str | None
    verifier: str | None
    started_at: float
    oldest_auth_time: float | None


@dataclass(frozen=True, kw_only=True)
class _Tokens:
    id_token: str
    signed: Signed
    access_token: str


ConfigurationT = TypeVar("ConfigurationT", bound=OpenIdConnectConfiguration)


class OpenIdConnect(ABC, Generic[ConfigurationT]):
    """One OpenID Provider; a kind of source says with `person` what its claims mean."""

    def __init__(self, configuration: ConfigurationT) -> None:
        self.configuration = configuration

    @abstractmethod
    def person(self, claims: Claims, acr_level: int) -> Person:
        """What the claims say of the person; raises Refusal for too little. `acr_level` is what the `acr` means."""

    # --- to the source

    @as_step
    def begin(self, context: Context, request: LoginRequest) -> Step:
        configuration, metadata = self.configuration, self._metadata(context)
        begun = self._begun(context, request)
        wanted = {
            "response_type": "code",
            "client_id": configuration.client_id,
            "redirect_uri": request.callback_url,
            "scope": " ".join(configuration.scopes),
            "state": begun.handle,
            **self._wishes(request),
        }
        if begun.nonce is not None:
            wanted["nonce"] = begun.nonce
        if begun.verifier is not None:
            wanted |= {"code_challenge": _s256(begun.verifier), "code_challenge_method": "S256"}
        url = metadata.authorization_endpoint
        query = self._pushed(context, metadata, wanted)
        return Redirect(url=f"{url}{'&' if '?' in url else '?'}{urlencode(query)}", state=begun.sealed_later())

    def _begun(self, context: Context, request: LoginRequest) -> _Begun:
        started_at = context.now().timestamp()
        return _Begun(
            handle=request.handle,
            callback_url=request.callback_url,
            nonce=context.fresh_value() if self.configuration.nonce else None,
            verifier=context.fresh_value() if self.configuration.pkce else None,
            started_at=started_at,
            oldest_auth_time=oldest_auth_time(request, started_at),
        )

    def _wishes(self, request: LoginRequest) -> dict[str, str]:
        wishes = {"ui_locales": " ".join(request.ui_locales)} if request.ui_locales else {}
        if self.configuration.response_mode != "query":
            wishes["response_mode"] = self.configuration.response_mode
        if request.force:
            wishes["prompt"] = "login"
        if request.max_age_seconds is not None:
            wishes["max_age"] = str(request.max_age_seconds)
        if self.configuration.acr_values:
            enough = [level for level in sorted(self.configuration.acr_values) if level >= request.level]
            if not enough:
                raise Refusal(Failure.LEVEL_TOO_LOW, "no acr value of the configuration reaches the level")
            wishes["acr_values"] = self.configuration.acr_values[enough[0]]
        return wishes

    def _pushed(self, context: Context, metadata: Metadata, wanted: dict[str, str]) -> dict[str, str]:
        """What goes through the browser: all of it, or the reference that the source gave for it (RFC 9126)."""
        endpoint = metadata.pushed_authorization_request_endpoint
        if self.configuration.par == "never" or (self.configuration.par == "if_offered" and endpoint is None):
            return wanted
        if endpoint is None:
            raise Refusal(Failure.MISCONFIGURED, "the source offers no pushed authorization requests")
        answer = self._post(context, metadata, endpoint, wanted)
        body = successful(answer, "the PAR endpoint", self.configuration.error_map, (200, 201))
        pushed = json_object(body, "the PAR answer")
        refuse_error(pushed, "the PAR endpoint", self.configuration.error_map)
        reference = pushed.get("request_uri")
        if not isinstance(reference, str) or not 0 < len(reference) <= CODE_LIMIT_CHARACTERS:
            raise Refusal(Failure.BROKEN_ANSWER, "the PAR answer has no request_uri")
        return {"client_id": self.configuration.client_id, "request_uri": reference}

    def _post(self, context: Context, metadata: Metadata, endpoint: str, fields: Mapping[str, str]) -> HttpAnswer:
        headers, proof = self.configuration.credentials(context, metadata)
        headers["Accept"] = "application/json"
        return context.http.request("POST", endpoint, headers=headers, form={**fields, **proof})

    # --- and back

    @as_step
    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        begun, metadata = _Begun.read(state), self._metadata(context)
        code = self._code(metadata, begun, parameters(answer, raw=self.configuration.raw_parameters))
        tokens = self._tokens(context, metadata, begun, code)
        return Done(assertion=self._assertion(context, metadata, tokens))

    def _code(self, metadata: Metadata, begun: _Begun, came: Mapping[str, str]) -> str:
        if came.get("state") != begun.handle:
            raise Refusal(Failure.WRONG_NONCE, "the redirect has another state, or none")
        if came.get("iss", None if metadata.names_itself else metadata.issuer) != metadata.issuer:
            raise Refusal(Failure.WRONG_ISSUER, "the redirect names another issuer, or none although it should")
        if "error" in came:
            failure, error = error_in(came, self.configuration.error_map)
            raise Refusal(failure, f"the source sent the person back with {error}")
        code = came.get("code", "")
        if not 0 < len(code) <= CODE_LIMIT_CHARACTERS:
            raise Refusal(Failure.BROKEN_ANSWER, "the redirect holds neither a code nor an error")
        return code

    def _tokens(self, context: Context, metadata: Metadata, begun: _Begun, code: str) -> _Tokens:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": begun.callback_url}
        if begun.verifier is not None:
            fields["code_verifier"] = begun.verifier
        answer = self._post(context, metadata, metadata.token_endpoint, fields)
        body = successful(answer, "the token endpoint", self.configuration.error_map)
        sent = json_object(body, "the token answer")
        refuse_error(sent, "the token endpoint", self.configuration.error_map)
        access_token = _access_token(sent)
        signed = verified(context, metadata, sent.get("id_token"), self.configuration.id_token_algorithms)
        expected = Expected(
            client_id=self.configuration.client_id,
            nonce=begun.nonce,
            now=context.now().timestamp(),
            started_at=begun.started_at,
            oldest_auth_time=begun.oldest_auth_time,
            leeway_seconds=self.configuration.leeway_seconds,
        )
        check_id_token(context, metadata, signed, expected)
        check_access_token(signed, access_token)
        return _Tokens(id_token=sent["id_token"], signed=signed, access_token=access_token)

    def _userinfo(self, context: Context, metadata: Metadata, tokens: _Tokens) -> Mapping[str, Any]:
        """What the source's userinfo says of the same person (Core section 5.3); empty where it is not asked."""
        if not self.configuration.userinfo:
            return {}
        if metadata.userinfo_endpoint is None:
            raise Refusal(Failure.MISCONFIGURED, "the source offers no userinfo")
        headers = {"Authorization": f"Bearer {tokens.access_token}", "Accept": "application/json, application/jwt"}
        answer = context.http.request("GET", metadata.userinfo_endpoint, headers=headers, idempotent=True)
        body = successful(answer, "userinfo", self.configuration.error_map)
        claims = self._read_userinfo(context, metadata, answer.headers.get("content-type", ""), body)
        refuse_error(claims, "userinfo", self.configuration.error_map)
        if claims.get("sub") != tokens.signed.claims["sub"]:
            raise Refusal(Failure.WRONG_NONCE, "userinfo tells of somebody else")  # Core section 5.3.2
        return claims

    def _read_userinfo(self, context: Context, metadata: Metadata, sent_type: str, body: bytes) -> Mapping[str, Any]:
        media_type = sent_type.partition(";")[0].strip().lower()
        if media_type == "application/jwt":
            token = body.decode("ascii", errors="replace").strip()
            signed = verified(context, metadata, token, self.configuration.id_token_algorithms, "signed userinfo")
            check_parties(signed.claims, metadata.issuer, self.configuration.client_id, "signed userinfo")
            return signed.claims
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise Refusal(Failure.BROKEN_ANSWER, "userinfo is neither JSON nor a JWT")
        return json_object(body, "userinfo")

    def _assertion(self, context: Context, metadata: Metadata, tokens: _Tokens) -> Assertion:
        signed = tokens.signed.claims
        userinfo = self._userinfo(context, metadata, tokens)
        # What is signed wins over what merely came over TLS; of the sign-in itself only the id_token tells.
        everything, of_the_sign_in = Claims({**userinfo, **signed}, context), Claims(signed, context)
        person = self.person(everything, self.configuration.acr_levels.get(str(signed.get("acr")), 1))
        hint = tokens.id_token if len(tokens.id_token) <= LOGOUT_HINT_LIMIT_CHARACTERS else None
        return Assertion(
            issuer=metadata.issuer,
            subject=check_subject(signed),
            auth_time=datetime.fromtimestamp(signed.get("auth_time", signed["iat"]), UTC),
            means=of_the_sign_in.words("amr"),
            evidence=tokens.signed.evidence,
            upstream_session=of_the_sign_in.text("sid"),
            logout_hint=hint,
            **person.as_fields(),
        )

    # --- besides signing in

    def checks(self, context: Context) -> list[Check]:
        from connectors.openid.checks import run_checks

        return run_checks(context, self.configuration)

    def metadata(self, context: Context) -> tuple[str, bytes]:
        """Our JWKS, for the source to read or to be given."""
        return "application/jwk-set+json", self.configuration.public_keys(context)

    def sign_out(self, context: Context, *, logout_hint: str | None, return_url: str, handle: str) -> str | None:
        """OpenID Connect RP-Initiated Logout 1.0."""
        try:
            url = self._metadata(context).end_session_endpoint
        except (Refusal, OutboundError):
            return None
        if url is None:
            return None
        query = {"client_id": self.configuration.client_id, "post_logout_redirect_uri": return_url, "state": handle}
        if logout_hint is not None:
            query["id_token_hint"] = logout_hint
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

    def _metadata(self, context: Context) -> Metadata:
        return document(context.documents, self.configuration.discovery_address, self.configuration.parse_metadata)


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _access_token(sent: Mapping[str, Any]) -> str:
    """The bearer token; raises Refusal where there is none that could be sent in a header (RFC 6750 section 2.1)."""
    token = sent.get("access_token")
    if not isinstance(token, str) or not _BEARER.fullmatch(token) or len(token) > ACCESS_TOKEN_LIMIT_CHARACTERS:
        raise Refusal(Failure.BROKEN_ANSWER, "the token answer has no access token")
    if str(sent.get("token_type", "")).lower() != "bearer":
        raise Refusal(Failure.BROKEN_ANSWER, "the access token is not a bearer token")
    return token
