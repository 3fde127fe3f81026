"""What happens to one person at one moment happens once: their first sign-in, their sub, the end of their session.

Threads work through two sets of rooms over one database, with caches and connections apart, as two processes would.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from connectors.base import Identifier, IdentifierType
from idp import clock, entropy
from idp.audit.models import AuditRow
from idp.house import House
from idp.people.models import ConsentRow, LinkRow, PersonRow, SubjectRow
from idp.sessions import LOGOUT_NOTICE, models
from idp.storage.models import OutboxRow
from tests.races.asking import Asking
from tests.races.provider import Citizen, Portal, Provider, patiently, said
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
AT_ONCE = 32


@pytest.mark.parametrize("sources", [("population",), ("population", "bank")])
def test_32_first_sign_ins_of_one_person_make_one_person(
    running: Provider, house: House, sources: tuple[str, ...]
) -> None:
    number = secrets.randbelow(10**12)
    houses, index = (running.house, house), house.sealer.index("people.number", f"{number:012}")
    before = running.house.database.one(select(func.count()).select_from(PersonRow))
    assert before is not None

    def come(each: int) -> Citizen:
        source = sources[each // 2 % len(sources)]
        return patiently(houses[each % 2], said(number, subject=f"{number} at {source}"), source)

    citizens = at_once(AT_ONCE, come)
    (person_id,) = {citizen.person_id for citizen in citizens}
    assert len({citizen.session_id for citizen in citizens}) == AT_ONCE, "each browser has its own session"
    rows = house.database.all(select(PersonRow.id).where(PersonRow.number_index == index))
    assert [bytes(row[0]) for row in rows] == [person_id]
    assert house.database.one(select(func.count()).select_from(PersonRow)) == (before[0] + 1,)
    links = house.database.all(select(LinkRow.source_id).where(LinkRow.person_id == person_id))
    assert sorted(row[0] for row in links) == sorted(sources)
    assert events(house, "person_made", AuditRow.person_id == person_id) == 1


def test_whoever_is_being_made_is_waited_for_whatever_number_leads_to_them(running: Provider, house: House) -> None:
    """By a tax code that is the personal number: no unique row keeps two people from having that."""
    number = secrets.randbelow(10**12)
    as_tax_code = (Identifier(type=IdentifierType.TAX_CODE, value=f"{number:012}"),)
    made, come = threading.Event(), threading.Event()

    def make() -> bytes:
        told = said(number, subject=f"{number} at the bank", identifiers=as_tax_code)
        with running.house.database.write() as tx:
            person_id = running.house.people.recognise(tx, told, "bank", 3).person.id
            made.set()
            come.wait(1)  # who waits for us, as they should, cannot come
        return person_id

    def be_recognised() -> bytes:
        made.wait(30)
        person_id = patiently(house, said(number, identifiers=as_tax_code), "tax").person_id
        come.set()
        return person_id

    one, other = at_once(2, lambda each: make() if each else be_recognised())
    assert one == other


def test_many_who_keep_at_once_that_a_person_was_told_mint_one_sub(
    running: Provider, house: House, portals: Callable[[int], list[Portal]]
) -> None:
    (portal,) = portals(1)
    (citizen,) = running.citizens(1)

    def keep(each: int) -> None:
        rooms = (running.house, house)[each % 2]
        with rooms.database.write() as tx:
            rooms.people.keep_told(
                tx, person_id=citizen.person_id, client_id=portal.id, sector="one.sector",
                claim_names=["name"], agreed=True,
            )  # fmt: skip

    at_once(16, keep)
    subs = select(SubjectRow.sub).where(SubjectRow.person_id == citizen.person_id)
    assert len(house.database.all(subs)) == 1
    consents = select(ConsentRow.agreed).where(ConsentRow.person_id == citizen.person_id)
    assert house.database.all(consents) == [(1,)]


def test_a_session_that_many_end_at_once_ends_once_and_each_portal_is_told_once(
    running: Provider, house: House, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    """Through the logout page of four processes, and by an operator beside them."""
    visited, others = (each := portals(4))[:3], each[3:]
    for citizen in running.citizens(5, *visited, *others):
        connection = asking()
        bought = [connection.redeem(connection.code(citizen, portal), portal) for portal in visited * 2]
        assert {answer.status for answer in bought} == {200}
        hint = bought[0].told["id_token"]

        def end(each: int, citizen: Citizen = citizen, hint: str = hint) -> int:
            if each % 4 == 0:
                with house.database.write() as tx:
                    return 0 if house.sessions.end(tx, citizen.session_id, "an operator ended it") is None else 1
            cookie = {"Cookie": f"session={citizen.cookie}"}
            status, _, body = asking().ask("GET", f"/logout?id_token_hint={hint}", cookie)
            assert status == 200, body[:2000]
            return 0

        at_once(12, end)
        assert messages_about(house, citizen.session_id) == sorted(portal.id for portal in visited)
        assert events(house, "session_ended", AuditRow.session_id == citizen.session_id) == 1
        assert [connection.userinfo(answer.token) for answer in bought] == [401] * 6


def test_a_portal_that_redeems_while_the_session_ends_is_told_or_gets_nothing(
    running: Provider, house: House, portals: Callable[[int], list[Portal]]
) -> None:
    """The grant is written, and not yet committed, when the session ends: the end has to see it, or it has to fail."""
    (portal,) = portals(1)
    (citizen,) = running.citizens(1, portal)
    granted, ended = threading.Event(), threading.Event()

    def redeem() -> None:
        now = clock.seconds()
        with running.house.database.write() as tx:
            row = tx.one(
                models.GRANT.first, grant_id=entropy.ordered_id(), session_id=citizen.session_id, client_id=portal.id,
                sector=f"{portal.id}.localhost", claims=1, level=3, auth_time=0, mandate_id=None,
                issued_at=now, now=now, scopes=1, offline=0, expires_at=now, binding=None, resource=None,
            )  # fmt: skip
            assert row is not None
            granted.set()
            ended.wait(1)  # where the end waits for us, as it should, it cannot come

    def end() -> None:
        granted.wait(30)
        with house.database.write() as tx:
            house.sessions.end(tx, citizen.session_id, "at the same moment")
        ended.set()

    at_once(2, lambda each: redeem() if each else end())
    assert messages_about(house, citizen.session_id) == [portal.id]


def test_of_a_redemption_and_an_end_at_one_moment_no_grant_is_left_that_nobody_is_told_of(
    running: Provider, house: House, portals: Callable[[int], list[Portal]], asking: Callable[[], Asking]
) -> None:
    (portal,) = portals(1)
    connection = asking()

    def end(citizen: Citizen) -> int:
        with house.database.write() as tx:
            assert house.sessions.end(tx, citizen.session_id, "at the same moment") is not None
        return 0

    for citizen in running.citizens(40, portal):
        code = connection.code(citizen, portal)
        deeds = (lambda code=code: connection.redeem(code, portal).status, lambda citizen=citizen: end(citizen))
        status, _ = at_once(2, lambda each, deeds=deeds: deeds[each]())  # type: ignore[misc]
        assert status in (200, 400)
        assert messages_about(house, citizen.session_id) == [portal.id] * (status == 200)


def events(house: House, event: str, about: object) -> int:
    row = house.database.one(select(func.count()).select_from(AuditRow).where(AuditRow.event == event, about))  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def messages_about(house: House, session_id: bytes) -> list[str]:
    """Which portals are told of the end of this session, as often as they are."""
    import json

    rows = house.database.all(select(OutboxRow.id, OutboxRow.body).where(OutboxRow.kind == LOGOUT_NOTICE))
    bodies = [json.loads(house.sealer.open("outbox.body", bytes(body), bytes(message))) for message, body in rows]
    return sorted(body["client_id"] for body in bodies if body["session_id"] == session_id.hex())
