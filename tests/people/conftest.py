"""A house to test a room in."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.house import House
from tests.sessions.rooms import furnished


@pytest.fixture
def house(tmp_path: Path) -> House:
    return furnished(tmp_path)
