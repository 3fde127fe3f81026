"""Nonces of ours in proofs (RFC 9449 sections 8 and 9): where they are required, and after the store was lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from idp import clock
from idp.house import build
from idp.oidc.dpop import CLOCK_SKEW_SECONDS, NONCE_PERIOD_SECONDS, Proofs
from tests.oidc.proving import Place, Reply, at_token, at_userinfo, bound_token
from tests.oidc.residents import fresh_name, move_in, seconds_later
from tests.servers import valkey_url
from tests.world import World, world

__all__ = ["valkey_url"]
STORES = ("file", "valkey")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A country whose provider asks for a nonce in every proof."""
    with world(tmp_path_factory.mktemp("strict"), dpop={"nonce_required": True}) as strict:
        yield strict


@pytest.fixture
def places(strict: World) -> list[Place]:
    """The token endpoint, then userinfo, of a provider that asks for nonces."""
    return both(strict)


def both(country: World) -> list[Place]:
    portal = country.portal(fresh_name(), dpop_bound_access_tokens=True)
    resident = move_in(country, portal)
    return [at_token(resident, portal), at_userinfo(portal, bound_token(resident, portal))]


def challenged(place: Place, reply: Reply) -> str:
    """The nonce that the client is told to repeat its request with."""
    assert (reply.status, reply.told["error"]) == (400 if place.token is None else 401, "use_dpop_nonce"), reply.text
    if place.token is not None:
        assert 'error="use_dpop_nonce"' in reply.headers.get_all("WWW-Authenticate", [])[0]
    (nonce,) = reply.headers.get_all("DPoP-Nonce", [])
    return str(nonce)


def test_a_proof_without_a_nonce_is_answered_with_one_and_then_taken(places: list[Place]) -> None:
    for place in places:
        nonce = challenged(place, place.send(place.proof()))
        reply = place.send(place.proof(nonce=nonce))
        assert reply.status == 200, reply.text
        assert reply.headers["Cache-Control"] == "no-store"


def test_whoever_answers_says_which_nonce_to_use_next(places: list[Place]) -> None:
    """Section 8.2: so that no request is sent in vain."""
    buying, userinfo = places
    reply = buying.send(buying.proof(nonce=challenged(buying, buying.send(buying.proof()))))
    for _ in range(3):
        reply = userinfo.send(userinfo.proof(nonce=reply.headers["DPoP-Nonce"]))
        assert reply.status == 200, reply.text


@pytest.mark.parametrize("nonce", ["", "made-up", "\xe9", 7, None, ["x"], "x" * 2000])
def test_a_nonce_that_is_none_of_ours_is_not_taken(places: list[Place], nonce: object) -> None:
    for place in places:
        challenged(place, place.send(place.proof(nonce=nonce)))


def test_a_nonce_is_good_for_a_few_minutes(strict: World, places: list[Place]) -> None:
    _, place = places
    nonce = challenged(place, place.send(place.proof()))
    with seconds_later(NONCE_PERIOD_SECONDS - 30):  # whenever in its period it was made, and however slow we are
        assert place.send(place.proof(nonce=nonce)).status == 200
    with seconds_later(2 * NONCE_PERIOD_SECONDS):
        assert challenged(place, place.send(place.proof(nonce=nonce))) != nonce


def test_a_nonce_is_no_leave_to_use_a_proof_twice(places: list[Place]) -> None:
    for place in places:
        proof = place.proof(nonce=challenged(place, place.send(place.proof())))
        assert place.send(proof).status == 200
        assert place.send(proof).told["error"] == "invalid_dpop_proof"


def test_every_worker_knows_every_nonce(strict: World) -> None:
    """Nothing is kept for one: another process with the same keys and store makes the same."""
    house = build(strict.settings)
    one, other = (
        Proofs(short_lived=each.short_lived, sealer=each.sealer, origins=strict.settings.origins, nonce_required=True)
        for each in (strict.house, house)
    )
    nonces = {proofs.nonce() for _ in range(3) for proofs in (one, other)}
    assert len(nonces) <= 2  # a period may just have ended


# ---- after the short-lived store was lost ----

Lose = Callable[[], object]


@contextlib.contextmanager
def in_valkey(directory: Path, url: str) -> Iterator[tuple[World, Lose]]:
    with world(directory, short_lived_url=url) as country, Redis.from_url(url) as server:
        yield country, server.flushdb


@contextlib.contextmanager
def in_a_file(directory: Path) -> Iterator[tuple[World, Lose]]:
    def lose() -> None:
        for file in directory.glob("*-short-lived*"):
            file.unlink()

    with world(directory) as country:
        yield country, lose


@pytest.fixture(params=STORES)
def losable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, Lose]]:
    """A country that asks for no nonces, and a way to lose its short-lived store."""
    if request.param == "file":
        with in_a_file(tmp_path) as found:
            yield found
    else:
        with in_valkey(tmp_path, request.getfixturevalue("valkey_url")) as found:
            yield found


def test_after_the_store_was_lost_no_proof_from_before_is_taken_and_new_ones_are(losable: tuple[World, Lose]) -> None:
    country, lose = losable
    buying, userinfo = both(country)
    used = [userinfo.proof(), userinfo.proof(iat=clock.seconds() + 14)]
    assert [userinfo.send(proof).status for proof in used] == [200, 200]
    kept = {place.path: [place.proof(), place.proof(iat=clock.seconds() + 14)] for place in (buying, userinfo)}
    lose()
    for place, proofs in ((buying, kept["/token"]), (userinfo, kept["/userinfo"] + used)):
        nonces = {challenged(place, place.send(proof)) for proof in proofs}
        assert place.send(place.proof(nonce=nonces.pop())).status == 200


def test_a_nonce_from_before_the_loss_makes_no_proof_good(losable: tuple[World, Lose]) -> None:
    """Or a proof that holds it could have been used before."""
    country, lose = losable
    _, place = both(country)
    lose()
    before = challenged(place, place.send(place.proof()))
    proof = place.proof(nonce=before)
    assert place.send(proof).status == 200
    lose()
    with seconds_later(1):  # the moment of the loss is kept in whole seconds
        after = challenged(place, place.send(proof))
        assert after != before
        assert place.send(place.proof(nonce=after)).status == 200


def test_soon_after_the_loss_no_nonce_is_asked_for_any_more(losable: tuple[World, Lose]) -> None:
    country, lose = losable
    _, place = both(country)
    lose()
    challenged(place, place.send(place.proof()))
    with seconds_later(CLOCK_SKEW_SECONDS):
        challenged(place, place.send(place.proof()))
    with seconds_later(2 * CLOCK_SKEW_SECONDS + 2):
        assert place.send(place.proof()).status == 200
