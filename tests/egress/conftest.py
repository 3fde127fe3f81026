from __future__ import annotations

from collections.abc import Iterator

import pytest

from idp.egress import Egress
from tests.egress.asking import limits
from tests.egress.sockets import serve

__all__ = ["serve"]


@pytest.fixture
def egress() -> Iterator[Egress]:
    egress = Egress(limits())
    yield egress
    egress.close()
