"""What becomes of a thread's connection when the thread ends: another one closes it.

Servers end threads that are idle. While such a thread is taken down, whatever it kept for itself is let go, and on
Python 3.11 the whole process falls if that leads from C back into Python: as SQLite does, which gives back at the end
the functions that were added to a connection (github.com/python/cpython/issues/119585).
"""

from __future__ import annotations

import weakref
from collections import deque
from contextlib import suppress
from typing import Any

Left = deque[Any]  # connections whose threads have ended


class End:
    """Kept where nothing but its thread keeps it; when it goes, the connection is left to whoever closes all."""

    __slots__ = ("__weakref__",)

    def __init__(self, owner: object, left: Left, connection: Any) -> None:
        weakref.finalize(self, _leave, weakref.ref(owner), left, connection)


def close_all(left: Left) -> None:
    """Every connection that was left by now is closed."""
    with suppress(IndexError):
        while True:
            left.popleft().close()


def _leave(owner: weakref.ref[object], left: Left, connection: Any) -> None:
    left.append(connection)
    if owner() is None:  # nobody will come to close it, and it is not a thread that ends, but all of this
        close_all(left)
