"""What files and fonts do to letters: encodings of the nineties read as if they were Western, look-alikes, the unseen.

TCVN3 (TCVN 5712:1993, with the ABC fonts) has a byte for each small letter with marks, and for a capital with a tone
that of the small one, since capitals were another font. VNI writes the letter and then a byte for its marks. Both
tables are written here as Windows-1252 shows those bytes.
"""

from __future__ import annotations

import re
import unicodedata
from random import Random

from connectors.sandbox.population import below

_TCVN3_ROWS = (
    ("àảãáạ", "µ¶·¸¹"), ("ăằẳẵắặ", "¨»¼½¾Æ"), ("âầẩẫấậ", "©ÇÈÉÊË"), ("đ", "®"), ("èẻẽéẹ", "ÌÎÏÐÑ"),
    ("êềểễếệ", "ªÒÓÔÕÖ"), ("ìỉĩíị", "×ØÜÝÞ"), ("òỏõóọ", "ßáâãä"), ("ôồổỗốộ", "«åæçèé"), ("ơờởỡớợ", "¬êëìíî"),
    ("ùủũúụ", "ïñòóô"), ("ưừửữứự", "\u00adõö÷øù"), ("ỳỷỹýỵ", "úûüýþ"),
)  # fmt: skip
_SMALL = {letter: shown for letters, row in _TCVN3_ROWS for letter, shown in zip(letters, row, strict=True)}
_TCVN3 = str.maketrans(
    _SMALL | {letter.upper(): shown for letter, shown in _SMALL.items()} | dict(zip("ĂÂÊÔƠƯĐ", "¡¢£¤¥¦§", strict=True))
)

_GRAVE, _ACUTE, _TILDE, _HOOK, _DOT = TONES = "\u0300\u0301\u0303\u0309\u0323"
_VNI_PLAIN = {_ACUTE: "ù", _GRAVE: "ø", _HOOK: "û", _TILDE: "õ", _DOT: "ï"}
_VNI_ROOF = {"": "â", _ACUTE: "á", _GRAVE: "à", _HOOK: "å", _TILDE: "ã", _DOT: "ä"}
_VNI_BOWL = {"": "ê", _ACUTE: "é", _GRAVE: "è", _HOOK: "ú", _TILDE: "ü", _DOT: "ë"}
_VNI_ALONE = {"í": "í", "ì": "ì", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î", "đ": "ñ", "ơ": "ô", "ư": "ö"}


def _vni_table() -> dict[int, str]:
    pairs = dict(_VNI_ALONE)
    for vowel in "aeouy":
        pairs |= {vowel + tone: vowel + shown for tone, shown in _VNI_PLAIN.items() if (vowel, tone) != ("y", _DOT)}
    for vowel in "aeo":
        pairs |= {f"{vowel}\u0302{tone}": vowel + shown for tone, shown in _VNI_ROOF.items()}
    pairs |= {f"a\u0306{tone}": "a" + shown for tone, shown in _VNI_BOWL.items()}
    for letter, base in (("ơ", "ô"), ("ư", "ö")):
        pairs |= {letter + tone: base + shown for tone, shown in _VNI_PLAIN.items()}
    composed = {unicodedata.normalize("NFC", letter): shown for letter, shown in pairs.items()}
    return str.maketrans(composed | {letter.upper(): shown.upper() for letter, shown in composed.items()})


_VNI = _vni_table()
_CYRILLIC = str.maketrans("aeocpxyAEOCPXYHKMTB", "аеосрхуАЕОСРХУНКМТВ")
_UNSEEN = ("\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad", "\u2060")
_APOSTROPHES = ("\u2019", "", " ", "\u02bc", "`")
_TONE = re.compile(f"[{TONES}]")


def tcvn3(text: str) -> str:
    """The text as TCVN3, read as Windows-1252: Nguyễn becomes NguyÔn."""
    return text.translate(_TCVN3)


def vni(text: str) -> str:
    """The text as VNI, read as Windows-1252: Nguyễn becomes Nguyeãn."""
    return text.translate(_VNI)


def eth_for_d(text: str) -> str:
    return text.replace("Đ", "Ð")


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def look_alike(random: Random, text: str) -> str:
    """One letter of the text is a Cyrillic one that looks the same, or the whole text is full-width."""
    if random.random() < 0.2:
        return "".join(chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isalnum() else sign for sign in text)
    places = [place for place, sign in enumerate(text) if ord(sign) in _CYRILLIC]
    if not places:
        return text
    place = places[below(random, len(places))]
    return f"{text[:place]}{text[place].translate(_CYRILLIC)}{text[place + 1 :]}"


def zero_width(random: Random, text: str) -> str:
    """A character that nobody sees stands somewhere in the text."""
    place = below(random, len(text) + 1)
    return f"{text[:place]}{_UNSEEN[below(random, len(_UNSEEN))]}{text[place:]}"


def extra_spaces(random: Random, text: str) -> str:
    """More than one space between words, a space at an end, or one that does not break."""
    way = below(random, 4)
    if way == 0 and " " in text:
        return text.replace(" ", "  ", 1)
    if way == 1 and " " in text:
        return text.replace(" ", "\u00a0", 1)
    return f" {text}" if way == 2 else f"{text} "


def apostrophe(random: Random, text: str) -> str:
    """H'Blin becomes H’Blin, HBlin, H Blin."""
    return text.replace("'", _APOSTROPHES[below(random, len(_APOSTROPHES))])


def wrong_mark(random: Random, text: str) -> str:
    """One tone of the text is another, or gone."""
    apart = unicodedata.normalize("NFD", text)
    tones = list(_TONE.finditer(apart))
    if not tones:
        return text
    found = tones[below(random, len(tones))]
    others = [tone for tone in ("", *TONES) if tone != found[0]]
    spoiled = apart[: found.start()] + others[below(random, len(others))] + apart[found.end() :]
    return unicodedata.normalize("NFC", spoiled)
