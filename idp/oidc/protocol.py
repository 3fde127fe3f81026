"""Authlib's server, narrowed: the one file that subclasses it. It carries the token endpoint.

Who asks was found out before (`client_endpoint`). To which key the tokens are bound (`binding_of`), a grant finds out
when it was shown something to exchange, and before it gives anything. Authlib calls, in this order (1.9):
    AuthorizationServer.create_token_response
      create_oauth2_request             -> TokenRequest
      get_token_grant                   -> one of the grants below, by grant_type
      <grant>.validate_token_request
        authenticate_token_endpoint_client -> TokenServer.authenticate_client
        Portal.check_grant_type
        code:     query_authorization_code  opens the code: ours, fresh, this client's, this redirect_uri, this key
                  S256.validate_code_verifier     (hook after_validate_token_request)
        refresh:  authenticate_refresh_token      reads the token: made by us
                  _validate_token_scope           nothing yet: what was granted, the database knows
        system:   validate_requested_scope
      <grant>.create_token_response
        code:     authenticate_user     redeems: one commit, one winner; a second use revokes what the first bought
        refresh:  authenticate_user     refreshes: one commit, scope, key and resource checked within it
        generate_token, issue_token     seals the access token, signs the id_token
        save_token, delete_authorization_code, revoke_old_credential   nothing left to do
      handle_response                   -> our Response
What Authlib would do otherwise, and must not: accept PKCE `plain`, ask PKCE of public clients only, save the token
before it spends the code, replace refresh tokens without noticing one that comes again, give ten-day tokens, say
auth_time=now, log tokens at DEBUG. What is refused is raised as `Refused`, which Authlib does not know and lets pass.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    BaseGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    TokenEndpointMixin,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from idp import entropy, errors
from idp.clients import Binding, Client
from idp.clients.registration import DEVICE_CODE, TOKEN_EXCHANGE
from idp.errors import Failure, Refused
from idp.oidc.binding_of import sender_binding
from idp.oidc.client_authentication import Authenticated
from idp.oidc.device import DeviceCodes
from idp.oidc.dpop import Proofs
from idp.oidc.granting import Granting
from idp.oidc.http import Parameters, Request, Response, as_json, error_members
from idp.oidc.sealed import Code, RefreshToken, Unreadable, open_code, read_refresh_token, redirect_mark
from idp.oidc.token_exchange import TokenExchange
from idp.seal import to_text
from idp.sessions.grants import Granted, Refreshed

CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)  # RFC 7636 section 4.1


@dataclass(frozen=True)
class Portal(ClientMixin):
    """A client that proved itself, as Authlib wants to see it."""

    client: Client

    def get_client_id(self) -> str:
        return self.client.id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


@dataclass(frozen=True)
class PresentedCode:
    """A code as Authlib wants to ask it."""

    code: Code

    def get_redirect_uri(self) -> None:
        """Nothing left to compare: the code holds only a mark of its redirect_uri, which was compared before."""

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)


@dataclass(frozen=True)
class PresentedRefresh:
    """A refresh token as Authlib wants to ask it. Whose it is, the statement that uses it asks."""

    token: RefreshToken

    def check_client(self, _: Portal) -> bool:
        return True


class TokenRequest(OAuth2Request):
    """A token request of a client that proved itself."""

    code: Code  # once it was opened

    def __init__(self, request: Request, parameters: Parameters, authenticated: Authenticated, proofs: Proofs) -> None:
        # Authlib checks the scheme of this URL and nothing else; that people reach us over TLS, the settings see to.
        super().__init__(request.method, "https://token" + request.path)
        self.given = parameters.as_dict()
        self.payload = BasicOAuth2Payload(self.given)
        self.proven = authenticated.client
        self._binding = partial(sender_binding, request, authenticated, proofs)

    @cached_property
    def binding(self) -> Binding | None:
        """The key that the tokens are bound to, its proof spent; raises Refused.

        Not before it is asked for: whoever has nothing to exchange can make proofs without end, and each that is spent
        is kept for a while.
        """
        return self._binding()

    @property
    def form(self) -> dict[str, str]:
        return self.given


class CodeGrant(AuthorizationCodeGrant):
    server: TokenServer
    request: TokenRequest

    def query_authorization_code(self, code: str, client: Portal) -> PresentedCode:  # type: ignore[override]
        """The code, if it is fresh and made for this client, redirect_uri and key; raises Refused. Nothing is spent."""
        try:
            opened = open_code(self.server.granting.sealer, code, self.server.granting.lifetimes.code_seconds)
        except Unreadable:
            raise Refused(errors.BAD_CODE) from None
        if opened.client_id != client.client.id:
            raise Refused(errors.BAD_CODE)
        if redirect_mark(self.request.given.get("redirect_uri", "")) != opened.redirect_uri:
            raise Refused(errors.CODE_REDIRECT_MISMATCH)
        if opened.dpop_jkt is not None and self.request.binding != Binding("jkt", opened.dpop_jkt):
            raise Refused(errors.KEY_DIFFERS)
        self.request.code = opened
        return PresentedCode(opened)

    def authenticate_user(self, authorization_code: PresentedCode) -> Granted:
        """The code is redeemed, durably, by this call alone; raises Refused."""
        request = self.request
        return self.server.granting.redeem(
            authorization_code.code, request.proven, request.binding, request.given.get("resource")
        )

    def generate_token(self, user: Any = None, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        request = self.request
        return self.server.granting.tokens_for_code(
            request.code, user, request.proven, request.binding, request.given.get("resource")
        )

    def save_token(self, token: dict[str, Any]) -> None:
        """A token is a sealed value; its grant is saved already."""

    def delete_authorization_code(self, authorization_code: PresentedCode) -> None:
        """The grant's row is what spends a code."""


