"""What strangers can make us keep: of whoever need not prove who they are, little, and counted by network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from idp.storage.models import ShortLivedRow
from idp.storage.short_lived import InDatabase
from tests.oidc.holder import PUBLIC, Holder, bought, posted, refreshed
from tests.oidc.packing import push, pushed
from tests.oidc.residents import fresh_name, move_in
from tests.world import Portal, World, world

PER_MINUTE = 10
FILLING = {f"x{number}": "y" * 4000 for number in range(15)}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("guarded"), limits={"logins_per_network_per_minute": PER_MINUTE}) as guarded:
        yield guarded


@pytest.fixture
def app(guarded: World) -> Portal:
    """A client without a secret: anybody can send requests in its name."""
    guarded.house.short_lived.take("begun:127.0.0.1")
    return guarded.portal(fresh_name(), **PUBLIC)


def stored(country: World) -> tuple[int, int]:
    """How many things the short-lived store keeps, and the length of them all."""
    store = country.house.short_lived
    assert isinstance(store, InDatabase)
    asked = select(func.count(), func.coalesce(func.sum(func.length(ShortLivedRow.value)), 0))
    row = store.database.one(asked.select_from(ShortLivedRow.__table__))
    assert row is not None
    return row[0], row[1]


def test_requests_that_nobody_proves_to_have_pushed_are_counted_by_network(guarded: World, app: Portal) -> None:
    answers = [push(app, app.ask().parameters) for _ in range(PER_MINUTE + 2)]
    assert [answer.status_code for answer in answers] == [201] * PER_MINUTE + [429] * 2
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    before = stored(guarded)
    assert push(app, app.ask().parameters, Holder()).status_code == 429
    assert stored(guarded) == before, "nothing is kept, not even that a proof was used"


def test_a_portal_that_proves_itself_pushes_on(guarded: World, app: Portal) -> None:
    for _ in range(PER_MINUTE + 1):
        push(app, app.ask().parameters)
    portal = guarded.portal(fresh_name())
    assert [push(portal, portal.ask().parameters).status_code for _ in range(PER_MINUTE + 1)] == [201] * (
        PER_MINUTE + 1
    )


def test_of_a_pushed_request_no_more_is_kept_than_is_read_of_it(guarded: World, app: Portal) -> None:
    asked_for = app.ask(login_hint="somebody", claims='{"id_token": {"name": null}}').parameters
    _, before = stored(guarded)
    name = pushed(app, asked_for | FILLING)
    assert 0 < stored(guarded)[1] - before < 4000
    page = guarded.browser().open_at(f"{guarded.issuer}/authorize?client_id={app.id}&request_uri={name}", app)
    assert "/sign-in/" in page.url


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "refresh_token", "refresh_token": "made-up"},
        {"grant_type": "authorization_code", "code": "made-up", "code_verifier": "v" * 43},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "made-up"},
        {"grant_type": "client_credentials"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "made-up"},
        {"grant_type": "made-up"},
    ],
    ids=lambda form: form["grant_type"].rpartition(":")[2],
)
def test_proofs_of_whoever_has_nothing_to_exchange_are_not_kept(
    guarded: World, app: Portal, form: dict[str, str | None]
) -> None:
    grants = [*PUBLIC["grant_types"], "urn:ietf:params:oauth:grant-type:device_code"]
    portal = guarded.portal(fresh_name(), **PUBLIC | {"grant_types": grants})
    before = stored(guarded)
    for _ in range(3):
        assert posted(portal, "/token", form, holder=Holder()).status_code == 400
    assert stored(guarded) == before


def test_a_proof_is_spent_before_anything_is_given_for_it(guarded: World, app: Portal) -> None:
    """A second request with it gets nothing, and what it wanted to exchange is still good."""
    holder, resident = Holder(), move_in(guarded, app)
    tokens = bought(resident, app, holder=holder)
    shown = holder.proof(f"{guarded.issuer}/token")
    form: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    first = posted(app, "/token", form, headers=shown)
    assert first.status_code == 200, first.text
    renewed = first.json()["refresh_token"]
    again = posted(app, "/token", form | {"refresh_token": renewed}, headers=shown)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
    assert refreshed(app, renewed, holder=holder).status_code == 200
