"""A look at the ledger after chaos finds every sort of lie: a program that finds none proves nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from idp import entropy
from idp.house import House, build
from idp.people.claims import CLAIMS
from idp.people.models import PersonRow
from idp.settings import load
from tests.chaos.__main__ import exit_code
from tests.chaos.cases import Result
from tests.chaos.country import start_source
from tests.chaos.ledger import Check, Ledger
from tests.chaos.visitor import ANSWERED, Log, Visitor, Where
from tests.races.provider import Citizen, Portal, said, sign_in
from tests.world import World, world

PORTAL = "province"
NAMES = [claim.name for claim in CLAIMS]
PEOPLE = select(PersonRow.id)


@dataclass
class Day:
    """What two people did, one of whom signed out, and one who was signed in before; and what they were told."""

    world: World
    where: Where
    portal: Portal
    ledger: Ledger
    log: Log

    @property
    def told(self) -> set[str]:
        """The portal was told of every logout."""
        return {sid for sid, _ in self.ledger.logouts.values()}

    def visitor(self) -> Visitor:
        return Visitor(self.where, self.portal, self.ledger, self.log)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with world(tmp_path_factory.mktemp("chaos")) as running, contextlib.ExitStack() as at_the_end:
        registered = running.portal(
            PORTAL, consent_required=True, backchannel_logout_uri=f"http://{PORTAL}.localhost:9/logout"
        )
        _, source_port = start_source(at_the_end, running.house)
        at_the_end.callback(running.house.egress.close)
        issuer = urlsplit(running.issuer)
        where = Where(
            port=issuer.port or 80, host=issuer.netloc, source_port=source_port,
            signed_out_uri=registered.post_logout_redirect_uri,
        )  # fmt: skip
        portal = Portal(PORTAL, registered.secret or "", registered.redirect_uri)
        day = Day(running, where, portal, Ledger(), Log())
        for number, signs_out in (("100000000001", False), ("100000000002", True)):
            day.visitor().sign_in(number, sign_out=signs_out)
        day.visitor().sign_on(agreed(running.house, portal), twice=True)
        day.visitor().sign_on(agreed(running.house, portal), twice=False)
        yield day


def agreed(house: House, portal: Portal) -> Citizen:
    """Somebody who is signed in, and has agreed to what the portal reads."""
    citizen = sign_in(house, said(len(house.database.all(PEOPLE)) + 7), portal)
    client = house.clients.find(portal.id)
    assert client is not None
    with house.database.write() as tx:
        house.people.keep_told(
            tx, person_id=citizen.person_id, client_id=client.id, sector=client.sector, claim_names=NAMES, agreed=True
        )
    return citizen


@pytest.fixture
def house(day: Day, tmp_path: Path) -> Iterator[House]:
    """The rooms over a copy of the database, which a test may spoil."""
    settings = day.world.settings
    copy = tmp_path / "motcua.db"
    with (
        contextlib.closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))) as original,
        contextlib.closing(sqlite3.connect(copy)) as spoilt,
    ):
        original.backup(spoilt)
    house = build(
        load(
            mode="test", issuer=settings.issuer, database_url=f"sqlite:///{copy}",
            master_keys_file=settings.master_keys_file, outbound={"allow_loopback": True},
        )
    )  # fmt: skip
    yield house
    house.database.engine.dispose()


def spoil(house: House, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(house.settings.database_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute(statement).rowcount > 0, "there was something to spoil"
        connection.commit()


def test_on_a_calm_day_all_that_was_acknowledged_is_kept(day: Day, house: House) -> None:
    assert Check(house, day.ledger).lies(day.told) == []
    assert {each.outcome for each in day.log.asked} == {ANSWERED}
    assert len(day.ledger.grants) == 4
    assert len(day.ledger.sign_ins) == len(day.ledger.consents) == len(day.ledger.subs) == 2
    assert len(day.ledger.logouts) == 1


@pytest.mark.parametrize(
    "statement, lie",
    [
        ("DELETE FROM grants WHERE id = (SELECT max(id) FROM grants)", "a grant that was acknowledged is missing"),
        ("UPDATE grants SET client_id = 'other'", "a grant that was acknowledged is missing"),
        ("DELETE FROM audit_events WHERE event = 'granted'", "grants and their audit events are not equally many"),
        ("DELETE FROM browser_sessions", "a session that was opened is missing"),
        ("DELETE FROM people", "a person who signed in is missing"),
        ("DELETE FROM person_keys", "a person who signed in is missing"),
        ("DELETE FROM links", "the link of a person to their source is missing"),
        ("DELETE FROM audit_events WHERE event = 'person_made'", "the audit event of a new person is missing"),
        ("DELETE FROM audit_events WHERE event = 'signed_in'", "the audit event of a sign-in is missing"),
        ("DELETE FROM consents", "a consent that was given is missing"),
        ("UPDATE consents SET agreed = 0", "a consent that was given is missing"),
        ("DELETE FROM audit_events WHERE event = 'told'", "the audit event of a consent is missing"),
        ("DELETE FROM subjects", "a sub that a portal was told is nobody's, or another's"),
        ("UPDATE browser_sessions SET ended_at = NULL", "a session that was told as ended goes on"),
        ("DELETE FROM audit_events WHERE event = 'session_ended'", "the audit event of a logout is missing"),
    ],
)
def test_what_is_missing_is_noticed(day: Day, house: House, statement: str, lie: str) -> None:
    spoil(house, statement)
    assert any(found.startswith(lie) for found in Check(house, day.ledger).lies(day.told))


def test_a_portal_that_was_never_told_of_a_logout_is_noticed(day: Day, house: House) -> None:
    assert Check(house, day.ledger).lies(set()) == ["a portal was never told of a logout"]


def test_a_code_that_can_be_spent_again_is_noticed(day: Day) -> None:
    day.visitor().sign_on(agreed(day.world.house, day.portal), twice=False)
    grant = day.ledger.grants.pop()
    day.visitor().redeem(grant.code, grant.verifier, (400,))
    assert day.ledger.times_spent[grant.code] == 1, "while the grant stands, it cannot"
    spoil(day.world.house, "DELETE FROM grants WHERE id = (SELECT max(id) FROM grants)")
    day.visitor().redeem(grant.code, grant.verifier, (400,))
    assert "a code was spent twice" in Check(day.world.house, day.ledger).lies(day.told)
    del day.ledger.times_spent[grant.code]


def test_a_session_that_opens_something_after_its_end_is_noticed(day: Day) -> None:
    ((cookie, (_, token)),) = day.ledger.logouts.items()
    day.visitor().look_again(cookie, token)
    assert day.ledger.seen == []
    revived = f"fingerprint = x'{entropy.fingerprint(cookie).hex()}'"
    spoil(day.world.house, f"UPDATE browser_sessions SET ended_at = NULL WHERE {revived}")
    day.visitor().look_again(cookie, token)
    spoil(day.world.house, f"UPDATE browser_sessions SET ended_at = opened_at WHERE {revived}")
    assert len(day.ledger.seen) == 2, "userinfo, and a sign-on without a word"
    day.ledger.seen.clear()


def test_a_good_token_that_opens_nothing_is_noticed(day: Day) -> None:
    day.visitor().look_good("mc_at_nobodys")
    assert day.ledger.seen == ["a token that was given, and not revoked, opens nothing"]
    day.ledger.seen.clear()


@pytest.mark.parametrize(
    "results, code",
    [
        ([Result(case="worker", engine="sqlite")], 0),
        ([], 1),
        ([Result(case="worker", engine="sqlite", faults=["a code was spent twice"])], 1),
        ([Result(case="worker", engine="sqlite"), Result(case="disk", engine="sqlite", not_run="no right")], 1),
    ],
)
def test_only_a_whole_run_without_a_fault_is_good(results: list[Result], code: int) -> None:
    assert exit_code(results) == code
