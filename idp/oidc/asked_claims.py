"""The `claims` parameter (OpenID Connect Core section 5.5): which claims where, which levels, and who it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import errors
from idp.errors import Refused
from idp.oidc import verified_claims
from idp.oidc.verified_claims import NAME as VERIFIED_CLAIMS
from idp.people import claims
from idp.people.assurance import AcrWords


@dataclass(frozen=True, kw_only=True)
class AskedClaims:
    """What is asked for. Values asked of other claims than `acr` and `sub` are wishes that nobody can grant."""

    id_token: frozenset[str] = frozenset()
    userinfo: frozenset[str] = frozenset()
    essential_levels: tuple[int, ...] = ()
    wished_levels: tuple[int, ...] = ()
    acr_words: tuple[str, ...] = ()  # by which those levels were named
    subs: frozenset[str] = frozenset()
    verified_id_token: verified_claims.Asked | None = None
    verified_userinfo: verified_claims.Asked | None = None


def asked_claims(text: str | None, words: AcrWords, *, verified: bool = False) -> AskedClaims:
    """Raises Refused for what is not of the shape of section 5.5.1, or owes a level that is none of ours.

    `verified` is whether verified claims are offered; otherwise they are a claim that nobody knows.
    """
    if text is None:
        return AskedClaims()
    try:
        asked = json.loads(text)
        id_token, userinfo = (_members(asked.get(part)) for part in ("id_token", "userinfo"))
        levels, owed = _levels(id_token.get("acr"), words)
        return AskedClaims(
            id_token=frozenset(id_token) & frozenset(claims.BY_NAME),
            userinfo=frozenset(userinfo) & frozenset(claims.BY_NAME),
            essential_levels=levels if owed else (),
            wished_levels=() if owed else levels,
            acr_words=tuple(str(value) for value in _wanted(id_token.get("acr"))),
            subs=frozenset((*_subs(id_token.get("sub")), *_subs(userinfo.get("sub")))),
            verified_id_token=_verified(id_token) if verified else None,
            verified_userinfo=_verified(userinfo) if verified else None,
        )
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Refused(errors.BAD_PARAMETER, "claims") from None


def _members(part: Any) -> Mapping[str, Mapping[str, Any] | None]:
    """The claims of one part, each null or an object whose known members are what they must be; raises TypeError."""
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise TypeError
    if not all(name == VERIFIED_CLAIMS or _is_wanted(wanted) for name, wanted in part.items()):
        raise TypeError
    return part


def _is_wanted(wanted: Any) -> bool:
    return wanted is None or (
        isinstance(wanted, dict)
        and isinstance(wanted.get("essential", False), bool)
        and isinstance(wanted.get("values", []), list)
    )


def _wanted(asked: Mapping[str, Any] | None) -> list[Any]:
    """The values that will do; none: any. `value` and `values` together say the same thing twice or contradict."""
    if asked is None:
        return []
    if "value" in asked and "values" in asked:
        raise ValueError
    return [asked["value"]] if "value" in asked else list(asked.get("values", []))


def _verified(part: Mapping[str, Any]) -> verified_claims.Asked | None:
    """Raises Refused for what is not of the form of IDA section 5."""
    try:
        return verified_claims.read(part[VERIFIED_CLAIMS]) if VERIFIED_CLAIMS in part else None
    except (ValueError, TypeError, RecursionError):
        raise Refused(errors.BAD_VERIFIED_CLAIMS) from None


def _levels(asked: Mapping[str, Any] | None, words: AcrWords) -> tuple[tuple[int, ...], bool]:
    """The levels that an acr names, and whether one of them is owed (section 5.5.1.1); without a value none is."""
    owed, values = asked is not None and asked.get("essential") is True, _wanted(asked)
    levels = words.known_levels(str(value) for value in values)
    if owed and values and not levels:
        raise Refused(errors.UNMET_LEVEL, "essential acr names no level of ours")
    return tuple(levels), owed


def _subs(asked: Mapping[str, Any] | None) -> list[str]:
    """Who it must be: one person at most, since a session is one person's."""
    values = _wanted(asked)
    if len(values) > 1 or not all(isinstance(value, str) for value in values):
        raise TypeError
    return values
