"""How an access token may come, and whose it must be: RFC 6750, RFC 9449 section 7, RFC 8705 section 3, RFC 8707."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import pytest

from tests.oidc.certificates import Held, issued
from tests.oidc.holder import OFFLINE, Holder, asked, bought, refreshed
from tests.oidc.proving import FORM, Place, Reply, at_token, at_userinfo, bound_token
from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Portal, World, world

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
CERTIFICATE_HEADER = "X-Client-Certificate"
BEARER, DPOP = 'Bearer realm="userinfo"', 'DPoP realm="userinfo"'
ALGS = ', algs="ES256 PS256 EdDSA"'


@pytest.fixture
def binding(portals: Portals) -> Portal:
    """A portal whose tokens are bound to its key."""
    return portals(dpop_bound_access_tokens=True)


@pytest.fixture
def owner(residents: Residents, binding: Portal) -> Resident:
    """Somebody who is signed in and was told about it."""
    return residents(binding)


def refused(reply: Reply, error: str, used: str, status: int = 401) -> str:
    """The challenge under the scheme that was used; the other one says only that it is there."""
    assert (reply.status, reply.told["error"]) == (status, error), reply.text
    first, second = reply.headers.get_all("WWW-Authenticate", [])
    assert first.startswith(f"{used} realm=")
    assert f'error="{error}"' in first
    assert second == (BEARER if used == "DPoP" else DPOP + ALGS)
    return str(first)


def test_whoever_sends_no_token_is_told_both_ways(country: World) -> None:
    reply = Place(issuer=country.issuer, path="/userinfo", method="GET", headers={}).send()
    assert reply.status == 401
    assert reply.headers.get_all("WWW-Authenticate") == [BEARER, DPOP + ALGS]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("with_proof", [True, False])
def test_a_bound_token_is_no_bearer_token(owner: Resident, binding: Portal, scheme: str, with_proof: bool) -> None:
    """RFC 9449 section 7.2: the downgrade."""
    place = at_userinfo(binding, bound_token(owner, binding), scheme=scheme)
    refused(place.send(*([place.proof()] if with_proof else [])), "invalid_token", "Bearer")


@pytest.mark.parametrize("with_proof", [True, False])
def test_a_bound_token_does_not_come_in_a_form(owner: Resident, binding: Portal, with_proof: bool) -> None:
    token = bound_token(owner, binding)
    place = Place(issuer=binding.world.issuer, path="/userinfo", method="POST", headers={"Content-Type": FORM},
                  body=f"access_token={token}", token=token)  # fmt: skip
    refused(place.send(*([place.proof()] if with_proof else [])), "invalid_token", "Bearer")


def test_an_unbound_token_is_no_dpop_token(resident: Resident, portal: Portal) -> None:
    """Whoever stole it has keys of their own."""
    place = at_userinfo(portal, resident.tokens(portal).access_token)
    for proofs in ([place.proof()], []):
        refused(place.send(*proofs), "invalid_token", "DPoP")


def test_the_proof_of_somebody_who_sends_a_bearer_token_is_not_looked_at(resident: Resident, portal: Portal) -> None:
    place = at_userinfo(portal, resident.tokens(portal).access_token, scheme="Bearer")
    assert place.send("nonsense").status == 200


def test_two_tokens_are_not_chosen_from(owner: Resident, binding: Portal) -> None:
    token = bound_token(owner, binding)
    place = at_userinfo(binding, token, method="POST")
    twice = replace(place, headers={**place.headers, "Content-Type": FORM}, body=f"access_token={token}")
    refused(twice.send(twice.proof()), "invalid_request", "DPoP", 400)
    two = replace(place, headers={"Authorization": f"DPoP {token},DPoP {token}"})  # as a server joins two headers
    refused(two.send(two.proof()), "invalid_token", "DPoP")


def test_a_client_that_must_bind_gets_nothing_without_a_proof(owner: Resident, binding: Portal) -> None:
    place = at_token(owner, binding)
    reply = place.send()
    assert (reply.status, reply.told["error"]) == (400, "invalid_dpop_proof")
    assert place.send(place.proof()).told["token_type"] == "DPoP"


def test_a_client_that_may_bind_gets_what_it_shows(resident: Resident, portal: Portal) -> None:
    """RFC 9449 section 5: whoever sends a proof gets a bound token."""
    place = at_token(resident, portal)
    assert place.send(place.proof()).told["token_type"] == "DPoP"
    assert at_token(resident, portal).send().told["token_type"] == "Bearer"


def test_a_jwt_is_bound_as_an_opaque_token_is(portals: Portals, residents: Residents) -> None:
    portal = portals(dpop_bound_access_tokens=True, access_token_format="jwt")
    place = at_userinfo(portal, bound_token(residents(portal), portal))
    assert place.send(place.proof()).status == 200
    assert place.send(place.proof(number=2)).told["error"] == "invalid_dpop_proof"
    bearer = at_userinfo(portal, place.token or "", scheme="Bearer")
    refused(bearer.send(bearer.proof()), "invalid_token", "Bearer")


# ---- a certificate ----


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A country whose proxy hands client certificates on, at a host name of its own. The tests are the proxy."""
    settings = {"trusted_proxies": 1, "client_certificate_header": CERTIFICATE_HEADER}
    with world(tmp_path_factory.mktemp("fenced"), **settings) as fenced:
        yield fenced


@pytest.fixture(scope="module")
def held() -> Held:
    return issued()


def handed_on(held: Held) -> dict[str, str]:
    return {CERTIFICATE_HEADER: quote(held.pem.decode())}


