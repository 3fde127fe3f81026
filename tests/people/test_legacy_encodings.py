"""Names written for TCVN3 and VNI fonts are read as they were meant, and no proper name is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.population import Population
from idp.people import legacy_encodings
from idp.people.legacy_encodings import repaired
from idp.people.names import strict
from idp.people.syllables import is_well_spelled, placed
from tests.people import spelling
from tests.people.spelling import REPEATABLE, in_tcvn3, in_vni, names

ENCODINGS = [in_tcvn3, in_vni]
REAL = [
    ("NguyÔn V¨n Hïng", "Nguyễn Văn Hùng"), ("Vò Quèc Quý", "Vũ Quốc Quý"), ("TrÇn ThÞ Thu Hµ", "Trần Thị Thu Hà"),
    ("§Æng V\xad¬ng B¶o", "Đặng Vương Bảo"),
    ("Nguyeãn Vaên Huøng", "Nguyễn Văn Hùng"), ("Traàn Thò Thu Haø", "Trần Thị Thu Hà"),
    ("Ñaëng Vöông Baûo", "Đặng Vương Bảo"),
    ("NGUYEÃN VAÊN HUØNG", "NGUYỄN VĂN HÙNG"), ("ÑOÃ AÙNH", "ĐỖ ÁNH"), ("Ñoã Aùnh", "Đỗ Ánh"),
    # Fonts .VnTimeH show small letters as capitals: what was typed with the capitals' key down is in capitals again.
    ("NGUYÔN V¡N HïNG", "NGUYỄN VĂN HÙNG"), ("nguyÔn v¨n hïng", "nguyễn văn hùng"), ("§ç ¸NH", "ĐỖ ÁNH"),
    ("Lª Tó", "Lê Tú"),  # two capitals in front may be names or fonts: as they are
    ("H'Blin Niª", "H'Blin Niê"), ("H'Rª £ban", "H'Rê Êban"), ("Y Khoa Kpaê", "Y Khoa Kpă"),
]  # fmt: skip
LEFT_ALONE = [
    "Nguyễn Văn Hùng", "NGUYEN VAN HUNG", "Lê", "Lê Thanh Hà", "LÊ HÀ", "Hoà", "Hòa Bích", "Sôn", "Lã Bá Tó", "Bùi Ðô",
    "H'Rê", "H'Rê Niê", "Rê Blin", "Y Yuôn Mlô", "Niê", "Êban", "Müller", "René Descartes", "Noël", "Anaïs",
    "José Muñoz", "Søren", "François Hà", "Zoé", "Gal·la", "Lôc", "Quôc", "Nguyên Vân", "Trâ\u0300n", "", "¡",
    "Mª Carmen López",
    "Nguyễn V¨n Hïng",  # half of it Unicode: nobody can tell what happened to it
    "Phan Thò Lan", "Vò Kim Thu",  # Thị in VNI and Vũ in TCVN3, but they may be meant as they stand
    "Thuû",  # Thuỷ in TCVN3 and Thủ in VNI
]  # fmt: skip


@pytest.mark.parametrize("sent, meant", REAL)
def test_a_name_of_the_old_fonts_is_read_as_it_was_meant(sent: str, meant: str) -> None:
    assert repaired(sent) == meant


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_name_that_may_be_meant_as_it_stands_is_left(name: str) -> None:
    assert repaired(name) == name


@REPEATABLE
@given(names(), st.sampled_from([str, str.upper, str.lower]))
def test_no_proper_name_is_touched(name: str, case: Callable[[str], str]) -> None:
    assert repaired(case(name)) == case(name)


@REPEATABLE
@given(names(), st.sampled_from(ENCODINGS))
def test_every_encoded_name_is_repaired_or_could_be_another(name: str, encode: Callable[[str], str]) -> None:
    sent = encode(name)
    beyond = [word for word in sent.split() if not word.isascii()]
    if all(placed(word.lower()) for word in beyond) or _reads_as_both(beyond):
        assert repaired(sent) == sent
    else:
        assert strict(repaired(sent)) == strict(name)


def _reads_as_both(words: list[str]) -> bool:
    tcvn3 = {code: letter for letter, code in spelling.TCVN3.items()}
    vni = sorted(((code, letter) for letter, code in spelling.VNI.items()), key=lambda pair: -len(pair[0]))
    return all(
        is_well_spelled("".join(tcvn3.get(byte, byte) for byte in word).lower())
        and is_well_spelled(_replaced(word, vni).lower())
        for word in words
    )


def _replaced(word: str, pairs: list[tuple[str, str]]) -> str:
    read = ""
    while word:
        code, letter = next(((code, letter) for code, letter in pairs if word.startswith(code)), (word[0], word[0]))
        read, word = read + letter, word[len(code) :]
    return read


@pytest.mark.parametrize("encode, share", [(in_tcvn3, 0.985), (in_vni, 0.975)])
def test_nearly_all_names_of_a_country_come_back_and_none_as_another(
    encode: Callable[[str], str], share: float
) -> None:
    people = {citizen.full_name for citizen in Population(count=1500)}
    sent = {name: encode(name) for name in people if not name.isascii() and "ŭ" not in name}
    read = {name: repaired(text) for name, text in sent.items()}
    assert all(strict(text) == strict(name) or text == sent[name] for name, text in read.items())
    assert sum(strict(text) == strict(name) for name, text in read.items()) >= share * len(sent)


def test_the_tables_are_the_published_ones() -> None:
    assert {letter: code for code, letter in legacy_encodings.TCVN3.items()} == spelling.TCVN3
    assert {code: legacy_encodings.VNI[code] for code in spelling.VNI.values()} == {
        code: letter for letter, code in spelling.VNI.items()
    }
