"""How a source can be told to fail or to lie, for whom, where, and how often.

One fault is one JSON object; everything but `fault` may be left out:

    {"fault": "expired", "endpoint": "token", "citizen": "001090000101", "times": 1}

`endpoint` narrows a fault that makes sense at several; `citizen` (personal number or index) to one person; `times`
to the next so many answers. `slow` takes `seconds`; `down` takes `close` (true: the connection breaks,
else 503); `missing_claim` takes `claim`; `other_claims` takes `claims`, by name: what the source has on file instead,
null for what it does not say. Of several faults of one sort the oldest strikes first, alone.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.citizen import Citizen

SLOW, DOWN = AVAILABILITY = ("slow", "down")  # every source knows these
MISSING_CLAIM = "missing_claim"
OTHER_CLAIMS = "other_claims"


class Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str
    endpoint: str | None = None
    citizen: str | int | None = None
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=5, gt=0, le=120)
    close: bool = False
    claim: str = ""
    claims: dict[str, Any] = Field(default_factory=dict)

    def changed(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What is said, with what the fault puts in its place."""
        return {name: value for name, value in {**said, **self.claims}.items() if value is not None}


@dataclass
class _Active:
    id: int
    fault: Fault
    left: int | None


class Faults:
    """The faults that are set, for all threads.

    `resolve` finds whom a fault's `citizen` means; `catalogue` lists the faults that this source knows, and at which of
    its endpoints each makes sense.
    """

    def __init__(self, resolve: Callable[[str], Citizen | None], catalogue: Mapping[str, Collection[str]]) -> None:
        self._resolve = resolve
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._active: list[_Active] = []
        self._ids = itertools.count(1)

    def add(self, values: Mapping[str, Any]) -> int:
        """The new fault's id; raises ValueError for a fault that could never strike."""
        fault = Fault.model_validate(values)
        if fault.fault not in self._catalogue:
            raise ValueError(f"{fault.fault} is none of {', '.join(self._catalogue)}")
        if fault.endpoint is not None and fault.endpoint not in self._catalogue[fault.fault]:
            raise ValueError(f"{fault.fault} cannot happen at {fault.endpoint}")
        if (fault.fault == MISSING_CLAIM) != bool(fault.claim):
            raise ValueError("missing_claim, and only missing_claim, needs the name of a claim")
        if (fault.fault == OTHER_CLAIMS) != bool(fault.claims):
            raise ValueError("other_claims, and only other_claims, needs claims")
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

    def strike(self, names: Iterable[str], endpoint: str, citizen: Citizen | None = None) -> Fault | None:
        """The oldest of these faults that applies, counted as told once; `citizen` is whose request this is."""
        return self._strike(names, endpoint, (None,) if citizen is None else (None, citizen.personal_number))

    def strike_person(self, names: Iterable[str], endpoint: str, citizen: Citizen) -> Fault | None:
        """The same, among the faults set for this very person only."""
        return self._strike(names, endpoint, (citizen.personal_number,))

    def strike_explicit(self, names: Iterable[str], endpoint: str, citizen: Citizen) -> Fault | None:
        """The same, among the faults that name this endpoint."""
        return self._strike(names, endpoint, (None, citizen.personal_number), explicit=True)

    def _strike(
        self, names: Iterable[str], endpoint: str, whose: tuple[str | None, ...], explicit: bool = False
    ) -> Fault | None:
        wanted = frozenset(names)
        with self._lock:
            for one in self._active:
                fault = one.fault
                here = fault.endpoint == endpoint or (
                    fault.endpoint is None and not explicit and endpoint in self._catalogue[fault.fault]
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
