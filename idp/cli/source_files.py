"""A source as a file describes it, and where its secrets come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idp import entropy
from idp.cli import certificates, shared
from idp.cli.shared import Wrong
from idp.keys import RSA_BITS
from idp.sources import Source, SourceDraft

# "RSA-SAML" is PEM of an RSA key with a certificate; the others are private JWKs.
KeyAlgorithm = Literal["ES256", "ES384", "RS256", "PS256", "EdDSA", "RSA-SAML"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FromFile(_Part):
    file: Path


class Generated(_Part):
    generate: KeyAlgorithm


class Kept(_Part):
    keep: Literal[True]


# Where a source is asked; other settings may change under the same credentials.
ADDRESSES = ("issuer", "discovery_url", "endpoint_origins", "address")


class SourceFile(_Part):
    """One source. What `configuration` may hold, its kind decides."""

    id: str
    kind: str
    name_vi: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    ceiling: int
    configuration: dict[str, Any]
    secrets: dict[str, str | FromFile | Generated | Kept] = {}


def read_file(described: dict[str, Any]) -> SourceFile:
    """The source that a JSON object describes; raises Wrong."""
    try:
        return SourceFile.model_validate(described)
    except ValidationError as problem:
        raise Wrong(shared.faults(problem)) from None


def read_draft(
    described: SourceFile, known: Source | None, *, secrets: Path | None, new_keys: bool
) -> tuple[SourceDraft, bool]:
    """The source with its secrets, and whether a key was made for it; `known` is its version in force. Raises Wrong."""
    found, has_new_key = {}, False
    for name, secret in described.secrets.items():
        kept = None if known is None or _elsewhere(described, known) else _kept(known, name)
        if isinstance(secret, Generated):
            if kept is None or new_keys or not _is_for(kept, secret.generate):
                kept, has_new_key = _made(secret.generate, described.id, kept), True
            found[name] = kept
        elif isinstance(secret, Kept):
            if kept is None:
                raise Wrong(f"{described.id}: secrets.{name}: there is none to keep")
            found[name] = kept
        elif isinstance(secret, FromFile):
            found[name] = _in_file(described.id, f"secrets.{name}", (secrets or Path()) / secret.file)
        else:
            found[name] = secret if secrets is None else _in_file(described.id, f"secrets.{name}", secrets / secret)
    values = described.model_dump(exclude={"secrets"})
    values["configuration"] = _with_files(described.id, described.configuration, secrets or Path())
    return SourceDraft(**values, secrets=found), has_new_key


def _elsewhere(described: SourceFile, known: Source) -> bool:
    """Whether the source now stands at another address: what it knows us by must not go there (CVE-2026-15943)."""
    return any(described.configuration.get(name) != known.configuration.get(name) for name in ADDRESSES)


def _kept(source: Source, name: str) -> str | None:
    try:
        return source.context.secret(name)
    except KeyError:
        return None


def _made(alg: KeyAlgorithm, source_id: str, kept: str | None) -> str:
    """A new key; for SAML the one before it goes on beside it, since sources take a while to hear of keys."""
    if alg != "RSA-SAML":
        return _private_jwk(alg)
    if kept is not None and certificates.has_key_with_certificate(kept):
        return certificates.rolled_over(kept, source_id)
    return certificates.key_with_certificate(source_id)


def _is_for(secret: str, alg: KeyAlgorithm) -> bool:
    if alg == "RSA-SAML":
        return certificates.has_key_with_certificate(secret)
    try:
        return bool(json.loads(secret)["alg"] == alg)
    except (ValueError, KeyError, TypeError):
        return False


def _with_files(source_id: str, value: Any, folder: Path) -> Any:
    """`value` with the text of that file wherever it says {"file": PATH}: certificates are long, and come as files."""
    if isinstance(value, list):
        return [_with_files(source_id, one, folder) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"file"} and isinstance(value["file"], str):
        return _in_file(source_id, "configuration", folder / value["file"])
    return {name: _with_files(source_id, one, folder) for name, one in value.items()}


def _in_file(source_id: str, what: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as problem:
        raise Wrong(f"{source_id}: {what}: {path} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise Wrong(f"{source_id}: {what}: {path} is not text") from None


def _private_jwk(alg: KeyAlgorithm) -> str:
    """A new private key as a JWK (RFC 7517)."""
    members: dict[str, Any]
    if alg in ("ES256", "ES384"):
        curve = ec.SECP256R1() if alg == "ES256" else ec.SECP384R1()
        members = ECAlgorithm.to_jwk(ec.generate_private_key(curve), as_dict=True)
    elif alg == "EdDSA":
        members = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
    else:
        members = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, RSA_BITS), as_dict=True)
    members.pop("key_ops", None)
    return json.dumps(members | {"kid": entropy.short_handle(), "alg": alg, "use": "sig"})
