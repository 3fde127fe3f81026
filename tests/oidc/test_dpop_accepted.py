"""What a proof may say beside what it must, and how it may say it (RFC 9449 sections 4.2, 4.3 and 11.1)."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idp import clock
from idp.clients import Binding
from idp.errors import Refused
from idp.oidc.dpop import Proofs
from idp.oidc.http import Request
from idp.oidc.sealed import open_access_token
from idp.seal import Sealer, from_text
from idp.storage import Database
from idp.storage.engines import make_engine
from idp.storage.short_lived import open_short_lived
from tests.oidc.asserting import public_jwk
from tests.oidc.proving import Place, at_token, at_userinfo, bound_token, jkt
from tests.oidc.residents import Resident
from tests.world import Portal, World

Portals = Callable[..., Portal]
ALGORITHMS = ("ES256", "PS256", "EdDSA")


@pytest.fixture
def portal(portals: Portals) -> Portal:
    return portals(dpop_bound_access_tokens=True)


@pytest.fixture(params=["token", "userinfo"])
def place(request: pytest.FixtureRequest, resident: Resident, portal: Portal) -> Place:
    if request.param == "token":
        return at_token(resident, portal)
    return at_userinfo(portal, bound_token(resident, portal))


def accepted(place: Place, proof: str) -> None:
    reply = place.send(proof)
    assert reply.status == 200, reply.text
    assert "DPoP-Nonce" not in reply.headers  # where none is required none is given


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_that_is_published_is_taken(
    country: World, resident: Resident, portal: Portal, alg: str
) -> None:
    published = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert set(published["dpop_signing_alg_values_supported"]) == set(ALGORITHMS)
    place = at_userinfo(portal, bound_token(resident, portal, alg))
    accepted(place, place.proof(alg))


def test_the_token_is_bound_to_the_key(resident: Resident, portal: Portal) -> None:
    """Section 6.1: the thumbprint of RFC 7638, which everybody calculates alike."""
    opened = open_access_token(portal.world.house.sealer, bound_token(resident, portal))
    assert opened.binding is not None
    assert opened.binding.as_cnf() == {"jkt": jkt(public_jwk("ES256"))}


@pytest.mark.parametrize("seconds", [-40, -10, 0, 10])
def test_a_clock_may_be_off_by_ten_seconds(place: Place, seconds: int) -> None:
    """FAPI 2.0 conformance: ensure-dpopproof-with-iat-10seconds-before-succeeds, …-after-succeeds."""
    accepted(place, place.proof(iat=clock.seconds() + seconds))


SAID: dict[str, Callable[[], dict[str, Any]]] = {
    "nbf and exp": lambda: {"nbf": clock.seconds() - 5, "exp": clock.seconds() + 60},
    "nbf ten seconds ahead": lambda: {"nbf": clock.seconds() + 10},
    "exp just passed": lambda: {"exp": clock.seconds() - 3},
    "iat with a fraction": lambda: {"iat": clock.seconds() + 0.25},
    "iss, sub and aud of somebody": lambda: {"iss": "x", "sub": "y", "aud": ["z"]},
    "a claim that nobody knows": lambda: {"weather": {"rain": True}},
    "a jti of one character": lambda: {"jti": secrets.choice(string.printable)},
    "a jti of 256 characters": lambda: {"jti": secrets.token_hex(128)},
}


@pytest.mark.parametrize("said", SAID)
def test_what_else_a_proof_may_say(place: Place, said: str) -> None:
    """FAPI 2.0 conformance: check-dpop-proof-nbf-exp."""
    accepted(place, place.proof(**SAID[said]()))


ADDRESSES: dict[str, Callable[[str], str]] = {
    "a query": lambda url: f"{url}?access_token=x&y",
    "a fragment": lambda url: f"{url}#top",
    "both": lambda url: f"{url}?a=1#b?c",
    "the host in upper case": lambda url: url.replace("idp.localhost", "IDP.LocalHost"),
    "the scheme in upper case": lambda url: url.replace("http://", "HTTP://"),
}


@pytest.mark.parametrize("how", ADDRESSES)
def test_an_address_in_another_way_of_writing_is_the_same(place: Place, how: str) -> None:
    """Section 4.3: without query and fragment, normalised as RFC 3986 section 6.2.2 has it."""
    accepted(place, place.proof(htu=ADDRESSES[how](place.url)))


def test_members_of_the_key_that_say_nothing_of_it_change_nothing(resident: Resident, portal: Portal) -> None:
    """`kid`, `use`, `alg` and such are not part of the thumbprint; a `kid` in the header is no way to choose a key."""
    place = at_userinfo(portal, bound_token(resident, portal))
    (ours, *_) = portal.world.http.get(f"{portal.world.issuer}/jwks", timeout=30).json()["keys"]
    jwk = public_jwk("ES256") | {"kid": "k", "use": "sig", "alg": "ES256", "key_ops": ["verify"], "x5t": "x"}
    for kid in ("k", ours["kid"], "../../etc/passwd", "'; DROP TABLE grants; --"):
        accepted(place, place.proof(header={"jwk": jwk, "kid": kid}))


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "DPoP "])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_scheme_s_letters_may_be_of_any_case(resident: Resident, portal: Portal, scheme: str, method: str) -> None:
    """RFC 9110 section 11.1."""
    place = at_userinfo(portal, bound_token(resident, portal), method=method, scheme=scheme)
    accepted(place, place.proof())


def test_one_jti_of_two_keys_is_two_proofs(resident: Resident, portal: Portal) -> None:
    """Or one client could make another's proofs worthless by guessing their names."""
    first = at_userinfo(portal, bound_token(resident, portal, number=1))
    second = at_userinfo(portal, bound_token(resident, portal, number=2))
    accepted(first, first.proof(number=1, jti="the same"))
    accepted(second, second.proof(number=2, jti="the same"))


