"""Which language a page speaks, and the words: Vietnamese first, English beside it.

The words live in `translations/<language>.toml`, one message an id (`error.A01.title`), with `{named}` gaps.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, Literal

from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from flask import current_app, has_app_context, request
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from connectors.base import BirthDate
from idp import clock
from idp.settings import Settings

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")  # the first is spoken to whoever asks for none of them
ARGUMENT = COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600

_FOLDER = Path(__file__).parent / "translations"


def choose(asked: str | None, remembered: str | None, ui_locales: Sequence[str], accept_language: str) -> Language:
    """The language to speak: what the link asks for, else what was chosen before, the portal says, the browser says."""
    # Sorted by weight; Werkzeug's own best_match would take a plain "en" before a preferred "vi-VN".
    accepted = parse_accept_header(accept_language, LanguageAccept)
    wishes = (asked, remembered, *ui_locales, *(tag for tag, weight in accepted if weight > 0))
    return next((known for known in map(_known, wishes) if known), LANGUAGES[0])


def of_request(ui_locales: Sequence[str] = ()) -> Language:
    """`choose` for the request at hand; `ui_locales` is what the portal sent (OpenID Connect Core section 3.1.2.1)."""
    return choose(
        request.args.get(ARGUMENT), request.cookies.get(COOKIE), ui_locales, request.headers.get("Accept-Language", "")
    )


def other(language: Language) -> Language:
    return "en" if language == "vi" else "vi"


def text(language: Language, message_id: str, /, **values: object) -> str:
    """The message in that language. An unknown id or a missing value raises KeyError, though not in production."""
    return "".join(_spoken(_pieces(language, message_id), values, str))


def markup(language: Language, message_id: str, /, **values: object) -> Markup:
    """The message for a template: everything escaped but the values that are Markup already."""
    words = _whole(language, message_id)
    if words is not None:
        return words
    return Markup("".join(_spoken(_pieces(language, message_id), values, escape)))  # noqa: S704 -- escaped right here


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Every message of a language by its dotted id."""
    tables = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
    return MappingProxyType(dict(_flat("", tables)))


def format_date(language: Language, value: date | datetime) -> str:
    """A day as people write it; an instant is read on Vietnam's clock first."""
    if isinstance(value, datetime):
        value = value.astimezone(clock.CIVIL_TIME).date()
    return babel_date(value, format="dd/MM/yyyy" if language == "vi" else "d MMMM yyyy", locale=language)


def format_instant(language: Language, value: datetime) -> str:
    """A moment to the second, on Vietnam's clock: "14:03:22, 21/11/2026"."""
    pattern = "HH:mm:ss, dd/MM/yyyy" if language == "vi" else "d MMMM yyyy, HH:mm:ss"
    return babel_datetime(value, format=pattern, tzinfo=clock.CIVIL_TIME, locale=language)


def format_birth_date(language: Language, born: BirthDate) -> str:
    """A birth date with what is known of it: the whole day, the month, or the year alone."""
    if born.month is not None and born.day is not None:
        return format_date(language, date(born.year, born.month, born.day))
    if born.month is not None:
        pattern = "MM/yyyy" if language == "vi" else "MMMM yyyy"
        return babel_date(date(born.year, born.month, 1), format=pattern, locale=language)
    return str(born.year)


@cache
def _pieces(language: Language, message_id: str) -> tuple[tuple[str, str | None], ...]:
    """The message as literal words, each with the name of the gap that follows it."""
    words = catalogue(language)
    if message_id not in words and _lenient():
        return ((message_id, None),)
    return tuple((words, gap) for words, gap, _, _ in Formatter().parse(words[message_id]))


@cache
def _whole(language: Language, message_id: str) -> Markup | None:
    """The message for a template, if it has no gaps."""
    pieces = _pieces(language, message_id)
    return None if any(gap for _, gap in pieces) else escape("".join(words for words, _ in pieces))


def _spoken(
    pieces: tuple[tuple[str, str | None], ...], values: Mapping[str, object], said: Callable[[object], str]
) -> Iterator[str]:
    for words, gap in pieces:
        yield said(words)
        if gap is None:
            continue
        if gap in values:
            yield said(values[gap])
        elif _lenient():
            yield f"{{{gap}}}"
        else:
            raise KeyError(gap)


def _known(tag: str | None) -> Language | None:
    primary = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return next((language for language in LANGUAGES if language == primary), None)


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        rows += _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def _lenient() -> bool:
    """Whether a hole in the words is to be papered over: in production a citizen's page matters more than our slip."""
    if not has_app_context():
        return False
    settings: Settings = current_app.config["SETTINGS"]
    return settings.mode == "production"
