"""The algorithm matrix: every forgery of `forging`, at every place of `believing` that believes a JWT, over HTTP.

All are refused by the right error; nothing is granted, nobody is sent on, the forger's server is never asked, and no
more than moments are spent. Registration access tokens, refresh tokens and opaque access tokens are no JWTs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.oidc.believing import PLACES, Ground, Place, Told, ground
from tests.oidc.forging import FORGED, HUGE
from tests.oidc.registering import WISHES

LONGEST_SECONDS = 1.0  # of computing, by client and server together; the wall's clock would measure our neighbours
TOO_LONG = ((303, "invalid_request"), (303, "invalid_request_uri"))  # before it is looked at what it is
MATRIX = [(place, forgery) for place, at in PLACES.items() for forgery in FORGED if forgery not in at.harmless]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("matrix")) as made:
        yield made


def sent(here: Ground, place: Place, token: str) -> Told | None:
    """None: the server would not even read it to its end."""
    began = time.process_time()
    try:
        return place.send(here, token)
    except requests.ConnectionError:
        return None
    finally:
        assert time.process_time() - began < LONGEST_SECONDS


@pytest.mark.parametrize("name", PLACES)
def test_what_is_forged_below_is_good_but_for_the_forgery(here: Ground, name: str) -> None:
    """So that each refusal is for the reason that it names."""
    place = PLACES[name]
    assert sent(here, place, place.genuine(here).token) == place.accepted


@pytest.mark.parametrize("name, forgery", MATRIX)
def test_a_forged_token_is_refused_everywhere_and_at_once(here: Ground, name: str, forgery: str) -> None:
    place = PLACES[name]
    assert sent(here, place, FORGED[forgery](place.genuine(here))) == place.refused
    assert here.elsewhere.seen == []


@pytest.mark.parametrize("forgery", HUGE)
@pytest.mark.parametrize("name", PLACES)
def test_a_huge_token_is_refused_at_once_and_nothing_breaks(here: Ground, name: str, forgery: str) -> None:
    place = PLACES[name]
    told = sent(here, place, HUGE[forgery](place.genuine(here)))
    assert told is None or told in (place.refused, *TOO_LONG) or told[0] in (400, 413, 414, 431), told
    assert sent(here, place, place.genuine(here).token) == place.accepted


@pytest.mark.parametrize("forgery", FORGED)
def test_no_jwt_is_an_invitation_or_manages_a_registration(here: Ground, forgery: str) -> None:
    """Both are compared with what was given out, whatever they look like."""
    token = FORGED[forgery](PLACES["software_statement at /register"].genuine(here))
    for method, path in (("POST", "/register"), ("GET", "/register/self-x"), ("DELETE", "/register/self-x")):
        body = {"json": WISHES} if method == "POST" else {}
        headers = {"Authorization": f"Bearer {token}"}
        answer = here.world.http.request(method, f"{here.world.issuer}{path}", headers=headers, timeout=30, **body)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
