"""The OpenID Provider, as this portal sees it: Authlib's Flask client, narrowed where it is wider than a portal needs.

What is narrowed, and why:
- Metadata is fetched at the first sign-in, not at the start, so the portal opens while the provider is down. It must
  name the issuer that we are configured with (OpenID Connect Discovery 4.3), only the fields below are kept, and the
  algorithms are ours to choose: Authlib would take whichever the metadata lists.
- `authorize_redirect()` is not used: it keeps every sign-in under way in Flask's session cookie, where parallel tabs
  overwrite each other and the cookie grows until browsers drop it. The caller stores what `begin` returns instead.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth, OAuthError
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask
from joserfc.errors import JoseError
from requests.adapters import HTTPAdapter

from .failures import OF_TOKEN, Failure
from .settings import Settings, sufficient_levels

ALGORITHMS = ("RS256", "ES256")
CLOCK_SKEW_SECONDS = 60
TIMEOUT_SECONDS = (3.05, 10)  # connect, read
METADATA_LIFETIME_SECONDS = 3600  # also of the keys, which are kept beside it
# Anybody can send us a token with an unknown key id; that makes us ask the provider at most this often.
KEYS_REFETCH_PAUSE_SECONDS = 60
ORGANISATION = "organisation"  # the provider's scope for whom the person acts; its claims begin with `org_`
METADATA_FIELDS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "end_session_endpoint",
)

log = logging.getLogger(__name__)


class LoopbackAdapter(HTTPAdapter):
    """Connects to 127.0.0.1 for *.localhost, as browsers do by themselves (RFC 6761 6.3) and Python does not."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["host"].endswith(".localhost"):
            host["host"] = "127.0.0.1"
        return host, tls

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        request.headers["Host"] = urlsplit(str(request.url)).netloc


