"""A portal looks at, changes and ends what it registered (RFC 7592), with the token that is its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from idp.clients import Registration
from idp.clients.models import ClientRow, InvitationRow, SelfRegistrationRow
from idp.clients.self_registrations import SelfRegistrations
from idp.house import House
from tests.clients.key_sets import jwk, key_set
from tests.oidc.registering import WISHES, Office, Registered, office, refusal
from tests.oidc.residents import fresh_name, move_in
from tests.sessions.rooms import another_worker
from tests.storage.places import at_once
from tests.world import listening


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("managed")) as opened:
        yield opened


@pytest.fixture
def land(registry: Office) -> Registered:
    return registry.register(registry.invite(scopes=["openid", "profile", "email"]))


def put(registry: Office, land: Registered, token: str | None = None, **wishes: Any) -> requests.Response:
    """A change to what WISHES says; None leaves a member out."""
    wanted = {name: value for name, value in (WISHES | {"client_id": land.id} | wishes).items() if value is not None}
    return registry.ask("PUT", land.address, land.token if token is None else token, json=wanted)


def show(registry: Office, land: Registered, token: str | None = None) -> requests.Response:
    return registry.ask("GET", land.address, land.token if token is None else token)


# ---- looking ----


def test_a_portal_sees_what_it_registered_but_not_the_secret_that_nobody_keeps(
    registry: Office, land: Registered
) -> None:
    answer = show(registry, land)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    hidden = {"client_secret", "client_secret_expires_at"}
    assert answer.json() == {name: value for name, value in land.told.items() if name not in hidden}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nobody_manages_what_is_not_theirs(registry: Office, land: Registered, method: str) -> None:
    """Another client's token, an invitation, none, and for one that is not there: all are told the same."""
    other, invitation = registry.register(), registry.invite()
    nowhere = f"{registry.world.issuer}/register/nobody"
    body = {"json": WISHES | {"client_id": land.id}} if method == "PUT" else {}
    told = {
        refusal(registry.ask(method, address, token, **body))
        for address, token in [(land.address, other.token), (land.address, invitation), (nowhere, land.token),
                               (land.address, land.token + "x"), (land.address, land.told["client_secret"])]
    }  # fmt: skip
    assert {(status, error) for status, error, _ in told} == {(401, "invalid_token")} and len(told) == 1
    assert refusal(registry.ask(method, land.address, None, **body))[:2] == (401, "invalid_token")
    assert show(registry, land).status_code == 200


@pytest.mark.parametrize("client_id", ["%00", "x" * 300, "%ff", "%C4%91", "a%20b", "'"])
def test_an_address_that_can_be_nobodys_is_refused_alike(registry: Office, client_id: str) -> None:
    told = refusal(registry.ask("GET", f"{registry.world.issuer}/register/{client_id}", "x" * 43))
    assert told[:2] == (401, "invalid_token")


def test_a_portal_that_an_operator_registered_is_not_managed_here(registry: Office) -> None:
    with registry.house.database.write() as tx:
        given = {"name_vi": "Thuế", "name_en": "Tax", "home_url": "https://tax.example/", "sector": "tax.example"}
        uris = ("https://tax.example/cb",)
        registry.house.clients.add(tx, "tax", Registration(redirect_uris=uris, **given))  # type: ignore[arg-type]
    address = f"{registry.world.issuer}/register/tax"
    assert refusal(registry.ask("DELETE", address, registry.invite()))[:2] == (401, "invalid_token")


def test_a_portal_that_an_operator_switched_off_can_do_nothing(registry: Office, land: Registered) -> None:
    with registry.house.database.write() as tx:
        registry.house.clients.set_enabled(tx, land.id, enabled=False)
    for answer in (show(registry, land), put(registry, land), registry.ask("DELETE", land.address, land.token)):
        assert refusal(answer)[:2] == (403, "unauthorized_client")


# ---- changing ----


def test_a_change_replaces_everything_and_the_token(registry: Office) -> None:
    land = registry.register(contacts=["ops@land.example"], logo_uri="https://land.example/logo.svg")
    answer = put(registry, land, policy_uri="https://land.example/policy", client_name="Đất")
    assert answer.status_code == 200
    changed = Registered(answer.json())
    assert changed.told["policy_uri"] == "https://land.example/policy"
    assert "logo_uri" not in changed.told and "contacts" not in changed.told and "client_secret" not in changed.told
    assert changed.token != land.token
    assert show(registry, changed).json() == changed.told
    assert refusal(show(registry, land))[:2] == (401, "invalid_token")
    assert registry.client(land).name("vi") == "Đất"
    assert registry.client(land).knows_secret(land.told["client_secret"])


