"""A worker process that is killed takes nothing with it that was acknowledged, and is replaced."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from idp.audit.models import AuditRow
from idp.oidc.sealed import open_access_token
from idp.sessions.models import GrantRow
from tests.races.asking import Asking
from tests.races.provider import Citizen, Portal, Provider
from tests.servers import eventually
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
CLIENTS, KILLED, TOKENS_BETWEEN_KILLS = 12, 4, 60  # four workers: each dies once, so whoever serves most does too


def test_a_worker_killed_under_load_loses_no_acknowledged_token(
    running: Provider, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    (portal,) = portals(1)
    citizens = running.citizens(CLIENTS, portal)
    tokens: list[str] = []
    load_goes_on = threading.Event()
    load_goes_on.set()

    def sign_on(citizen: Citizen) -> int:
        """Signs on until told to stop; returns how many requests died with their worker. No code is used twice."""
        connection, died = asking(), 0
        while load_goes_on.is_set():
            try:
                answer = connection.redeem(connection.code(citizen, portal), portal)
            except (OSError, http.client.HTTPException):
                died += 1
            else:
                assert answer.status == 200, answer
                tokens.append(answer.token)
        return died

    def await_more_tokens() -> None:
        enough = len(tokens) + TOKENS_BETWEEN_KILLS
        eventually(lambda: len(tokens) >= enough)

    def kill() -> int:
        try:
            for _ in range(KILLED):
                await_more_tokens()
                os.kill(running.workers[0], signal.SIGKILL)
            await_more_tokens()
        finally:
            load_goes_on.clear()
        return 0

    died = at_once(CLIENTS + 1, lambda number: kill() if number == CLIENTS else sign_on(citizens[number]))
    assert sum(died) > 0, "somebody noticed the kills"
    eventually(lambda: len(running.workers) == 4 and running.is_ready())
    assert len(tokens) > KILLED * TOKENS_BETWEEN_KILLS
    connection = asking()
    assert {connection.userinfo(token) for token in tokens} == {200}
    kept = running.house.database.all(select(GrantRow.id).where(GrantRow.client_id == portal.id))
    acknowledged = {open_access_token(running.house.sealer, token).grant_id for token in tokens}
    assert acknowledged <= {bytes(row[0]) for row in kept}
    # Grant and event are one commit, also of those whose answer died on its way.
    events = select(func.count()).where(AuditRow.client_id == portal.id, AuditRow.event == "granted")
    assert running.house.database.one(events) == (len(kept),)
