"""Names compared: spelling habits fall away, different names stay different. Rules only; nothing is scored.

Two keys: `strict` for a name however it is typed, `folded` for one that may have lost its marks. Neither is shown to
anybody, and neither replaces what a source sent.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from idp.people.legacy_encodings import repaired
from idp.people.syllables import REMEMBERED_WORDS, placed

LONGEST_CHARACTERS = 200  # of a name that anybody bears; a longer one costs no work, and equals itself alone
MOST_WORDS = 16  # of a name that is compared word by word

_PLAIN = re.compile(r"[A-Za-z ]*")
_ORDINARY = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0300-\u033f .'-]*")
_LETTER = re.compile(r"[^\W\d_]")
# What has no width or no shape: controls that are no space, joiners, marks of direction, variants, tags, fillers.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ONE_FOR_ALL = (
    {full_width: chr(full_width - 0xFEE0) for full_width in range(0xFF01, 0xFF5F)}
    | {ord(each): "'" for each in "`´ʹʻʼʽˈ‘’‛′"}  # H'Blin
    | {ord(each): " " for each in "-.,·‐‑‒–—−－．，"}  # Y-Bih, N.V.Hùng: what stands between words is a space
    | {ord(each): "đ" for each in "ĐÐðƉɖ"}  # eth, and the African D, are drawn alike
)
_CONSONANTS = frozenset("bcdđghklmnpqrstvx")


def strict(name: str) -> str:
    """The key of a name whose letters and marks all count, and whose spelling habits do not.

    Case, spaces, hyphens and dots, the form of apostrophes, how marks are composed and on which vowel the tone stands,
    Ð for Đ, full-width and invisible characters fall away, and what TCVN3 and VNI made of the name (`repaired`).
    Letters of other scripts stay what they are, also where they look like Latin ones.
    """
    if len(name) > LONGEST_CHARACTERS:
        return name
    if _PLAIN.fullmatch(name):
        return " ".join(name.lower().split())
    text = " ".join([key for word in repaired(name).split() if (key := _strict_word(word))])
    return text.replace(" '", "'").replace("' ", "'") if "'" in text else text  # H' Blin is H'Blin


def folded(name: str) -> str:
    """The strict key without marks: the name as a bank's old mainframe would have it."""
    key = strict(name)
    return key if key.isascii() or len(key) > LONGEST_CHARACTERS else " ".join([_bare(word) for word in key.split(" ")])


@lru_cache(REMEMBERED_WORDS)
def _strict_word(word: str) -> str:
    """The key of what stands between two spaces; of several words, if there was a hyphen in it."""
    small = unicodedata.normalize("NFC", _shown(word)).casefold()
    return " ".join(placed(each) or each for each in small.split())


def _shown(text: str) -> str:
    return _INVISIBLE.sub("", text).translate(_ONE_FOR_ALL)


