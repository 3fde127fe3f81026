"""What registers report by themselves: deaths, corrections, new numbers. Each page takes effect once, in one commit.

How far a feed was read is kept with what it changed, so that a page that is sent again, two workers at once or a crash
change nothing twice. A feed that goes back in time, or in circles, is not believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from connectors.base import Failed, Failure, OutboundError
from connectors.registers import Change, Changes, ChangeType, ReportsChanges
from idp import clock
from idp.audit import Audit
from idp.people import People, Person
from idp.registers import models
from idp.sessions import Sessions
from idp.sources import Source, Sources
from idp.storage import Database, Transaction
from idp.storage.database import Conflict

PAGES_AT_ONCE = 200  # the rest is read the next time
PAGE_LIMIT = 1000  # changes, which are one transaction
CURSOR_CHARACTERS = 500
AHEAD_SECONDS = 300  # by which a register's clock may be before ours
TRIES_AT_ONE_PAGE = 3
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class _Read:
    """How far a feed was read."""

    cursor: str
    last_at: int


class Feeds:
    def __init__(
        self, *, database: Database, people: People, sources: Sources, sessions: Sessions, audit: Audit
    ) -> None:
        self._database = database
        self._people = people
        self._sources = sources
        self._sessions = sessions
        self._audit = audit

    def read_all(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Every register's feed was read to its end, as far as it answers; returns how many changes were read."""
        return sum(self._read(source, stopped) for source in self._sources.having(ReportsChanges))

    def _read(self, source: Source, stopped: Callable[[], bool]) -> int:
        read, met = 0, set[str]()
        for _ in range(PAGES_AT_ONCE):
            if stopped():
                return read
            so_far = self._so_far(source.id)
            met.add(so_far.cursor)
            page = self._page(source, so_far, met)
            if page is None:
                return read
            if page.changes and self._take(source.id, so_far, page):
                read += len(page.changes)
            if not page.more:
                return read
        log.info("feed_goes_on", source=source.id)
        return read

    def _page(self, source: Source, so_far: _Read, met: set[str]) -> Changes | None:
        """The page that comes next, if there is one to be had and to be believed."""
        try:
            with self._sources.call(source, "changes") as call:
                answer: Changes | Failed = source.connector.changes(call.context, so_far.cursor)
                lie = None if isinstance(answer, Failed) else _lie(answer, so_far, met)
                if lie is None:
                    call.note_answer(answer)
                else:
                    call.note(Failure.BROKEN_ANSWER)
        except OutboundError as problem:
            answer, lie = problem.as_failed(), None
        if lie is not None:
            self._refuse(source, lie)
            return None
        if isinstance(answer, Failed):
            log.warning("feed_silent", source=source.id, failure=answer.failure.value, detail=answer.detail)
            return None
        return answer

    def _so_far(self, source_id: str) -> _Read:
        row = self._database.one(models.FIND_FEED, source_id=source_id)
        if row is not None:
            return _Read(cursor=row[0], last_at=row[1])
        with self._database.write() as tx:
            tx.run(models.START[self._database.is_sqlite], source_id=source_id, read_at=clock.seconds())
        return _Read(cursor="", last_at=0)

    def _refuse(self, source: Source, reason: str) -> None:
        log.error("feed_refused", source=source.id, reason=reason)
        with self._database.write() as tx:
            self._audit.feed_refused(tx, source_id=source.id, reason=reason)

    def _take(self, source_id: str, so_far: _Read, page: Changes) -> bool:
        """The page took effect, with the cursor; False where another worker was first."""
        for _ in range(TRIES_AT_ONE_PAGE):
            try:
                return self._taken(source_id, so_far, page)
            except Conflict:
                continue  # a sign-in was changing somebody on the page
        raise Conflict("somebody on the page is being changed all the time")

    def _taken(self, source_id: str, so_far: _Read, page: Changes) -> bool:
        last_at = int(page.changes[-1].at.timestamp())
        with self._database.write() as tx:
            moved = tx.run(
                models.MOVE, of_source=source_id, seen=so_far.cursor, next_cursor=page.next, new_last_at=last_at,
                now=clock.seconds(),
            )  # fmt: skip
            if not moved:
                return False
            for change in page.changes:
                person = self._people.find_by_number(tx, change.personal_number)
                if person is not None:
                    self._apply(tx, source_id, change, person)
        return True

    def _apply(self, tx: Transaction, source_id: str, change: Change, person: Person) -> None:
        told: str = change.type.value
        if change.type is ChangeType.DEATH:
            if person.status == "deceased":
                return
            self._people.set_status(tx, person.id, "deceased", "the register reports a death")
        elif change.type is ChangeType.RENUMBERING:
            if person.personal_number == change.new_number:
                return
            if not self._people.renumber(tx, person, change.new_number or "", source_id):
                told = "renumbering_conflict"  # the new number is somebody else's: an operator has to look
        if change.type is not ChangeType.DEATH:
            self._people.forget_check(tx, person.id, owed=True)
        self._audit.register_changed(tx, person_id=person.id, source_id=source_id, change=told)
        self._sessions.end_all_of(tx, person.id, f"the register reports a {change.type.value}")


def _lie(page: Changes, so_far: _Read, met: set[str]) -> str | None:
    """Why this page cannot come next, or None."""
    at = [so_far.last_at, *(int(change.at.timestamp()) for change in page.changes)]
    renumbered = [change.type is ChangeType.RENUMBERING for change in page.changes]
    lies = {
        "a page that is too long": len(page.next) > CURSOR_CHARACTERS or len(page.changes) > PAGE_LIMIT,
        "a feed that never ends": page.more and (not page.changes or page.next in met),
        "changes, and the cursor goes back or stays": bool(page.changes) and page.next in met,
        "changes that are older than those before": at != sorted(at),
        "a change from the future": at[-1] > clock.seconds() + AHEAD_SECONDS,
        "a new number that is missing, or one too many": renumbered != [bool(c.new_number) for c in page.changes],
    }
    return next((lie for lie, is_one in lies.items() if is_one), None)
