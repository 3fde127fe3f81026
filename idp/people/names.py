"""Names compared: spelling habits fall away, different names stay different."""

from __future__ import annotations

import unicodedata

_D_WITH_STROKE = str.maketrans({"đ": "d", "Đ": "d", "Ð": "d", "ð": "d"})


def folded(name: str) -> str:
    """The name without marks, case and extra spaces, as a bank's old mainframe would have it.

    NFD takes the marks off all Vietnamese letters but đ; Ð (Icelandic eth) is often typed in its place.
    """
    bare = unicodedata.normalize("NFD", name.translate(_D_WITH_STROKE))
    without_marks = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join(without_marks.casefold().split())
