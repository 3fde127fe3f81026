"""Which host a portal that registers itself may speak for: a sector is learned only by whoever owns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.clients import Client, Registration
from idp.clients.registration import DEVICE_CODE
from tests.clients.key_sets import served
from tests.egress.sockets import Server
from tests.oidc.devices import agreed, begun, typed
from tests.oidc.registering import OPEN, WISHES, Office, Registered, office, refusal
from tests.oidc.residents import move_in
from tests.world import World, world

CERTIFICATES = "http://certificates.idp.localhost:9"
PUBLIC: dict[str, Any] = {"token_endpoint_auth_method": "none"}
BOTH_WAYS: dict[str, Any] = PUBLIC | {"grant_types": ["authorization_code", DEVICE_CODE]}
DEVICE_ALONE: dict[str, Any] = PUBLIC | {"grant_types": [DEVICE_CODE], "redirect_uris": None}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    shown = {"client_certificate_url": CERTIFICATES, "client_certificate_header": "X-Certificate", "trusted_proxies": 1}
    with office(tmp_path_factory.mktemp("hosts"), **shown) as opened:
        yield opened


@pytest.fixture
def country(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, registration=OPEN) as opened:
        yield opened


@pytest.fixture
def document() -> Iterator[Callable[..., Server]]:
    """A host at which somebody has put a list of addresses."""
    servers: list[Server] = []

    def start(*listed: str) -> Server:
        servers.append(Server(served(list(listed))))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def add_tax_office(registry: Office) -> Client:
    given: dict[str, Any] = {
        "name_vi": "Thuế", "name_en": "Tax", "home_url": "https://tax.example/", "sector": "tax.example",
        "redirect_uris": ("https://tax.example/cb",),
    }  # fmt: skip
    with registry.house.database.write() as tx:
        registry.house.clients.add(tx, "tax", Registration(**given))
    found = registry.house.clients.find("tax")
    assert found is not None
    return found


# ---- sectors ----


def test_nobody_learns_by_a_device_how_a_host_knows_people_that_they_wrote_down(country: World) -> None:
    """What a device asks for goes to whoever has its code, and not to the redirect_uris."""
    registry = Office(country)
    tax = add_tax_office(registry)
    stranger = registry.register(redirect_uris=["https://tax.example/anything"], **BOTH_WAYS)
    assert registry.client(stranger).sector == f"app:{stranger.id}"
    portal = registry.portal(stranger)
    resident = move_in(registry.world, portal)
    device = begun(portal, scope="openid")
    agreed(resident.browser, typed(resident.browser, device))
    sub = portal.claims(device.ask().json()["id_token"])["sub"]
    own, the_offices = (
        country.house.people.sub_in(sector, resident.person_id) for sector in (f"app:{stranger.id}", tax.sector)
    )
    assert sub == own != the_offices


OWN: dict[str, dict[str, Any]] = {
    "a device and nothing else": DEVICE_ALONE, "a device beside a host": BOTH_WAYS,
    "a device beside two hosts": BOTH_WAYS | {"redirect_uris": ["https://a.example/", "https://b.example/"]},
    "an app beside a host": PUBLIC | {
        "application_type": "native", "redirect_uris": ["https://land.example/callback", "com.land.app:/callback"]},
    "loopback beside a host": PUBLIC | {
        "application_type": "native", "redirect_uris": ["https://land.example/callback", "http://127.0.0.1/"]},
}  # fmt: skip


@pytest.mark.parametrize("wishes", OWN.values(), ids=OWN.keys())
def test_a_portal_whose_answers_may_go_elsewhere_has_a_sector_of_its_own(
    registry: Office, wishes: dict[str, Any]
) -> None:
    registered = registry.register(**wishes)
    assert registry.client(registered).sector == f"app:{registered.id}"


UNPROVEN = {"a system": {"grant_types": ["client_credentials"], "redirect_uris": None, "scope": "land.read"}, **OWN}


@pytest.mark.parametrize("wishes", UNPROVEN.values(), ids=UNPROVEN.keys())
def test_a_document_makes_no_sector_of_what_it_cannot_prove(
    registry: Office, document: Callable[..., Server], wishes: dict[str, Any]
) -> None:
    """A list may stand on any host that lets people leave files, and what goes to a device makes nobody its owner."""
    uris = wishes.get("redirect_uris", WISHES["redirect_uris"]) or []
    host = document(*uris)
    wanted = {**WISHES, **wishes, "sector_identifier_uri": host.url("/sector.json")}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    status, error, said = registry.refused(wanted, api_scopes=["land.read"])
    assert (status, error) == (400, "invalid_client_metadata")
    assert "sector_identifier_uri needs redirect_uris" in said
    assert host.connections == 0


@pytest.mark.parametrize(
    "before, after",
    [
        ({}, BOTH_WAYS), (PUBLIC, BOTH_WAYS),
        ({}, {"application_type": "native", "redirect_uris": ["https://land.example/callback", "com.land.app:/cb"]}),
        (BOTH_WAYS, PUBLIC),
    ],
)  # fmt: skip
def test_a_change_cannot_bring_a_way_to_answer_that_does_not_go_with_the_sector(
    registry: Office, before: dict[str, Any], after: dict[str, Any]
) -> None:
    land = registry.register(**before)
    sector = registry.client(land).sector
    answer = registry.ask("PUT", land.address, land.token, json=WISHES | {"client_id": land.id} | after)
    status, error, said = refusal(answer)
    assert (status, error) == (400, "invalid_client_metadata")
    assert "the sector cannot change" in said
    assert registry.client(land).sector == sector


# ---- our own host ----


OURS: dict[str, tuple[str, Any]] = {
    "redirect_uris": ("redirect_uris", ["{}/callback"]),
    "post_logout_redirect_uris": ("post_logout_redirect_uris", ["{}/out"]), "client_uri": ("client_uri", "{}/"),
    "request_uris": ("request_uris", ["{}/request#x"]), "jwks_uri": ("jwks_uri", "{}/jwks"),
    "logo_uri": ("logo_uri", "{}/static/logo.svg"), "policy_uri": ("policy_uri", "{}/policy"),
    "tos_uri": ("tos_uri", "{}/terms"), "initiate_login_uri": ("initiate_login_uri", "{}/begin"),
    "backchannel_logout_uri": ("backchannel_logout_uri", "{}/back"),
    "sector_identifier_uri": ("sector_identifier_uri", "{}/sector.json"),
}  # fmt: skip


@pytest.mark.parametrize("member, value", OURS.values(), ids=OURS.keys())
def test_no_address_of_a_portal_is_at_a_host_of_ours(registry: Office, member: str, value: Any) -> None:
    """Of the issuer's, of that where certificates are shown, at whatever port and in whatever letters."""
    issuer = registry.world.issuer
    for ours in (issuer, CERTIFICATES, issuer.rpartition(":")[0], "https://IDP.localhost"):
        wanted = [one.format(ours) for one in value] if isinstance(value, list) else value.format(ours)
        status, error, said = registry.refused(WISHES | {member: wanted})
        assert (status, error) == (400, "invalid_redirect_uri" if member == "redirect_uris" else error)
        assert error in ("invalid_redirect_uri", "invalid_client_metadata")
        assert f"{member}: this host is ours" in said


