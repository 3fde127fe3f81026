from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.egress import Egress
from tests.connectors.door import Door
from tests.connectors.saml.office import OUR_PAIR, Office, pem_of, running


@pytest.fixture(scope="session")
def _office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    clients_file = tmp_path_factory.mktemp("tax") / "clients.json"
    with running(clients_file) as issuer:
        yield issuer, clients_file


@pytest.fixture
def office(_office: tuple[str, Path], _egress: Egress) -> Iterator[Office]:
    """The office, honest, and our side of it, which knows nothing yet."""
    office = Office(_office[0], Door(_egress, signing_key=pem_of(OUR_PAIR)), _office[1])
    yield office
    office.honest()
