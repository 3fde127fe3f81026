"""Every setting, typed and frozen. Unknown, missing or unsafe values refuse to start, in one sentence each.

Values come from `config/default.toml`, then the file that IDP_CONFIG names, then environment variables
(`IDP_ISSUER`, `IDP_LIFETIMES__CODE_SECONDS`, …), the later ones winning.
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from idp.settings.parts import (
    Assurance,
    Conformance,
    DigitalIds,
    Dpop,
    Lifetimes,
    Limits,
    Outbound,
    Outbox,
    Overload,
    Phone,
    Pkcs11,
    Raising,
    SelfRegistration,
    SigningKeys,
    Verification,
    VerifiedClaims,
)

DEFAULTS = Path(__file__).resolve().parent.parent.parent / "config" / "default.toml"
LOOPBACK_SUFFIX = ".localhost"  # RFC 6761 section 6.3

# Called IDP_ and no setting: where the settings are, who gives a command, what `run` and the tests use.
OTHER_VARIABLES = ("IDP_CONFIG", "IDP_OPERATOR", "IDP_PYTHON", "IDP_TEST_DATABASE_URL", "IDP_TEST_VALKEY_URL")


class UnsafeSettings(Exception):
    """The settings do not allow a start; the text says what to change."""


class Settings(BaseSettings):
    """The whole configuration of one provider. Build it with `load()`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="IDP_", env_nested_delimiter="__", env_ignore_empty=True
    )

    mode: Literal["production", "development", "test", "conformance"]
    issuer: str
    name_vi: str
    name_en: str
    contact: str
    database_url: str
    short_lived_url: str
    master_keys_file: str
    trusted_proxies: int = Field(ge=0, le=5)
    client_certificate_url: str
    client_certificate_header: str = Field(pattern=r"^[A-Za-z0-9-]{0,60}$")
    client_certificate_from_server: bool
    client_certificate_authorities_file: str
    no_sign_out_at: tuple[str, ...]
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    metrics_token_file: str
    lifetimes: Lifetimes
    limits: Limits
    outbound: Outbound
    verification: Verification
    assurance: Assurance
    verified_claims: VerifiedClaims
    dpop: Dpop
    keys: SigningKeys
    outbox: Outbox
    overload: Overload
    cards: DigitalIds
    phone: Phone
    conformance: Conformance
    registration: SelfRegistration

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        env_settings: PydanticBaseSettingsSource, *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        return env_settings, init_settings

    @field_validator("issuer", "client_certificate_url")
    @classmethod
    def _is_an_origin(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name != "issuer":
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.fragment:
            raise ValueError("must be an origin such as https://dangnhap.example.vn, without a path or a final slash")
        if parts.netloc != parts.netloc.lower() or "@" in parts.netloc:
            raise ValueError("must be in lower case and hold no user name")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        host = urlsplit(self.issuer).hostname or ""
        on_loopback = host == "localhost" or host.endswith(LOOPBACK_SUFFIX)
        if not self.issuer.startswith("https://") and (self.mode == "production" or not on_loopback):
            raise ValueError("issuer: plain http is for development on *.localhost only")
        self._refuse_half_of_certificates()
        if self.overload.started_header and not self.trusted_proxies:
            raise ValueError("overload.started_header: without trusted_proxies anybody could send it")
        self._refuse_test_people_in_public(host, on_loopback=on_loopback)
        if not self.verification.source and any(rule.register_within_days for rule in self.assurance.raising):
            raise ValueError("assurance.raising: a rule asks for a register, and verification.source names none")
        if bool(self.registration.statement_issuer) != bool(self.registration.statement_keys_file):
            raise ValueError("registration.statement_issuer: goes with statement_keys_file, or neither is set")
        if self.mode == "production":
            self._refuse_in_production()
        return self

    def _refuse_half_of_certificates(self) -> None:
        if bool(self.client_certificate_header) != bool(self.client_certificate_url):
            raise ValueError("client_certificate_header: goes with client_certificate_url, or neither is set")
        if self.client_certificate_from_server and self.trusted_proxies:
            raise ValueError("client_certificate_from_server: behind a proxy our server sees the proxy's certificate")
        if not self.client_certificate_header:
            return
        if not self.trusted_proxies:
            raise ValueError("client_certificate_header: without trusted_proxies anybody could send it")
        if self.secure and not self.client_certificate_url.startswith("https://"):
            raise ValueError("client_certificate_url: must be https, as the issuer is")
        if self.client_certificate_url == self.issuer:
            raise ValueError("client_certificate_url: needs a host name of its own")

    def _refuse_test_people_in_public(self, host: str, *, on_loopback: bool) -> None:
        """Everybody knows the password of the test people: their host is said twice, or they stay on this machine."""
        named = self.conformance.public_host
        if self.mode != "conformance":
            if named:
                raise ValueError("conformance.public_host: is for mode conformance alone")
        elif named not in ("" if on_loopback else host, host):
            raise ValueError("conformance.public_host: must repeat the host of the issuer, if that is not loopback")

    def _refuse_in_production(self) -> None:
        if self.outbound.allow_loopback:
            raise ValueError("outbound.allow_loopback: must be false in production")
        if self.log_level == "DEBUG":
            raise ValueError("log_level: DEBUG is not for production")
        if not self.master_keys_file:
            raise ValueError("master_keys_file: production needs a key file; `idp keys new-master` makes one")
        if not self.metrics_token_file:
            raise ValueError("metrics_token_file: production does not show its metrics to everybody")

    @property
    def origins(self) -> tuple[str, ...]:
        """Under which origins we are reached: the issuer's, and that at which clients show certificates."""
        return tuple(filter(None, (self.issuer, self.client_certificate_url)))

    @property
    def lets_test_people_in(self) -> bool:
        return self.mode == "conformance"

    @property
    def secure(self) -> bool:
        """Whether people reach the provider over TLS, and so whether cookies may say Secure and __Host-."""
        return self.issuer.startswith("https://")


def load(path: str | None = None, **overrides: Any) -> Settings:
    """The settings in force; raises UnsafeSettings, whose text names each fault, when there are none to be had."""
    _refuse_unknown_variables()
    values = _read(DEFAULTS)
    if chosen := path or os.environ.get("IDP_CONFIG"):
        values = _merged(values, _read(Path(chosen)))
    try:
        settings = Settings(**_merged(values, overrides))
    except ValidationError as problem:
        raise UnsafeSettings(_sentences(problem)) from None
    _refuse_open_file(settings.master_keys_file, "master_keys_file")
    _refuse_open_file(settings.keys.pkcs11.pin_file, "keys.pkcs11.pin_file")
    return settings


def _refuse_unknown_variables() -> None:
    """A misspelt variable would leave its setting as it was, and nobody would know."""
    for name in os.environ:
        setting = name.removeprefix("IDP_").partition("__")[0].lower()
        if name.startswith("IDP_") and setting not in Settings.model_fields and name not in OTHER_VARIABLES:
            raise UnsafeSettings(f"the settings refuse to start: {name}: there is no such setting")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise UnsafeSettings(f"the settings file {path} cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UnsafeSettings(f"the settings file {path} is not TOML: {problem}") from None


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _sentences(problem: ValidationError) -> str:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}".removeprefix(": ")
        for fault in problem.errors(include_input=False, include_url=False)
    ]
    return "the settings refuse to start: " + "; ".join(faults)


def _refuse_open_file(path: str, name: str) -> None:
    if not path:
        return
    try:
        mode = Path(path).stat().st_mode
    except OSError as problem:
        raise UnsafeSettings(f"{name}: {path} cannot be read: {problem.strerror}") from None
    # systemd mounts a service's credentials (LoadCredential=) for it alone; where it lets the service's user in by an
    # ACL, what looks like the group's rights is that ACL's mask.
    handed = os.environ.get("CREDENTIALS_DIRECTORY", "")
    shared = stat.S_IRWXO if handed and Path(path).parent == Path(handed) else stat.S_IRWXG | stat.S_IRWXO
    if mode & shared:
        raise UnsafeSettings(f"{name}: {path} is readable by others; `chmod 600` it")


__all__ = [
    "Assurance",
    "Conformance",
    "DEFAULTS",
    "DigitalIds",
    "Dpop",
    "LOOPBACK_SUFFIX",
    "Lifetimes",
    "Limits",
    "Outbound",
    "Outbox",
    "Overload",
    "Phone",
    "Pkcs11",
    "Raising",
    "SelfRegistration",
    "Settings",
    "SigningKeys",
    "UnsafeSettings",
    "Verification",
    "VerifiedClaims",
    "load",
]
