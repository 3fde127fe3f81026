"""private_key_jwt and client_secret_jwt (RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 section 5.3.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import client_secret_jwt_sign, private_key_jwt_sign
from joserfc.jwk import ECKey, OctKey

from idp import clock
from idp.worker import remove_outlived
from tests.oidc.asserting import FAPI, TYPE, Asserting, Portals, asserting, let_in, turned_away
from tests.oidc.residents import Resident, fresh_name, seconds_later
from tests.oidc.test_token_authentication import basic, refused

Residents = Callable[..., Resident]
pytestmark = pytest.mark.usefixtures("nobody_has_failed")
EVERY_ALGORITHM = ("RS256", "PS256", "ES256", "EdDSA", "HS256")


@pytest.fixture
def client(portals: Portals) -> Asserting:
    return asserting(portals)


@pytest.fixture
def fapi_client(portals: Portals) -> Asserting:
    return asserting(portals, "PS256", **FAPI)


@pytest.mark.parametrize("alg", EVERY_ALGORITHM)
def test_whoever_signs_with_what_it_registered_redeems_a_code(portals: Portals, residents: Residents, alg: str) -> None:
    client = asserting(portals, alg)
    code, request = residents(client.portal).code(client.portal)
    answer = client.ask(client.signed(), code=code, code_verifier=request.verifier)
    assert answer.status_code == 200, answer.text
    assert client.portal.claims(answer.json()["id_token"])["aud"] == client.portal.id


@pytest.mark.parametrize("kid", [None, "k1"])
def test_the_name_of_a_key_may_be_left_out(client: Asserting, kid: str | None) -> None:
    client.kid = kid
    let_in(client.ask(client.signed()))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "client-authentication+jwt"])
def test_the_type_may_be_left_out_or_be_its_own(client: Asserting, typ: str | None) -> None:
    let_in(client.ask(client.signed({"typ": typ})))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt", "x"])
def test_another_kind_of_token_is_no_assertion(client: Asserting, typ: str) -> None:
    """RFC 8725 section 3.11."""
    turned_away(client.ask(client.signed({"typ": typ})))


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"iss": None}, "T01"),  # nobody's
        ({"iss": "nobody"}, "T01"),
        ({"iss": ["a"]}, "T01"),
        ({"sub": None}, "T12"),
        ({"sub": "somebody"}, "T12"),
        ({"jti": None}, "T12"),
        ({"jti": ""}, "T12"),
        ({"jti": 5}, "T12"),
        ({"jti": "x" * 257}, "T12"),
        ({"jti": "\ud800"}, "T12"),
        ({"jti": "số một"}, "T12"),
        ({"exp": None}, "T12"),
        ({"exp": "soon"}, "T11"),
        ({"exp": True}, "T11"),
        ({"exp": float("nan")}, "T01"),
        ({"exp": float("inf")}, "T01"),
        ({"exp": 10**400}, "T11"),
        ({"exp": 0}, "T11"),
        ({"nbf": "now"}, "T11"),
        ({"nbf": True}, "T11"),
        ({"nbf": float("nan")}, "T01"),
        ({"iat": [1]}, "T11"),
    ],
)
def test_an_assertion_without_what_it_must_hold_is_refused(
    client: Asserting, changes: dict[str, Any], code: str
) -> None:
    """RFC 7523 section 3, numbers 1 to 7."""
    turned_away(client.ask(client.signed(**changes)), code)
    let_in(client.ask(client.signed()))


def test_with_a_client_id_beside_it_an_assertion_still_needs_its_iss(client: Asserting) -> None:
    turned_away(client.ask(client.signed(iss=None), client_id=client.portal.id), "T12")


@pytest.mark.parametrize("seconds, code", [(1, None), (590, None), (605, None), (660, "T11"), (86_400, "T11")])
def test_an_assertion_ends_within_ten_minutes(client: Asserting, seconds: int, code: str | None) -> None:
    _held(client.ask(client.signed(exp=clock.seconds() + seconds + 1, iat=None)), code)


def test_one_that_says_an_hour_is_good_for_ten_minutes(client: Asserting) -> None:
    """Nor is it good again at the end of its hour, when it is forgotten that it was spent."""
    turned_away(client.ask(client.signed(exp=clock.seconds() + 3700)), "T11")
    used, unused = (client.signed(exp=clock.seconds() + 3600) for _ in range(2))
    let_in(client.ask(used))
    with seconds_later(590):
        turned_away(client.ask(used), "T09")
    for seconds in (610, 3050, 3590):
        with seconds_later(seconds):
            turned_away(client.ask(used), "T11")
            turned_away(client.ask(unused), "T11")


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
def test_authlib_is_let_in_as_it_comes(portals: Portals, method: str) -> None:
    """An independent library, of which portals in Flask and Django are made: an hour, and the token endpoint."""
    client = asserting(portals, "ES256" if method == "private_key_jwt" else "HS256")
    own = ECKey.import_key(client.key) if method == "private_key_jwt" else OctKey.import_key(client.key)
    sign = private_key_jwt_sign if method == "private_key_jwt" else client_secret_jwt_sign
    let_in(client.ask(sign(own, client.portal.id, f"{client.issuer}/token", alg=client.alg)))


@pytest.mark.parametrize("seconds, code", [(60, None), (290, None), (360, "T11"), (600, "T11")])
def test_with_fapi_an_assertion_ends_within_five(fapi_client: Asserting, seconds: int, code: str | None) -> None:
    _held(fapi_client.ask(fapi_client.signed(exp=clock.seconds() + seconds)), code)


@pytest.mark.parametrize("seconds", [0, 5, 300])
def test_an_assertion_that_has_ended_is_refused(client: Asserting, seconds: int) -> None:
    turned_away(client.ask(client.signed(exp=clock.seconds() - seconds)), "T11")


@pytest.mark.parametrize("profile", ["openid", "fapi"])
@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("seconds, code", [(-300, None), (8, None), (60, "T11")])
def test_clocks_may_be_ten_seconds_apart(
    client: Asserting, fapi_client: Asserting, profile: str, name: str, seconds: int, code: str | None
) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1, number 13."""
    asking = client if profile == "openid" else fapi_client
    then = clock.seconds() + seconds
    _held(asking.ask(asking.signed(**{name: then, "exp": max(then, clock.seconds()) + 60})), code)