class S256(CodeChallenge):
    """PKCE with S256 alone. That a client which owes a challenge sent one, the authorization endpoint saw to."""

    def validate_code_verifier(self, grant: CodeGrant, _result: Any) -> None:
        challenge, verifier = grant.request.code.code_challenge, grant.request.form.get("code_verifier")
        if challenge is None and verifier is None:
            return
        if challenge is None or verifier is None or not CODE_VERIFIER.fullmatch(verifier):
            raise Refused(errors.PKCE_FAILED)  # also a verifier without a challenge: RFC 9700 section 4.8.2
        if not entropy.same(to_text(hashlib.sha256(verifier.encode("ascii")).digest()), challenge):
            raise Refused(errors.PKCE_FAILED)


class RefreshGrant(RefreshTokenGrant):
    server: TokenServer
    request: TokenRequest

    def authenticate_refresh_token(self, refresh_token: str) -> PresentedRefresh:  # type: ignore[override]
        try:
            return PresentedRefresh(read_refresh_token(self.server.granting.sealer, refresh_token))
        except Unreadable:
            raise Refused(errors.BAD_REFRESH_TOKEN) from None

    def _validate_token_scope(self, token: PresentedRefresh) -> None:
        """What is asked is compared with what was granted where that is read: in the transaction."""

    def authenticate_user(self, refresh_token: PresentedRefresh) -> Refreshed:
        """The refresh token is used, durably; raises Refused."""
        request = self.request
        return self.server.granting.refresh(refresh_token.token, request.proven, request.binding, request.given)

    def issue_token(self, user: Refreshed, refresh_token: PresentedRefresh) -> dict[str, Any]:  # type: ignore[override]
        request = self.request
        return self.server.granting.tokens_for_refresh(
            refresh_token.token, user, request.proven, request.binding, request.given
        )

    def save_token(self, token: dict[str, Any]) -> None:
        """Nothing of a token is kept."""

    def revoke_old_credential(self, refresh_token: PresentedRefresh) -> None:  # type: ignore[override]
        """What uses the token replaces it, where it is replaced."""


class SystemGrant(ClientCredentialsGrant):
    server: TokenServer
    request: TokenRequest

    def validate_requested_scope(self) -> None:
        self.server.granting.check_system(self.request.proven, self.request.given)

    def generate_token(self, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        return self.server.granting.tokens_for_system(self.request.proven, self.request.binding, self.request.given)

    def save_token(self, token: dict[str, Any]) -> None:
        """Nothing of a token is kept."""


class PlainGrant(BaseGrant, TokenEndpointMixin):
    """A grant that Authlib does not have: it only leads to what answers it."""

    server: TokenServer
    request: TokenRequest

    def validate_token_request(self) -> None:
        if self.GRANT_TYPE not in self.request.proven.grant_types:
            raise Refused(errors.GRANT_NOT_ALLOWED)


class ExchangeGrant(PlainGrant):
    GRANT_TYPE = TOKEN_EXCHANGE

    def create_token_response(self) -> Any:
        request = self.request
        return 200, self.server.exchange(request.given, request.proven, request.binding), ()


class DeviceGrant(PlainGrant):
    GRANT_TYPE = DEVICE_CODE

    def create_token_response(self) -> Any:
        request, granting = self.request, self.server.granting
        found = self.server.devices.granted(
            request.given.get("device_code"), request.proven, request.given.get("confirmation")
        )
        if isinstance(found, Failure):
            return found.status, error_members(found), ()
        resource = request.given.get("resource")
        granted = granting.redeem(found, request.proven, request.binding, resource)
        return 200, granting.tokens_for_code(found, granted, request.proven, request.binding, resource), ()


class TokenServer(AuthorizationServer):
    """The token endpoint. Built once; every request is a value that passes through."""

    def __init__(self, *, granting: Granting, exchange: TokenExchange, devices: DeviceCodes, proofs: Proofs) -> None:
        super().__init__()
        self.granting = granting
        self.devices = devices
        self.exchange = exchange
        self._proofs = proofs
        self.register_grant(CodeGrant, [S256()])
        for grant in (RefreshGrant, SystemGrant, ExchangeGrant, DeviceGrant):
            self.register_grant(grant)

    def answer(self, request: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        """The token response; raises Refused."""
        asked = TokenRequest(request, parameters, authenticated, self._proofs)
        return cast("Response", self.create_token_response(asked))

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def authenticate_client(self, request: Any, _methods: Any, _endpoint: str = "token") -> Portal:
        return Portal(request.proven)

    def handle_response(self, status: int, body: Any, _headers: Any) -> Any:
        return as_json(status, body)

    def handle_error_response(self, _request: Any, error: OAuth2Error) -> Any:
        raise Refused(_OF_AUTHLIB.get(error.error or "", errors.BAD_TOKEN_REQUEST), type(error).__name__)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what matters is audited where it happens."""


_OF_AUTHLIB = {
    "unsupported_grant_type": errors.BAD_GRANT_TYPE, "unauthorized_client": errors.GRANT_NOT_ALLOWED,
    "invalid_grant": errors.BAD_CODE,
}  # fmt: skip
