"""How well a printed code is read: drawn, spoilt as paper, light and cameras spoil it, and read again by zxing-cpp.

Needs the extra `scanning`. Lengths are in modules, the dark and light squares of a code: they hold for any size.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy
import qrcode
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from qrcode.constants import ERROR_CORRECT_M

from idp import clock
from idp.entropy import Repeatable

PIXELS = 3  # of a module: fewer are not promised
BORDER = 4
_FORMATS = zxingcpp.barcode_formats_from_str("QRCode")
_FAR = 3.0  # how far away the camera is, in widths of the code

Picture = Image.Image


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """`blur`: sigma in modules; `noise`: sigma of 255; `tilt`: degrees; `jpeg`: quality, 0 is none; `shade`: how much
    of the light is lost at one edge; `covered`: part of the area, anywhere but on the three corners that find the code.
    """

    blur: float = 0
    noise: float = 0
    tilt: float = 0
    jpeg: int = 0
    shade: float = 0
    covered: float = 0


@dataclass(frozen=True, kw_only=True)
class Cell:
    name: str
    spoilt: Spoilt
    wanted: float  # part of the frames that must be read


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """Of so many frames, how many were read at once, and how many by the ladder; times in milliseconds."""

    name: str
    frames: int
    plain: int
    read: int
    wanted: float
    p50: float
    p99: float


CELLS = (
    Cell(name="clean", spoilt=Spoilt(), wanted=0.99),
    Cell(name="blur 0.4", spoilt=Spoilt(blur=0.4), wanted=0.99),
    Cell(name="noise 20", spoilt=Spoilt(noise=20), wanted=0.99),
    Cell(name="tilt 30", spoilt=Spoilt(tilt=30), wanted=0.99),
    Cell(name="JPEG 30", spoilt=Spoilt(jpeg=30), wanted=0.99),
    Cell(name="shade 60 %", spoilt=Spoilt(shade=0.6), wanted=0.99),
    Cell(name="covered 3 %", spoilt=Spoilt(covered=0.03), wanted=0.99),
    Cell(name="blur 0.6", spoilt=Spoilt(blur=0.6), wanted=0.90),
    Cell(name="light", spoilt=Spoilt(blur=0.3, noise=8, shade=0.3, tilt=20, jpeg=70), wanted=0.97),
    Cell(name="hard", spoilt=Spoilt(blur=0.4, noise=15, tilt=25, jpeg=50), wanted=0.90),
)


def scan(cell: Cell, texts: Sequence[str], frames: int, seed: int) -> Scanned:
    """So many frames of these codes, each spoilt anew, are read; a wrong text counts as none."""
    chance = Repeatable(seed)
    drawn = [draw(text) for text in texts]
    plain, found, times = 0, 0, []
    for at in range(frames):
        picture = spoil(drawn[at % len(texts)], cell.spoilt, chance)
        began = clock.monotonic()
        text, rung = read(picture)
        times.append(1_000 * (clock.monotonic() - began))
        if text == texts[at % len(texts)]:
            found += 1
            plain += rung == 0
    times.sort()
    return Scanned(
        name=cell.name, frames=frames, plain=plain, read=found, wanted=cell.wanted, p50=times[frames // 2],
        p99=times[frames * 99 // 100],
    )  # fmt: skip


def draw(text: str) -> Picture:
    """The code at level M, with its quiet zone, and some paper around it."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=BORDER)
    code.add_data(text, optimize=0)
    modules = numpy.array(code.get_matrix(), dtype=bool)
    pixels = numpy.where(modules, 25, 235).astype(numpy.uint8)
    return Image.fromarray(pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1))


def spoil(picture: Picture, how: Spoilt, chance: Repeatable) -> Picture:
    """As a camera would see it, in the order in which it happens: paper, place, light, lens, chip, file."""
    if how.covered:
        picture = _covered(picture, how.covered, chance)
    if how.tilt:
        picture = _tilted(picture, how.tilt, chance.uniform(0, 2 * math.pi))
    if how.shade:
        picture = _shaded(picture, how.shade, chance.uniform(0, 2 * math.pi))
    if how.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(how.blur * PIXELS))
    if how.noise:
        picture = _noisy(picture, how.noise, chance)
    if how.jpeg:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=how.jpeg)
        picture = Image.open(packed).convert("L")
    return picture


