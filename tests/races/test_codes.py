"""A code buys one grant, whoever comes how often and at whatever moment; four worker processes over HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from idp.audit.models import AuditRow
from idp.oidc.sealed import open_access_token
from idp.sessions.models import GrantRow
from tests.races.asking import Answer, Asking, Code
from tests.races.provider import Portal, Provider
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
CODES, CLIENTS = 100, 16
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def test_of_16_who_redeem_one_code_at_once_one_gets_tokens_and_they_are_void_after_the_second_use(
    running: Provider, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    (portal,) = portals(1)
    busy_before = cpu_seconds(running)
    codes = [asking().code(citizen, portal) for citizen in running.citizens(CODES, portal)]
    answers = everybody_tries(codes, portal, asking)
    for tried in answers:
        assert sorted(answer.status for answer in tried) == [200] + [400] * (CLIENTS - 1)
        assert {answer.told["error"] for answer in tried if answer.status == 400} == {"invalid_grant"}
    tokens = [answer.token for tried in answers for answer in tried if answer.status == 200]
    assert [asking().userinfo(token) for token in tokens] == [401] * CODES
    rows = running.house.database.all(select(GrantRow.revoked_at).where(GrantRow.client_id == portal.id))
    assert len(rows) == CODES and all(revoked_at is not None for (revoked_at,) in rows)
    assert events(running, portal) == {"granted": CODES, "grant_revoked": CODES}
    busy = cpu_seconds(running)
    assert sum(busy[pid] > busy_before.get(pid, 0) for pid in busy) >= 2, "they went to several processes"


def everybody_tries(codes: list[Code], portal: Portal, asking: Callable[[], Asking]) -> list[list[Answer]]:
    """What each client got for each code; all of them tried it at one moment."""
    start = threading.Barrier(CLIENTS)

    def try_all(_: int) -> list[Answer]:
        connection, got = asking(), []
        connection.userinfo("nothing")  # connected before the first start
        for code in codes:
            start.wait(60)
            got.append(connection.redeem(code, portal))
        return got

    return [list(tried) for tried in zip(*at_once(CLIENTS, try_all), strict=True)]


Stranger = tuple[Callable[[Asking, Code], Answer], str]  # what they try, and the error that they are told


def test_strangers_neither_spend_a_code_nor_revoke_what_it_bought(
    running: Provider, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    portal, other = portals(2)
    strangers: list[Stranger] = [
        (lambda connection, code: connection.redeem(code, other), "invalid_grant"),
        (lambda connection, code: connection.redeem(code, other, redirect_uri=portal.redirect_uri), "invalid_grant"),
        (lambda connection, code: connection.redeem(code, portal, secret="wrong"), "invalid_client"),
        (lambda connection, code: connection.redeem(code, portal, code_verifier="v" * 43), "invalid_grant"),
        (lambda connection, code: connection.redeem(code, portal, redirect_uri=other.redirect_uri), "invalid_grant"),
        (lambda connection, code: connection.redeem(code, Portal("no", "x", portal.redirect_uri)), "invalid_client"),
    ]

    def refused(code: Code) -> bool:
        answers = at_once(len(strangers), lambda number: strangers[number][0](asking(), code))
        return [answer.told["error"] for answer in answers] == [error for _, error in strangers]

    for citizen in running.citizens(10, portal):
        code = asking().code(citizen, portal)
        assert refused(code)
        bought = asking().redeem(code, portal)
        assert bought.status == 200, bought
        assert refused(code)
        assert asking().userinfo(bought.token) == 200


def test_strangers_who_try_at_the_moment_of_the_redemption_take_nothing_from_it(
    running: Provider, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    portal, other = portals(2)
    connections = [asking() for _ in range(8)]

    def try_it(number: int, code: Code) -> Answer:
        if number == 0:
            return connections[0].redeem(code, portal)
        changes = {"secret": "wrong"} if number % 2 else {"code_verifier": "v" * 43}
        return connections[number].redeem(code, other if number > 5 else portal, **changes)

    for citizen in running.citizens(20, portal):
        code = connections[0].code(citizen, portal)
        answers = at_once(8, lambda number, code=code: try_it(number, code))  # type: ignore[misc]
        assert [answer.status == 200 for answer in answers] == [True] + [False] * 7
        assert connections[1].userinfo(answers[0].token) == 200


def test_every_grant_has_its_audit_event_and_its_own_id(
    running: Provider, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    (portal,) = portals(1)
    citizens = running.citizens(8, portal)

    def buy(number: int) -> list[Answer]:
        connection = asking()
        return [connection.redeem(connection.code(citizens[number], portal), portal) for _ in range(10)]

    answers = [answer for bought in at_once(8, buy) for answer in bought]
    assert [answer.status for answer in answers] == [200] * 80
    grants = {open_access_token(running.house.sealer, answer.token).grant_id for answer in answers}
    kept = running.house.database.all(select(GrantRow.id).where(GrantRow.client_id == portal.id))
    assert {bytes(row[0]) for row in kept} == grants
    assert len(grants) == 80
    assert events(running, portal) == {"granted": 80}


def events(running: Provider, portal: Portal) -> dict[str, int]:
    """How many audit events of each kind name this portal; refusals are counted together, so they are left out."""
    counted = select(AuditRow.event, func.count()).where(AuditRow.client_id == portal.id, AuditRow.event != "refused")
    return {row[0]: row[1] for row in running.house.database.all(counted.group_by(AuditRow.event))}


def cpu_seconds(running: Provider) -> dict[int, float]:
    """What each worker has computed so far."""
    used = {}
    for pid in running.workers:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        used[pid] = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return used
