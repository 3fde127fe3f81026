"""Other words for our levels, as an operator has them: asked for, answered in, published (OpenID Connect Core sections
2, 3.1.2.1 and 5.5.1.1). Whatever they are called, the levels and what they demand stay the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.oidc.holder import OFFLINE, bought, posted, refreshed, told
from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Portal, World, world

EIDAS = ("", "eidas1", "eidas2", "eidas3")
URLS = ("", *(f"http://eidas.europa.eu/LoA/{name}" for name in ("low", "substantial", "high")))


@pytest.fixture(scope="module")
def worded_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("worded"), assurance={"acr_aliases": [EIDAS, URLS]}) as country:
        yield country


@pytest.fixture
def country(worded_country: World) -> World:
    return worded_country


@pytest.fixture
def portal(country: World) -> Portal:
    return country.portal(fresh_name(), **OFFLINE)


@pytest.fixture
def resident(country: World, portal: Portal) -> Resident:
    """At LoA3."""
    return move_in(country, portal)


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})


def voluntary(value: str) -> str:
    return json.dumps({"id_token": {"acr": {"value": value}}})


ANSWERED: dict[str, tuple[dict[str, str], str]] = {
    "who asks for nothing": ({}, "LoA3"),
    "in our words": ({"acr_values": "LoA3"}, "LoA3"),
    "in others": ({"acr_values": "eidas2"}, "eidas2"),
    "for less: the level reached, in the same words": ({"acr_values": "eidas1"}, "eidas2"),
    "in the first words that mean something": ({"acr_values": "gold LoA9 eidas1 LoA2"}, "eidas2"),
    "in ours before others": ({"acr_values": "LoA2 eidas1"}, "LoA3"),
    "by addresses": ({"acr_values": URLS[2]}, URLS[2]),
    "by what is owed": ({"claims": essential("eidas1", "eidas2")}, "eidas2"),
    "by what is owed before what is wished": ({"claims": essential(URLS[1]), "acr_values": "eidas1"}, URLS[2]),
    "by a claim that is wished": ({"claims": voluntary("eidas2")}, "eidas2"),
    "in words that mean nothing": ({"acr_values": "gold EIDAS2"}, "LoA3"),
}


@pytest.mark.parametrize("who", ANSWERED)
def test_acr_is_the_level_reached_in_the_words_that_were_asked_in(resident: Resident, portal: Portal, who: str) -> None:
    asked, acr = ANSWERED[who]
    assert resident.tokens(portal, **asked).claims["acr"] == acr


def test_a_level_is_owed_under_any_of_its_names(country: World, portal: Portal) -> None:
    customer = move_in(country, portal, level=2, source="bank", proofing=2, authentication=2)
    for word in ("LoA3", "eidas2", URLS[2]):
        assert customer.asked(portal, prompt="none", claims=essential(word))["error"] == "login_required"
    for word in ("LoA2", "eidas1", URLS[1]):
        assert "code" in customer.asked(portal, prompt="none", claims=essential(word))
    assert customer.asked(portal, claims=essential("eidas3"))["error"] == "unmet_authentication_requirements"
    assert customer.asked(portal, claims=essential("EIDAS1"))["error"] == "unmet_authentication_requirements"


def test_a_refreshed_id_token_says_it_in_the_same_words(resident: Resident, portal: Portal) -> None:
    """OpenID Connect Core section 12.2."""
    tokens = bought(resident, portal, acr_values="eidas2")
    for _ in range(2):
        tokens = tokens | told(refreshed(portal, tokens["refresh_token"]))
        assert portal.claims(tokens["id_token"])["acr"] == "eidas2"


def test_apis_asked_for_nothing_and_hear_our_own_words(country: World) -> None:
    api = f"https://{fresh_name('api')}.example/"
    registered = country.portal(fresh_name(), resource_uris=[api])
    for form in ("opaque", "jwt"):
        portal = country.portal(fresh_name(), **OFFLINE, access_token_format=form, may_call=[api])
        token = bought(move_in(country, portal), portal, acr_values="eidas2", resource=api)["access_token"]
        assert posted(registered, "/introspect", {"token": token}).json()["acr"] == "LoA3"
        if form == "jwt":
            said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            assert said["acr"] == "LoA3"


def test_discovery_lists_every_word(country: World) -> None:
    document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert document["acr_values_supported"] == ["LoA1", "LoA2", "LoA3", "LoA4", *EIDAS[1:], *URLS[1:]]