def read(picture: Picture, rungs: int | None = None) -> tuple[str | None, int]:
    """The text of the code, and on which rung of the ladder it was found; None where it was not on so many."""
    for rung, prepared in enumerate(_LADDER[:rungs]):
        found = zxingcpp.read_barcodes(numpy.asarray(prepared(picture)), formats=_FORMATS)
        if found:
            return str(found[0].text), rung
    return None, len(_LADDER)


def _sharp(percent: int, radius: float) -> ImageFilter.UnsharpMask:
    return ImageFilter.UnsharpMask(radius=radius, percent=percent, threshold=0)


def _larger(picture: Picture, times: int = 2) -> Picture:
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.BICUBIC)


# From what costs least to what helps when nothing else does.
_LADDER: tuple[Callable[[Picture], Picture], ...] = (
    lambda picture: picture,
    lambda picture: picture.filter(_sharp(300, PIXELS * 0.6)),
    _larger,
    lambda picture: _larger(picture).filter(_sharp(250, PIXELS)),
    lambda picture: _larger(picture.filter(ImageFilter.GaussianBlur(0.6))).filter(_sharp(400, PIXELS * 1.2)),
    lambda picture: _larger(picture.filter(ImageFilter.GaussianBlur(0.9)), 3).filter(_sharp(500, PIXELS * 2)),
    lambda picture: _larger(picture, 3).filter(_sharp(800, PIXELS * 2.5)),
)


def _covered(picture: Picture, part: float, chance: Repeatable) -> Picture:
    """A square blot on the data: dark or light, and never on a corner that finds the code."""
    inside = picture.width - 2 * BORDER * PIXELS
    side, corner = int(inside * math.sqrt(part)), 9 * PIXELS
    while True:
        left, top = (chance.randint(0, inside - side) for _ in range(2))
        by_left, by_right = left < corner, left + side > inside - corner
        by_top, by_bottom = top < corner, top + side > inside - corner
        if not ((by_left and by_top) or (by_right and by_top) or (by_left and by_bottom)):
            break
    covered = picture.copy()
    place = (BORDER * PIXELS + left, BORDER * PIXELS + top)
    covered.paste(chance.choice((20, 128, 235)), (*place, place[0] + side, place[1] + side))
    return covered


def _tilted(picture: Picture, degrees: float, axis: float) -> Picture:
    """Turned out of the plane about an axis through the middle, and seen from in front; paper goes on around it."""
    size, half = picture.width, picture.width / 2
    lean = math.radians(degrees)
    across, along = (-math.sin(axis), math.cos(axis)), (math.cos(axis), math.sin(axis))

    def seen(x: float, y: float) -> tuple[float, float]:
        u, v = (x - half) * across[0] + (y - half) * across[1], (x - half) * along[0] + (y - half) * along[1]
        nearer = 1 + u * math.sin(lean) / (_FAR * size)
        u, v = u * math.cos(lean) / nearer, v / nearer
        return half + u * across[0] + v * along[0], half + u * across[1] + v * along[1]

    corners = [(0.0, 0.0), (size, 0.0), (size, size), (0.0, size)]
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, _perspective([seen(*corner) for corner in corners], corners),
        Image.Resampling.BICUBIC, fillcolor=235,
    )  # fmt: skip


def _perspective(seen: Sequence[tuple[float, float]], drawn: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The eight numbers by which each place that is seen finds the one that was drawn."""
    rows, ends = [], []
    for (x, y), (u, v) in zip(seen, drawn, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        ends += [u, v]
    return tuple(float(number) for number in numpy.linalg.solve(numpy.array(rows), numpy.array(ends)))


def _shaded(picture: Picture, part: float, direction: float) -> Picture:
    y, x = numpy.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    slope = (x * math.cos(direction) + y * math.sin(direction)) / math.sqrt(2)
    return _picture(numpy.asarray(picture) * (1 - part * (slope + 1) / 2))


def _noisy(picture: Picture, sigma: float, chance: Repeatable) -> Picture:
    pixels = numpy.asarray(picture, dtype=float)
    return _picture(pixels + numpy.random.default_rng(chance.getrandbits(64)).normal(0, sigma, pixels.shape))


def _picture(pixels: NDArray[numpy.float64]) -> Picture:
    return Image.fromarray(cast("NDArray[numpy.uint8]", pixels.clip(0, 255).astype(numpy.uint8)))
