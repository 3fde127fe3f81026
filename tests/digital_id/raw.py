"""Codes that no issuer of ours would write: each layer made by hand, down to the bytes."""

from __future__ import annotations

import zlib
from typing import Any

import cbor2

from idp.digital_id import base45
from idp.digital_id.card import Card, claims_of
from idp.digital_id.trust import Signer
from tests.digital_id.cards import card, pen


def text_of(cose: bytes) -> str:
    return base45.encode(zlib.compress(cose, 9))


def claims(of: Card | None = None, **changes: Any) -> dict[Any, Any]:
    """The claims of a card; `c4=…` puts another in the place of claim 4, `a9=…` of attribute 9, None takes it out."""
    made = claims_of(of or card())
    for name, value in changes.items():
        place = made[169] if name[0] == "a" else made
        place[int(name[1:])] = value
        if value is None:
            del place[int(name[1:])]
    return made


def sign1(
    payload: Any, signer: Signer | None = None, header: dict[Any, Any] | bytes | None = None,
    unprotected: dict[Any, Any] | None = None, prefix: bytes = b"\xd2",
) -> bytes:  # fmt: skip
    """A COSE_Sign1 that is signed as it stands. A payload or header that is bytes is taken as it is."""
    signer = signer or pen()
    if header is None:
        header = {1: -7 if signer.alg == "ES256" else -8, 4: pen().key_id}
    protected = header if isinstance(header, bytes) else cbor2.dumps(header, canonical=True)
    payload = payload if isinstance(payload, bytes) else cbor2.dumps(payload, canonical=True)
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    return prefix + cbor2.dumps([protected, unprotected or {}, payload, low(signer.signature(message), signer.alg)])


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def low(signature: bytes, alg: str = "ES256") -> bytes:
    s = int.from_bytes(signature[32:], "big")
    return signature if alg != "ES256" else signature[:32] + min(s, ORDER - s).to_bytes(32, "big")


def other_half(signature: bytes) -> bytes:
    """The other signature that everybody can make of one by ECDSA."""
    return signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
