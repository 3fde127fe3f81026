"""Test people and others are never in one database: whoever lets the first in knows nothing of the second."""

from __future__ import annotations

from collections.abc import Callable

from idp.people import People
from idp.settings import Settings, UnsafeSettings
from idp.sources import TEST_PEOPLE, TOPIC, Sources
from idp.storage import Database, schema
from idp.storage.changes import Changes
from idp.storage.database import Unreachable


def refuse_mixed_people(settings: Settings, people: People, sources: Sources) -> None:
    """Raises UnsafeSettings for people whom this mode is not for, or a source of them, and Unreachable.

    A source counts before anybody came from it: whoever made the database ready for test people registered portals
    there that are for nobody else.
    """
    if settings.lets_test_people_in:
        if not people.all_came_from(TEST_PEOPLE):
            raise UnsafeSettings("mode: conformance needs a database of its own, and this one holds other people")
        if any(source.signs_in and source.id != TEST_PEOPLE for source in sources.in_force()):
            raise UnsafeSettings("mode: conformance needs a database of its own, and this one has sources of others")
    elif people.some_came_from(TEST_PEOPLE) or sources.has(TEST_PEOPLE):
        raise UnsafeSettings("mode: this database holds test people, or is ready for them: it is for conformance alone")


def kept_apart(
    settings: Settings, people: People, sources: Sources, database: Database, changes: Changes
) -> Callable[[], None]:
    """A question: raises Unreachable until the database, at its newest step, has been seen to hold none of the others;
    UnsafeSettings if it holds some.

    It is looked at again when a source was changed: nobody comes but from a source, and of two processes that began
    with the same empty database, each in a mode of its own, the second to have one is noticed by both.
    """
    at_head = schema.at_head(database)
    seen: int | None = None

    def ask() -> None:
        nonlocal seen
        at_head()
        try:
            number = changes.number(TOPIC)
        except Unreachable:
            if seen is None:
                raise
            return  # what needs the database says so itself
        if number != seen:
            refuse_mixed_people(settings, people, sources)
            seen = number

    return ask
