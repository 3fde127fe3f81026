"""How a source writes a name and a birth date: what was typed, and what the file made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.copies import other_tone_place, without_marks
from connectors.sandbox.country import mistakes, names, spelling
from connectors.sandbox.country.lots import Lot
from connectors.sandbox.country.names import FOREIGN, Name
from connectors.sandbox.country.person import Born, Former

Letters = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A name as sent, and what happened to the letters, which happened to all words of the record alike."""

    name: dict[str, str]
    letters: Letters


# ---- names ----


def name(lot: Lot, of: Name, sex: str, former: tuple[Former, ...]) -> Written:
    """The name as the source sends it: whole, or in parts."""
    typed = _typed(lot, _called(lot, of, sex, former))
    letters = _letters(lot, typed.full)
    sent = mistakes.in_parts(typed, letters)
    if not lot.form("name_in_parts"):
        return Written(name={"full": _unclean(lot, sent.full)}, letters=letters)
    lot.forms.append("name_in_parts")
    parts = _parts(lot, sent)
    return Written(name={**parts, "given": _unclean(lot, parts["given"])}, letters=letters)


def _called(lot: Lot, of: Name, sex: str, former: tuple[Former, ...]) -> Name:
    """Today's name, that of before, or one that nobody else knows."""
    before = [one.name for one in former if one.name is not None]
    if lot.mistake("former_name") and before:
        lot.errors.append("former_name")
        return before[-1]
    if lot.mistake("unrecorded_name"):
        lot.errors.append("unrecorded_name")
        return names.another_given(lot.random, of, sex)
    return of


def _typed(lot: Lot, of: Name) -> Name:
    random = lot.random
    reversing = "foreign_order_reversed" if of.origin == FOREIGN else "order_reversed"
    changes: tuple[tuple[str, Callable[[Name], Name]], ...] = (
        ("wrong_mark", lambda name: mistakes.wrong_mark(random, name)),
        ("misspelt", lambda name: mistakes.misspelt(random, name)),
        ("middle_missing", mistakes.middle_missing),
        ("middle_abbreviated", mistakes.middle_abbreviated),
        (reversing, mistakes.order_reversed),
        ("other_tone_place", lambda name: mistakes.in_parts(name, other_tone_place)),
        ("apostrophe", lambda name: mistakes.in_parts(name, lambda text: spelling.apostrophe(random, text))),
    )
    for error, change in changes:
        if lot.mistake(error):
            of = _noted(lot, error, of, change(of))
    return of


def _noted(lot: Lot, error: str, before: Name, after: Name) -> Name:
    """What became of the name; the error is told only if there was something to spoil."""
    if after != before:
        lot.errors.append(error)
    return after


def _letters(lot: Lot, full: str) -> Letters:
    """What the source's file does to all letters: capitals, then one loss of the marks at most."""
    steps: list[Letters] = []
    if lot.form("upper_case"):
        lot.forms.append("upper_case")
        steps.append(str.upper)
    losses: tuple[tuple[str, Letters], ...] = (
        ("lost_marks", without_marks), ("tcvn3", spelling.tcvn3), ("vni", spelling.vni),
        ("eth_for_d", spelling.eth_for_d), ("decomposed", spelling.decomposed),
    )  # fmt: skip
    happened = [(error, change) for error, change in losses if lot.mistake(error) and change(full) != full]
    for error, change in happened[:1]:
        lot.errors.append(error)
        steps.append(change)

    def letters(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return letters


def _unclean(lot: Lot, text: str) -> str:
    """The text with what nobody sees on a screen."""
    for error, change in (
        ("look_alike", spelling.look_alike), ("zero_width", spelling.zero_width),
        ("extra_spaces", spelling.extra_spaces),
    ):  # fmt: skip
        if lot.mistake(error):
            changed = change(lot.random, text)
            if changed != text:
                lot.errors.append(error)
            text = changed
    return text


def _parts(lot: Lot, sent: Name) -> dict[str, str]:
    """Family, middle and given name. One that does not split is in the last field, or is split like any other."""
    if lot.mistake("name_in_last_field"):
        if sent.family:
            lot.errors.append("name_in_last_field")
        return {"given": sent.full}
    if not sent.family:
        words = sent.given.split()
        if len(words) == 1:
            return {"given": sent.given}
        lot.errors.append("wrongly_split")
        sent = Name(family=words[0], middle=" ".join(words[1:-1]), given=words[-1], origin=sent.origin)
    parts = {"family": sent.family, "middle": sent.middle, "given": sent.given}
    return {part: text for part, text in parts.items() if text}


# ---- dates ----


def birth_date(lot: Lot, born: Born, former: tuple[Former, ...]) -> dict[str, Any] | None:
    """The date as the source sends it, beside what it says read digit by digit; None where it sends none."""
    if lot.mistake("date_missing"):
        lot.errors.append("date_missing")
        return None
    before = [one.birth for one in former if one.birth is not None]
    if lot.mistake("former_birth_date") and before:
        lot.errors.append("former_birth_date")
        born = before[-1]
    error, shown = _undated(lot, born) if born.month is None else _mistaken(lot, born)
    if error is not None:
        lot.errors.append(error)
    read = {"year": shown.year, "month": shown.month, "day": shown.day}
    return {
        **{part: value for part, value in read.items() if value is not None},
        "as_sent": _as_sent(lot, shown, zeros=error == "zero_day_and_month"),
    }


def _undated(lot: Lot, born: Born) -> tuple[str | None, Born]:
    """How a date is written of which nobody knows day and month; the year alone is no error."""
    error = lot.unknown_days()
    return (None, born) if error == "year_only" else (error, _CHANGES[error](born))


def _mistaken(lot: Lot, born: Born) -> tuple[str | None, Born]:
    """What goes wrong with a date that is known: one thing at most."""
    happened = [error for error in (*_CHANGES, "mistyped_date") if lot.mistake(error)]
    if not happened:
        return None, born
    error = happened[0]
    shown = mistakes.mistyped_date(lot.random, born) if error == "mistyped_date" else _CHANGES[error](born)
    return (None, born) if shown == born else (error, shown)


_CHANGES: dict[str, Callable[[Born], Born]] = {
    "year_only": mistakes.year_only,
    "zero_day_and_month": mistakes.year_only,
    "first_of_january": mistakes.first_of_january,
    "month_and_year": mistakes.month_and_year,
    "day_month_swapped": mistakes.day_month_swapped,
}


def _as_sent(lot: Lot, shown: Born, *, zeros: bool) -> str:
    """19580307, 07/03/1958 or 1958-03-07; with zeros for what is not known, or without it."""
    compact, day_first = lot.form("date_compact"), lot.form("date_day_first")
    parts = [f"{shown.year:04}"]
    if zeros or shown.month is not None:
        parts.append(f"{shown.month or 0:02}")
    if zeros or shown.day is not None:
        parts.append(f"{shown.day or 0:02}")
    if compact and len(parts) == 3:
        lot.forms.append("date_compact")
        return "".join(parts)
    return "/".join(reversed(parts)) if day_first else "-".join(parts)
