"""The walls of the house (README, "How the house is built"), as functions from a source tree to the faults in it.

Every fault is one line, `path:line: what is wrong`, that a person can act upon. None of it imports what it checks.
"""

from __future__ import annotations

from tests.house.documents import document_faults
from tests.house.owners import ownership_faults
from tests.house.pages import page_faults
from tests.house.sizes import size_faults
from tests.house.walls import wall_faults

__all__ = ["document_faults", "ownership_faults", "page_faults", "size_faults", "wall_faults"]
