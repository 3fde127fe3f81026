"""Renewing a grant, in the rooms: what it stands on while its session goes on, and when the session is long gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from connectors.base import Organisation
from idp import entropy
from idp.clients import Client
from idp.house import House
from idp.sessions.grants import GrantOver, GrantWanted, Refreshed, Reused
from idp.sessions.mandates import MANDATE_SECONDS
from idp.sessions.models import MandateRow, SessionRow
from tests.oidc.residents import seconds_later
from tests.sessions.rooms import registered
from tests.sessions.test_grants import draft, wanted

OFFLINE = ("openid", "offline_access")
GRANT_TYPES = ["authorization_code", "refresh_token"]


@pytest.fixture
def portal(house: House) -> Client:
    return registered(house, "ministry", grant_types=GRANT_TYPES)


@pytest.fixture
def public(house: House) -> Client:
    return registered(house, "app", grant_types=GRANT_TYPES, token_endpoint_auth_method="none")


def lasting(house: House, portal: Client, **changes: Any) -> GrantWanted:
    """A grant that outlives its session."""
    asked = replace(wanted(house, portal), scopes=OFFLINE, **changes)
    house.grants.redeem(asked, portal)
    return asked


def anything(_: Refreshed) -> None:
    """Whatever is found will do."""


def refresh(house: House, asked: GrantWanted, portal: Client, generation: int = 0) -> Refreshed:
    return house.grants.refresh(asked.id, generation, portal, anything)


def forget_session(house: House, asked: GrantWanted) -> None:
    """As the worker does with sessions that are long over."""
    with house.database.write() as tx:
        house.sessions.end(tx, asked.session_id, "in a test")
        tx.run(delete(SessionRow).where(SessionRow.id == asked.session_id))


def test_it_says_of_the_sign_in_what_was_said_at_redemption(house: House, portal: Client) -> None:
    asked = wanted(house, portal)
    granted = house.grants.redeem(replace(asked, scopes=OFFLINE, resource="https://api.example/"), portal)
    forget_session(house, asked)
    found = refresh(house, asked, portal)
    assert found.granted == granted
    assert (found.scopes, found.resource, found.session_id) == (OFFLINE, "https://api.example/", asked.session_id)
    entitled = house.grants.entitled(asked.id)
    assert entitled is not None
    assert (entitled.scopes, entitled.auth_time, entitled.session_id) == (OFFLINE, granted.auth_time, asked.session_id)


def test_a_source_that_is_switched_off_takes_it_along_when_the_session_is_long_gone(
    house: House, portal: Client
) -> None:
    asked = lasting(house, portal)
    forget_session(house, asked)
    assert house.grants.entitled(asked.id)
    with house.database.write() as tx:
        house.sources.save(tx, draft("population"))  # a new source is off
    assert house.grants.entitled(asked.id) is None
    with pytest.raises(GrantOver):
        refresh(house, asked, portal)


def test_for_an_organisation_it_lasts_no_longer_than_the_mandate(house: House, portal: Client) -> None:
    asked, organisation = wanted(house, portal), Organisation(tax_code="0312345678", name="Công ty Sen")
    with house.database.write() as tx:
        house.sessions.mandates.keep(
            tx, session_id=asked.session_id, person_id=asked.person_id, client_id=portal.id,
            organisation=organisation, register="business",
        )  # fmt: skip
        row = tx.one(MandateRow.__table__.select().where(MandateRow.session_id == asked.session_id))
        assert row is not None
    asked = replace(asked, scopes=OFFLINE, mandate_id=bytes(row[0]))
    house.grants.redeem(asked, portal)
    assert refresh(house, asked, portal)
    with seconds_later(MANDATE_SECONDS + 5), pytest.raises(GrantOver):
        refresh(house, asked, portal)


def test_of_no_grant_and_of_another_s_nothing_is_told(house: House, portal: Client, public: Client) -> None:
    asked = lasting(house, portal)
    for grant_id, client in ((entropy.ordered_id(), portal), (asked.id, public)):
        with pytest.raises(GrantOver):
            house.grants.refresh(grant_id, 0, client, anything)
        assert house.grants.refreshable(grant_id, 0, client) is None
    assert house.grants.refreshable(asked.id, 0, portal)


def test_what_the_check_raises_undoes_everything(house: House, public: Client) -> None:
    asked = lasting(house, public)

    def refuse(_: Refreshed) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        house.grants.refresh(asked.id, 0, public, refuse)
    assert [event["event"] for event in house.audit.export()].count("refreshed") == 0
    assert refresh(house, asked, public).generation == 1


def test_a_number_that_was_never_given_out_revokes_nothing(house: House, public: Client) -> None:
    """It cannot come from anybody; after a database was brought back to an earlier day it can."""
    asked = lasting(house, public)
    with pytest.raises(GrantOver):
        refresh(house, asked, public, generation=5)
    assert refresh(house, asked, public).generation == 1


def test_a_reused_one_is_revoked_in_a_commit_of_its_own(house: House, public: Client) -> None:
    asked = lasting(house, public)
    for generation in range(3):
        refresh(house, asked, public, generation)
    with pytest.raises(Reused):
        refresh(house, asked, public, 0)
    assert house.grants.entitled(asked.id) is None


def test_one_access_token_is_revoked_and_the_grant_stands(house: House, portal: Client) -> None:
    asked, token_id = lasting(house, portal), entropy.random_id()
    house.grants.revoke_token(token_id, portal, 2_000_000_000)
    assert house.grants.entitled(asked.id, token_id) is None
    assert house.grants.entitled(asked.id, entropy.random_id())
    assert house.grants.is_revoked(token_id)
