"""What one portal is configured to be; a wrong or missing value stops the start with a sentence that says which."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LEVELS = ("LoA1", "LoA2", "LoA3", "LoA4")  # assurance levels on the wire, weakest first
SESSION_KEY_BYTES = 32


class SettingsError(Exception):
    """The environment does not describe a portal."""


def sufficient_levels(level: str) -> tuple[str, ...]:
    """The levels that satisfy `level`: itself and every stronger one, weakest first."""
    return LEVELS[LEVELS.index(level) :]


@dataclass(frozen=True, kw_only=True)
class Service:
    id: str
    name_vi: str
    name_en: str
    level: str
    organisation: bool = False  # one that people also use for a business or another organisation


@dataclass(frozen=True, kw_only=True)
class Settings:
    name_vi: str
    name_en: str
    look: str
    base_url: str
    issuer: str
    client_id: str
    client_secret_file: Path
    scope: str
    level: str
    services: tuple[Service, ...]
    session_key: bytes
    data: Path
    development: bool

    @property
    def redirect_uri(self) -> str:
        return f"{self.base_url}/callback"

    @property
    def signed_out_uri(self) -> str:
        return f"{self.base_url}/signed-out"

    @property
    def secure(self) -> bool:
        return self.base_url.startswith("https://")

    def service(self, service_id: str) -> Service | None:
        return next((service for service in self.services if service.id == service_id), None)

    def client_secret(self) -> str | None:
        """The secret as the file has it now; None while the file is not there."""
        try:
            return self.client_secret_file.read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables (the package's docstring lists them); `SettingsError` if they will not do."""
    development = environment.get("MOTCUA_MODE") in {"development", "test"}
    level = _level(environment.get("PORTAL_LEVEL", "LoA1"), "PORTAL_LEVEL")
    return Settings(
        name_vi=_required(environment, "PORTAL_NAME_VI"),
        name_en=_required(environment, "PORTAL_NAME_EN"),
        look=_one_of(environment.get("PORTAL_LOOK", "ministry"), ("ministry", "province"), "PORTAL_LOOK"),
        base_url=_origin(environment, "PORTAL_BASE_URL", development),
        issuer=_issuer(environment, "PORTAL_ISSUER", development),
        client_id=_required(environment, "PORTAL_CLIENT_ID"),
        client_secret_file=Path(_required(environment, "PORTAL_CLIENT_SECRET_FILE")),
        scope=_scope(environment.get("PORTAL_SCOPE", "openid profile")),
        level=level,
        services=_services(environment.get("PORTAL_SERVICES", "[]"), level),
        session_key=_session_key(Path(_required(environment, "PORTAL_SESSION_KEY_FILE"))),
        data=Path(_required(environment, "PORTAL_DATA")),
        development=development,
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}; it may be {', '.join(allowed)}")
    return value


def _level(value: str, name: str) -> str:
    return _one_of(value, LEVELS, name)


def _scope(value: str) -> str:
    if "openid" not in value.split():
        raise SettingsError("PORTAL_SCOPE must contain openid: without it there is no id_token")
    return value


def _issuer(environment: Mapping[str, str], name: str, development: bool) -> str:
    """An issuer identifier; kept letter by letter, since tokens are compared with it (OpenID Connect Discovery 4.3)."""
    value = _required(environment, name)
    parts = urlsplit(value)
    if parts.scheme != "https" and not (development and parts.scheme == "http"):
        raise SettingsError(f"{name} must be an https address (http only with MOTCUA_MODE=development)")
    if not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{name} must be an address without query and fragment")
    return value


def _origin(environment: Mapping[str, str], name: str, development: bool) -> str:
    value = _issuer(environment, name, development).rstrip("/")
    if urlsplit(value).path:
        raise SettingsError(f"{name} must be a scheme, a host and perhaps a port, without a path")
    return value


def _services(text: str, lowest: str) -> tuple[Service, ...]:
    try:
        services = tuple(Service(**{"level": lowest, **entry}) for entry in json.loads(text))
    except (ValueError, TypeError) as error:
        raise SettingsError(f"PORTAL_SERVICES is not a JSON list of services: {error}") from error
    for service in services:
        _level(service.level, f"PORTAL_SERVICES, level of {service.id}")
    return services


def _session_key(path: Path) -> bytes:
    """The key in the file; a fresh one is made if there is no file. Any number of workers may start at once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(SESSION_KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # fails if another worker was first; then its key is the one
        fresh.unlink()
    key = path.read_bytes()
    if len(key) < SESSION_KEY_BYTES:
        raise SettingsError(f"PORTAL_SESSION_KEY_FILE holds fewer than {SESSION_KEY_BYTES} bytes")
    return key
