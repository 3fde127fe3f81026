"""Software statements (RFC 7591 section 2.3): what somebody whom the operator trusts says of a portal's software."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from idp import errors
from idp.clients import jwks
from idp.clients.jwks import PublicKey
from idp.errors import Refused
from idp.oidc.jose import BadToken, header_of
from idp.settings import UnsafeSettings

TYPES = (None, "jwt", "software-statement+jwt")
LEEWAY_SECONDS = 60
# What is said of the statement, and not of the portal.
OF_THE_TOKEN = frozenset({"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "software_statement"})


class SoftwareStatements:
    """Believed if they are signed by a key of the one issuer that an operator named."""

    def __init__(self, *, trusted_issuer: str, keys: tuple[PublicKey, ...], audience: str) -> None:
        self._trusted_issuer = trusted_issuer
        self._keys = keys
        self._audience = audience

    @classmethod
    def configured(cls, trusted_issuer: str, keys_file: str, audience: str) -> SoftwareStatements:
        """With the keys in the file; raises UnsafeSettings for a file that holds no JWK Set."""
        try:
            keys = jwks.parsed(Path(keys_file).read_bytes()) if keys_file else ()
        except (OSError, ValueError) as problem:
            raise UnsafeSettings(f"registration.statement_keys_file: {problem}") from None
        return cls(trusted_issuer=trusted_issuer, keys=keys, audience=audience)

    def metadata(self, statement: object) -> dict[str, Any]:
        """The client metadata that the statement vouches for; raises Refused: R05, or R06 for another issuer's."""
        if not isinstance(statement, str):
            raise Refused(errors.BAD_SOFTWARE_STATEMENT, "no text")
        try:
            alg, kid = header_of(statement, jwks.SIGNING_ALGORITHMS, TYPES)
            unverified = jwt.decode(statement, options={"verify_signature": False})
        except (BadToken, jwt.PyJWTError, ValueError, RecursionError) as problem:
            raise Refused(errors.BAD_SOFTWARE_STATEMENT, f"{type(problem).__name__}") from None
        if not self._trusted_issuer or unverified.get("iss") != self._trusted_issuer:
            raise Refused(errors.UNAPPROVED_STATEMENT, "its issuer")
        claims = self._verified(statement, alg, kid)
        return {name: value for name, value in claims.items() if name not in OF_THE_TOKEN}

    def _verified(self, statement: str, alg: str, kid: str | None) -> Mapping[str, Any]:
        for key in (key for key in self._keys if key.verifies(alg) and kid in (None, key.kid)):
            try:
                claims: dict[str, Any] = jwt.decode(
                    statement, key.for_verifying(alg), algorithms=[alg], issuer=self._trusted_issuer,
                    leeway=LEEWAY_SECONDS, options={"require": ["iss", "iat", "exp"], "verify_aud": False},
                )  # fmt: skip
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, OverflowError) as problem:
                raise Refused(errors.BAD_SOFTWARE_STATEMENT, type(problem).__name__) from None
            audience = claims.get("aud", self._audience)
            if self._audience not in (audience if isinstance(audience, list) else [audience]):
                raise Refused(errors.BAD_SOFTWARE_STATEMENT, "for somebody else")
            return claims
        raise Refused(errors.BAD_SOFTWARE_STATEMENT, "no key of its issuer verifies it")
