"""Presence codes as a phone makes them, in Python and by hand, so that each part can be made wrong."""

from __future__ import annotations

from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from idp.digital_id import base45, card_binding, issue, packing, thumbprint
from tests.digital_id.cards import NOW, Pen, card, pen
from tests.digital_id.raw import low

BINDING = -65_537


def phone(name: str = "phone") -> Pen:
    return pen("ES256", name)


def card_of(holder: Pen | None = None, **changes: Any) -> str:
    """The text of a card that is bound to a phone."""
    return issue(card(holder_key=thumbprint((holder or phone()).public), **changes), pen(), pen().key_id)


def cose_key(public: Any) -> dict[int, Any]:
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_numbers()
    return {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: bool(point.y & 1)}


def claims(holder: Pen, card_text: str, now: int = NOW, **changes: Any) -> dict[int, Any]:
    """What a phone says; `c6=…` puts another value in the place of claim 6, None takes it out; `binding` likewise."""
    said = {4: now + 30, 6: now, 7: b"8 random", 8: {1: cose_key(holder.public)}, BINDING: card_binding(card_text)}
    for name, value in changes.items():
        said[BINDING if name == "binding" else int(name[1:])] = value
    return {key: value for key, value in said.items() if value is not None}


def shown(said: Any, holder: Pen, header: Any = None, prefix: bytes = b"\xd2", unprotected: Any = None) -> bytes:
    """The COSE_Sign1 of these claims; bytes are taken as they are."""
    protected = header if isinstance(header, bytes) else cbor2.dumps({1: -7} if header is None else header)
    payload = said if isinstance(said, bytes) else cbor2.dumps(said, canonical=True)
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    signature = low(holder.signature(message), holder.alg)
    return prefix + cbor2.dumps([protected, unprotected or {}, payload, signature])


def presence(card_text: str, holder: Pen | None = None, now: int = NOW, **changes: Any) -> str:
    holder = holder or phone()
    return together(card_text, shown(claims(holder, card_text, now, **changes), holder))


def together(card_text: str, part: bytes) -> str:
    return base45.encode(cbor2.dumps([packing.decoded(card_text), part]))
