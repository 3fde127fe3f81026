"""JSON Web Tokens to and from portals: PyJWT signs and verifies, joserfc encrypts.

What goes out is signed and encrypted as the portal registered; what comes in is believed by the portal's registered
keys and algorithms alone, whatever its header says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from joserfc import jwe

from idp.clients import Client
from idp.clients.keys import ClientKeys
from idp.keys import Keys
from idp.oidc import strict_json

Part = Literal["id_token", "userinfo", "authorization", "introspection"]
DEFAULT_ENCRYPTION = "A128CBC-HS256"  # OpenID Connect Dynamic Client Registration 1.0 section 2
TOKEN_LIMIT_CHARACTERS = 8192
COMPACT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}", re.ASCII)  # RFC 7515 section 2: without padding
KID_LIMIT_CHARACTERS = 200
KEYS_TRIED = 4  # of a token that names none
TYPES: Mapping[Part, str] = {"introspection": "token-introspection+jwt"}  # RFC 9701 section 5
# A header that brings its own key, changes what is signed, or asks for what nobody here understands.
REFUSED_HEADERS = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "b64"})


class BadToken(Exception):
    """The token is not one that this portal signed as it registered; the text says why and quotes nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Jose:
    keys: Keys
    client_keys: ClientKeys

    def protect(self, claims: Mapping[str, Any], client: Client, part: Part) -> str:
        """The claims as the portal registered for this part: signed, encrypted, both (nested), or plain JSON.

        Raises NoKey if it registered encryption and has no key for it: nothing goes out less protected than agreed.
        """
        signing, encryption = algorithms_of(client, part)
        if signing is None:
            text = json.dumps(dict(claims), ensure_ascii=False, separators=(",", ":"))
        else:
            text = self.keys.sign(claims, signing, TYPES.get(part, "JWT"))
        if encryption is None:
            return text
        return self.encrypted(text, client, *encryption, cty=None if signing is None else "JWT")

    def encrypted(self, text: str, client: Client, alg: str, enc: str, *, cty: str | None) -> str:
        """The text as a compact JWE that this portal alone can read (RFC 7516 section 5.1); raises NoKey."""
        key, kid = self.client_keys.encryption_key(client, alg)
        named = {"kid": kid, "cty": cty}
        header = {"alg": alg, "enc": enc} | {name: value for name, value in named.items() if value is not None}
        return jwe.encrypt_compact(header, text, key, algorithms=[alg, enc])

    def verified(
        self, token: str, client: Client, algorithms: Iterable[str], *, types: Sequence[str | None],
        secret: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The claims, signed by a registered key of this portal, or with its secret where it signs with that, by one of
        these algorithms; raises BadToken.

        Nothing but the signature has been looked at: issuer, audience and times are for the caller to check.
        """
        alg, kid = header_of(token, algorithms, types)
        keys: Sequence[jwt.PyJWK | str] = self.client_keys.verification_keys(client, kid=kid, alg=alg)
        if secret is not None:
            keys = [secret]
        for key in keys[:KEYS_TRIED]:
            try:
                payload = jwt.PyJWS().decode(token, key, algorithms=[alg])
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            return _claims(payload)
        raise BadToken("no registered key of the client verifies the signature")


def algorithms_of(client: Client, part: Part) -> tuple[str | None, tuple[str, str] | None]:
    """With what this part is signed, and by which `alg` and `enc` encrypted; None and None: it is plain JSON."""
    signing: str | None = getattr(client, f"{part}_signed_response_alg")
    alg: str | None = getattr(client, f"{part}_encrypted_response_alg", None)
    if alg is None:
        return signing, None
    return signing, (alg, getattr(client, f"{part}_encrypted_response_enc") or DEFAULT_ENCRYPTION)


def header_of(token: str, algorithms: Iterable[str], types: Sequence[str | None]) -> tuple[str, str | None]:
    """`alg` and `kid` of a compact JWS whose header asks for nothing but a signature check; raises BadToken.

    `types` are the values of `typ` that will do, in lower case; None: it may be absent (RFC 8725 section 3.11).
    """
    if len(token) > TOKEN_LIMIT_CHARACTERS or not COMPACT.fullmatch(token):
        raise BadToken("not a compact JWS of a size that is read")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadToken("the header cannot be read") from None
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if alg not in tuple(algorithms):
        raise BadToken("alg is none of those registered")
    if refused := REFUSED_HEADERS.intersection(header):
        raise BadToken(f"the header holds {', '.join(sorted(refused))}")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= KID_LIMIT_CHARACTERS):
        raise BadToken("kid is empty or too long")
    if (typ.lower().removeprefix("application/") if isinstance(typ, str) else typ) not in types:
        raise BadToken("typ is that of another kind of token")
    return alg, kid


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        return strict_json.read_object(payload)
    except ValueError as problem:
        raise BadToken(f"the payload is {problem}") from None
