"""How one SAML 2.0 identity provider is spoken to, as an operator configures it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.base import Failure
from connectors.configuration import Address, Level, OptionalAddress, Origins, origin

EntityId = Annotated[str, Field(min_length=1, max_length=1024)]  # SAML core section 8.3.6

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


class SamlConfiguration(BaseModel):
    """How one source is spoken to.

    Its credentials are not here. `signing_key` is PEM: an RSA private key with its certificate, or several
    while one follows the other; the first key signs, all are published. `decryption_key` likewise, where it is another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    idp_entity_id: EntityId = Field(description="the source's entity id, exactly as its answers name it")
    entity_id: EntityId = Field(description="ours, as the source knows us")
    callback_url: Address = Field(description="our address for its answers, /callback/ID, as our metadata publishes it")
    signed_out_url: OptionalAddress = Field(
        "", description="our address for the answer to a sign-out; empty: none is published"
    )
    metadata_url: OptionalAddress = Field("", description="where the source publishes its metadata")
    metadata_xml: str = Field("", description="or that metadata itself, pasted")
    metadata_certificates: tuple[str, ...] = Field((), description="PEM; empty: its signature is not checked")
    endpoint_origins: Origins = Field((), description="where its endpoints may lie, beside the metadata's own")
    binding: Literal["redirect", "post"] = "redirect"
    encryption_required: bool = Field(False, description="refuse assertions that are not encrypted for us")
    name_id_format: str = PERSISTENT
    context_classes: dict[Level, str] = Field({}, description="what to ask for to reach a level; empty: nothing")
    context_levels: dict[str, Level] = Field({}, description="what a class that came back means; unknown ones mean 1")
    context_means: dict[str, tuple[str, ...]] = Field({}, description="RFC 8176 values of each class")
    status_failures: dict[str, Failure] = Field({}, description="the source's own status codes")
    leeway_seconds: int = Field(60, ge=0, le=300, description="how far its clock may be off")
    certificate_alarm_days: int = Field(30, ge=1, le=365, description="how long before a certificate ends to say so")

    @field_validator("metadata_certificates")
    @classmethod
    def _certificates_are_certificates(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        from cryptography import x509

        for value in values:
            x509.load_pem_x509_certificate(value.encode())
        return values

    @model_validator(mode="after")
    def _has_one_metadata(self) -> SamlConfiguration:
        if bool(self.metadata_url) == bool(self.metadata_xml):
            raise ValueError("give metadata_url or metadata_xml, one of the two")
        return self

    @property
    def allowed_origins(self) -> frozenset[str] | None:
        """Where its endpoints may lie; None: wherever pasted metadata says, since an operator has read it."""
        if self.metadata_xml and not self.endpoint_origins:
            return None
        named = (self.metadata_url, *self.endpoint_origins) if self.metadata_url else self.endpoint_origins
        return frozenset(map(origin, named))
