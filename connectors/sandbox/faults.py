"""How a source can be told to fail or to lie, for whom, where, and how often.

One fault is one JSON object; everything but `fault` may be left out:

    {"fault": "expired", "endpoint": "token", "citizen": "001090000101", "times": 1}

`endpoint` narrows a fault that makes sense at several; `citizen` (personal number or index) to one person; `times`
to the next so many answers. `slow` takes `seconds`; `down` takes `close` (true: the connection breaks,
else 503); `missing_claim` takes `claim`. Of several faults of one sort the oldest strikes first, alone.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.citizen import Citizen

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
CLAIMS = frozenset({FaultName.MISSING_CLAIM, FaultName.EMPTY_SUBJECT, FaultName.LOWER_LEVEL})
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


class Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: FaultName
    endpoint: Endpoint | None = None
    citizen: str | int | None = None
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=5, gt=0, le=120)
    close: bool = False
    claim: str = ""


@dataclass
class _Active:
    id: int
    fault: Fault
    left: int | None


class Faults:
    """The faults that are set, for all threads. `resolve` finds whom a fault's `citizen` means."""

    def __init__(self, resolve: Callable[[str], Citizen | None]) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()
        self._active: list[_Active] = []
        self._ids = itertools.count(1)

    def add(self, values: Mapping[str, Any]) -> int:
        """The new fault's id; raises ValueError for a fault that could never strike."""
        fault = Fault.model_validate(values)
        if fault.endpoint is not None and fault.endpoint not in endpoints_of(fault.fault):
            raise ValueError(f"{fault.fault} cannot happen at {fault.endpoint}")
        if (fault.fault is FaultName.MISSING_CLAIM) != bool(fault.claim):
            raise ValueError("missing_claim, and only missing_claim, needs the name of a claim")
        if fault.citizen is not None:
            citizen = self._resolve(str(fault.citizen))
            if citizen is None:
                raise ValueError("there is no such citizen")
            fault = fault.model_copy(update={"citizen": citizen.personal_number})
        with self._lock:
            active = _Active(id=next(self._ids), fault=fault, left=fault.times)
            self._active.append(active)
        return active.id

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"id": one.id, "left": one.left, **one.fault.model_dump(mode="json", exclude_defaults=True)}
                for one in self._active
            ]

    def remove(self, fault_id: int | None = None) -> int:
        """How many faults were removed: the one with this id, or all."""
        with self._lock:
            kept = [one for one in self._active if fault_id is not None and one.id != fault_id]
            removed = len(self._active) - len(kept)
            self._active = kept
            return removed

    def strike(self, names: Iterable[FaultName], endpoint: Endpoint, citizen: Citizen | None = None) -> Fault | None:
        """The oldest of these faults that applies, counted as told once; `citizen` is whose request this is."""
        return self._strike(names, endpoint, (None,) if citizen is None else (None, citizen.personal_number))

    def strike_person(self, names: Iterable[FaultName], endpoint: Endpoint, citizen: Citizen) -> Fault | None:
        """The same, among the faults set for this very person only."""
        return self._strike(names, endpoint, (citizen.personal_number,))

    def strike_explicit(self, names: Iterable[FaultName], endpoint: Endpoint, citizen: Citizen) -> Fault | None:
        """The same, among the faults that name this endpoint."""
        return self._strike(names, endpoint, (None, citizen.personal_number), explicit=True)

    def _strike(
        self, names: Iterable[FaultName], endpoint: Endpoint, whose: tuple[str | None, ...], explicit: bool = False
    ) -> Fault | None:
        wanted = frozenset(names)
        with self._lock:
            for one in self._active:
                fault = one.fault
                here = fault.endpoint == endpoint or (
                    fault.endpoint is None and not explicit and endpoint in endpoints_of(fault.fault)
                )
                if fault.fault in wanted and here and fault.citizen in whose:
                    self._count(one)
                    return fault
        return None

    def _count(self, one: _Active) -> None:
        if one.left is not None:
            one.left -= 1
            if one.left == 0:
                self._active.remove(one)
