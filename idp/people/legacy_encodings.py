"""Names written for fonts of before Unicode, and read as Latin letters: "NguyÔn V¨n Hïng", "Nguyeãn Vaên Huøng".

TCVN3 (TCVN 5712:1993, third set; fonts .VnTime) has a byte for each letter, and capitals only for letters without a
tone: fonts .VnTimeH draw the others as capitals. VNI for Windows has the marks as bytes of their own behind the vowel.
Both stand at A1 and above, where Latin-1 and Windows-1252 are the same.
"""

from __future__ import annotations

import re
import unicodedata

from idp.people.family_names import CLANS
from idp.people.syllables import is_well_spelled, placed

_GRAVE, _ACUTE, _TILDE, _HOOK, _DOT = "\u0300\u0301\u0303\u0309\u0323"
_CIRCUMFLEX, _BREVE = "\u0302\u0306"
_BEYOND_LATIN_1 = re.compile("[^\x00-\xff]")

# First byte, and the letters from there on.
_TCVN3_BLOCKS = (
    (0xA1, "ĂÂÊÔƠƯĐăâêôơưđ"), (0xB5, "àảãáạ"), (0xBB, "ằẳẵắ"), (0xC6, "ặầẩẫấậè"), (0xCE, "ẻẽéẹềểễếệìỉ"),
    (0xDC, "ĩíịò"), (0xE1, "ỏõóọồổỗốộờởỡớợù"), (0xF1, "ủũúụừửữứựỳỷỹýỵ"),
)  # fmt: skip
TCVN3 = {chr(first + place): letter for first, block in _TCVN3_BLOCKS for place, letter in enumerate(block)}

# What a byte means by itself, and behind which vowels it is which mark.
_VNI_LETTERS = {"ô": "ơ", "ö": "ư", "ñ": "đ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_MARKS = (
    ("aeouôö", {"ù": _ACUTE, "ø": _GRAVE, "û": _HOOK, "õ": _TILDE, "ï": _DOT}),
    ("y", {"ù": _ACUTE, "ø": _GRAVE, "û": _HOOK, "õ": _TILDE}),
    ("aeo", {"â": "", "á": _ACUTE, "à": _GRAVE, "å": _HOOK, "ã": _TILDE, "ä": _DOT}),
    ("a", {"ê": "", "é": _ACUTE, "è": _GRAVE, "ú": _HOOK, "ü": _TILDE, "ë": _DOT}),
)
_VNI_HATS = ("", "", _CIRCUMFLEX, _BREVE)


def _vni_table() -> dict[str, str]:
    table = dict(_VNI_LETTERS)
    for (vowels, marks), hat in zip(_VNI_MARKS, _VNI_HATS, strict=True):
        for vowel in vowels:
            for byte, tone in marks.items():
                table[vowel + byte] = unicodedata.normalize("NFC", _VNI_LETTERS.get(vowel, vowel) + hat + tone)
    # Behind a capital the mark may be a small one all the same: AÙnh, Aùnh.
    mixed = {code.capitalize(): letter.upper() for code, letter in table.items()}
    return table | mixed | {code.upper(): letter.upper() for code, letter in table.items()}


VNI = _vni_table()
_TCVN3_LETTERS = str.maketrans(TCVN3)
_VNI_CODE = re.compile("|".join(sorted(VNI, key=len, reverse=True)))


def repaired(name: str) -> str:
    """The name as it was meant, if it was written for TCVN3 or VNI fonts; any other name as it is.

    It was, if some word can be no Vietnamese name as it stands, and each word with a letter beyond ASCII is a well
    spelled syllable (or a clan's name) in one of the two encodings, and in one alone. A name whose every word may be
    meant as it stands is left so, though it may not be ("Lê" is TCVN3 for "Lờ", "Hoà" VNI for "Hồ").
    """
    if name.isascii() or _BEYOND_LATIN_1.search(name):
        return name
    words = [word for word in name.split() if not word.isascii()]
    if all(placed(_stem(word)) for word in words):
        return name
    readings = [read for read in (_from_tcvn3, _from_vni) if all(_is_well_spelled(read(word)) for word in words)]
    return _capitals_restored(readings[0](name), name) if len(readings) == 1 else name


def _is_well_spelled(word: str) -> bool:
    stem = _stem(word)
    return is_well_spelled(stem) or stem in CLANS


def _stem(word: str) -> str:
    return word.lower().removeprefix("h'")  # H'Rê: the particle in front of a given name


def _from_tcvn3(text: str) -> str:
    return text.translate(_TCVN3_LETTERS)


def _from_vni(text: str) -> str:
    return _VNI_CODE.sub(lambda code: VNI[code[0]], text)


def _capitals_restored(name: str, as_sent: str) -> str:
    """In capitals where it was plainly typed so: in TCVN3's fonts for capitals most vowels are small letters' bytes."""
    plain = ["".join(each for each in word if each.isascii() and each.isalpha()) for word in as_sent.split()]
    is_plain = any(len(word) > 1 for word in plain) and all(word.isupper() for word in plain if word)
    return name.upper() if is_plain else name