def test_a_host_below_ours_is_another(registry: Office) -> None:
    assert registry.register(redirect_uris=["https://land.idp.localhost/callback"]).id


# ---- logos ----

LOGO = "https://land.example/logo.svg"
ELSEWHERE = "https://other.example/callback"


@pytest.mark.parametrize(
    "wishes, shown",
    [
        ({}, LOGO), ({"redirect_uris": [*WISHES["redirect_uris"], "https://LAND.example:443/more"]}, LOGO),
        ({"redirect_uris": [ELSEWHERE]}, None), (BOTH_WAYS, None), (DEVICE_ALONE, None),
        ({"application_type": "native", "redirect_uris": [*WISHES["redirect_uris"], "com.land.app:/cb"]}, None),
    ],
)  # fmt: skip
def test_the_sign_beside_a_name_is_from_where_all_answers_go(
    registry: Office, wishes: dict[str, Any], shown: str | None
) -> None:
    """Anybody can write down anybody's home; an operator has looked at it, if an operator registered the portal."""
    registered: Registered = registry.register(logo_uri=LOGO, **wishes)
    client = registry.client(registered)
    assert (client.registered_itself, client.home_url, client.own_logo) == (True, "https://land.example/", shown)
    assert client.model_copy(update={"registered_itself": False}).own_logo == LOGO


def test_a_sign_from_one_of_several_hosts_that_answers_go_to_is_not_shown(
    registry: Office, document: Callable[..., Server]
) -> None:
    """A document of the portal's own lists any host: one answer to a ministry's, and its sign would stand there."""
    uris = [ELSEWHERE, *WISHES["redirect_uris"]]
    listed = document(*uris).url("/sector.json")
    client = registry.client(registry.register(logo_uri=LOGO, redirect_uris=uris, sector_identifier_uri=listed))
    assert client.own_logo is None
    assert client.model_copy(update={"registered_itself": False}).own_logo == LOGO
