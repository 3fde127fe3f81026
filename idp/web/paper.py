"""A card on paper, as a PDF: both sides of what fits every wallet, with the code large enough for any camera."""

from __future__ import annotations

import io
import threading
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from idp.web import qr
from idp.web.language import Language, format_date, text

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

WIDTH_MM, HEIGHT_MM = 85.6, 53.98  # ISO/IEC 7810, ID-1
MARGIN_MM = 4.5
CODE_MM = 44.0  # with its quiet zone, where its modules do not come out larger than LARGEST_MODULE_MM
LARGEST_MODULE_MM = 0.6
SMALLEST_MODULE_MM = 0.33  # below that printers blur them
_POINTS = 72 / 25.4  # of a millimetre
_DEEP, _SOFT, _INK, _WHITE = 0x0F4A4D, 0x46595A, 0x14282A, 0xFFFFFF
_NON_ZERO = 1  # where two areas lie over each other it is dark (ISO 32000-1 section 8.5.3.3.2)
_FONTS = "fontpkg_be_vietnam_pro"
_PLAIN, _BOLD = "BeVietnamPro-Regular", "BeVietnamPro-SemiBold"
_OTHER: dict[Language, Language] = {"vi": "en", "en": "vi"}
# What ReportLab knows of a font, and which letters of it a document uses, is the whole process's; it promises nothing
# to threads that share it.
_one_at_a_time = threading.Lock()


class TooLarge(ValueError):
    """The code has more modules than can be printed on a card so that they are read."""


@dataclass(frozen=True, kw_only=True)
class PaperCard:
    """`code` is the text of the code. `counter` is the address at which anybody can check it."""

    code: str
    brand: str
    number: str
    name: str
    birth_date: date | None
    expires_on: date
    counter: str


def as_pdf(card: PaperCard, language: Language = "vi") -> bytes:
    """Two pages, front and back; the same bytes for the same card. Raises TooLarge."""
    from reportlab.pdfgen.canvas import Canvas  # four megabytes, for what few people ask for

    module_mm = _module_mm(card.code)
    written = io.BytesIO()
    with _one_at_a_time:
        _fonts()
        canvas = Canvas(
            written, pagesize=(WIDTH_MM * _POINTS, HEIGHT_MM * _POINTS), invariant=True, pageCompression=1,
            lang=language, initialFontName=_PLAIN,  # type: ignore[arg-type]  # types-reportlab takes it for a number
        )  # fmt: skip
        canvas.setTitle(f"{text(language, 'paper.title')} – {card.brand}")
        canvas.setAuthor(card.brand)
        canvas.setViewerPreference("PrintScaling", "None")  # a module is as large as it says only then
        sheet = _Sheet(canvas, language)
        _front(sheet, card)
        canvas.showPage()
        _back(sheet, card, module_mm)
        canvas.showPage()
        canvas.save()
    return written.getvalue()


def _module_mm(code: str) -> float:
    module_mm = min(LARGEST_MODULE_MM, CODE_MM / len(qr.squares(code)))
    if module_mm < SMALLEST_MODULE_MM:
        raise TooLarge(f"a module would have {module_mm:.2f} mm")
    return module_mm


