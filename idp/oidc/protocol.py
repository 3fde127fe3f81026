"""Authlib's server, narrowed: the one file that subclasses it. It carries the token endpoint.

Authlib calls, in this order (1.9):
    AuthorizationServer.create_token_response
      create_oauth2_request             -> TokenRequest
      get_token_grant                   -> CodeGrant, with its extensions
      CodeGrant.validate_token_request
        authenticate_token_endpoint_client -> Portal.check_client_secret, .check_endpoint_auth_method
        Portal.check_grant_type
        query_authorization_code        opens the code: ours, fresh, this client's, this redirect_uri
        S256.validate_code_verifier     (hook after_validate_token_request)
      CodeGrant.create_token_response
        authenticate_user               redeems: one commit, one winner; a second use revokes what the first bought
        generate_token                  seals the access token
        save_token, delete_authorization_code   nothing left to do
        IdToken.process_token           (hook after_create_token_response) signs the id_token with PyJWT
      handle_response                   -> our Response
What Authlib would do otherwise, and must not: accept PKCE `plain`, ask PKCE of public clients only, save the token
before it spends the code, give ten-day tokens, say auth_time=now, log tokens at DEBUG, trip over an Authorization
header that is none (so `token` looks at it first).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from connectors.base import Organisation
from idp import clock, entropy, errors
from idp.clients import Client, Clients
from idp.errors import Failure, Refused
from idp.keys import Keys
from idp.oidc.http import Parameters, Request, Response, as_json
from idp.oidc.sealed import AccessToken, Code, Unreadable, open_code, redirect_mark, seal_access_token
from idp.people import People, assurance, claims
from idp.people.claims import Release
from idp.seal import Sealer, to_text
from idp.sessions import Sessions
from idp.sessions.grants import Granted, Grants, GrantWanted, SessionOver
from idp.settings import Settings
from idp.storage.database import Conflict

CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)  # RFC 7636 section 4.1
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")


class Told(OAuth2Error):
    """One of our failures on its way through Authlib."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(description=failure.description)
        self.failure = failure


class Portal(ClientMixin):
    """A registered client as Authlib wants to see it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        return self.client.id

    def check_client_secret(self, client_secret: str) -> bool:
        return self.client.enabled and self.client.knows_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return self.client.enabled and method == self.client.token_endpoint_auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True)
class Presented:
    """A code as Authlib wants to ask it."""

    code: Code

    def get_redirect_uri(self) -> None:
        """Nothing left to compare: the code holds only a mark of its redirect_uri, which was compared before."""

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)


class TokenRequest(OAuth2Request):
    """A token request, and on it what its redemption learns on the way."""

    def __init__(self, request: Request, parameters: Parameters) -> None:
        # Authlib checks the scheme of this URL and nothing else; that people reach us over TLS, the settings see to.
        super().__init__(request.method, "https://token" + request.path, headers=_titled(request.headers))
        self.given = parameters.as_dict()
        self.payload = BasicOAuth2Payload(self.given)
        self.code: Code
        self.granted: Granted

    @property
    def form(self) -> dict[str, str]:
        return self.given

    @property
    def portal(self) -> Client:
        """The client that authenticated."""
        return cast("Portal", self.client).client


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTHENTICATION_METHODS)
    server: TokenServer
    request: TokenRequest

    def query_authorization_code(self, code: str, client: Portal) -> Presented:  # type: ignore[override]
        """The code, if it is fresh and made for this client and redirect_uri; raises Told. Nothing is spent yet."""
        try:
            opened = open_code(self.server.sealer, code, self.server.settings.lifetimes.code_seconds)
        except Unreadable:
            raise Told(errors.BAD_CODE) from None
        if opened.client_id != client.client.id:
            raise Told(errors.BAD_CODE)
        if redirect_mark(self.request.given.get("redirect_uri", "")) != opened.redirect_uri:
            raise Told(errors.CODE_REDIRECT_MISMATCH)
        self.request.code = opened
        return Presented(opened)

    def authenticate_user(self, authorization_code: Presented) -> Granted:
        """The code is redeemed, durably, by this call alone; raises Told."""
        self.request.granted = self.server.redeem(authorization_code.code, self.request.portal)
        return self.request.granted

    def generate_token(self, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        return self.server.access_token(self.request.code)

    def save_token(self, token: dict[str, Any]) -> None:
        """A token is a sealed value; its grant is saved already."""

    def delete_authorization_code(self, authorization_code: Presented) -> None:
        """The grant's row is what spends a code."""


class S256(CodeChallenge):
    """PKCE with S256 alone. That a client which owes a challenge sent one, the authorization endpoint saw to."""

    def validate_code_verifier(self, grant: CodeGrant, _result: Any) -> None:
        challenge, verifier = grant.request.code.code_challenge, grant.request.form.get("code_verifier")
        if challenge is None and verifier is None:
            return
        if challenge is None or verifier is None or not CODE_VERIFIER.fullmatch(verifier):
            raise Told(errors.PKCE_FAILED)  # also a verifier without a challenge: RFC 9700 section 4.8.2
        if not entropy.same(to_text(hashlib.sha256(verifier.encode("ascii")).digest()), challenge):
            raise Told(errors.PKCE_FAILED)


