"""Codes in pictures, for counters whose browsers cannot read them; needs the extra `scanning`."""

from __future__ import annotations

import io
from collections.abc import Callable

PICTURE_BYTES = 4 * 1024 * 1024
PIXELS = 16_000_000  # of a picture as it comes
# A small code in a large picture is found at once or not at all; one that is blurred fills the picture, or is hopeless:
# so the whole ladder is for few pixels, and a picture without any code takes a second at most.
LONGEST_SIDE, RUNGS = 1_280, 2
LONGEST_ON_LADDER = 640
KINDS = ("JPEG", "PNG", "WEBP")

Reader = Callable[[bytes], str | None]


class NotAPicture(Exception):
    """These bytes are no picture that can be looked at."""


def picture_reader() -> Reader | None:
    """What tells the text of the code in a picture, or None if there is none in it; raises NotAPicture.

    Itself None where the extra is not installed.
    """
    try:
        from PIL import Image

        from idp.digital_id import scanning
    except ImportError:
        return None

    def read(data: bytes) -> str | None:
        try:
            with Image.open(io.BytesIO(data), formats=KINDS) as picture:
                if picture.width * picture.height > PIXELS:
                    raise NotAPicture
                grey = picture.convert("L")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # whatever the libraries find wrong
            raise NotAPicture from None
        grey.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        text, _ = scanning.read(grey, RUNGS)
        if text is None:
            grey.thumbnail((LONGEST_ON_LADDER, LONGEST_ON_LADDER))
            text, _ = scanning.read(grey)
        return text

    return read