AUDIENCES: list[tuple[str, bool, bool]] = [  # {} is the issuer; then who may: any client, one of FAPI 2.0
    ('"{}"', True, True),
    ('["{}"]', True, False),
    ('"{}/token"', True, False),
    ('["{}/token"]', True, False),
    ('"{}/par"', False, False),  # not what is asked here
    ('["{}", "{}/token"]', False, False),
    ('["{}", "https://other.example"]', False, False),
    ('"https://other.example"', False, False),
    ('"{}/"', False, False),
    ('"{}/authorize"', False, False),
    ('"token"', False, False),
    ('""', False, False),
    ("[]", False, False),
    ("[[]]", False, False),
    ('{{"a": "{}"}}', False, False),
    ("1", False, False),
    ("null", False, False),
]


@pytest.mark.parametrize("profile", ["openid", "fapi"])
@pytest.mark.parametrize("written, anybody, with_fapi", AUDIENCES)
def test_an_assertion_is_for_this_provider_alone(
    client: Asserting, fapi_client: Asserting, profile: str, written: str, anybody: bool, with_fapi: bool
) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1, number 8: the issuer as a string; OpenID Connect Core section 9."""
    asking = client if profile == "openid" else fapi_client
    payload = asking.claims() | {
        "aud": json.loads(written.replace("{}", asking.issuer).replace("{{", "{").replace("}}", "}"))
    }
    answer = asking.ask(asking.signed_bytes(json.dumps(payload).encode()))
    _held(answer, None if (anybody if profile == "openid" else with_fapi) else "T10")


@pytest.mark.parametrize("path, with_fapi", [("", True), ("/par", False), ("/token", False), ("/introspect", None)])
def test_another_endpoint_may_be_named_where_it_is_the_one_that_is_asked(
    client: Asserting, fapi_client: Asserting, path: str, with_fapi: bool | None
) -> None:
    for asking, expected in ((client, with_fapi is not None), (fapi_client, with_fapi)):
        form = {"client_assertion": asking.signed(aud=asking.issuer + path), "client_assertion_type": TYPE}
        answer = asking.portal.world.http.post(f"{asking.issuer}/par", data=form, timeout=30)
        _held(answer, None if expected else "T10")


def test_an_assertion_without_an_audience_is_refused(client: Asserting) -> None:
    turned_away(client.ask(client.signed(aud=None)), "T10")


@pytest.mark.parametrize("alg", EVERY_ALGORITHM)
def test_an_assertion_is_used_once(portals: Portals, alg: str) -> None:
    client = asserting(portals, alg)
    assertion = client.signed()
    let_in(client.ask(assertion))
    turned_away(client.ask(assertion), "T09")
    turned_away(client.ask(client.signed(jti=client_jti(assertion))), "T09")  # it is the jti that is spent
    let_in(client.ask(client.signed()))


def test_two_clients_may_choose_the_same_jti(portals: Portals) -> None:
    jti = fresh_name()
    for client in (asserting(portals), asserting(portals)):
        let_in(client.ask(client.signed(jti=jti)))


def test_an_assertion_is_spent_for_as_long_as_it_is_good(client: Asserting) -> None:
    assertion = client.signed(exp=clock.seconds() + 500)
    let_in(client.ask(assertion))
    with seconds_later(490):
        remove_outlived(client.portal.world.house, pause=lambda: False, batch=1000)  # as the worker does
        turned_away(client.ask(assertion), "T09")
    with seconds_later(510):
        turned_away(client.ask(assertion), "T11")


def test_what_is_refused_spends_nothing(client: Asserting) -> None:
    jti = fresh_name()
    turned_away(client.ask(client.signed(jti=jti, aud="https://other.example")), "T10")
    turned_away(client.ask(client.signed(jti=jti)[:-8] + "AAAAAAAA"))
    let_in(client.ask(client.signed(jti=jti)))


@pytest.mark.parametrize(
    "kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TYPE + " ", TYPE.upper()]
)
def test_the_type_of_an_assertion_is_exact(client: Asserting, kind: str | None) -> None:
    """RFC 7521 section 4.2."""
    turned_away(client.ask(client.signed(), client_assertion_type=kind))


@pytest.mark.parametrize("assertion", [None, "", "x", "a.b", "a.b.c", "....", "e30.e30.", "é.é.é", "\x00", "x" * 9000])
def test_what_is_no_assertion_is_refused(client: Asserting, assertion: str | None) -> None:
    turned_away(client.ask(assertion))
    turned_away(client.ask(assertion, client_id=client.portal.id))


def test_a_client_id_beside_it_must_agree(client: Asserting, portals: Portals) -> None:
    """RFC 7521 section 4.2."""
    other = asserting(portals)
    let_in(client.ask(client.signed(), client_id=client.portal.id))
    turned_away(client.ask(client.signed(), client_id="nobody"))
    turned_away(client.ask(client.signed(), client_id=other.portal.id), "T12")  # the keys are the same in these tests


def test_a_second_way_beside_it_is_refused(client: Asserting, portals: Portals) -> None:
    """RFC 6749 section 2.3."""
    other = portals(token_endpoint_auth_method="client_secret_post")
    refused(client.ask(client.signed(), client_secret="s"), "invalid_request", 400)
    refused(client.ask(client.signed(), client_id=other.id, client_secret=other.secret), "invalid_request", 400)
    headers = basic(client.portal.id, "s")
    form = {"client_assertion": client.signed(), "client_assertion_type": TYPE, "grant_type": "authorization_code"}
    answer = client.portal.world.http.post(f"{client.issuer}/token", data=form, headers=headers, timeout=30)
    refused(answer, "invalid_request", 400)


def test_who_registered_an_assertion_is_let_in_by_nothing_else(client: Asserting, portals: Portals) -> None:
    nothing: dict[str, str | None] = {"client_assertion_type": None, "client_id": client.portal.id}
    turned_away(client.ask(None, **nothing))
    turned_away(client.ask(None, **nothing, client_secret="s"))
    sealed = asserting(portals, "HS256")
    assert sealed.portal.secret
    turned_away(sealed.ask(None, client_assertion_type=None, client_id=sealed.portal.id, client_secret=sealed.key))


def test_who_registered_a_secret_is_let_in_by_no_assertion(portals: Portals) -> None:
    for method in ("client_secret_basic", "client_secret_post", "none"):
        portal = portals(token_endpoint_auth_method=method)
        turned_away(Asserting(portal, "HS256", portal.secret or "s" * 43, None).ask(
            Asserting(portal, "HS256", portal.secret or "s" * 43, None).signed()
        ))  # fmt: skip


def client_jti(assertion: str) -> str:
    import jwt

    return str(jwt.decode(assertion, options={"verify_signature": False})["jti"])


def _held(answer: Any, code: str | None) -> None:
    let_in(answer) if code is None else turned_away(answer, code)
