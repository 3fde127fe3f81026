"""Test people and others are never in one database: whoever lets the first in knows nothing of the second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from idp.people import People
from idp.settings import Settings, UnsafeSettings
from idp.sources import TEST_PEOPLE
from idp.storage import Database, schema


def refuse_mixed_people(settings: Settings, people: People) -> None:
    """Raises UnsafeSettings for people whom this mode is not for, and Unreachable."""
    if settings.lets_test_people_in:
        if not people.all_came_from(TEST_PEOPLE):
            raise UnsafeSettings("mode: conformance needs a database of its own, and this one holds other people")
    elif people.some_came_from(TEST_PEOPLE):
        raise UnsafeSettings("mode: this database holds test people, so it is for conformance alone")


def kept_apart(settings: Settings, people: People, database: Database) -> Callable[[], None]:
    """A question: raises Unreachable until the database, at its newest step, has been seen to hold none of the others,
    once; UnsafeSettings if it holds some."""
    at_head, seen = schema.at_head(database), threading.Event()

    def ask() -> None:
        if not seen.is_set():
            at_head()
            refuse_mixed_people(settings, people)
            seen.set()

    return ask
