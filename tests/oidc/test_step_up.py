"""Step-up (RFC 9470): an API that finds the sign-in too weak or too old says so, and the portal has it done again.

The API is a small server of its own. It reads level and time of the sign-in in the token, or asks us about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
import requests
from werkzeug.wrappers import Request, Response

from idp import clock
from idp.keys import ALGORITHMS
from tests.oidc.holder import posted
from tests.oidc.residents import fresh_name, seconds_later
from tests.world import Browser, Portal, World, listening

Portals = Callable[..., Portal]
LEVELS = ("LoA3", "LoA4")  # what the API is content with
MAX_AGE_SECONDS = 300
ASKED = {"acr_values": " ".join(LEVELS), "max_age": str(MAX_AGE_SECONDS)}
NOWHERE = "nowhere"  # single sign-on: nobody is asked to choose


@dataclass
class Api:
    """Whoever calls it must have signed in at one of its levels, not long ago (RFC 9470 section 3)."""

    portal: Portal
    name: str
    url: str = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        said = self._about(Request(environ).headers["Authorization"].removeprefix("Bearer "))
        if said["acr"] in LEVELS and clock.seconds() - said["auth_time"] <= MAX_AGE_SECONDS:
            return Response(json.dumps({"sub": said["sub"]}))(environ, start_response)
        wanted = {"error": "insufficient_user_authentication"} | ASKED
        challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in wanted.items())
        return Response(status=401, headers={"WWW-Authenticate": challenge})(environ, start_response)

    def _about(self, token: str) -> dict[str, Any]:
        """What the token says, or what we say of it: with acr and auth_time (sections 6.1 and 6.2)."""
        said: dict[str, Any]
        if not token.startswith("ey"):
            said = posted(self.portal, "/introspect", {"token": token}).json()
            assert said["active"], said
            return said
        world = self.portal.world
        keys = jwt.PyJWKSet.from_json(world.http.get(f"{world.issuer}/jwks", timeout=30).text)
        key = keys[jwt.get_unverified_header(token)["kid"]]
        said = jwt.decode(token, key, algorithms=ALGORITHMS, audience=self.name, issuer=world.issuer)
        return said


@pytest.fixture
def api(portals: Portals) -> Iterator[Api]:
    name = f"https://{fresh_name('api')}.example/"
    with listening("api.localhost") as (url, server):
        server.app = api = Api(portals(resource_uris=[name]), name, url)
        yield api


def called(api: Api, token: str) -> requests.Response:
    return api.portal.world.http.get(api.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def bought(portal: Portal, browser: Browser, api: Api, source: str, **asked: str) -> str:
    """A token for the API, after whatever of a sign-in the provider finds needed."""
    request = portal.ask(resource=api.name, **asked)
    answer = browser.answer(browser.open_at(request.url, portal), portal, source=source)
    reply = portal.redeem(answer["code"], request.verifier)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["access_token"])


def challenge(answer: requests.Response) -> dict[str, str]:
    """The parameters that the next authorization request takes over (section 4)."""
    assert answer.status_code == 401
    told = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"]))
    assert told.pop("error") == "insufficient_user_authentication"
    return told


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_portal_that_is_challenged_has_the_person_sign_in_as_asked_and_is_answered(
    country: World, portals: Portals, api: Api, token_format: str
) -> None:
    portal, browser = portals(may_call=[api.name], access_token_format=token_format), country.browser()
    weak = bought(portal, browser, api, "bank")
    asked = challenge(called(api, weak))
    assert asked == ASKED
    first = called(api, bought(portal, browser, api, "population", **asked))
    assert first.status_code == 200, first.text
    assert challenge(called(api, weak)) == ASKED  # a token is what its own sign-in was
    with seconds_later(MAX_AGE_SECONDS + 1):
        too_old = bought(portal, browser, api, NOWHERE)
        again = called(api, bought(portal, browser, api, "population", **challenge(called(api, too_old))))
        assert again.status_code == 200, again.text
        assert again.json() == first.json()