class IdToken:
    """Adds the id_token (OpenID Connect Core section 2). Facts of the sign-in always; claims only if asked for here."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.process_token)

    def process_token(self, grant: CodeGrant, response: tuple[int, dict[str, Any], Any]) -> None:
        token, code, granted = response[1], grant.request.code, grant.request.granted
        client = grant.request.portal
        now, server = clock.seconds(), grant.server
        asked = server.claims_for_id_token(code, granted)
        facts = {
            "iss": server.settings.issuer, "sub": granted.sub, "aud": client.id, "iat": now,
            "exp": now + server.settings.lifetimes.id_token_seconds, "auth_time": granted.auth_time,
            "acr": assurance.acr(granted.level), "sid": server.sessions.sid(code.session_id, client),
            "source_kind": granted.source_kind, "at_hash": _half_hash(token["access_token"]),
        }  # fmt: skip
        if granted.amr:
            facts["amr"] = list(granted.amr)
        if code.nonce is not None:
            facts["nonce"] = code.nonce
        token["id_token"] = server.keys.sign(asked | facts, client.id_token_signed_response_alg)


class TokenServer(AuthorizationServer):
    """The token endpoint. Built once; every request is a value that passes through."""

    def __init__(
        self, *, settings: Settings, clients: Clients, sessions: Sessions, grants: Grants, people: People, keys: Keys,
        sealer: Sealer,
    ) -> None:  # fmt: skip
        super().__init__()
        self.settings = settings
        self.sessions = sessions
        self.sealer = sealer
        self.keys = keys
        self._clients = clients
        self._grants = grants
        self._people = people
        self.register_grant(CodeGrant, [S256(), IdToken()])

    def answer(self, request: Request, parameters: Parameters) -> Response:
        """The token response; raises Refused."""
        return cast("Response", self.create_token_response(TokenRequest(request, parameters)))

    def query_client(self, client_id: str) -> Portal | None:  # type: ignore[override]
        client = self._clients.find(client_id)
        return None if client is None else Portal(client)

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def redeem(self, code: Code, client: Client) -> Granted:
        wanted = GrantWanted(
            id=code.grant_id, session_id=code.session_id, person_id=code.person_id, claim_names=code.userinfo_claims,
            told_names=tuple(dict.fromkeys((*code.userinfo_claims, *code.id_token_claims))),
            level=code.level, auth_time=code.auth_time, touch=code.touch, mandate_id=code.mandate_id,
        )  # fmt: skip
        try:
            return self._grants.redeem(wanted, client)
        except Conflict:
            self._grants.revoke(code.grant_id, client, "its code was used twice")
            raise Told(errors.SPENT_CODE) from None
        except SessionOver:
            raise Told(errors.SESSION_OVER) from None

    def access_token(self, code: Code) -> dict[str, Any]:
        now, seconds = clock.seconds(), self.settings.lifetimes.access_token_seconds
        sealed = seal_access_token(
            self.sealer,
            AccessToken(
                grant_id=code.grant_id, session_id=code.session_id, person_id=code.person_id, client_id=code.client_id,
                issued_at=now, expires_at=now + seconds,
            ),
        )  # fmt: skip
        return {
            "access_token": sealed, "token_type": "Bearer", "expires_in": seconds, "scope": " ".join(code.scopes)
        }  # fmt: skip

    def claims_for_id_token(self, code: Code, granted: Granted) -> dict[str, Any]:
        if not code.id_token_claims:
            return {}
        person = self._people.find(code.person_id)
        if person is None:
            raise Told(errors.SESSION_OVER)
        release = Release(
            person=person, sub=granted.sub, level=granted.level, source_kind=granted.source_kind,
            organisation=self._organisation(code),
        )  # fmt: skip
        return dict(claims.released(code.id_token_claims, release))

    def _organisation(self, code: Code) -> Organisation | None:
        """For whom the person acts, where the id_token is to tell."""
        if code.mandate_id is None or not claims.of_organisation(code.id_token_claims):
            return None
        mandate = self.sessions.mandates.find(code.mandate_id)
        return None if mandate is None else mandate.organisation

    def handle_response(self, status: int, body: Any, _headers: Any) -> Any:
        return as_json(status, body)

    def handle_error_response(self, _request: Any, error: OAuth2Error) -> Any:
        failure = (
            error.failure if isinstance(error, Told) else _OF_AUTHLIB.get(error.error or "", errors.BAD_TOKEN_REQUEST)
        )
        raise Refused(failure, type(error).__name__)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what matters is audited where it happens."""


_OF_AUTHLIB = {
    InvalidClientError.error: errors.BAD_CLIENT_AUTHENTICATION,
    "unsupported_grant_type": errors.BAD_GRANT_TYPE,
    "invalid_grant": errors.BAD_CODE,
}


def _titled(headers: Mapping[str, str]) -> dict[str, str]:
    """Authlib reads `Authorization` in this spelling alone."""
    authorization = headers.get("authorization")
    return {"Authorization": authorization} if authorization else {}


def _half_hash(value: str) -> str:
    """at_hash for RS256 and ES256 (OpenID Connect Core section 3.1.3.6)."""
    return to_text(hashlib.sha256(value.encode("ascii")).digest()[:16])
