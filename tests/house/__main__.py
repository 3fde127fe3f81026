"""`./run docs`: write the generated pages, and tell what the checkers find."""

from __future__ import annotations

import sys

from tests import house
from tests.house import generated

generated.write()
root = generated.ROOT
faults = [fault for check in house.__all__ for fault in getattr(house, check)(root)]
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
