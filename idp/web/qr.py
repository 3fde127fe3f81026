"""A QR code as squares, and as a drawing or a picture of them: level M, with its quiet zone, black on white."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

QUIET_MODULES = 4  # white on each side (ISO/IEC 18004 section 6.3.8)
PIXELS = 8  # of a module
MODULE_MM = 0.4  # where a drawing or a picture is printed as it comes
REMEMBERED_CODES = 64  # to find the squares takes 60 ms, and whoever looks at a card often takes it along as well
_DARK = re.compile(b"\x01+")
_TO_GREY = bytes.maketrans(b"\x00\x01", b"\xff\x00")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A code for a page: so many modules wide and high, the dark ones as the `d` of a path."""

    modules: int
    path: str


@lru_cache(REMEMBERED_CODES)
def squares(text: str, mask: int | None = None) -> tuple[bytes, ...]:
    """The code row by row with its quiet zone: 1 is dark, 0 is light. Without a mask, the best of eight is found."""
    import qrcode  # with Pillow behind it, eleven megabytes: workers that show no code do without
    from qrcode.constants import ERROR_CORRECT_M

    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_MODULES, mask_pattern=mask)
    code.add_data(text, optimize=0)
    return tuple(bytes(map(bool, row)) for row in code.get_matrix())


def runs(text: str, mask: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Dark modules that lie beside each other: the first one's column and row, from above, and how many they are."""
    for row, line in enumerate(squares(text, mask)):
        for found in _DARK.finditer(line):
            yield found.start(), row, found.end() - found.start()


def drawing(text: str, mask: int | None = None) -> Drawing:
    path = "".join(f"M{column} {row}h{length}v1h-{length}z" for column, row, length in runs(text, mask))
    return Drawing(modules=len(squares(text, mask)), path=path)


def as_svg(text: str) -> bytes:
    """The code as a file."""
    drawn = drawing(text)
    modules, side = drawn.modules, f"{drawn.modules * MODULE_MM:.1f}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {modules} {modules}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{modules}v{modules}H0z"/>'
        f'<path d="{drawn.path}"/></svg>\n'
    ).encode()


def as_png(text: str) -> bytes:
    """The code as a picture of two colours."""
    from PIL import Image

    lines = squares(text)
    side = len(lines)
    picture = Image.frombytes("L", (side, side), b"".join(lines).translate(_TO_GREY))
    picture = picture.convert("1").resize((side * PIXELS, side * PIXELS), Image.Resampling.NEAREST)
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True, dpi=(PIXELS * 25.4 / MODULE_MM,) * 2)
    return written.getvalue()
