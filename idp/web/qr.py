"""QR codes as drawings within a page, which need neither an image nor a style."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

QUIET_MODULES = 4  # around the code, ISO/IEC 18004 section 9.1
# To try all eight and take the best costs five times as much. Our texts are chance, under which all are alike.
MASK = 3


def drawn(text: str, name: str) -> Markup:
    """An SVG element with the text as a QR code of level M, black on white in any scheme, with a name to be heard."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_MODULES, mask_pattern=MASK)
    code.add_data(text, optimize=0)
    rows = code.get_matrix()
    path = "".join(_bars(row, y) for y, row in enumerate(rows))
    return Markup(
        '<svg class="qr" role="img" aria-label="{name}" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        '<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
    ).format(name=name, side=len(rows), path=path)


def _bars(row: list[bool], y: int) -> str:
    """The dark runs of a row as parts of a path."""
    bars, x = "", 0
    for dark, run in groupby(row, key=bool):
        width = len(list(run))
        bars += f"M{x} {y}h{width}v1h-{width}z" if dark else ""
        x += width
    return bars
