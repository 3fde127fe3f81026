"""Every way in which a source that speaks OpenID Connect can be told to fail or to lie, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Endpoint = Literal["authorize", "par", "token", "userinfo", "jwks", "discovery"]
PATHS: dict[str, Endpoint] = {
    "/authorize": "authorize",
    "/par": "par",
    "/token": "token",
    "/userinfo": "userinfo",
    "/jwks": "jwks",
    "/.well-known/openid-configuration": "discovery",
}


class FaultName(StrEnum):
    SLOW = "slow"
    DOWN = "down"

    LOCKED = "locked"  # after the password: access_denied, described as account_locked
    DECEASED = "deceased"  # after the password: access_denied, described as person_deceased

    WRONG_STATE = "wrong_state"
    WRONG_ISS_PARAMETER = "wrong_iss_parameter"  # RFC 9207
    MISSING_ISS_PARAMETER = "missing_iss_parameter"

    TAMPERED_ID_TOKEN = "tampered_id_token"  # changed after signing
    WRONG_KEY = "wrong_key"  # a stranger's key under our key id
    ALG_NONE = "alg_none"
    HS256_WITH_PUBLIC_KEY = "hs256_with_public_key"  # RFC 8725 section 2.1
    UNKNOWN_KID = "unknown_kid"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_NONCE = "wrong_nonce"
    MISSING_NONCE = "missing_nonce"
    EXPIRED = "expired"
    ISSUED_IN_FUTURE = "issued_in_future"
    OLD_AUTH_TIME = "old_auth_time"  # a day old, whatever max_age or prompt=login asked
    REPLAYED_ID_TOKEN = "replayed_id_token"  # one that this client has had before

    MISSING_CLAIM = "missing_claim"
    OTHER_CLAIMS = "other_claims"  # what is on file is wrong, old or odd, as the fault says
    EMPTY_SUBJECT = "empty_subject"
    LOWER_LEVEL = "lower_level"  # a weaker sign-in than was asked for

    DIFFERENT_USERINFO_SUBJECT = "different_userinfo_subject"

    TRUNCATED_JSON = "truncated_json"
    HUGE_BODY = "huge_body"  # more than 2 MiB, otherwise right
    GARBAGE = "garbage"  # not JSON at all
    ERROR_IN_200 = "error_in_200"  # an error, but HTTP says 200


_ANYWHERE = frozenset(PATHS.values())
_JSON: frozenset[Endpoint] = _ANYWHERE - {"authorize"}
_CLAIMS: frozenset[Endpoint] = frozenset({"token", "userinfo"})

AVAILABILITY = (FaultName.SLOW, FaultName.DOWN)
PERSON = frozenset({FaultName.LOCKED, FaultName.DECEASED})
REDIRECT = frozenset({FaultName.WRONG_STATE, FaultName.WRONG_ISS_PARAMETER, FaultName.MISSING_ISS_PARAMETER})
CLAIMS = frozenset({FaultName.MISSING_CLAIM, FaultName.OTHER_CLAIMS, FaultName.EMPTY_SUBJECT, FaultName.LOWER_LEVEL})
USERINFO = frozenset({FaultName.DIFFERENT_USERINFO_SUBJECT})
BODY = frozenset({FaultName.TRUNCATED_JSON, FaultName.HUGE_BODY, FaultName.GARBAGE, FaultName.ERROR_IN_200})
ID_TOKEN = frozenset(FaultName) - {*AVAILABILITY} - PERSON - REDIRECT - CLAIMS - USERINFO - BODY


def endpoints_of(name: FaultName) -> frozenset[Endpoint]:
    """Where this fault makes sense."""
    if name in AVAILABILITY:
        return _ANYWHERE
    if name in PERSON or name in REDIRECT:
        return frozenset({"authorize"})
    if name in BODY:
        return _JSON
    if name in CLAIMS:
        return _CLAIMS
    return frozenset({"userinfo"}) if name in USERINFO else frozenset({"token"})


CATALOGUE: dict[str, frozenset[Endpoint]] = {name: endpoints_of(name) for name in FaultName}
