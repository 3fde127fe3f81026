"""Authorization codes and access tokens: sealed values that carry ids and no claims, so that making one needs no row.

A code holds all that its redemption needs; its grant's id was drawn with it, so that a second redemption finds the
row taken.
The layouts are fixed-width, big-endian; a new layout gets a new purpose, never a second reading of an old one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from idp import clock, entropy
from idp.people import claims
from idp.seal import BadSeal, Sealer, from_text, to_text
from idp.sessions.mandates import MANDATE_ID_BYTES

CODE_LIMIT_CHARACTERS = 512
NONCE_LIMIT_CHARACTERS = 156  # with a 64-character client id the longest code has 511 characters
TOKEN_PREFIX = "mc_at_"  # so that scanners can recognise a leaked one

_CODE_PURPOSE = "code.2"
_CODE = struct.Struct(">16s16s16s16s8s32sHQQIIBBBB")
_NO_MANDATE = bytes(MANDATE_ID_BYTES)
_TOKEN = struct.Struct(">16s16s16sII")


class Unreadable(Exception):
    """Not a code or token of ours, or one that has expired."""


@dataclass(frozen=True, kw_only=True)
class Code:
    grant_id: bytes
    session_id: bytes
    person_id: bytes
    client_id: str
    redirect_uri: bytes  # the first 16 bytes of its fingerprint
    code_challenge: str | None
    nonce: str | None
    scopes: tuple[str, ...]
    id_token_claims: tuple[str, ...]
    userinfo_claims: tuple[str, ...]
    auth_time: int
    level: int
    issued_at: int
    touch: bool
    mandate_id: bytes | None = None  # under which mandate, if the person acts for an organisation


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    grant_id: bytes
    session_id: bytes
    person_id: bytes
    client_id: str
    issued_at: int
    expires_at: int


def redirect_mark(redirect_uri: str) -> bytes:
    return entropy.fingerprint(redirect_uri)[:16]


def seal_code(sealer: Sealer, code: Code) -> str:
    challenge = from_text(code.code_challenge) if code.code_challenge else bytes(32)
    client, nonce = code.client_id.encode(), (code.nonce or "").encode()
    flags = (code.code_challenge is not None) | (code.nonce is not None) << 1 | code.touch << 2
    fixed = _CODE.pack(
        code.grant_id, code.session_id, code.person_id, code.redirect_uri, code.mandate_id or _NO_MANDATE, challenge,
        claims.to_bits(code.scopes, claims.SCOPE_POSITIONS), claims.to_bits(code.id_token_claims),
        claims.to_bits(code.userinfo_claims), code.auth_time, code.issued_at, code.level, flags, len(client), len(nonce)
    )  # fmt: skip
    return sealer.seal_text(_CODE_PURPOSE, fixed + client + nonce)


def open_code(sealer: Sealer, text: str, lifetime_seconds: int) -> Code:
    """The code, if it is ours and not expired; raises Unreadable. Whether it was spent, the redemption finds out."""
    if len(text) > CODE_LIMIT_CHARACTERS:
        raise Unreadable
    try:
        plain = sealer.open_text(_CODE_PURPOSE, text)
    except BadSeal:
        raise Unreadable from None
    (grant_id, session_id, person_id, redirect_uri, mandate_id, challenge, scopes, id_claims, info_claims, auth_time,
     issued_at, level, flags, client_length, _) = _CODE.unpack_from(plain)  # fmt: skip
    if not 0 <= clock.seconds() - issued_at < lifetime_seconds:
        raise Unreadable
    variable = plain[_CODE.size :]
    return Code(
        grant_id=grant_id, session_id=session_id, person_id=person_id, redirect_uri=redirect_uri,
        client_id=variable[:client_length].decode(), code_challenge=to_text(challenge) if flags & 1 else None,
        nonce=variable[client_length:].decode() if flags & 2 else None,
        scopes=claims.from_bits(scopes, claims.SCOPE_POSITIONS), id_token_claims=claims.from_bits(id_claims),
        userinfo_claims=claims.from_bits(info_claims), auth_time=auth_time, level=level, issued_at=issued_at,
        touch=bool(flags & 4), mandate_id=None if mandate_id == _NO_MANDATE else mandate_id,
    )  # fmt: skip


def seal_access_token(sealer: Sealer, token: AccessToken) -> str:
    fixed = _TOKEN.pack(token.grant_id, token.session_id, token.person_id, token.issued_at, token.expires_at)
    return TOKEN_PREFIX + sealer.seal_text("access_token", fixed + token.client_id.encode())


def open_access_token(sealer: Sealer, text: str) -> AccessToken:
    """The token, if it is ours and not expired; raises Unreadable. Whether it was revoked, `Grants.entitled` says."""
    if len(text) > CODE_LIMIT_CHARACTERS or not text.startswith(TOKEN_PREFIX):
        raise Unreadable
    try:
        plain = sealer.open_text("access_token", text.removeprefix(TOKEN_PREFIX))
    except BadSeal:
        raise Unreadable from None
    grant_id, session_id, person_id, issued_at, expires_at = _TOKEN.unpack_from(plain)
    if expires_at <= clock.seconds():
        raise Unreadable
    return AccessToken(
        grant_id=grant_id, session_id=session_id, person_id=person_id, client_id=plain[_TOKEN.size :].decode(),
        issued_at=issued_at, expires_at=expires_at,
    )  # fmt: skip
