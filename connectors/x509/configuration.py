"""How certificates are accepted, as an operator configures it: whose, for what, and how their revocation is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.configuration import OptionalAddress, origin
from connectors.x509.certificates import read_authorities

CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2"  # RFC 5280 section 4.2.1.12

Oid = Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]*)){1,20}$")]
Means = Literal["ocsp", "crl"]


class CertificateConfiguration(BaseModel):
    """One circle of certification authorities whose certificates sign people in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1, max_length=255, description="our name for these authorities; must never change")
    mode: Literal["tls", "challenge"]
    signing_url: OptionalAddress = Field("", description="challenge: the page or plug-in that has the challenge signed")
    anchors: tuple[str, ...] = Field(min_length=1, description="certificates of the roots, PEM; no others are trusted")
    intermediates: tuple[str, ...] = Field((), description="issuing authorities, PEM; TLS shows a leaf alone")
    revocation_urls: Mapping[str, str] = Field(
        min_length=1,
        description="beginnings of the addresses in certificates at which CRLs and OCSP responders may be asked, each "
        "with where it really is asked: itself, or a mirror (answers are signed, so a mirror need not be trusted)",
    )
    revocation_order: tuple[Means, ...] = Field(("ocsp", "crl"), min_length=1, max_length=2)
    ocsp_age_seconds: int = Field(86_400, ge=60, le=604_800, description="oldest OCSP answer without our nonce")
    purposes: tuple[Oid, ...] = Field((CLIENT_AUTHENTICATION,), min_length=1, description="one extended key usage of")
    policies: tuple[Oid, ...] = Field((), description="if any: the whole path must stand under one of these policies")
    hardware_policies: tuple[Oid, ...] = Field((), description="policies under which keys lie in a token with a PIN")
    known_crls: tuple[str, ...] = Field((), description="CRLs that `sources check` reads")
    known_responders: tuple[str, ...] = Field((), description="OCSP responders that `sources check` asks")
    challenge_seconds: int = Field(300, ge=60, le=900, description="how long somebody may take to sign")
    leeway_seconds: int = Field(30, ge=0, le=300, description="how far the authorities' clocks may be off")

    @field_validator("anchors", "intermediates")
    @classmethod
    def _are_certificates(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        read_authorities(values)
        return values

    @field_validator("revocation_urls")
    @classmethod
    def _are_places(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        for named, asked in values.items():
            origin(asked)
            if not _is_beginning(named) or not _is_beginning(asked):
                raise ValueError("must be beginnings of addresses, with a path that ends in a slash")
        return values

    @field_validator("revocation_order")
    @classmethod
    def _each_once(cls, values: tuple[Means, ...]) -> tuple[Means, ...]:
        if len(set(values)) != len(values):
            raise ValueError("must name each means once")
        return values

    @model_validator(mode="after")
    def _has_a_page(self) -> CertificateConfiguration:
        if (self.mode == "challenge") != bool(self.signing_url):
            raise ValueError("signing_url goes with the mode challenge, and with that alone")
        return self

    def where_to_ask(self, url: str) -> str | None:
        """The address to ask for what a certificate says is at `url`; None where the operator named no such place.

        The certificate may be a stranger's, and we are not to be sent to addresses of its choice.
        """
        if not _PLAIN_URL.fullmatch(url) or "/." in urlsplit(url).path:
            return None
        for named, asked in self.revocation_urls.items():
            if url.startswith(named):
                return asked + url.removeprefix(named)
        return None


_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,150}(:[0-9]{1,5})?/[A-Za-z0-9._~/?=&+-]{0,300}")


def _is_beginning(url: str) -> bool:
    return bool(_PLAIN_URL.fullmatch(url)) and url.endswith("/") and "?" not in url
