"""Grants: what portals bought with a code. One winner, durably; nothing stands longer than what it stands on."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from idp import clock, entropy
from idp.clients import Client
from idp.house import House
from idp.sessions import SignedIn
from idp.sessions.grants import TOUCH_EVERY_SECONDS, GrantWanted, SessionOver
from idp.sessions.models import SessionRow
from idp.sources import SourceDraft
from idp.storage.database import Conflict
from tests.oidc.residents import assertion
from tests.sessions.rooms import later, registered


@pytest.fixture
def portal(house: House) -> Client:
    return registered(house, "ministry")


def wanted(house: House, portal: Client, **changes: Any) -> GrantWanted:
    """What a code for a fresh person, who was told of the portal, would ask for."""
    with house.database.write() as tx:
        person = house.people.recognise(tx, assertion(), "population", 3).person
        house.people.keep_told(
            tx, person_id=person.id, client_id=portal.id, sector=portal.sector, claim_names=["name"], agreed=False
        )
        signed_in = SignedIn(
            person_id=person.id, source_id="population", source_kind="population", level=2, amr=("pwd", "otp"),
            auth_time=clock.seconds() - 10,
        )  # fmt: skip
        session_id, _ = house.sessions.open(tx, None, signed_in)
    given = GrantWanted(
        id=entropy.ordered_id(), session_id=session_id, person_id=person.id, claim_names=("name",),
        told_names=("name", "email"), level=2, auth_time=signed_in.auth_time,
    )  # fmt: skip
    return replace(given, **changes)


def test_a_grant_says_what_the_session_says(house: House, portal: Client) -> None:
    asked = wanted(house, portal)
    granted = house.grants.redeem(asked, portal)
    assert (granted.level, granted.auth_time, granted.amr) == (2, asked.auth_time, ("pwd", "otp"))
    assert granted.source_kind == "population"
    entitled = house.grants.entitled(asked.id)
    assert entitled
    assert (entitled.client_id, entitled.sub, entitled.claim_names) == ("ministry", granted.sub, ("name",))
    assert (entitled.level, entitled.person.id) == (2, asked.person_id)
    (event,) = [event for event in house.audit.export() if event["event"] == "granted"]
    assert event["details"] == {"level": 2, "claims": ["name", "email"]}


def test_that_the_session_was_used_is_noted_with_the_grant_once_a_minute(house: House, portal: Client) -> None:
    asked = wanted(house, portal)
    used_at = select(SessionRow.used_at).where(SessionRow.id == asked.session_id)
    with house.database.engine.connect() as connection:
        opened_at = connection.scalar(used_at)
    for seconds, noted in ((TOUCH_EVERY_SECONDS - 1, 0), (TOUCH_EVERY_SECONDS + 1, TOUCH_EVERY_SECONDS + 1)):
        with later(seconds):
            house.grants.redeem(replace(asked, id=entropy.ordered_id()), portal)
        with house.database.engine.connect() as connection:
            assert (connection.scalar(used_at) or 0) - (opened_at or 0) in (noted, noted + 1), seconds


def test_a_grant_that_is_refused_leaves_no_event_and_no_use(house: House, portal: Client) -> None:
    asked = wanted(house, portal, level=4)
    with later(TOUCH_EVERY_SECONDS + 1), pytest.raises(SessionOver):
        house.grants.redeem(asked, portal)
    with house.database.engine.connect() as connection:
        opened_at, used_at = connection.execute(select(SessionRow.opened_at, SessionRow.used_at)).one()
    assert used_at == opened_at
    assert not [event for event in house.audit.export() if event["event"] == "granted"]


def test_a_grant_is_had_once(house: House, portal: Client) -> None:
    asked = wanted(house, portal)
    house.grants.redeem(asked, portal)
    with pytest.raises(Conflict):
        house.grants.redeem(asked, portal)
    assert len([event for event in house.audit.export() if event["event"] == "granted"]) == 1


def test_of_many_at_once_one_wins(house: House, portal: Client) -> None:
    asked, start, won = wanted(house, portal), threading.Barrier(8), []

    def redeem() -> None:
        start.wait()
        try:
            won.append(house.grants.redeem(asked, portal))
        except Conflict:
            won.append(None)

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 8
    assert len([granted for granted in won if granted]) == 1


def _end(house: House, asked: GrantWanted) -> None:
    with house.database.write() as tx:
        house.sessions.end(tx, asked.session_id, "in a test")


def _bar(house: House, asked: GrantWanted) -> None:
    with house.database.write() as tx:
        house.people.set_status(tx, asked.person_id, "barred", "in a test")


def _switch_off(house: House, _: GrantWanted) -> None:
    with house.database.write() as tx:
        house.clients.set_enabled(tx, "ministry", enabled=False)


def draft(source_id: str) -> SourceDraft:
    return SourceDraft(
        id=source_id, kind="population", name_vi="Dân cư", name_en="Register", ceiling=3,
        configuration={"issuer": "https://register.example", "client_id": "motcua"}, secrets={"client_secret": "x"},
    )  # fmt: skip


def _switch_off_source(house: House, _: GrantWanted) -> None:
    with house.database.write() as tx:
        house.sources.save(tx, draft("population"))  # a new source is off


@pytest.mark.parametrize("happen", [_end, _bar, _switch_off, _switch_off_source])
def test_nothing_is_granted_on_what_does_not_stand(house: House, portal: Client, happen: Any) -> None:
    asked = wanted(house, portal)
    happen(house, asked)
    with pytest.raises(SessionOver):
        house.grants.redeem(asked, portal)
    assert house.grants.entitled(asked.id) is None


@pytest.mark.parametrize("happen", [_end, _bar, _switch_off, _switch_off_source])
def test_what_was_granted_falls_with_it(house: House, portal: Client, happen: Any) -> None:
    asked = wanted(house, portal)
    house.grants.redeem(asked, portal)
    happen(house, asked)
    assert house.grants.entitled(asked.id) is None


def test_nothing_is_granted_to_a_portal_of_a_sector_that_the_person_has_no_sub_in(house: House, portal: Client) -> None:
    other = registered(house, "province")
    with pytest.raises(SessionOver):
        house.grants.redeem(wanted(house, portal), other)


@pytest.mark.parametrize("changes", [{"level": 3}, {"auth_time": 9_999_999_999}])
def test_a_session_that_has_become_weaker_is_not_what_the_code_promised(
    house: House, portal: Client, changes: dict[str, int]
) -> None:
    with pytest.raises(SessionOver):
        house.grants.redeem(wanted(house, portal, **changes), portal)


def test_a_grant_is_revoked_by_its_own_portal_once(house: House, portal: Client) -> None:
    asked, other = wanted(house, portal), registered(house, "province")
    house.grants.redeem(asked, portal)
    assert not house.grants.revoke(asked.id, other, "not theirs")
    assert house.grants.entitled(asked.id)
    assert house.grants.revoke(asked.id, portal, "its code was used twice")
    assert not house.grants.revoke(asked.id, portal, "again")
    assert house.grants.entitled(asked.id) is None
    assert not house.grants.revoke(b"nobody's grant", portal, "unknown")
    (event,) = [event for event in house.audit.export() if event["event"] == "grant_revoked"]
    assert (event["client_id"], event["details"]["reason"]) == ("ministry", "its code was used twice")
