"""Codes, access tokens and refresh tokens: values that carry ids and no claims, so that making one needs no row.

A code holds all that its redemption needs; its grant's id was drawn with it, so that a second redemption finds the
row taken. A refresh token is a grant's id and a number under a keyed hash: whoever makes it anew makes the same one.
All three carry on what of the request is remembered (`remembered.py`), where there is any of it, at their end. What is
always there has a fixed width, big-endian; the flags say what follows. A new layout gets a new purpose, never
a second reading of an old one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from idp import clock, entropy
from idp.clients import Binding
from idp.people import claims
from idp.seal import BadSeal, Sealer, from_text, to_text
from idp.sessions.mandates import MANDATE_ID_BYTES

CODE_LIMIT_CHARACTERS = 512  # for all but what is remembered
LONGEST_CHARACTERS = 2048  # of a code or refresh token of ours
NONCE_LIMIT_CHARACTERS = 108  # with a 64-character client id and all that may be there a code has 511 characters
TOKEN_LIMIT_CHARACTERS = 4096
TOKEN_PREFIX = "mc_at_"  # so that scanners can recognise a leaked one
REFRESH_PREFIX = "mc_rt_"

_CODE_PURPOSE = "code.4"
_CODE = struct.Struct(">16s16s16s16sHQQIIBBBB")
_TOKEN_PURPOSE = "access_token.2"
_TOKEN = struct.Struct(">16s16sIIHBBHH")
_REFRESH = struct.Struct(">16sI")
_MARK_BYTES = 16
_THUMBPRINT_BYTES = 32
_NO_GRANT = bytes(16)
_HASH_BYTES = 32  # of Sealer.index
_MANDATE, _CHALLENGE, _JKT, _RESOURCE, _NONCE = 1, 2, 4, 8, 16
_BOUND, _BY_CERTIFICATE, _EXCHANGED = 1, 2, 4


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
    mandate_id: bytes | None = None  # under which mandate, if the person acts for an organisation
    dpop_jkt: bytes | None = None  # the key that must redeem it (RFC 9449 section 10)
    resource: bytes | None = None  # the mark of the API that was asked for
    remembered: bytes = b""  # of the request


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A person's token names the grant that it stands on; a system's has none."""

    id: bytes  # `jti`: by which this one token can be revoked
    grant_id: bytes | None
    client_id: str
    issued_at: int
    expires_at: int
    scopes: tuple[str, ...] = ()  # what of a person it is for
    api_scopes: tuple[str, ...] = ()  # words of the API that it is for
    binding: Binding | None = None
    resource: str | None = None  # the API that it is for, and nobody else; None: our own userinfo
    exchanged: bool = False  # its client got it for another token (RFC 8693)
    remembered: bytes = b""  # of the request: what userinfo is asked for

    @property
    def all_scopes(self) -> str:
        return " ".join((*self.scopes, *self.api_scopes))

    @property
    def type(self) -> str:
        """`token_type`: how it is sent (RFC 6750, RFC 9449 section 5)."""
        return "DPoP" if self.binding is not None and self.binding.method == "jkt" else "Bearer"


@dataclass(frozen=True)
class RefreshToken:
    grant_id: bytes
    generation: int  # how many came before it
    remembered: bytes = b""  # of the request


def jti_of(token: AccessToken) -> str:
    """The token's id on the wire: its own, and that of the grant without which it is void."""
    return to_text(token.id + (token.grant_id or b""))


def redirect_mark(redirect_uri: str) -> bytes:
    return entropy.fingerprint(redirect_uri)[:_MARK_BYTES]


def resource_mark(resource: str) -> bytes:
    return entropy.fingerprint(resource)[:_MARK_BYTES]


def seal_code(sealer: Sealer, code: Code) -> str:
    client, nonce = code.client_id.encode(), (code.nonce or "").encode()
    challenge = from_text(code.code_challenge) if code.code_challenge else None
    parts = ((_MANDATE, code.mandate_id), (_CHALLENGE, challenge), (_JKT, code.dpop_jkt), (_RESOURCE, code.resource))
    flags = sum(flag for flag, value in parts if value is not None)
    flags |= _NONCE if code.nonce is not None else 0
    fixed = _CODE.pack(
        code.grant_id, code.session_id, code.person_id, code.redirect_uri,
        claims.scopes_to_bits(code.scopes), claims.to_bits(code.id_token_claims),
        claims.to_bits(code.userinfo_claims), code.auth_time, code.issued_at, code.level, flags, len(client), len(nonce)
    )  # fmt: skip
    variable = b"".join(value for _, value in parts if value is not None)
    return sealer.seal_text(_CODE_PURPOSE, fixed + variable + client + nonce + code.remembered)