def at_certificates(place: Place, country: World) -> Place:
    """The same, reached at the host name for certificates."""
    return replace(place, issuer=country.settings.client_certificate_url)


def test_a_token_bound_to_a_certificate_comes_with_it(fenced: World, held: Held) -> None:
    portal = fenced.portal(fresh_name(), tls_client_certificate_bound_access_tokens=True)
    buying = at_certificates(at_token(move_in(fenced, portal), portal), fenced)
    assert buying.send().told["error"] == "invalid_request"  # it must show one
    told = buying.send(**handed_on(held)).told
    assert told["token_type"] == "Bearer"
    place = at_certificates(at_userinfo(portal, told["access_token"], scheme="Bearer"), fenced)
    assert place.send(**handed_on(held)).status == 200
    refused(place.send(), "invalid_token", "Bearer")
    refused(place.send(**handed_on(issued())), "invalid_token", "Bearer")
    refused(place.send(**{CERTIFICATE_HEADER: ""}), "invalid_token", "Bearer")
    at_issuer = replace(place, issuer=fenced.issuer)  # where no proxy vouches for the header
    refused(at_issuer.send(**handed_on(held)), "invalid_token", "Bearer")
    as_dpop = at_certificates(at_userinfo(portal, told["access_token"]), fenced)
    refused(as_dpop.send(as_dpop.proof(), **handed_on(held)), "invalid_token", "DPoP")


def test_a_token_bound_to_a_key_is_no_better_for_a_certificate(fenced: World, held: Held) -> None:
    portal = fenced.portal(fresh_name(), dpop_bound_access_tokens=True)
    token = bound_token(move_in(fenced, portal), portal)
    place = at_certificates(at_userinfo(portal, token, scheme="Bearer"), fenced)
    refused(place.send(**handed_on(held)), "invalid_token", "Bearer")


def test_a_proof_names_the_host_at_which_the_request_arrives(fenced: World) -> None:
    """mtls_endpoint_aliases (RFC 8705 section 5): each host's proofs are good there alone."""
    portal = fenced.portal(fresh_name(), dpop_bound_access_tokens=True)
    token = bound_token(move_in(fenced, portal), portal)
    here = at_userinfo(portal, token)
    there = at_certificates(here, fenced)
    assert here.send(here.proof()).status == there.send(there.proof()).status == 200
    assert here.send(there.proof()).told["error"] == there.send(here.proof()).told["error"] == "invalid_dpop_proof"
    upper = urlsplit(there.issuer).netloc.upper()
    assert there.send(there.proof(), Host=upper).status == 200
    assert here.send(here.proof(), Host="somewhere.example").status == 200  # whatever a proxy makes of our own name


# ---- what the token is for ----


def test_a_token_for_an_api_opens_nothing_here(portals: Portals, residents: Residents) -> None:
    """RFC 8707: or an API could read at userinfo whoever calls it."""
    api = f"https://{fresh_name('api')}.example/"
    for format_ in ("opaque", "jwt"):
        portal = portals(**OFFLINE, may_call=[api], access_token_format=format_)
        tokens = bought(residents(portal), portal, resource=api)
        refused(at_userinfo(portal, tokens["access_token"], scheme="Bearer").send(), "invalid_token", "Bearer")


def test_a_system_s_token_is_nobody_s(portals: Portals) -> None:
    system = portals(grant_types=["authorization_code", "client_credentials"], api_scopes=["register:read"])
    holder = Holder()
    for shown in ({}, {"holder": holder}):
        token = asked(system, "client_credentials", **shown).json()["access_token"]  # type: ignore[arg-type]
        headers = holder.proof(f"{system.world.issuer}/userinfo", "GET", access_token=token) if shown else {}
        scheme = "DPoP" if shown else "Bearer"
        place = at_userinfo(system, token, scheme=scheme)
        challenge = refused(place.send(*headers.values()), "insufficient_scope", scheme, 403)
        assert 'scope="openid"' in challenge  # RFC 6750 section 3


def test_a_token_that_was_narrowed_opens_what_is_left(portals: Portals, residents: Residents) -> None:
    portal = portals(**OFFLINE)
    tokens = bought(residents(portal), portal, scope="openid profile email offline_access")
    narrow = refreshed(portal, tokens["refresh_token"], scope="openid email").json()["access_token"]
    assert portal.userinfo(narrow).json().keys() == {"sub", "email", "email_verified"}
    nobody = refreshed(portal, tokens["refresh_token"], scope="email").json()["access_token"]
    refused(at_userinfo(portal, nobody, scheme="Bearer").send(), "insufficient_scope", "Bearer", 403)


def test_the_binding_that_is_proven_is_the_token_s_own(owner: Resident, binding: Portal) -> None:
    """A thief who binds tokens of their own cannot use another's."""
    mine, theirs = bound_token(owner, binding, number=1), bound_token(owner, binding, number=2)
    place = at_userinfo(binding, theirs)
    stolen = at_userinfo(binding, mine)
    assert place.send(place.proof(number=2)).status == 200
    for proof in (place.proof(number=2), stolen.proof(number=2)):
        refused(stolen.send(proof), "invalid_dpop_proof", "DPoP")


def test_answers_say_when_they_were_given(owner: Resident, binding: Portal) -> None:
    """FAPI 2.0 conformance: a resource's answer has one Date (RFC 9110 section 6.6.1)."""
    place = at_userinfo(binding, bound_token(owner, binding))
    for reply in (place.send(place.proof()), place.send()):
        (date,) = reply.headers.get_all("Date", [])
        assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 60
