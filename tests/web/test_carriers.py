"""A card's code as a drawing, a picture and print: large enough, crisp, and the words with all their marks."""

from __future__ import annotations

import io
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from idp.web import paper, qr
from tests.journeys.cards import picture, printed, scanned, words_of

STANDARD = "6BF" + "MOTCUA-0123456" * 31  # as long as a card with everything on it may be: version 13
CARD = paper.PaperCard(
    code=STANDARD, brand="Một Cửa", number="7KQ2MX9HTRB4", name="Nguyễn Thị Ánh Nguyệt",
    birth_date=date(1987, 2, 4), expires_on=date(2027, 11, 21), counter="https://id.gov.example/counter",
)  # fmt: skip
ALL_LETTERS = "Ắ Ằ Ẳ Ẵ Ặ Ấ Ầ Ẩ Ẫ Ậ Đ Ế Ề Ể Ễ Ệ Ố Ồ Ổ Ỗ Ộ Ớ Ờ Ở Ỡ Ợ Ứ Ừ Ử Ữ Ự Ỳ Ỵ Ỷ Ỹ Ý"


def test_the_code_has_its_quiet_zone_on_each_side() -> None:
    rows = qr.squares(STANDARD)
    assert len(rows) == 13 * 4 + 17 + 2 * 4
    for side in (rows, list(zip(*rows, strict=True))):
        assert not any(map(any, [*side[:4], *side[-4:]]))
        assert any(side[4]) and any(side[-5])


def test_a_picture_has_eight_dots_for_each_module_and_two_colours() -> None:
    data = qr.as_png(STANDARD)
    drawn = Image.open(io.BytesIO(data))
    assert drawn.mode == "1" and drawn.size == (77 * 8, 77 * 8)
    assert scanned(picture(data)) == STANDARD


def test_a_drawing_is_black_on_white_and_has_a_size_to_be_printed_in() -> None:
    drawing = qr.as_svg(STANDARD).decode()
    assert 'width="30.8mm" height="30.8mm" viewBox="0 0 77 77"' in drawing
    assert 'fill="#fff" d="M0 0h77v77H0z"' in drawing
    assert not re.search(r"style=|<script|href", drawing)


def test_a_card_is_of_the_size_that_all_wallets_have() -> None:
    document = pypdfium2.PdfDocument(paper.as_pdf(CARD))
    sizes = [tuple(points / 72 * 25.4 for points in page.get_size()) for page in document]
    assert sizes == [pytest.approx((85.6, 53.98), abs=0.01)] * 2


@pytest.mark.parametrize("characters, least_mm", [(432, 0.55), (1_100, 0.37)])
def test_the_modules_are_large_enough_for_the_longest_card_of_each_sort(characters: int, least_mm: float) -> None:
    """Measured on what is printed; 0.33 mm are needed."""
    card = replace(CARD, code="A1B2C3D4E5" * (characters // 10))
    [found] = zxingcpp.read_barcodes(printed(paper.as_pdf(card), 300)[1])
    assert found.text == card.code
    across = found.position.top_right.x - found.position.top_left.x
    assert across / 300 * 25.4 / (len(qr.squares(card.code)) - 8) >= least_mm


def test_a_code_that_would_not_be_read_off_paper_is_not_printed() -> None:
    with pytest.raises(paper.TooLarge):
        paper.as_pdf(replace(CARD, code="A" * 2_500))


def test_every_vietnamese_letter_is_set_by_a_font_that_is_in_the_file() -> None:
    """Also where a name comes in single marks, and where it is so long that its letters have to be small."""
    data = paper.as_pdf(replace(CARD, name=ALL_LETTERS))
    assert ALL_LETTERS in words_of(data)[0].replace("\ufffe", "")
    assert CARD.name in words_of(paper.as_pdf(replace(CARD, name=unicodedata.normalize("NFD", CARD.name))))[0]
    fonts = set(re.findall(rb"/BaseFont /([A-Za-z0-9+-]+)", data))
    assert fonts and all(b"+BeVietnamPro" in font for font in fonts), fonts
    assert data.count(b"/FontFile2") >= 2


def test_the_same_card_is_the_same_file_also_when_many_are_printed_at_once() -> None:
    cards = [replace(CARD, name=f"{CARD.name} {letter}") for letter in ALL_LETTERS.split()[:8]]
    alone = [paper.as_pdf(card) for card in cards]
    with ThreadPoolExecutor(4) as printers:
        assert list(printers.map(paper.as_pdf, cards)) == alone
