"""What issuers publish as compact JWS (RFC 7515): signed, and verified by a key and the one algorithm that it has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from jwt.utils import base64url_encode

from idp.digital_id.trust import Signer, TrustedKey


def signed(claims: Mapping[str, Any], kind: str, signer: Signer, key_id: str) -> str:
    """The claims under this `typ`; raises what the signer raises."""
    header = {"alg": signer.alg, "kid": key_id, "typ": kind}
    message = ".".join(to_text(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{message}.{to_text(signer.signature(message.encode()))}"


def verified(token: str, key: TrustedKey, required: Sequence[str] = ()) -> dict[str, Any] | None:
    """The claims if the key signed them and these are among them; what they say of time, issuer and audience is left
    to the caller, who is given the time.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key.public, algorithms=[key.alg],
            options={
                "require": list(required), "verify_exp": False, "verify_nbf": False, "verify_iat": False,
                "verify_aud": False,
            },
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError):
        return None
    return claims


def to_text(data: bytes) -> str:
    return base64url_encode(data).decode()
