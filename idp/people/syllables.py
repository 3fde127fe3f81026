"""The Vietnamese syllable: onset and rime, and the one letter that bears its tone.

A tone belongs to the whole syllable, so hoà and hòa, quý and qúy are one spelling each. Ours is the older one, which
needs one rule for all rimes and no exception.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

REMEMBERED_WORDS = 20_000  # a country's names are made of a few thousand syllables, in some spellings each
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook above, dot below
_TONES_OF_STOPS = ("\u0301", "\u0323")

_VOWELS = "aăâeêioôơuưy"
_WITH_OWN_MARK = "ăâêôơư"
_STOPS = ("c", "p", "t", "ch")
# The longest first: the u of qu and the i of gi are no vowels, unless there is no other.
_ONSETS = (
    "ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th", "tr",
    "b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "x", "",
)  # fmt: skip
_RIMES = frozenset((
    "a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay",
    "ăc", "ăm", "ăn", "ăng", "ăp", "ăt", "âc", "âm", "ân", "âng", "âp", "ât", "âu", "ây",
    "e", "ec", "em", "en", "eng", "eo", "ep", "et", "ê", "êch", "êm", "ên", "ênh", "êp", "êt", "êu",
    "i", "ia", "ich", "im", "in", "inh", "ip", "it", "iu", "iêc", "iêm", "iên", "iêng", "iêp", "iêt", "iêu",
    "o", "oa", "oac", "oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap", "oat", "oay",
    "oăc", "oăm", "oăn", "oăng", "oăt", "oc", "oe", "oen", "oeo", "oet", "oi", "om", "on", "ong",
    "op", "ot", "ô", "ôc", "ôi", "ôm", "ôn", "ông", "ôp", "ôt", "ơ", "ơi", "ơm", "ơn", "ơp", "ơt",
    "u", "ua", "uc", "ui", "um", "un", "ung", "up", "ut", "uân", "uâng", "uât", "uây", "uê", "uêch", "uênh",
    "uôc", "uôi", "uôm", "uôn", "uông", "uôt", "uơ", "uy", "uya", "uych", "uyên", "uyêt", "uyn", "uynh", "uyp",
    "uyt", "uyu", "ư", "ưa", "ưc", "ưi", "ưng", "ưt", "ưu", "ươc", "ươi", "ươm", "ươn", "ương", "ươp", "ươt", "ươu",
    "y", "ych", "yêm", "yên", "yêng", "yêt", "yêu", "ynh", "yt",
))  # fmt: skip
# Spelled by the newer rule, the last letter of these bears the tone. Both are in use, on papers as well.
_SPELLED_TWO_WAYS = ("oa", "oe", "uy")
_LETTER_AND_TONE = {unicodedata.normalize("NFC", vowel + tone): (vowel, tone) for vowel in _VOWELS for tone in _TONES}


@lru_cache(REMEMBERED_WORDS)
def placed(word: str) -> str | None:
    """The syllable with its tone where we write it; None for what is no Vietnamese syllable.

    `word` is in small letters and NFC. The tone belongs on the last letter that has a mark of its own (ế, ướ); else on
    the last vowel before a consonant (toán); else on the last but one vowel (hòa, thủy, hoài), or the only one. It may
    have been typed too early (tóan, qúy) or by the newer rule, and a rime that has one always may have lost it.
    """
    found = _taken_apart(word)
    if found is None:
        return None
    onset, rime, tone, _ = found
    bearer = _bearer(rime) + 1
    return unicodedata.normalize("NFC", onset + rime[:bearer] + tone + rime[bearer:])


@lru_cache(REMEMBERED_WORDS)
def is_well_spelled(word: str) -> bool:
    """Whether this is a syllable as a careful hand writes it: with the tone that it must have, in one of its places."""
    found = _taken_apart(word)
    if found is None:
        return False
    onset, rime, tone, at = found
    return at >= len(onset) + _bearer(rime) if tone else not rime.endswith(_STOPS)


def _taken_apart(word: str) -> tuple[str, str, str, int] | None:
    """Onset, rime and tone, and the place of the letter that has the tone."""
    pairs = [_LETTER_AND_TONE.get(letter, (letter, "")) for letter in word]
    bare = "".join(letter for letter, _ in pairs)
    tones = [(tone, at) for at, (_, tone) in enumerate(pairs) if tone]
    onset = next((onset for onset in _ONSETS if bare.startswith(onset) and bare[len(onset) :] in _RIMES), None)
    if onset is None or len(tones) > 1:
        return None
    rime, (tone, at) = bare[len(onset) :], tones[0] if tones else ("", 0)
    latest = len(onset) + _bearer(rime) + (rime in _SPELLED_TWO_WAYS)
    can_have_it = not rime.endswith(_STOPS) or tone in ("", *_TONES_OF_STOPS)
    return (onset, rime, tone, at) if can_have_it and at <= latest else None


def _bearer(rime: str) -> int:
    marked = [at for at, letter in enumerate(rime) if letter in _WITH_OWN_MARK]
    if marked:
        return marked[-1]
    vowels = [at for at, letter in enumerate(rime) if letter in _VOWELS]
    is_open = vowels[-1] == len(rime) - 1
    return vowels[-2] if is_open and len(vowels) > 1 else vowels[-1]
