"""How one OpenID Provider is spoken to, as an operator configures it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.base import Context, Failure
from connectors.configuration import Address, Level, OptionalAddress, Origins, origin
from connectors.openid.client_authentication import AssertionAlgorithm, Method, credentials, public_keys
from connectors.openid.metadata import Metadata, parse_metadata

# Asymmetric ones only: `none` proves nothing, and HS* would make our secret a key to sign us in with.
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OpenIdConnectConfiguration(BaseModel):
    """How one source is spoken to. Its credentials are not here: `client_key` (a private JWK) or `client_secret`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Address = Field(description="the source's issuer, exactly as its id_tokens name it")
    discovery_url: OptionalAddress = Field("", description="empty: the issuer with /.well-known/openid-configuration")
    endpoint_origins: Origins = Field((), description="where its endpoints may lie, beside the issuer's own")
    client_id: str = Field(min_length=1, max_length=255)
    client_auth: Method = "private_key_jwt"
    assertion_algorithm: AssertionAlgorithm = "ES256"
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    par: Literal["required", "if_offered", "never"] = "if_offered"
    pkce: bool = True
    nonce: bool = True
    id_token_algorithms: tuple[SigningAlgorithm, ...] = Field(("RS256", "ES256"), min_length=1)
    scopes: tuple[str, ...] = ("openid", "profile")
    response_mode: Literal["query", "form_post"] = "query"
    acr_values: dict[Level, str] = Field({}, description="what to ask for to reach a level; empty: nothing is asked")
    acr_levels: dict[str, Level] = Field({}, description="what an acr that came back means; unknown ones mean 1")
    userinfo: bool = True
    leeway_seconds: int = Field(30, ge=0, le=300, description="how far its clock may be off")
    raw_code: bool = Field(False, description="its codes hold a + that must not be read as a space")
    error_map: dict[str, Failure] = Field({}, description="its own error codes, or texts of error_description")

    @field_validator("issuer")
    @classmethod
    def _issuer_has_no_query(cls, value: str) -> str:
        if "?" in value:
            raise ValueError("must have no query")
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_for_openid(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in values:
            raise ValueError("must contain openid")
        return values

    @model_validator(mode="after")
    def _answers_are_bound(self) -> OpenIdConnectConfiguration:
        if not (self.pkce or self.nonce):
            raise ValueError("without pkce and nonce, a stolen code could be used (RFC 9700 section 2.1.1)")
        return self

    @property
    def discovery_address(self) -> str:
        return self.discovery_url or f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    @property
    def allowed_origins(self) -> frozenset[str]:
        return frozenset(map(origin, (self.issuer, *self.endpoint_origins)))

    @property
    def raw_parameters(self) -> frozenset[str]:
        return frozenset({"code"}) if self.raw_code else frozenset()

    def parse_metadata(self, body: bytes) -> Metadata:
        return parse_metadata(body, self.issuer, self.allowed_origins)

    def credentials(self, context: Context, metadata: Metadata) -> tuple[dict[str, str], dict[str, str]]:
        """The headers and form fields that authenticate one request of ours; raises Refusal."""
        return credentials(
            context,
            self.client_auth,
            client_id=self.client_id,
            audience=metadata.issuer if self.assertion_audience == "issuer" else metadata.token_endpoint,
            algorithm=self.assertion_algorithm,
        )

    def public_keys(self, context: Context) -> bytes:
        """Our JWKS for the source."""
        return public_keys(context, self.client_auth, self.assertion_algorithm)