def test_of_two_changes_with_one_token_one_counts(registry: Office, land: Registered) -> None:
    start = threading.Barrier(8)

    def change(number: int) -> int:
        start.wait(30)
        return put(registry, land, client_name=f"Tên {number}").status_code

    assert sorted(at_once(8, change)) == [200] + [401] * 7


@pytest.mark.parametrize(
    "wishes, said",
    [
        ({"client_id": "another"}, "client_id"), ({"client_id": None}, "client_id"),
        ({"client_secret": "wrong"}, "client_secret"), ({"client_secret": 7}, "client_secret"),
        ({"registration_access_token": "x"}, "registration_access_token"),
        ({"registration_client_uri": "https://x.example/"}, "registration_client_uri"),
        ({"client_secret_expires_at": 0}, "client_secret_expires_at"),
        ({"client_id_issued_at": 0}, "client_id_issued_at"), ({"subject_type": "public"}, "subject_type"),
        ({"redirect_uris": ["https://other.example/callback"]}, "the sector cannot change"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused_and_nothing_changes(
    registry: Office, land: Registered, wishes: dict[str, Any], said: str
) -> None:
    status, error, description = refusal(put(registry, land, **wishes))
    assert (status, error) == (400, "invalid_client_metadata")
    assert said in description
    assert show(registry, land).status_code == 200, "its token is still good"


def test_a_change_may_bring_the_secret_that_is_right(registry: Office, land: Registered) -> None:
    assert put(registry, land, client_secret=land.told["client_secret"]).status_code == 200
    signing = registry.register(token_endpoint_auth_method="client_secret_jwt")
    method = {"token_endpoint_auth_method": "client_secret_jwt"}
    assert refusal(put(registry, signing, client_secret="wrong", **method))[1] == "invalid_client_metadata"
    assert put(registry, signing, client_secret=signing.told["client_secret"], **method).status_code == 200


def test_a_portal_gives_up_scopes_and_gets_none(registry: Office, land: Registered) -> None:
    narrowed = Registered(put(registry, land, scope="openid email").json())
    assert narrowed.told["scope"] == "openid email"
    again = Registered(put(registry, land, narrowed.token, scope="openid profile email personal_number").json())
    assert again.told["scope"] == "openid email"


def test_what_its_invitation_said_stays(registry: Office) -> None:
    land = registry.register(registry.invite(minimum_level=3, consent_required=True))
    wishes = {"minimum_level": 1, "consent_required": False, "access_token_format": "jwt", "sector": "bank.example"}
    assert put(registry, land, **wishes, may_call=["https://api.example/"]).status_code == 200
    kept = registry.client(land)
    assert (kept.minimum_level, kept.consent_required) == (3, True)
    assert (kept.access_token_format, kept.sector, kept.may_call) == ("opaque", "land.example", ())


DECIDED: dict[str, Any] = {
    "minimum_level": 3, "consent_required": True, "scopes": ("openid", "personal_number"), "pkce_required": True,
    "access_token_format": "jwt", "may_call": ("https://api.example/",), "require_signed_request_object": True,
    "jwks": key_set(jwk("P-256", kid="pinned")), "redirect_uris": ("https://land.example/only",),
}  # fmt: skip


def said(house: House, land: Registered) -> Registration:
    """What is registered of it, and nothing that we know of it beside."""
    client = house.clients.find(land.id)
    assert client is not None
    return Registration.model_validate(client.model_dump(include=set(Registration.model_fields)))


def decide(house: House, land: Registered, *, void: bool = True) -> None:
    """An operator's change, made in another process than the one that answers the portal."""
    other = another_worker(house)
    before = said(other, land)
    kept = Registration.model_validate(before.model_dump() | DECIDED)
    with other.database.write() as tx:
        other.clients.change(tx, land.id, before, kept)
        assert not void or SelfRegistrations(other.database).void(tx, land.id)
    other.egress.close()


def is_decided(registry: Office, land: Registered) -> bool:
    after = registry.client(land)
    return {name: getattr(after, name) for name in DECIDED} == DECIDED


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_once_an_operator_changed_a_portal_its_token_is_void(registry: Office, land: Registered, method: str) -> None:
    """So that no part of what was decided can be taken back, whichever member it is in."""
    decide(registry.house, land)
    body = {"json": WISHES | {"client_id": land.id}} if method == "PUT" else {}
    assert refusal(registry.ask(method, land.address, land.token, **body))[:2] == (401, "invalid_token")
    assert is_decided(registry, land) and registry.client(land).enabled


@pytest.mark.parametrize("void", [True, False])
def test_a_change_does_not_undo_another_that_was_made_while_it_was_on_its_way(registry: Office, void: bool) -> None:
    """Between what was read and what is written an operator decides: that stays, even if the token were good still."""
    meanwhile: list[Callable[[], None]] = []

    def document(environ: Any, start_response: Any) -> list[bytes]:
        while meanwhile:
            meanwhile.pop()()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(WISHES["redirect_uris"]).encode()]

    with listening(f"{fresh_name()}.localhost") as (base, server):
        server.app = document
        sector = {"sector_identifier_uri": f"{base}/sector.json"}
        land = registry.register(registry.invite(scopes=["openid", "profile"]), **sector)
        meanwhile.append(lambda: decide(registry.house, land, void=void))
        assert refusal(put(registry, land, **sector))[:2] == (401, "invalid_token")
    assert not meanwhile and is_decided(registry, land)


def test_a_worker_that_knows_a_portal_from_before_changes_what_it_is_now(registry: Office, land: Registered) -> None:
    """Of what another worker did a moment ago nothing is lost, and nothing is refused for it."""
    assert registry.house.clients.find(land.id)
    other = another_worker(registry.house)
    before = said(other, land)
    with other.database.write() as tx:
        other.clients.change(tx, land.id, before, before.model_copy(update={"scopes": ("openid", "email")}))
    other.egress.close()
    assert put(registry, land, scope="openid profile email").json()["scope"] == "openid email"


def test_a_portal_exempted_from_pkce_may_owe_it_and_then_owes_it(registry: Office) -> None:
    land = registry.register(registry.invite(pkce_required=False))
    strict = Registered(put(registry, land, pkce_required=True).json())
    assert strict.told["pkce_required"] is True
    assert put(registry, land, strict.token, pkce_required=False).json()["pkce_required"] is True


def test_the_secret_follows_the_way_the_portal_authenticates(registry: Office, land: Registered) -> None:
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(jwk("P-256"))}
    with_keys = Registered(put(registry, land, **keys).json())
    assert "client_secret" not in with_keys.told
    assert not registry.client(land).knows_secret(land.told["client_secret"])
    with_secret = Registered(put(registry, land, with_keys.token).json())
    assert registry.client(land).knows_secret(with_secret.told["client_secret"])
    assert with_secret.told["client_secret_expires_at"] == 0


# ---- ending ----


def test_a_portal_that_ends_itself_is_off_and_what_it_holds_is_void(registry: Office) -> None:
    land = registry.register(client_uri="http://land.localhost:9", redirect_uris=["http://land.localhost:9/callback"])
    registry.client(land)
    portal = registry.portal(land)
    resident = move_in(registry.world, portal)
    token = resident.tokens(portal, scope="openid").access_token
    answer = registry.ask("DELETE", land.address, land.token)
    assert (answer.status_code, answer.content, answer.headers["Cache-Control"]) == (204, b"", "no-store")
    assert not registry.client(land).enabled
    assert portal.userinfo(token).status_code == 401
    for method in ("GET", "DELETE"):
        assert refusal(registry.ask(method, land.address, land.token))[:2] == (401, "invalid_token")


def test_what_a_portal_does_to_itself_is_on_record(registry: Office, land: Registered) -> None:
    token = Registered(put(registry, land).json()).token
    assert registry.ask("DELETE", land.address, token).status_code == 204
    events = [event["details"] for event in registry.house.audit.export() if event["client_id"] == land.id]
    assert [event["change"] for event in events][1:] == ["changed itself", "ended itself"]
    assert {event["operator"] for event in events} == {"the portal itself"}


def test_tokens_are_kept_as_fingerprints(registry: Office) -> None:
    invitation = registry.invite(uses=2)
    land = registry.register(invitation)
    tables = (ClientRow.__table__, InvitationRow.__table__, SelfRegistrationRow.__table__)
    with registry.house.database.engine.connect() as connection:
        kept = str([list(connection.execute(table.select())) for table in tables])
    assert land.id in kept
    assert not any(secret in kept for secret in (invitation, land.token, land.told["client_secret"]))
