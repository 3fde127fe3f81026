"""An invented issuer as a counter sees it: a trust list, a status list, and cards."""

from __future__ import annotations

import base64
import json
from typing import Any

from idp.digital_id import Card, StatusList, StatusReference, issue
from idp.digital_id.status_lists import array_of, as_cwt
from tests.digital_id.cards import DAY, Pen, card, pen

PLACES = 4_096


class Issuer:
    """Signs with `pen`, whatever it is asked to; `uri` is the address of its one status list."""

    def __init__(self, issuer: str, name: str = "counter") -> None:
        self.issuer = issuer
        self.pen = pen(name=name, issuer=issuer)
        self.uri = f"{issuer}/status-lists/1"
        self.values: dict[int, int] = {}

    def card(self, now: int, index: int = 0, signer: Pen | None = None, **changes: Any) -> str:
        return issue(self.details(now, index, **changes), signer or self.pen, self.pen.key_id)

    def details(self, now: int, index: int = 0, **changes: Any) -> Card:
        usual = {
            "issuer": self.issuer, "issued_at": now, "expires_at": now + 365 * DAY,
            "status": StatusReference(index=index, uri=self.uri),
        }  # fmt: skip
        return card(**(usual | changes))

    def status_list(self, now: int, **changes: Any) -> bytes:
        usual: dict[str, Any] = {
            "uri": self.uri, "issuer": self.issuer, "bits": 2, "array": array_of(PLACES, self.values), "issued_at": now,
            "expires_at": now + 8 * DAY, "ttl_seconds": 60,
        }  # fmt: skip
        return as_cwt(StatusList(**(usual | changes)), self.pen, self.pen.key_id)

    def trust_list(self, now: int, *pens: Pen, signer: Pen | None = None, header: Any = None, **changes: Any) -> str:
        """The keys of these, or ours; signed by `signer`, or the first of them."""
        pens = pens or (self.pen,)
        usual = {
            "iss": self.issuer, "iat": now, "exp": now + 8 * DAY, "keys": [jwk(one) for one in pens],
            "status_lists": [self.uri],
        }  # fmt: skip
        by = signer or pens[0]
        named = {"typ": "trust-list+jwt", "alg": "ES256", "kid": by.key_id.hex()} | (header or {})
        message = f"{as_text(json.dumps(named))}.{as_text(json.dumps(usual | changes))}"
        return f"{message}.{as_text(by.signature(message.encode()))}"


def jwk(one: Pen) -> dict[str, str]:
    numbers: Any = one.public.public_numbers()  # type: ignore[union-attr]
    x, y = (as_text(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": one.key_id.hex(), "use": "sig", "alg": "ES256"}


def as_text(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
