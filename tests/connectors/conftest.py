from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm

from connectors.banking import Banking, BankingConfiguration
from connectors.base import Step
from idp.egress import Egress
from tests.connectors.circle import _authority, circle
from tests.connectors.door import LIMITS, Door
from tests.connectors.insured import _insurance, desk, desk_before, insurance, new_desk
from tests.connectors.liar import Liar
from tests.peers.visitor import Visitor

__all__ = ["_authority", "_insurance", "circle", "desk", "desk_before", "insurance", "new_desk"]


@pytest.fixture(scope="session")
def _egress() -> Iterator[Egress]:
    egress = Egress(LIMITS)
    yield egress
    egress.close()


@pytest.fixture
def liar() -> Iterator[Liar]:
    liar = Liar()
    yield liar
    liar.close()


@pytest.fixture
def door(_egress: Egress, liar: Liar) -> Door:
    """Our side, known to the liar by key and by secret."""
    jwk = ECAlgorithm.to_jwk(liar.client.key.private, as_dict=True)
    return Door(_egress, client_key=json.dumps({**jwk, "kid": "client-key"}), client_secret=liar.client.secret)


@pytest.fixture
def plain_door(_egress: Egress) -> Door:
    """Our side, for sources other than the liar."""
    return Door(_egress)


@pytest.fixture
def bank(liar: Liar) -> Banking:
    return Banking(BankingConfiguration(issuer=liar.issuer, client_id=liar.client.client_id))


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    visitor = Visitor()
    yield visitor
    visitor._session.close()


@pytest.fixture
def browse(visitor: Visitor) -> Callable[[str], str]:
    """To the source and, as it asks nobody anything, straight back."""
    return lambda url: visitor.get(url).location


@pytest.fixture
def sign_in(door: Door, bank: Banking, browse: Callable[[str], str]) -> Callable[..., Step]:
    """A sign-in at the liar as a bank."""

    def run(**wishes: Any) -> Step:
        return door.sign_in(bank, browse, **wishes)

    return run
