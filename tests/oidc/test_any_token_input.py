"""Whatever a client that proved itself sends for a token, or asks about one: an answer in the standard's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oidc.holder import OFFLINE, bought
from tests.oidc.residents import Resident, fresh_name
from tests.oidc.test_any_input import check, quick, values
from tests.oidc.test_exchange import ACCESS_TOKEN, EXCHANGE
from tests.world import Portal, World

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", EXCHANGE)
NAMES = (
    "grant_type", "refresh_token", "scope", "resource", "audience", "subject_token", "subject_token_type",
    "actor_token", "requested_token_type", "token", "token_type_hint", "code", "client_id", "client_assertion",
    "client_assertion_type",
)  # fmt: skip
Tokens = dict[str, Any]


@pytest.fixture
def portal(portals: Callable[..., Portal]) -> Portal:
    api = f"https://{fresh_name('api')}.example/"
    portals(resource_uris=[api])
    registered = {"grant_types": GRANT_TYPES, "may_call": [api], "may_exchange": [api], "api_scopes": ["income.below"]}
    return portals(**(OFFLINE | registered))


@pytest.fixture
def tokens(resident: Resident, portal: Portal) -> Tokens:
    return bought(resident, portal)


@quick
@given(
    path=st.sampled_from(["/token", "/introspect", "/revoke"]), grant_type=st.sampled_from(GRANT_TYPES),
    changed=st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3),
    accept=st.sampled_from(["", "application/token-introspection+jwt"]),
)  # fmt: skip
def test_a_good_request_gone_wrong_has_an_answer(
    country: World, portal: Portal, tokens: Tokens, path: str, grant_type: str, changed: dict[str, str], accept: str
) -> None:
    client = country.house.clients.find(portal.id)
    assert client is not None
    form = {
        "grant_type": grant_type, "refresh_token": tokens["refresh_token"], "subject_token": tokens["access_token"],
        "subject_token_type": ACCESS_TOKEN, "resource": client.may_call[0], "scope": "openid",
        "token": tokens["access_token"],
    } | changed  # fmt: skip
    auth = (portal.id, portal.secret or "")
    check(country.app.test_client().post(path, data=form, auth=auth, headers={"Accept": accept}))
