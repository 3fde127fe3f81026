"""Refresh tokens used by many at one moment, of four worker processes: one successor, or as many uses as there are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import func, select

from idp import clock, entropy
from idp.audit.models import AuditRow
from idp.clients import Client
from idp.oidc.sealed import RefreshToken, read_refresh_token, refresh_token
from idp.sessions.grants import GrantWanted
from idp.sessions.models import GrantRow
from tests.races.asking import FORM, Answer, Asking
from tests.races.provider import Citizen, Portal, Provider
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
AT_ONCE, FAMILIES = 100, 3
OFFLINE: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"], "scopes": ["openid", "profile", "offline_access"],
}  # fmt: skip
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Form = dict[str, str]
Headers = dict[str, str]


def first_token(running: Provider, citizen: Citizen, client: Client) -> str:
    """What a code of this person bought, as if it had been redeemed."""
    wanted = GrantWanted(
        id=entropy.ordered_id(), session_id=citizen.session_id, person_id=citizen.person_id, claim_names=("name",),
        told_names=("name",), level=3, auth_time=0, scopes=("openid", "profile", "offline_access"),
    )  # fmt: skip
    running.house.grants.redeem(wanted, client)
    return refresh_token(running.house.sealer, RefreshToken(wanted.id, 0))


def refresh(connection: Asking, token: str, also: Form, headers: Headers | None = None) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": token} | also
    status, _, body = connection.ask("POST", "/token", FORM | (headers or {}), urlencode(form).encode())
    return Answer(status, json.loads(body))


def registered(running: Provider, name: str, **registration: Any) -> Client:
    portal = running.portal(f"{name}-{secrets.token_hex(4)}", **OFFLINE, **registration)
    client = running.house.clients.find(portal.id)
    assert client is not None
    return client


def test_of_100_who_replace_one_token_at_once_all_get_the_same_successor(
    running: Provider, asking: Callable[[], Asking]
) -> None:
    client = registered(running, "rotating", token_endpoint_auth_method="none")
    house, connections = running.house, [asking() for _ in range(AT_ONCE)]
    for citizen in running.citizens(FAMILIES, _as_portal(client)):
        token = first_token(running, citizen, client)
        answers = at_once(
            AT_ONCE, lambda each, token=token: refresh(connections[each], token, {"client_id": client.id})
        )  # type: ignore[misc]
        assert {answer.status for answer in answers} == {200}
        (successor,) = {str(answer.told["refresh_token"]) for answer in answers}
        assert successor != token
        assert len({answer.token for answer in answers}) == AT_ONCE
        assert {connections[0].userinfo(answer.token) for answer in answers[:10]} == {200}
        row = house.database.one(
            select(GrantRow.generation, GrantRow.revoked_at).where(
                GrantRow.id == read_refresh_token(house.sealer, token).grant_id
            )
        )
        assert row == (1, None)
        assert refresh(connections[0], successor, {"client_id": client.id}).status == 200
    assert events(running, client, "refreshed") == FAMILIES * (AT_ONCE + 1)
    assert events(running, client, "grant_revoked") == 0


def test_of_100_who_come_with_a_token_that_was_replaced_long_ago_none_gets_anything_and_it_is_revoked_once(
    running: Provider, asking: Callable[[], Asking]
) -> None:
    """Replaced twice: the grace is over, however short a time it is."""
    client = registered(running, "stolen", token_endpoint_auth_method="none")
    named, connections = {"client_id": client.id}, [asking() for _ in range(AT_ONCE)]
    (citizen,) = running.citizens(1, _as_portal(client))
    first = first_token(running, citizen, client)
    second = str(refresh(connections[0], first, named).told["refresh_token"])
    third = str(refresh(connections[0], second, named).told["refresh_token"])
    answers = at_once(AT_ONCE, lambda each: refresh(connections[each], first, named))
    assert {(answer.status, answer.told["error"]) for answer in answers} == {(400, "invalid_grant")}
    assert refresh(connections[0], third, named).told["error"] == "invalid_grant"
    assert events(running, client, "grant_revoked") == 1


def test_a_token_under_fapi_is_used_100_times_at_once_and_100_times_well(
    running: Provider, asking: Callable[[], Asking]
) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1: not replaced, since it is of no use without the client's keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    client = registered(
        running, "fapi", profile="fapi2_security", token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{name: public[name] for name in ("kty", "crv", "x", "y")} | {"kid": "k1"}]},
        require_pushed_authorization_requests=True, dpop_bound_access_tokens=True,
    )  # fmt: skip
    connections = [asking() for _ in range(AT_ONCE)]
    (citizen,) = running.citizens(1, _as_portal(client))
    token = first_token(running, citizen, client)

    def use(each: int) -> Answer:
        form, headers = proven(running, client, key, None)
        answer = refresh(connections[each], token, form, headers)
        if answer.told.get("error") != "use_dpop_nonce":
            return answer
        form, headers = proven(running, client, key, nonce_of(running, connections[each], client, key, token))
        return refresh(connections[each], token, form, headers)

    answers = at_once(AT_ONCE, use)
    assert [answer.told for answer in answers if answer.status != 200] == []
    assert {answer.told["token_type"] for answer in answers} == {"DPoP"}
    assert not any("refresh_token" in answer.told for answer in answers)
    assert len({answer.token for answer in answers}) == AT_ONCE


def proven(running: Provider, client: Client, key: Any, nonce: str | None) -> tuple[Form, Headers]:
    """A client assertion (RFC 7523) and a DPoP proof, each of its own `jti`."""
    now, jti = clock.seconds(), secrets.token_urlsafe(16)
    said = {"iss": client.id, "sub": client.id, "aud": running.issuer, "iat": now, "exp": now + 60, "jti": jti}
    assertion = jwt.encode(said, key, algorithm="ES256", headers={"kid": "k1"})
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    proof: dict[str, Any] = {"jti": jti, "htm": "POST", "htu": f"{running.issuer}/token", "iat": now}
    if nonce is not None:
        proof["nonce"] = nonce
    header = {"typ": "dpop+jwt", "jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}}
    form = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
    return form, {"DPoP": jwt.encode(proof, key, algorithm="ES256", headers=header)}


def nonce_of(running: Provider, connection: Asking, client: Client, key: Any, token: str) -> str:
    """The nonce that the provider asks for (RFC 9449 section 8)."""
    form, headers = proven(running, client, key, None)
    sent = {"grant_type": "refresh_token", "refresh_token": token} | form
    _, answered, _ = connection.ask("POST", "/token", FORM | headers, urlencode(sent).encode())
    return str(answered["DPoP-Nonce"])


def _as_portal(client: Client) -> Portal:
    return Portal(client.id, "", client.redirect_uris[0])


def events(running: Provider, client: Client, event: str) -> int:
    counted = select(func.count()).where(AuditRow.client_id == client.id, AuditRow.event == event)
    row = running.house.database.one(counted)
    assert row is not None
    return int(row[0])
