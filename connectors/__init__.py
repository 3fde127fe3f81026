"""The sources' protocols. `base` is the contract; `KINDS` lists what can be configured, loaded when first read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Kind

    KINDS: dict[str, Kind]

__all__ = ["KINDS", "kinds"]


def kinds(*, conformance: bool) -> dict[str, Kind]:
    """What can be configured; test people only in the provider's conformance mode."""
    if not conformance:
        return _kinds()
    from connectors import conformance as test_people

    return _kinds() | {test_people.KIND.name: test_people.KIND}


@cache
def _kinds() -> dict[str, Kind]:
    from connectors import banking, business, certificate, insurance, population, population_register, tax

    kinds = (
        banking.KIND,
        population.KIND,
        population_register.KIND,
        business.KIND,
        tax.KIND,
        insurance.KIND,
        certificate.KIND,
    )
    return {kind.name: kind for kind in kinds}


def __getattr__(name: str) -> dict[str, Kind]:
    # Whoever imports `connectors.base`, and that is nearly everybody, should not pay for cryptography.
    if name == "KINDS":
        return _kinds()
    raise AttributeError(name)