WRITTEN = [
    ("https://idp.example", "https://idp.example:443/token", True),
    ("https://idp.example", "https://IDP.example:0443/token?a#b", True),
    ("https://idp.example", "https://idp.example:/token", True),
    ("https://idp.example", "https://idp.example:80/token", False),
    ("https://idp.example", "http://idp.example:443/token", False),
    ("https://idp.example", "https://idp.example.:443/token", False),
    ("https://idp.example:8443", "https://idp.example:8443/token", True),
    ("https://idp.example:8443", "https://idp.example/token", False),
    ("https://idp.example:443", "https://idp.example/token", True),
    ("http://idp.localhost", "http://idp.localhost:80/token", True),
    ("https://idp.example", "https://idp.example/%74oken", False),
    ("https://idp.example", "https://idp.example/x/../token", False),
    ("https://idp.example", "https://idp.example//token", False),
    ("https://idp.example", "https://idp.example:99999/token", False),
]


@pytest.mark.parametrize("origin, htu, is_taken", WRITTEN)
def test_the_port_that_goes_without_saying_may_be_said(tmp_path: Path, origin: str, htu: str, is_taken: bool) -> None:
    """RFC 3986 section 6.2.3; on both sides, whatever an operator wrote."""
    store = open_short_lived("database", Database(make_engine(f"sqlite:///{tmp_path}/motcua.db")))
    proofs = Proofs(short_lived=store, sealer=Sealer({1: bytes(32)}), origins=[origin], nonce_required=False)
    place = Place(issuer=origin, path="/token", method="POST", headers={})
    proof = place.proof(htu=htu, nonce=proofs.nonce())
    request = Request(method="POST", path="/token", query="", headers={"dpop": proof}, cookies={})
    if is_taken:
        assert proofs.check(request) == Binding("jkt", from_text(jkt(public_jwk("ES256"))))
    else:
        with pytest.raises(Refused, match="htu"):
            proofs.check(request)
