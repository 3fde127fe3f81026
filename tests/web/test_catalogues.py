"""The words are complete: the same in both languages, none missing, none left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from flask import Flask
from jinja2 import nodes

from connectors.base import Sex
from idp import web
from idp.counter.page import REASONS
from idp.errors import CATALOGUE
from idp.web import ages, cards, counter, pages, words
from idp.web.language import LANGUAGES, Language, catalogue

ROOM = Path(web.__file__).parent

# Ids that are put together while a page is made, by their first part; each family is closed.
FAMILIES: dict[str, set[str]] = {
    "error.": {f"error.{code}.{part}" for code in CATALOGUE for part in ("title", "text")},
    "banner.": set(words.Banner),
    "reason.": set(words.Reason),
    "claim.": set(words.ClaimLabel),
    "field.": set(words.FieldLabel),
    "problem.": set(words.Problem),
    "note.": set(words.Note),
    "sex.": {f"sex.{sex}" for sex in Sex},
    "authority.": {f"authority.{authority}" for authority in words.AUTHORITIES},
    "kind.": {f"kind.{kind}" for kind in words.SOURCE_KINDS},
    "language.": {f"language.{language}" for language in LANGUAGES},
    "health.": {"health.slow", "health.down"},
    "level.means_": {f"level.means_{level}" for level in words.LEVELS},
    "level.needs_": {f"level.needs_{level}" for level in words.LEVELS},
    "information.title_": {f"information.title_{kind}" for kind in ("told", "consent", "anonymous")},
    "information.lead_": {f"information.lead_{kind}" for kind in ("told", "consent", "anonymous")},
    "device.end_title_": {f"device.end_title_{outcome}" for outcome in ("approved", "declined", "gone")},
    "device.end_lead_": {f"device.end_lead_{outcome}" for outcome in ("approved", "declined", "gone")},
    "counter.says.": {f"counter.says.{word}" for word in (*counter.WORDS, *(f"reason_{each}" for each in REASONS))},
    "phone.now_": {f"phone.now_{state}" for state in ("scan", "look", "type")},
    "phone.lack_": set(words.Lack),
    "phone.end_title_": {f"phone.end_title_{outcome}" for outcome in ("done", "declined", "gone")},
    "phone.end_lead_": {f"phone.end_lead_{outcome}" for outcome in ("done", "declined", "gone")},
    "age.hindrance_": {f"age.hindrance_{hindrance}" for hindrance in get_args(ages.Hindrance)},
    "cards.standing_": {f"cards.standing_{standing}" for standing in get_args(cards.Standing)},
    "cards.told_": {f"cards.told_{told}" for told in get_args(cards.Told)},
    "cards.hindrance_": {f"cards.hindrance_{hindrance}" for hindrance in get_args(cards.Hindrance)},
    "signed_out.told_": {f"signed_out.told_{state}" for state in ("yes", "pending", "no")},
}


def test_both_languages_say_the_same_things() -> None:
    assert catalogue("vi").keys() == catalogue("en").keys()


@pytest.mark.parametrize("message_id", sorted(catalogue("vi")))
def test_a_message_has_the_same_gaps_in_both_languages(message_id: str) -> None:
    assert gaps(catalogue("vi")[message_id]) == gaps(catalogue("en")[message_id])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_failure_has_a_title_and_a_text(language: Language) -> None:
    assert FAMILIES["error."] <= catalogue(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty_or_padded(language: Language) -> None:
    assert [key for key, message in catalogue(language).items() if not message or message != message.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conflict_a_bar_and_a_death_are_told_in_the_same_words(language: Language) -> None:
    told = {
        (catalogue(language)[f"error.{row.code}.title"], catalogue(language)[f"error.{row.code}.text"], row.status)
        for row in pages.UNTOLD_FAILURES
    }
    assert len(told) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_citizen_reads_the_words_of_the_trade(language: Language) -> None:
    trade = re.compile(r"redirect_uri|client_id|token|issuer|nonce|PKCE|OAuth|OpenID|scope|endpoint|\bstate\b", re.I)
    for_developers = {"claims.scope"}
    said = {message_id for message_id, message in catalogue(language).items() if trade.search(message)}
    assert said - for_developers == set()


def test_every_message_that_a_page_uses_exists(app: Flask) -> None:
    known = catalogue("vi").keys()
    assert {used for used in used_ids(app) if not used.endswith((".", "_")) and used not in known} == set()
    assert {used for used in used_ids(app) if used.endswith((".", "_")) and used not in FAMILIES} == set()


@pytest.mark.parametrize("prefix", FAMILIES)
def test_a_family_of_messages_is_whole_and_holds_nothing_else(prefix: str) -> None:
    held = {message_id for message_id in catalogue("vi") if message_id.startswith(prefix)}
    assert held - set().union(*(family for other, family in FAMILIES.items() if other != prefix)) == FAMILIES[prefix]


def test_no_message_is_left_over(app: Flask) -> None:
    spoken = used_ids(app).union(*FAMILIES.values())
    assert catalogue("vi").keys() - spoken == set()


def test_the_scripts_of_the_counter_say_what_their_page_holds_and_nothing_else() -> None:
    said: set[str] = set()
    for name in web.static_names("counter"):
        for spoken in re.findall(r"\bsay\(([^,)]+)", web.static_file(name).decode()):
            said.update(re.findall(r"[\"`]([a-z_0-9]+(?:\$\{)?)", spoken))
    begun = {each.removesuffix("${") for each in said if each.endswith("${")}
    whole = {each for each in said if not each.endswith("${")}
    assert whole - set(counter.WORDS) == set()
    assert {word for word in counter.WORDS if word not in whole and not word.startswith(tuple(begun))} == set()


def gaps(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


def used_ids(app: Flask) -> set[str]:
    """Every id, or beginning of one, that stands in a template or in the room's Python."""
    found: set[str] = set()
    for template in (ROOM / "templates").iterdir():
        tree = app.jinja_env.parse(template.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("t", "in_other"):
                found.update(spelled(call.args[0]))
        for assignment in tree.find_all(nodes.Assign):
            found.update(part for part in spelled(assignment.node) if re.fullmatch(r"[a-z_]+\.([a-z_]+)?", part))
    for source in ROOM.glob("*.py"):
        for part in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(part, ast.Constant) and part.value in catalogue("vi"):
                found.add(str(part.value))
    return found


def spelled(node: nodes.Node) -> Iterator[str]:
    """The constants that an expression may begin with: `"kind." ~ kind` gives "kind."."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.Concat):
        yield from spelled(node.nodes[0])
    elif isinstance(node, nodes.CondExpr):
        yield from spelled(node.expr1)
        if node.expr2 is not None:
            yield from spelled(node.expr2)
    elif isinstance(node, nodes.Or):
        yield from spelled(node.left)
        yield from spelled(node.right)
