"""A house to test a room in."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.house import House
from tests.egress.sockets import serve
from tests.sessions.rooms import furnished

__all__ = ["serve"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return furnished(tmp_path)
