"""To which key a token is bound: whoever shows it must prove that they hold the key (RFC 7800)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idp.seal import to_text


@dataclass(frozen=True)
class Binding:
    """A DPoP key (RFC 9449 section 6.1) or a TLS certificate (RFC 8705 section 3.1), by its SHA-256 thumbprint."""

    method: Literal["jkt", "x5t#S256"]
    thumbprint: bytes

    def as_cnf(self) -> dict[str, str]:
        return {self.method: to_text(self.thumbprint)}
