"""Vietnamese syllables and whole names made of them, and the same written for fonts of before Unicode.

Nothing here is taken from the product: the rimes have their place for the tone marked by hand (·), and the tables of
the encodings are typed from the published ones, letter and code side by side.
"""

from __future__ import annotations

import unicodedata

from hypothesis import settings
from hypothesis import strategies as st

REPEATABLE = settings(derandomize=True, database=None, deadline=None)

_ONSETS = "b c ch d đ g gh h k kh l m n ng ngh nh ph r s t th tr v x"
_OPEN = (
    "a· a·i a·m a·n a·ng a·nh a·o a·u a·y ă·m ă·n ă·ng â·m â·n â·ng â·u â·y e· e·m e·n e·o ê· ê·m ê·n ê·nh ê·u "
    "i· i·a i·m i·n i·nh iê·m iê·n iê·ng iê·u o· o·i o·m o·n o·ng ô· ô·i ô·m ô·n ô·ng ơ· ơ·i ơ·m ơ·n u· u·a u·i u·m "
    "u·n u·ng uô·i uô·n uô·ng ư· ư·a ư·ng ư·u ươ·i ươ·ng ươ·u oa·i oa·n oa·ng oa·nh uâ·n uê· uyê·n uy·nh y·"
)
_STOPPED = "a·c a·ch a·p a·t ă·c ă·t â·c â·t ê·ch ê·t i·ch iê·c iê·t ô·c ô·t u·c u·t ư·c ươ·c ươ·t oa·t uâ·t uyê·t"
_WITHOUT_ONSET = "ái ân ấn ánh âu én ý yên yến ích út uyên ước oanh oánh"
_QU_AND_GI = "quý quang quốc quyền quỳnh quê quân quảng giang già giáp giỏi gì giếng gìn"
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")

# á à ả ã ạ, ắ …: a letter, and the byte that it has in TCVN 5712's third set.
_TCVN3 = (
    "á¸ àµ ả¶ ã· ạ¹ ă¨ ắ¾ ằ» ẳ¼ ẵ½ ặÆ â© ấÊ ầÇ ẩÈ ẫÉ ậË éÐ èÌ ẻÎ ẽÏ ẹÑ êª ếÕ ềÒ ểÓ ễÔ ệÖ íÝ ì× ỉØ ĩÜ ịÞ "
    "óã òß ỏá õâ ọä ô« ốè ồå ổæ ỗç ộé ơ¬ ớí ờê ởë ỡì ợî úó ùï ủñ ũò ụô ư\xad ứø ừõ ửö ữ÷ ựù ýý ỳú ỷû ỹü ỵþ đ® "
    "Ă¡ Â¢ Ê£ Ô¤ Ơ¥ Ư¦ Đ§"
)
_VNI = (
    "áaù àaø ảaû ãaõ ạaï ăaê ắaé ằaè ẳaú ẵaü ặaë âaâ ấaá ầaà ẩaå ẫaã ậaä éeù èeø ẻeû ẽeõ ẹeï êeâ ếeá ềeà ểeå ễeã ệeä "
    "íí ìì ỉæ ĩó ịò óoù òoø ỏoû õoõ ọoï ôoâ ốoá ồoà ổoå ỗoã ộoä ơô ớôù ờôø ởôû ỡôõ ợôï úuù ùuø ủuû ũuõ ụuï "
    "ưö ứöù ừöø ửöû ữöõ ựöï ýyù ỳyø ỷyû ỹyõ ỵî đñ"
)
TCVN3 = {each[0]: each[1:] for each in _TCVN3.split(" ")}
VNI = {each[0]: each[1:] for each in _VNI.split(" ")}
VNI |= {letter.upper(): code.upper() for letter, code in VNI.items()}


def in_tcvn3(text: str) -> str:
    """As typed with fonts .VnTime; letters without a capital are small, which fonts .VnTimeH show as capitals."""
    return "".join(TCVN3.get(letter) or TCVN3.get(letter.lower()) or letter for letter in text)


def in_vni(text: str) -> str:
    return "".join(VNI.get(letter, letter) for letter in text)


def spelled(onset: str, rime: str, tone: str) -> str:
    return unicodedata.normalize("NFC", onset + rime.replace("·", tone))


def syllables() -> st.SearchStrategy[str]:
    onsets = st.sampled_from(_ONSETS.split(" "))
    return st.one_of(
        st.builds(spelled, onsets, st.sampled_from(_OPEN.split(" ")), st.sampled_from(TONES)),
        st.builds(spelled, onsets, st.sampled_from(_STOPPED.split(" ")), st.sampled_from("\u0301\u0323")),
        st.sampled_from(f"{_WITHOUT_ONSET} {_QU_AND_GI}".split(" ")),
    )


def names(most: int = 5) -> st.SearchStrategy[str]:
    """Syllables with a capital each."""
    return st.lists(syllables().map(str.capitalize), min_size=1, max_size=most).map(" ".join)
