"""What a personal number tells by itself (Circular 07/2016/TT-BCA, article 7 and annex 1).

PPP C YY RRRRRR      where the birth was registered, century and sex, year, six digits of chance
"""

from __future__ import annotations

import re

PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
FIRST_CENTURY = 1900


def birth_year(number: str) -> int:
    """The year that the number was given for; a corrected birth date leaves the number as it is.

    Raises ValueError for what is no personal number.
    """
    if not PERSONAL_NUMBER.fullmatch(number):
        raise ValueError("a personal number has twelve digits")
    return FIRST_CENTURY + 100 * (int(number[3]) // 2) + int(number[4:6])