class LoopbackSession(OAuth2Session):
    """For development: finds *.localhost, and goes there directly whatever proxy the machine is set to use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trust_env = False
        self.mount("http://", LoopbackAdapter())


class PortalClient(FlaskOAuth2App):
    expected_issuer: str

    def load_server_metadata(self) -> dict[str, Any]:
        if time.time() - self.server_metadata.get("_loaded_at", 0) < METADATA_LIFETIME_SECONDS:
            return self.server_metadata  # type: ignore[no-any-return]
        with self._get_session() as session:  # type: ignore[attr-defined]  # missing in types-Authlib
            answer = session.get(f"{self.expected_issuer}/.well-known/openid-configuration", withhold_token=True)
            answer.raise_for_status()
            metadata = answer.json()
        if metadata.get("issuer") != self.expected_issuer:
            raise ValueError("the metadata names another issuer")
        kept = {field: metadata[field] for field in METADATA_FIELDS if field in metadata}
        # Replaced as a whole: other threads see the old metadata or the new, never a mixture.
        self.server_metadata = {
            **kept,
            "id_token_signing_alg_values_supported": list(ALGORITHMS),
            "_loaded_at": time.time(),
        }
        return self.server_metadata  # type: ignore[no-any-return]


class DevelopmentClient(PortalClient):
    client_cls = LoopbackSession


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A sign-in under way: send the browser to `url`, keep the rest on the server until it comes back."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """What the provider said about the person, all of it checked."""

    id_token: str
    id_token_claims: Mapping[str, Any]
    userinfo: Mapping[str, Any]


class Provider:
    def __init__(self, app: Flask, settings: Settings) -> None:
        self._settings = settings
        self._refetch_lock = threading.Lock()
        self._refetched_at = float("-inf")
        oauth = OAuth(app)
        self._client: PortalClient = oauth.register(  # type: ignore[no-untyped-call]
            "provider",
            client_cls=DevelopmentClient if settings.development else PortalClient,
            client_id=settings.client_id,
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                "default_timeout": TIMEOUT_SECONDS,
                "max_redirects": 0,  # none of these endpoints has a reason to send us elsewhere
            },
        )
        self._client.expected_issuer = settings.issuer

    def begin(self, *, level: str, ui_locales: str, organisation: bool = False, ask_again: bool = False) -> Begun:
        """An authorization request (code flow, PKCE S256, state, nonce) for at least `level`.

        With `organisation` the person is asked for whom they act; with `ask_again` also where they have said so before.
        """
        # As an essential claim the level is owed: the provider must reach it or say that it cannot (OpenID Connect Core
        # 5.5.1.1). `acr_values` would be a wish only, and sent beside the claim it replaces it at some providers.
        # All sufficient levels, weakest first: nobody is asked for more than needed, or again with a stronger one.
        acr = {"essential": True, "values": list(sufficient_levels(level))}
        claims = {"id_token": {"acr": acr, "auth_time": None}}
        with _told_kindly():
            begun = self._client.create_authorization_url(
                self._settings.redirect_uri,
                claims=json.dumps(claims, separators=(",", ":")),
                ui_locales=ui_locales,
                scope=" ".join((self._settings.scope, ORGANISATION)) if organisation else self._settings.scope,
                **({"prompt": "consent"} if ask_again else {}),
            )
        return Begun(**begun)

    def finish(self, *, code: str, nonce: str, code_verifier: str) -> SignIn:
        """Redeem the code, check the id_token (OpenID Connect Core 3.1.3.7) and ask userinfo."""
        # Read at every use: whoever registers the portal may write the file after we started, or change it.
        self._client.client_secret = self._settings.client_secret()
        if not self._client.client_secret:
            raise Failure("portal_not_ready")
        with _told_kindly():
            token = self._client.fetch_access_token(  # type: ignore[no-untyped-call]
                redirect_uri=self._settings.redirect_uri, code=code, code_verifier=code_verifier
            )
            claims = self._client.parse_id_token(
                token,
                nonce=nonce,
                claims_options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                leeway=CLOCK_SKEW_SECONDS,
            )
            if claims is None:
                raise ValueError("the token response holds no id_token")
            userinfo = self._client.userinfo(token=token)
            if userinfo.get("sub") != claims["sub"]:
                # Core 5.3.2: userinfo about somebody else must not be used.
                raise ValueError("userinfo is about another person")
        return SignIn(id_token=token["id_token"], id_token_claims=dict(claims), userinfo=dict(userinfo))

    def sign_out_url(self, *, id_token: str, state: str, ui_locales: str) -> str:
        """Where to send the browser to end the provider's session too (OpenID Connect RP-Initiated Logout 2)."""
        with _told_kindly():
            return self._client.create_logout_url(
                post_logout_redirect_uri=self._settings.signed_out_uri,
                id_token_hint=id_token,
                state=state,
                client_id=self._settings.client_id,
                ui_locales=ui_locales,
            )["url"]

    def keys(self, *, refetch: bool = False) -> dict[str, Any]:
        """The provider's public keys (RFC 7517 5); `refetch` asks again, unless that was done in the last minute."""
        with _told_kindly():
            return self._client.fetch_jwk_set(force=refetch and self._refetch_is_due())  # type: ignore[no-any-return]

    def _refetch_is_due(self) -> bool:
        with self._refetch_lock:
            due = time.monotonic() - self._refetched_at >= KEYS_REFETCH_PAUSE_SECONDS
            if due:
                self._refetched_at = time.monotonic()
            return due


@contextmanager
def _told_kindly() -> Iterator[None]:
    """Make a `Failure` of what a call to the provider raises; the log gets the kind of error, never its contents."""
    try:
        yield
    except OAuthError as error:
        _refuse(error, OF_TOKEN.get(str(error.error), "request_refused"))
    except requests.HTTPError as error:
        server_fault = error.response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        _refuse(error, "provider_busy" if server_fault else "untrusted_answer")
    except (requests.ConnectionError, requests.Timeout) as error:
        _refuse(error, "provider_unreachable")
    except (requests.RequestException, JoseError, ValueError, KeyError, TypeError, RuntimeError) as error:
        _refuse(error, "untrusted_answer")


def _refuse(error: Exception, code: str) -> NoReturn:
    log.warning("provider call failed: %s, shown as %s", type(error).__name__, code)
    raise Failure(code) from error
