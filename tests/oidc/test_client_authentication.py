"""What a refused client can learn: nothing, neither by words nor by the work done; and what a right one costs."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

import jwt
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


def checks_to_refuse(authentication: ClientAuthentication, assertion: str) -> list[str]:
    """With which algorithms signatures were checked, before the request was refused: all that takes long."""
    checked: list[str] = []
    usual = jwt.PyJWS.decode

    def noted(self: jwt.PyJWS, token: Any, *args: Any, **how: Any) -> Any:
        checked.extend(how["algorithms"])
        return usual(self, token, *args, **how)

    request, parameters = shown(client_assertion=assertion, client_assertion_type=TYPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwt.PyJWS, "decode", noted)
        with pytest.raises(Refused):
            authentication(request, parameters, "/token")
    return checked


@pytest.mark.parametrize("alg", [*ASYMMETRIC, "HS256"])
def test_the_time_of_a_refusal_does_not_tell_who_is_registered(
    authentication: ClientAuthentication, portals: Portals, alg: str
) -> None:
    """A signature is checked for show where there is nobody whose it could be."""
    client = asserting(portals, alg)
    forger = Asserting(client.portal, alg, "w" * 43 if alg == "HS256" else private_key(alg, 2), client.kid)
    for name in (client.portal.id, fresh_name()):
        assert checks_to_refuse(authentication, forger.signed(iss=name, sub=name)) == [alg]


def test_who_registered_another_method_takes_no_less_than_nobody(
    authentication: ClientAuthentication, portals: Portals
) -> None:
    client, other = asserting(portals), portals(token_endpoint_auth_method="client_secret_post")
    for name in (other.id, fresh_name()):
        assert len(checks_to_refuse(authentication, client.signed(iss=name, sub=name))) == 1


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
