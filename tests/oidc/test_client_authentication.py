"""What a refused client can learn: nothing, neither from the words nor from a clock; and what a right one costs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from idp.errors import Refused
from idp.oidc.client_assertions import ClientAssertions
from idp.oidc.client_authentication import ClientAuthentication
from idp.oidc.client_certificates import ClientCertificates
from idp.oidc.http import FORM, Parameters, Request
from idp.oidc.jose import Jose
from idp.storage import trips
from tests.oidc.asserting import ASYMMETRIC, TYPE, Asserting, Portals, asserting, private_key
from tests.oidc.residents import fresh_name
from tests.world import World

TRIES = 60
SPENT = {"statement": 1, "commit": 1}


@pytest.fixture
def authentication(country: World) -> ClientAuthentication:
    house = country.house
    assertions = ClientAssertions(
        jose=Jose(keys=house.keys, client_keys=house.client_keys), clients=house.clients, database=house.database,
        issuer=country.issuer, origins=country.settings.origins,
    )  # fmt: skip
    certificates = ClientCertificates(country.settings, house.client_keys)
    return ClientAuthentication(clients=house.clients, assertions=assertions, certificates=certificates)


def shown(**form: str) -> tuple[Request, Parameters]:
    body = urlencode(form).encode()
    request = Request(
        method="POST", path="/token", query="", headers={"content-type": FORM}, cookies={}, body=body
    )  # fmt: skip
    return request, request.form()


def seconds_to_refuse(authentication: ClientAuthentication, **form: str) -> float:
    request, parameters = shown(**form)
    began = time.perf_counter()
    with pytest.raises(Refused):
        authentication(request, parameters, "/token")
    return time.perf_counter() - began


def alike(one: Callable[[], float], other: Callable[[], float]) -> bool:
    """Whether both take about as long, at their fastest: what else the machine does counts for neither."""
    times = [(one(), other()) for _ in range(TRIES)]
    fastest = [min(times_of) for times_of in zip(*times, strict=True)]
    return max(fastest) < 2 * min(fastest)


@pytest.mark.parametrize("alg", [*ASYMMETRIC, "HS256"])
def test_the_time_of_a_refusal_does_not_tell_who_is_registered(
    authentication: ClientAuthentication, portals: Portals, alg: str
) -> None:
    """Without a check for show, nobody's assertion is refused five times as fast."""
    client = asserting(portals, alg)
    forger = Asserting(client.portal, alg, "w" * 43 if alg == "HS256" else private_key(alg, 2), client.kid)

    def refuse(name: str) -> float:
        assertion = forger.signed(iss=name, sub=name)
        return seconds_to_refuse(authentication, client_assertion=assertion, client_assertion_type=TYPE)

    assert alike(lambda: refuse(client.portal.id), lambda: refuse(fresh_name()))


@pytest.mark.parametrize("method", ["client_secret_post", "private_key_jwt"])
def test_who_registered_another_method_takes_no_less_than_nobody(
    authentication: ClientAuthentication, portals: Portals, method: str
) -> None:
    client = asserting(portals)
    other = portals(token_endpoint_auth_method="client_secret_post")

    def refuse(name: str) -> float:
        if method == "client_secret_post":
            return seconds_to_refuse(authentication, client_id=name, client_secret="x" * 43)
        assertion = client.signed(iss=name, sub=name)
        return seconds_to_refuse(authentication, client_assertion=assertion, client_assertion_type=TYPE)

    registered = client.portal.id if method == "client_secret_post" else other.id
    assert alike(lambda: refuse(registered), lambda: refuse(fresh_name()))


@pytest.mark.parametrize(
    "method, cost",
    [("client_secret_post", {}), ("private_key_jwt", SPENT), ("client_secret_jwt", SPENT)],
)
def test_what_it_costs_to_let_somebody_in(
    authentication: ClientAuthentication, portals: Portals, method: str, cost: dict[str, int]
) -> None:
    """A secret costs no trip to a store; an assertion one commit, by which it is spent."""
    counted = []
    client = asserting(portals, "HS256" if method == "client_secret_jwt" else "ES256")
    secret = portals(token_endpoint_auth_method="client_secret_post")
    for _ in range(5):  # the first reads the client; once a second somebody looks whether portals have changed
        form = {"client_id": secret.id, "client_secret": secret.secret or ""}
        if method != "client_secret_post":
            form = {"client_assertion": client.signed(), "client_assertion_type": TYPE}
        request, parameters = shown(**form)
        with trips.counted() as counter:
            assert authentication(request, parameters, "/token").method == method
        counted.append(counter)
    assert min(counted, key=lambda counter: sum(counter.values())) == Counter(cost)
