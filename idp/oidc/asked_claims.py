"""The `claims` parameter (OpenID Connect Core section 5.5): which claims where, which levels, and who it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import errors
from idp.errors import Refused
from idp.people import assurance, claims


@dataclass(frozen=True, kw_only=True)
class AskedClaims:
    """What is asked for. Values asked of other claims than `acr` and `sub` are wishes that nobody can grant."""

    id_token: frozenset[str] = frozenset()
    userinfo: frozenset[str] = frozenset()
    essential_levels: tuple[int, ...] = ()
    wished_levels: tuple[int, ...] = ()
    subs: frozenset[str] = frozenset()


def asked_claims(text: str | None) -> AskedClaims:
    """Raises Refused for what is not of the shape of section 5.5.1, or owes a level that is none of ours."""
    if text is None:
        return AskedClaims()
    try:
        asked = json.loads(text)
        id_token, userinfo = (_members(asked.get(part)) for part in ("id_token", "userinfo"))
        levels, owed = _levels(id_token.get("acr"))
        return AskedClaims(
            id_token=frozenset(id_token) & frozenset(claims.BY_NAME),
            userinfo=frozenset(userinfo) & frozenset(claims.BY_NAME),
            essential_levels=levels if owed else (),
            wished_levels=() if owed else levels,
            subs=frozenset((*_subs(id_token.get("sub")), *_subs(userinfo.get("sub")))),
        )
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Refused(errors.BAD_PARAMETER, "claims") from None


def _members(part: Any) -> Mapping[str, Mapping[str, Any] | None]:
    """The claims of one part, each null or an object whose known members are what they must be; raises TypeError."""
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise TypeError
    for wanted in part.values():
        if wanted is not None and not (
            isinstance(wanted, dict)
            and isinstance(wanted.get("essential", False), bool)
            and isinstance(wanted.get("values", []), list)
        ):
            raise TypeError
    return part


def _wanted(asked: Mapping[str, Any] | None) -> list[Any]:
    """The values that will do; none: any. `value` and `values` together say the same thing twice or contradict."""
    if asked is None:
        return []
    if "value" in asked and "values" in asked:
        raise ValueError
    return [asked["value"]] if "value" in asked else list(asked.get("values", []))


def _levels(asked: Mapping[str, Any] | None) -> tuple[tuple[int, ...], bool]:
    """The levels that an acr names, and whether one of them is owed (section 5.5.1.1); without a value none is."""
    owed, values = asked is not None and asked.get("essential") is True, _wanted(asked)
    levels = assurance.known_levels(str(value) for value in values)
    if owed and values and not levels:
        raise Refused(errors.UNMET_LEVEL, "essential acr names no level of ours")
    return tuple(levels), owed


def _subs(asked: Mapping[str, Any] | None) -> list[str]:
    """Who it must be: one person at most, since a session is one person's."""
    values = _wanted(asked)
    if len(values) > 1 or not all(isinstance(value, str) for value in values):
        raise TypeError
    return values
