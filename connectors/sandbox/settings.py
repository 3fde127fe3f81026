"""What one sandbox source is told by its environment; anything unknown, missing or unsafe refuses to start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.population import DEFAULT_COUNT, DEFAULT_SEED

MODES = ("development", "test")
KINDS = (
    "banking",
    "population",
    "population_register",
    "business",
    "insurance",
    "authority",
    "tax",
)
THEMES = {  # by default; `tre` is there for a second bank
    "banking": "sen",
    "population": "lua",
    "population_register": "lua",
    "business": "tre",
    "insurance": "tre",
    "authority": "lua",
    "tax": "bien",
}
DEFAULT_NAMES = {
    "banking": "Ngân hàng Sen",
    "population": "Định danh dân cư",
    "population_register": "Cơ sở dữ liệu dân cư",
    "business": "Đăng ký doanh nghiệp",
    "insurance": "Bảo hiểm xã hội",
    "authority": "CA Lúa, chữ ký số",
    "tax": "Cơ quan Thuế",
}
CITIZENS_MINIMUM, CITIZENS_MAXIMUM = 20, 2_000_000
KNOWN_VARIABLES = (
    "SANDBOX_KIND",
    "SANDBOX_ISSUER",
    "SANDBOX_NAME",
    "SANDBOX_THEME",
    "SANDBOX_SEED",
    "SANDBOX_CITIZENS",
    "SANDBOX_CLIENTS_FILE",
    "SANDBOX_FAULTS",
)


class RefusesToStart(Exception):
    """The environment is not one in which a simulator may run; the message says why, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    kind: str
    issuer: str
    name: str
    theme: str
    seed: int = DEFAULT_SEED
    citizens: int = DEFAULT_COUNT
    clients_file: Path | None = None
    faults: tuple[Mapping[str, Any], ...] = ()

    def url(self, path: str) -> str:
        return f"{self.issuer}{path}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; raises RefusesToStart."""
    _require_safe_mode(environment)
    if unknown := sorted(name for name in environment if name.startswith("SANDBOX_") and name not in KNOWN_VARIABLES):
        raise RefusesToStart(f"The sandbox does not know {', '.join(unknown)}; it knows {', '.join(KNOWN_VARIABLES)}.")
    kind = _one_of(environment, "SANDBOX_KIND", KINDS)
    clients_file = environment.get("SANDBOX_CLIENTS_FILE")
    return Settings(
        kind=kind,
        issuer=_issuer(environment),
        name=environment.get("SANDBOX_NAME", DEFAULT_NAMES[kind]),
        theme=_one_of({"SANDBOX_THEME": THEMES[kind], **environment}, "SANDBOX_THEME", ("sen", "tre", "lua", "bien")),
        seed=_whole_number(environment, "SANDBOX_SEED", DEFAULT_SEED, 0, 2**63),
        citizens=_whole_number(environment, "SANDBOX_CITIZENS", DEFAULT_COUNT, CITIZENS_MINIMUM, CITIZENS_MAXIMUM),
        clients_file=Path(clients_file) if clients_file else None,
        faults=_faults(environment),
    )


def _require_safe_mode(environment: Mapping[str, str]) -> None:
    mode = environment.get("MOTCUA_MODE", "")
    if mode not in MODES:
        raise RefusesToStart(
            "The sandbox sources sign invented people in with a published password, so they start only with "
            f"MOTCUA_MODE=development or MOTCUA_MODE=test, never with {mode or 'no mode at all'!r}."
        )


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = environment.get(name, "")
    if value not in allowed:
        raise RefusesToStart(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def _issuer(environment: Mapping[str, str]) -> str:
    issuer = environment.get("SANDBOX_ISSUER", "")
    parts = urlsplit(issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or issuer != f"{parts.scheme}://{parts.netloc}":
        raise RefusesToStart(f"SANDBOX_ISSUER must be an address like http://bank.localhost:8411, not {issuer!r}.")
    return issuer


def _whole_number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise RefusesToStart(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def _faults(environment: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    try:
        faults = json.loads(environment.get("SANDBOX_FAULTS", "[]"))
    except ValueError:
        faults = None
    if not isinstance(faults, list) or not all(isinstance(fault, dict) for fault in faults):
        raise RefusesToStart("SANDBOX_FAULTS must be a JSON list of faults, each a JSON object.")
    return tuple(faults)
