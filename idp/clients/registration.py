"""A portal's registration, in the names of OpenID Connect Dynamic Client Registration 1.0 where it has one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from idp.clients import jwks, policies
from idp.clients.names import checked_name
from idp.clients.urls import checked_redirect_uri, checked_url
from idp.people.claims import SCOPES

CONTACT_CHARACTERS = 320  # the longest e-mail address (RFC 5321 section 4.5.3.1)
AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

GrantType = Literal[
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]  # fmt: skip
AuthenticationMethod = Literal[
    "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth",
    "self_signed_tls_client_auth", "none",
]  # fmt: skip
SigningAlgorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
KeyManagement = Literal["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
ContentEncryption = Literal["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"]
Profile = Literal["openid", "fapi2_security", "fapi2_message_signing"]

Words = tuple[str, ...]


class Registration(BaseModel):
    """What a portal registered and an operator approved. What is left out is the safe thing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name_vi: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    home_url: str  # client_uri
    application_type: Literal["web", "native"] = "web"
    profile: Profile = "openid"
    contacts: Words = Field(default=(), max_length=10)
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    initiate_login_uri: str | None = None

    redirect_uris: Words = Field(default=(), max_length=20)
    request_uris: Words = Field(default=(), max_length=20)
    grant_types: tuple[GrantType, ...] = ("authorization_code",)
    scopes: Words = ("openid",)
    api_scopes: Words = Field(default=(), max_length=50)  # of systems, and of exchanges: words of the APIs
    sector: str = Field(min_length=1, max_length=255)  # frozen: another sector would give everybody another sub
    sector_identifier_uri: str | None = None
    pkce_required: bool = True
    nonce_required: bool = True  # of a client without PKCE (RFC 9700 section 2.1.1); certification sends neither
    minimum_level: int = Field(default=1, ge=1, le=4)
    default_max_age: int | None = Field(default=None, ge=0, le=999_999_999)
    consent_required: bool = False  # by law or agreement; otherwise the person is told, not asked
    device_confirmation: bool = False  # what asks by the device grant brings a number that the person's phone shows

    token_endpoint_auth_method: AuthenticationMethod = "client_secret_basic"
    token_endpoint_auth_signing_alg: Literal["RS256", "PS256", "ES256", "EdDSA", "HS256"] | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    tls_client_auth_subject_dn: str | None = Field(default=None, max_length=1000)
    tls_client_auth_san_dns: str | None = Field(default=None, max_length=255)
    tls_client_auth_san_uri: str | None = Field(default=None, max_length=512)
    tls_client_auth_san_ip: str | None = Field(default=None, max_length=45)
    tls_client_auth_san_email: str | None = Field(default=None, max_length=320)

    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: SigningAlgorithm | None = None  # None: any that the profile allows
    authorization_signed_response_alg: SigningAlgorithm = "RS256"
    authorization_encrypted_response_alg: KeyManagement | None = None
    authorization_encrypted_response_enc: ContentEncryption | None = None
    id_token_signed_response_alg: SigningAlgorithm = "RS256"
    id_token_encrypted_response_alg: KeyManagement | None = None
    id_token_encrypted_response_enc: ContentEncryption | None = None
    userinfo_signed_response_alg: SigningAlgorithm | None = None  # None: plain JSON
    userinfo_encrypted_response_alg: KeyManagement | None = None
    userinfo_encrypted_response_enc: ContentEncryption | None = None
    introspection_signed_response_alg: SigningAlgorithm = "RS256"

    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    access_token_format: Literal["opaque", "jwt"] = "opaque"
    resource_uris: Words = Field(default=(), max_length=20)  # this registration is an API that answers to these names
    may_call: Words = Field(default=(), max_length=50)  # resource_uris of APIs that tokens may be asked for
    may_exchange: Words = Field(default=(), max_length=50)  # of them, those for which a person's token may be exchanged

    post_logout_redirect_uris: Words = Field(default=(), max_length=20)
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, given: Any) -> Any:
        return policies.with_profile(given) if isinstance(given, dict) else given

    @field_validator("name_vi", "name_en")
    @classmethod
    def _name(cls, value: str) -> str:
        return checked_name(value)

    @field_validator("contacts")
    @classmethod
    def _lines(cls, values: Words) -> Words:
        if not all(value.isprintable() and 0 < len(value) <= CONTACT_CHARACTERS for value in values):
            raise ValueError(f"lines of text, {CONTACT_CHARACTERS} characters at most")
        return values

    @field_validator("jwks")
    @classmethod
    def _public_keys(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            jwks.checked(value)
        return value

    @field_validator(
        "home_url", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "sector_identifier_uri", "jwks_uri",
        "backchannel_logout_uri", "frontchannel_logout_uri",
    )  # fmt: skip
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        return None if value is None else checked_url(value)

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _addresses(cls, values: Words, info: ValidationInfo) -> Words:
        native = info.data.get("application_type") == "native"
        return tuple(checked_redirect_uri(value, native=native) for value in values)

    @field_validator("resource_uris", "may_call", "may_exchange")
    @classmethod
    def _urls(cls, values: Words) -> Words:
        return tuple(checked_url(value) for value in values)

    @field_validator("request_uris")
    @classmethod
    def _documents(cls, values: Words) -> Words:
        """A fragment names the document's hash (OpenID Connect Core section 6.2); it is never sent."""
        for value in values:
            checked_url(value.partition("#")[0])
        return values

    @field_validator("scopes")
    @classmethod
    def _known_scopes(cls, values: Words) -> Words:
        unknown = set(values) - set(SCOPES)
        if unknown or "openid" not in values:
            raise ValueError(
                f"scopes must hold openid and only known ones; unknown: {', '.join(sorted(unknown)) or '-'}"
            )
        return values

    @property
    def has_secret(self) -> bool:
        return self.token_endpoint_auth_method in policies.SECRET_METHODS

    @property
    def signs_with_secret(self) -> bool:
        """Whether we must know its secret, to check what it signed."""
        return self.token_endpoint_auth_method == "client_secret_jwt"

    @model_validator(mode="after")
    def _stands(self) -> Registration:
        for fault in policies.faults(self):
            raise ValueError(fault)
        return self
