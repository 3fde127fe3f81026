"""A portal's registration: the names of OpenID Connect Dynamic Client Registration 1.0 where it has one."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from idp import entropy
from idp.people.claims import SCOPES

URL_LIMIT_CHARACTERS = 512
URL_CHARACTERS = re.compile(r"[!-~]*", re.ASCII)  # urlsplit would silently drop a line break, a header would not
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123 section 2.1
HOST_AND_PORT = re.compile(rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?", re.ASCII)
# A response parameter in a registered redirect_uri could be taken for ours (Keycloak's CVE-2026-9689).
RESPONSE_PARAMETERS = {
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "id_token",
    "access_token",
    "session_state",
}


class Registration(BaseModel):
    """What a portal registered and an operator approved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name_vi: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    home_url: str
    redirect_uris: tuple[str, ...] = Field(min_length=1, max_length=20)
    post_logout_redirect_uris: tuple[str, ...] = Field(default=(), max_length=20)
    backchannel_logout_uri: str | None = None
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "none"] = "client_secret_basic"
    id_token_signed_response_alg: Literal["RS256", "ES256"] = "RS256"
    scopes: tuple[str, ...] = ("openid",)
    pkce_required: bool = True
    minimum_level: int = Field(default=1, ge=1, le=4)
    consent_required: bool = False  # by law or agreement; otherwise the person is told, not asked
    sector: str = Field(min_length=1, max_length=255)  # frozen: another sector would give everybody another sub

    @field_validator("home_url", "backchannel_logout_uri")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        return None if value is None else _checked_url(value)

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _urls(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            query = parse_qsl(urlsplit(_checked_url(value)).query, keep_blank_values=True)
            if RESPONSE_PARAMETERS.intersection(name for name, _ in query):
                raise ValueError(f"{value} holds a parameter that our response uses")
        return values

    @field_validator("scopes")
    @classmethod
    def _known_scopes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(values) - set(SCOPES)
        if unknown or "openid" not in values:
            raise ValueError(
                f"scopes must hold openid and only known ones; unknown: {', '.join(sorted(unknown)) or '-'}"
            )
        return values

    @model_validator(mode="after")
    def _public_clients_need_pkce(self) -> Registration:
        if self.token_endpoint_auth_method == "none" and not self.pkce_required:
            raise ValueError("a client without a secret must use PKCE (RFC 9700 section 2.1.1)")
        return self


class Client(Registration):
    """A registered portal as every room sees it."""

    id: str
    enabled: bool
    secret_fingerprint: bytes | None

    def knows_secret(self, secret: str) -> bool:
        """Whether this is the portal's secret. Secrets are 256 bits of chance, so a plain SHA-256 keeps them."""
        if self.secret_fingerprint is None or len(secret) > 256:
            return False
        return entropy.same(entropy.fingerprint(secret), self.secret_fingerprint)

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_vi

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that an answer to this portal may lead to: what form-action must allow."""
        urls = [urlsplit(uri) for uri in (*self.redirect_uris, *self.post_logout_redirect_uris)]
        return tuple(sorted({f"{url.scheme}://{url.netloc}" for url in urls}))


def _checked_url(value: str) -> str:
    if len(value) > URL_LIMIT_CHARACTERS or not URL_CHARACTERS.fullmatch(value):
        raise ValueError(f"a URL may have {URL_LIMIT_CHARACTERS} characters, of printable ASCII and no spaces")
    parts = urlsplit(value)
    host = parts.hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(f"{value} must begin with https:// (http:// only for *.localhost)")
    if not HOST_AND_PORT.fullmatch(parts.netloc) or any(sign in value for sign in '#*\\"<>'):
        raise ValueError(f"{value} must name a host, and have no fragment, user name, wildcard, backslash or quote")
    return value