@lru_cache(REMEMBERED_WORDS)
def _bare(word: str) -> str:
    """A word of a strict key without marks; NFD takes them off all Vietnamese letters but đ."""
    apart = unicodedata.normalize("NFD", word.replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


class NameOddity(StrEnum):
    """What is strange about a name, apart from how it is spelled."""

    TOO_LONG = "too_long"  # nothing else was looked at
    NO_LETTER = "no_letter"
    INVISIBLE = "invisible"  # holds characters without width, or such that turn the text around
    MIXED_SCRIPT = "mixed_script"  # Latin letters beside others, which may look like Latin ones
    OTHER_SCRIPT = "other_script"  # letters, but no Latin one
    SIGNS = "signs"  # digits, question marks and the like: also what could not be repaired


def oddities(name: str) -> tuple[NameOddity, ...]:
    """What is strange about the name, in the order of `NameOddity`; about nearly all names nothing is."""
    if len(name) > LONGEST_CHARACTERS:
        return (NameOddity.TOO_LONG,)
    if _ORDINARY.fullmatch(name) and _LETTER.search(name):
        return ()
    text = repaired(name)
    shown = _shown(text)
    scripts = {_is_latin(letter) for letter in shown if letter.isalpha()}
    found = {
        NameOddity.NO_LETTER: not scripts,
        NameOddity.INVISIBLE: _INVISIBLE.search(text) is not None,
        NameOddity.MIXED_SCRIPT: len(scripts) > 1,
        NameOddity.OTHER_SCRIPT: scripts == {False},
        NameOddity.SIGNS: any(_is_sign(each) for each in shown),
    }
    return tuple(oddity for oddity in NameOddity if found.get(oddity))


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN ")


def _is_sign(character: str) -> bool:
    return character != "'" and unicodedata.category(character)[0] not in "LMZ" and not character.isspace()


class NameAgreement(StrEnum):
    """How far two names agree: the first of these that holds. It is the same whichever of the two comes first.

    Two words agree if their strict keys are the same, or if they differ in marks alone and one of them has none.
    """

    EXACT = "exact"  # letter by letter; only spaces, and how marks are composed, may differ
    SPELLING = "spelling"  # one strict key, but for an apostrophe left out
    MARKS_LOST = "marks_lost"  # all words agree, each with the one in its place
    MARKS_DIFFER = "marks_differ"  # one folded key, but in some word both have marks, and others: Hùng, Hưng
    # The first words agree, and the last ones. Between them one name has only some of the other's words, in their
    # order, or the letters with which they begin (V. or Th.).
    MIDDLE_SHORTENED = "middle_shortened"
    # All words agree, in another order: the last ones came first, the first ones last, and what is between them, if
    # anything, stays as it is. Behind one family name Minh Anh and Anh Minh are two people, and no such case.
    REORDERED = "reordered"
    # Of three words or more, as many on either side, all agree but one, each with the one in its place. Brothers' and
    # sisters' names do that as well.
    ONE_WORD_DIFFERS = "one_word_differs"
    DIFFERENT = "different"  # always where one of them has no letter: nobody is known by no name


def compare(one: str, other: str) -> NameAgreement:
    """How far two names agree, both as sent."""
    if not (_LETTER.search(one, 0, LONGEST_CHARACTERS) and _LETTER.search(other, 0, LONGEST_CHARACTERS)):
        return NameAgreement.DIFFERENT
    if one == other:
        return NameAgreement.EXACT
    if max(len(one), len(other)) > LONGEST_CHARACTERS:
        return NameAgreement.DIFFERENT
    key, other_key = strict(one), strict(other)
    if key == other_key:
        return NameAgreement.EXACT if _composed(one) == _composed(other) else NameAgreement.SPELLING
    return _compare_keys(key, other_key)


def _compare_keys(key: str, other_key: str) -> NameAgreement:
    if ("'" in key) != ("'" in other_key) and _joined(key) == _joined(other_key):
        return NameAgreement.SPELLING  # H'Blin, HBlin, H Blin
    words, other_words = key.split(), other_key.split()
    if max(len(words), len(other_words)) > MOST_WORDS:
        return NameAgreement.DIFFERENT
    return _compare_words(words, other_words)


def _composed(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _joined(key: str) -> str:
    return key.replace("'", "").replace(" ", "")


def _compare_words(one: list[str], other: list[str]) -> NameAgreement:
    are_as_many = len(one) == len(other)
    agreeing = sum(map(_agree, one, other))
    if list(map(_bare, one)) == list(map(_bare, other)):
        return NameAgreement.MARKS_LOST if agreeing == len(one) else NameAgreement.MARKS_DIFFER
    if _is_shortened(one, other) or _is_shortened(other, one):
        return NameAgreement.MIDDLE_SHORTENED
    if are_as_many and _is_reordered(one, other):
        return NameAgreement.REORDERED
    if are_as_many and agreeing == len(one) - 1 >= 2:
        return NameAgreement.ONE_WORD_DIFFERS
    return NameAgreement.DIFFERENT


def _agree(one: str, other: str) -> bool:
    return one == other or one == _bare(other) or _bare(one) == other


def _is_shortened(whole: list[str], short: list[str]) -> bool:
    if min(len(whole), len(short)) < 2 or not (_agree(whole[0], short[0]) and _agree(whole[-1], short[-1])):
        return False
    rest = iter(whole[1:-1])
    return all(any(_agree(word, each) or _begins(each, word) for each in rest) for word in short[1:-1])


def _begins(word: str, letters: str) -> bool:
    """Whether these are the first letter of the word, or the consonants before its first vowel or some of them."""
    if len(letters) > 1 and not _CONSONANTS.issuperset(letters):
        return False
    return _agree(word[: len(letters)], letters)


def _is_reordered(one: list[str], other: list[str]) -> bool:
    if sorted(map(_bare, one)) != sorted(map(_bare, other)):
        return False
    return any(
        all(map(_agree, one[second:] + one[first:second] + one[:first], other))
        for first in range(1, len(one))
        for second in range(first, len(one))
    )
