"""The browsers in which a person is signed in, and how one that is not theirs any more is signed out.

POST /account/sessions    one of them (`session`) is signed out, or all but this one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from idp import clock
from idp.account import models
from idp.account.door import Door
from idp.broker.desk import see_other
from idp.clients.own import ACCOUNT
from idp.sessions import Sessions, Standing
from idp.sources import Sources
from idp.storage import Database
from idp.web.account import OTHERS, SessionRow

SESSIONS = f"{ACCOUNT}/sessions"
ENDED_THERE = "the person signed out from another browser"


@dataclass(frozen=True, kw_only=True)
class Browsers:
    database: Database
    door: Door
    sessions: Sessions
    sources: Sources
    idle_seconds: int

    def stand_in(self, room: Blueprint) -> None:
        room.post(SESSIONS, endpoint="end_session")(self.end)

    def rows(self, standing: Standing) -> tuple[SessionRow, ...]:
        """The person's browsers, this one first, then those used last."""
        rows = [self._row(row, standing) for row in self._open(standing.person_id)]
        return tuple(sorted(rows, key=lambda row: not row.is_this))

    def end(self) -> Response:
        """The sessions that were named are over, and their portals are being told; never this browser's own."""
        standing = self.door.standing()
        if standing is None:
            return see_other(ACCOUNT)
        self.door.check_form()
        named = request.form.get("session", "")
        others = [bytes(row[0]) for row in self._open(standing.person_id) if bytes(row[0]) != standing.session_id]
        with self.database.write() as tx:
            for session_id in others:
                if named in (OTHERS, self._name(session_id)):
                    self.sessions.end(tx, session_id, ENDED_THERE)
        return see_other(url_for("account.page") + "#sessions")

    def _open(self, person_id: bytes) -> list[Sequence[Any]]:
        now = clock.seconds()
        return self.database.all(models.SESSIONS, of_person=person_id, now=now, idle_since=now - self.idle_seconds)

    def _row(self, row: Sequence[Any], standing: Standing) -> SessionRow:
        session_id, source_id, level, opened_at, used_at = row
        is_this = bytes(session_id) == standing.session_id
        name_vi, name_en = source_names(self.sources, source_id)
        return SessionRow(
            id=self._name(bytes(session_id)), name_vi=name_vi, name_en=name_en, level=level, is_this=is_this,
            since=clock.instant(opened_at), used=clock.now() if is_this else clock.instant(used_at),
        )  # fmt: skip

    def _name(self, session_id: bytes) -> str:
        return self.sessions.sid(session_id, self.door.journey.own)


def source_names(sources: Sources, source_id: str) -> tuple[str, str]:
    """What people call the source, in Vietnamese and in English; its id where it is gone."""
    source = sources.find(source_id)
    return (source_id, source_id) if source is None else (source.name_vi, source.name_en)