def open_code(sealer: Sealer, text: str, lifetime_seconds: int) -> Code:
    """The code, if it is ours and not expired; raises Unreadable. Whether it was spent, the redemption finds out."""
    plain = _opened(sealer, _CODE_PURPOSE, text, LONGEST_CHARACTERS)
    (grant_id, session_id, person_id, redirect_uri, scopes, id_claims, info_claims, auth_time, issued_at, level, flags,
     client_length, nonce_length) = _CODE.unpack_from(plain)  # fmt: skip
    if not 0 <= clock.seconds() - issued_at < lifetime_seconds:
        raise Unreadable
    rest = _Rest(plain, _CODE.size)
    mandate_id = rest.take(MANDATE_ID_BYTES) if flags & _MANDATE else None
    challenge = to_text(rest.take(_THUMBPRINT_BYTES)) if flags & _CHALLENGE else None
    dpop_jkt = rest.take(_THUMBPRINT_BYTES) if flags & _JKT else None
    resource = rest.take(_MARK_BYTES) if flags & _RESOURCE else None
    client_id, nonce = rest.text(client_length), rest.text(nonce_length)
    return Code(
        grant_id=grant_id, session_id=session_id, person_id=person_id, redirect_uri=redirect_uri, client_id=client_id,
        code_challenge=challenge, nonce=nonce if flags & _NONCE else None,
        scopes=claims.scopes_from_bits(scopes), id_token_claims=claims.from_bits(id_claims),
        userinfo_claims=claims.from_bits(info_claims), auth_time=auth_time, level=level, issued_at=issued_at,
        mandate_id=mandate_id, dpop_jkt=dpop_jkt, resource=resource, remembered=rest.end(),
    )  # fmt: skip


def seal_access_token(sealer: Sealer, token: AccessToken) -> str:
    client, resource = token.client_id.encode(), (token.resource or "").encode()
    words, flags, thumbprint = " ".join(token.api_scopes).encode(), _EXCHANGED if token.exchanged else 0, b""
    if token.binding is not None:
        flags |= _BOUND | (_BY_CERTIFICATE if token.binding.method == "x5t#S256" else 0)
        thumbprint = token.binding.thumbprint
    fixed = _TOKEN.pack(
        token.id, token.grant_id or _NO_GRANT, token.issued_at, token.expires_at,
        claims.scopes_to_bits(token.scopes), flags, len(client), len(resource), len(words)
    )  # fmt: skip
    plain = fixed + thumbprint + client + resource + words + token.remembered
    return TOKEN_PREFIX + sealer.seal_text(_TOKEN_PURPOSE, plain)


def open_access_token(sealer: Sealer, text: str) -> AccessToken:
    """The token, if it is ours and not expired; raises Unreadable. Whether it was revoked, `Grants.entitled` says, and
    of a system's token `Grants.is_revoked`.
    """
    if not text.startswith(TOKEN_PREFIX):
        raise Unreadable
    plain = _opened(sealer, _TOKEN_PURPOSE, text.removeprefix(TOKEN_PREFIX), TOKEN_LIMIT_CHARACTERS)
    (token_id, grant_id, issued_at, expires_at, scopes, flags, client_length, resource_length,
     words_length) = _TOKEN.unpack_from(plain)  # fmt: skip
    if expires_at <= clock.seconds():
        raise Unreadable
    rest, binding = _Rest(plain, _TOKEN.size), None
    if flags & _BOUND:
        binding = Binding("x5t#S256" if flags & _BY_CERTIFICATE else "jkt", rest.take(_THUMBPRINT_BYTES))
    client_id, resource, words = rest.text(client_length), rest.text(resource_length), rest.text(words_length)
    return AccessToken(
        id=token_id, grant_id=None if grant_id == _NO_GRANT else grant_id, client_id=client_id, issued_at=issued_at,
        expires_at=expires_at, scopes=claims.scopes_from_bits(scopes), api_scopes=tuple(words.split()),
        binding=binding, resource=resource or None, exchanged=bool(flags & _EXCHANGED), remembered=rest.end(),
    )  # fmt: skip


def refresh_token(sealer: Sealer, token: RefreshToken) -> str:
    """The same text for the same token, at any time and in any worker; nobody else can make it."""
    plain = _REFRESH.pack(token.grant_id, token.generation)
    mark = sealer.index("refresh_token", (plain + token.remembered).hex())
    return REFRESH_PREFIX + to_text(plain + mark + token.remembered)


def read_refresh_token(sealer: Sealer, text: str) -> RefreshToken:
    """The token, if we made it; raises Unreadable. Whether it is still good, `Grants.refresh` finds out."""
    if not text.startswith(REFRESH_PREFIX) or len(text) > LONGEST_CHARACTERS:
        raise Unreadable
    try:
        plain = from_text(text.removeprefix(REFRESH_PREFIX))
        remembered = plain[_REFRESH.size + _HASH_BYTES :]
        grant_id, generation = _REFRESH.unpack_from(plain)
        token = RefreshToken(grant_id, generation, remembered)
    except (ValueError, struct.error):
        raise Unreadable from None
    if not entropy.same(text, refresh_token(sealer, token)):
        raise Unreadable
    return token


def _opened(sealer: Sealer, purpose: str, text: str, limit_characters: int) -> bytes:
    if len(text) > limit_characters:
        raise Unreadable
    try:
        return sealer.open_text(purpose, text)
    except BadSeal:
        raise Unreadable from None


class _Rest:
    """What follows the fixed part, taken piece by piece."""

    def __init__(self, plain: bytes, start: int) -> None:
        self._plain = plain
        self._at = start

    def take(self, length: int) -> bytes:
        start, self._at = self._at, self._at + length
        return self._plain[start : self._at]

    def text(self, length: int) -> str:
        return self.take(length).decode()

    def end(self) -> bytes:
        return self._plain[self._at :]
