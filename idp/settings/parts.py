"""The tables of `config/default.toml`, each a part of the settings; what every value is for is explained there."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Alias = Annotated[str, Field(pattern=r"^[!-~]{0,100}$")]
Word = Annotated[str, Field(pattern=r"^[!-~]{1,100}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Lifetimes(_Part):
    pushed_request_seconds: int = Field(ge=60, le=600)
    code_seconds: int = Field(ge=10, le=600)
    device_code_seconds: int = Field(ge=60, le=1800)
    device_wait_seconds: int = Field(ge=1, le=60)
    access_token_seconds: int = Field(ge=30, le=3600)
    id_token_seconds: int = Field(ge=30, le=3600)
    login_seconds: int = Field(ge=60, le=3600)
    session_seconds: int = Field(ge=300, le=86400)
    session_idle_seconds: int = Field(ge=300, le=86400)
    refresh_token_days: int = Field(ge=1, le=3650)
    refresh_token_idle_days: int = Field(ge=1, le=3650)
    refresh_grace_seconds: int = Field(ge=5, le=300)
    grant_kept_days: int = Field(ge=1, le=3650)
    audit_kept_days: int = Field(ge=30, le=3650)


class Limits(_Part):
    request_bytes: int = Field(ge=4096, le=1_048_576)
    callback_bytes: int = Field(ge=4096, le=4_194_304)
    parameter_characters: int = Field(ge=256, le=65536)
    logins_per_browser: int = Field(ge=2, le=100)
    logins_per_network_per_minute: int = Field(ge=10)
    failed_authentications_per_client_per_minute: int = Field(ge=1)
    device_codes_per_network_per_minute: int = Field(ge=1)
    wrong_device_codes_per_minute: int = Field(ge=10)


class Outbound(_Part):
    connect_seconds: float = Field(gt=0, le=10)
    total_seconds: float = Field(gt=0, le=30)
    answer_bytes: int = Field(ge=1024, le=10_485_760)
    visits_at_once: int = Field(ge=1, le=64)
    allow_loopback: bool
    certificate_authorities_file: str


class Verification(_Part):
    source: str
    refuse_without_from_level: int = Field(ge=1, le=5)
    max_age_seconds: int = Field(ge=60, le=31_536_000)
    recheck_batch: int = Field(ge=1, le=1000)
    feed_seconds: float = Field(gt=0, le=86400)
    everybody_is_known: bool


class Raising(_Part):
    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    sources: int = Field(ge=1, le=9)
    proofing: int = Field(ge=2, le=3)
    different_kinds: bool = False
    register_within_days: int = Field(default=0, ge=0, le=3650)
    raises_to: int = Field(ge=3, le=4)

    @model_validator(mode="after")
    def _asks_for_more(self) -> Raising:
        if self.raises_to <= self.proofing or not (self.sources > 1 or self.register_within_days):
            raise ValueError("must raise above `proofing`, by two sources at least or by one and the register")
        return self


class Assurance(_Part):
    acr_aliases: tuple[tuple[Alias, Alias, Alias, Alias], ...]
    authentication: tuple[tuple[str, Annotated[int, Field(ge=1, le=4)]], ...]
    raising: tuple[Raising, ...]

    @model_validator(mode="after")
    def _unmistakable(self) -> Assurance:
        words = [word for words in self.acr_aliases for word in words if word]
        if len(set(words)) < len(words) or any(re.fullmatch(r"LoA[0-9]+", word) for word in words):
            raise ValueError("acr_aliases: a word means one level, and LoA1 to LoA4 are taken")
        if len({rule.name for rule in self.raising}) < len(self.raising):
            raise ValueError("raising: two rules have one name")
        return self


class VerifiedClaims(_Part):
    trust_framework: str = Field(pattern=r"^[!-~]{0,200}$")
    assurance_levels: tuple[Word, Word, Word, Word]
    minimum_proofing: int = Field(ge=2, le=4)


class Dpop(_Part):
    nonce_required: bool


class Pkcs11(_Part):
    module: str
    token: str = Field(max_length=32)
    pin_file: str
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...]

    @model_validator(mode="after")
    def _whole(self) -> Pkcs11:
        if len({bool(self.module), bool(self.token), bool(self.pin_file)}) > 1:
            raise ValueError("module, token and pin_file go together, or none is set")
        return self


class SigningKeys(_Part):
    rotate_after_days: int = Field(ge=0, le=3650)
    pkcs11: Pkcs11


class SelfRegistration(_Part):
    open_to: Literal["nobody", "initial_access_token"]
    requests_per_network_per_minute: int = Field(ge=1)
    statement_issuer: str
    statement_keys_file: str


class DigitalIds(_Part):
    level: int = Field(ge=1, le=4)
    days: int = Field(ge=1, le=3650)
    most: int = Field(ge=1, le=100)


class Overload(_Part):
    started_header: str = Field(pattern=r"^[A-Za-z0-9-]{0,60}$")
    refuse_beginnings_after_seconds: float = Field(gt=0, le=10)
    refuse_everything_after_seconds: float = Field(gt=0, le=30)


class Outbox(_Part):
    attempts: int = Field(ge=1, le=50)
    first_retry_seconds: int = Field(ge=1, le=3600)


class Conformance(_Part):
    public_host: str


class Phone(_Part):
    sign_in: bool
    other_network: Literal["warn", "refuse"]
