"""What is written down twice must agree: settings and their explanations, words in two languages."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from tests.house.source import module

DEFAULTS = "config/default.toml"
SETTINGS = "idp/settings"
TRANSLATIONS = "idp/web/translations"


def document_faults(root: Path) -> list[str]:
    """Every setting without explanation, every explanation without setting, every word that one language lacks."""
    return [*_setting_faults(root), *_unexplained(root), *_word_faults(root)]


def _setting_faults(root: Path) -> Iterator[str]:
    typed = settings_of(root)
    written = set(_dotted(tomllib.loads((root / DEFAULTS).read_text("utf-8"))))
    yield from (f"{DEFAULTS}: {name} is missing" for name in sorted(typed - written))
    yield from (f"{SETTINGS}: {name} of {DEFAULTS} is no setting" for name in sorted(written - typed))


def settings_of(root: Path) -> set[str]:
    """The dotted names of all settings, read from the source of `Settings` and the parts it names."""
    trees = [module(root, path).tree for path in sorted((root / SETTINGS).glob("*.py"))]
    classes = {node.name: _fields(node) for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    return set(_flattened("", classes["Settings"], classes))


def _fields(node: ast.ClassDef) -> dict[str, str]:
    return {
        part.target.id: ast.unparse(part.annotation)
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }


def _flattened(prefix: str, fields: Mapping[str, str], classes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, kind in fields.items():
        if kind in classes:
            yield from _flattened(f"{prefix}{name}.", classes[kind], classes)
        else:
            yield prefix + name


def _unexplained(root: Path) -> Iterator[str]:
    """Each group of keys follows a comment; a blank line or a table's head ends the group."""
    explained = False
    for number, line in enumerate((root / DEFAULTS).read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            explained = True
        elif not line.strip() or line.startswith("["):
            explained = False
        elif not explained and re.match(r"[a-z_]+\s*=", line):
            yield f"{DEFAULTS}:{number}: nothing explains this setting"


def _word_faults(root: Path) -> Iterator[str]:
    words = {
        path.stem: dict(_leaves(tomllib.loads(path.read_text("utf-8"))))
        for path in sorted((root / TRANSLATIONS).glob("*.toml"))
    }
    everything = {message_id for language in words.values() for message_id in language}
    for language, messages in words.items():
        for message_id in sorted(everything - set(messages)):
            yield f"{TRANSLATIONS}/{language}.toml: {message_id} is missing"
        for message_id in sorted(message_id for message_id, text in messages.items() if not text.strip()):
            yield f"{TRANSLATIONS}/{language}.toml: {message_id} is empty"
    for message_id in sorted(everything):
        gaps = {frozenset(_gaps(messages[message_id])) for messages in words.values() if message_id in messages}
        if len(gaps) > 1:
            yield f"{TRANSLATIONS}: {message_id} has other {{gaps}} in one language than in the other"


def _gaps(text: str) -> Iterator[str]:
    yield from (name for _, name, _, _ in Formatter().parse(text) if name)


def _dotted(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)