@cache
def _fonts() -> None:
    """ReportLab knows our two fonts, which have all Vietnamese letters."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in (_PLAIN, _BOLD):
        found = next(each for each in files(_FONTS).joinpath("files").iterdir() if each.name == f"{name}.ttf")
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(found.read_bytes())))


class _Sheet:
    """One side of the card; lengths are millimetres from its upper left corner, sizes of letters are points."""

    def __init__(self, canvas: Canvas, language: Language) -> None:
        self._canvas = canvas
        self._language = language

    def said(self, message_id: str, **values: object) -> str:
        return text(self._language, message_id, **values)

    def dated(self, value: date) -> str:
        return format_date(self._language, value)

    def area(self, left: float, top: float, width: float, height: float, colour: int) -> None:
        self._canvas.setFillColor(_colour(colour))
        self._canvas.rect(left * _POINTS, self._down(top + height), width * _POINTS, height * _POINTS, stroke=0, fill=1)

    def line(
        self, left: float, top: float, words: str, *, size: float, font: str = _PLAIN, colour: int = _INK,
        width: float | None = None,
    ) -> None:  # fmt: skip
        """Words on one line, whose letters are smaller where they would not fit into `width`."""
        words = unicodedata.normalize("NFC", words)  # the fonts have each letter with its marks, and no marks alone
        if width is not None:
            needed = self._canvas.stringWidth(words, font, size)
            size *= min(1.0, width * _POINTS / needed) if needed else 1.0
        self._canvas.setFillColor(_colour(colour))
        self._canvas.setFont(font, size)
        self._canvas.drawString(left * _POINTS, self._down(top), words)

    def paragraph(
        self, left: float, top: float, words: str, *, size: float, width: float, font: str = _PLAIN, colour: int = _INK
    ) -> float:
        """Words on as many lines as they need; returns where the next may stand."""
        from reportlab.lib.utils import simpleSplit

        for each in simpleSplit(unicodedata.normalize("NFC", words), font, size, width * _POINTS):
            self.line(left, top, each, size=size, font=font, colour=colour, width=width)
            top += size * 1.4 / _POINTS
        return top

    def field(self, left: float, top: float, message_id: str, value: str, *, width: float, size: float = 9) -> None:
        """A value, and above it what it is, in both languages."""
        labels = (self.said(message_id), text(_OTHER[self._language], message_id))
        self.line(left, top, " / ".join(labels), size=5.5, colour=_SOFT, width=width)
        self.line(left, top + 4.2 + (size - 9) / 4, value, size=size, font=_BOLD, width=width)

    def code(self, left: float, top: float, code: str, module_mm: float) -> None:
        """The code as areas without lines, in one filling; each reaches a hair into the one below it, so that no
        viewer leaves white between two rows.
        """
        path = self._canvas.beginPath()
        for column, row, length in qr.runs(code):
            path.rect(
                (left + column * module_mm) * _POINTS, self._down(top + (row + 1.01) * module_mm),
                length * module_mm * _POINTS, 1.01 * module_mm * _POINTS,
            )  # fmt: skip
        self._canvas.setFillColor(_colour(0))
        self._canvas.drawPath(path, stroke=0, fill=1, fillMode=_NON_ZERO)

    def _down(self, top: float) -> float:
        return (HEIGHT_MM - top) * _POINTS


def _front(sheet: _Sheet, card: PaperCard) -> None:
    inner = WIDTH_MM - 2 * MARGIN_MM
    sheet.area(0, 0, WIDTH_MM, 14, _DEEP)
    sheet.line(MARGIN_MM, 6.6, sheet.said("paper.title"), size=12, font=_BOLD, colour=_WHITE, width=inner)
    sheet.line(MARGIN_MM, 11, card.brand, size=7.5, colour=_WHITE, width=inner)
    sheet.field(MARGIN_MM, 19, "claim.name", card.name, width=inner, size=13)
    if card.birth_date is not None:
        sheet.field(MARGIN_MM, 29, "claim.birthdate", sheet.dated(card.birth_date), width=inner / 2 - 2)
    sheet.field(WIDTH_MM / 2, 29, "cards.until", sheet.dated(card.expires_on), width=inner / 2)
    sheet.field(MARGIN_MM, 38, "cards.number", card.number, width=inner)
    sheet.paragraph(MARGIN_MM, 48.2, sheet.said("paper.not_the_proof"), size=6, width=inner, colour=_SOFT)


def _back(sheet: _Sheet, card: PaperCard, module_mm: float) -> None:
    side = len(qr.squares(card.code)) * module_mm
    top = (HEIGHT_MM - side) / 2
    sheet.code(1.5, top, card.code, module_mm)
    left = 1.5 + side + 0.5
    width = WIDTH_MM - left - MARGIN_MM
    down = sheet.paragraph(left, 9, sheet.said("paper.check"), size=8, width=width, font=_BOLD)
    down = sheet.paragraph(left, down + 0.6, sheet.said("paper.check_how"), size=6.5, width=width)
    down = sheet.paragraph(left, down + 0.4, card.counter, size=6.5, width=width, font=_BOLD, colour=_DEEP)
    down = sheet.paragraph(left, down + 1.2, sheet.said("paper.copy"), size=6.5, width=width)
    sheet.paragraph(left, down + 1.2, sheet.said("paper.lost"), size=6.5, width=width)


def _colour(value: int) -> str:
    return f"#{value:06x}"
