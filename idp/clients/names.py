"""Names that portals may register: people read them on our pages, beside our own words."""

from __future__ import annotations

import re
import unicodedata

# Letters and marks that leave no ink, beyond what `str.isprintable` knows: Unicode's Default_Ignorable_Code_Point, as
# far as it is assigned and no format character, and the empty Braille pattern.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
MARKS_AT_ONCE = 2  # as many as a letter of Vietnamese has; a pile of them covers the lines above and below


def checked_name(value: str) -> str:
    """The name, in the form that equal ones share (Unicode's NFC), with nothing in it that turns, hides or breaks what
    stands beside it; raises ValueError.
    """
    name = unicodedata.normalize("NFC", value)
    if not name.isprintable() or name != name.strip() or UNSEEN.search(name):
        raise ValueError("one line of text, without marks that cannot be seen")
    marks = 0
    for sign in unicodedata.normalize("NFD", name):
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        if marks > MARKS_AT_ONCE:
            raise ValueError(f"no letter with more than {MARKS_AT_ONCE} marks")
    return name
