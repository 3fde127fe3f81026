"""What a source gets to see of us, and what it does not."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from connectors.banking import Banking, BankingConfiguration
from connectors.base import (
    STATE_LIMIT_BYTES,
    Checkable,
    Failure,
    HasMetadata,
    LoginRequest,
    Redirect,
    SignsOut,
)  # fmt: skip
from connectors.population import Population, PopulationConfiguration
from tests.connectors.door import Door, done, failure_of
from tests.connectors.liar import DISCOVERY, PERSON, Liar, Wire


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def register(liar: Liar, **changes: Any) -> Population:
    """A connector with all the choices that a bank's does not leave open."""
    values = {"issuer": liar.issuer, "client_id": "one-door", "acr_values": {}, **changes}
    return Population(PopulationConfiguration.model_validate(values))


def test_the_browser_carries_nothing_but_a_reference_where_requests_are_pushed(
    liar: Liar, door: Door, bank: Banking
) -> None:
    step = door.begun(bank)
    assert step.url.startswith(f"{liar.issuer}/authorize?")
    assert query(step.url).keys() == {"client_id", "request_uri"}
    pushed = liar.sent("/par")
    assert pushed["response_type"] == "code" and pushed["scope"] == "openid profile email phone"
    assert pushed["redirect_uri"] == door.callback_url and pushed["ui_locales"] == "vi en"


@pytest.mark.parametrize("force,max_age", [(False, None), (True, None), (False, 600), (True, 0)])
def test_what_is_asked_for_is_what_is_owed(
    liar: Liar, door: Door, bank: Banking, force: bool, max_age: int | None
) -> None:
    door.begun(bank, force=force, max_age_seconds=max_age)
    pushed = liar.sent("/par")
    assert pushed.get("prompt") == ("login" if force else None)
    assert pushed.get("max_age") == (None if max_age is None else str(max_age))
    assert "login_hint" not in pushed and "id_token_hint" not in pushed


@pytest.mark.parametrize("level,acr", [(1, "bank:pwd"), (2, "bank:otp")])
def test_the_lowest_acr_that_suffices_is_asked_for(liar: Liar, door: Door, bank: Banking, level: int, acr: str) -> None:
    door.begun(bank, level=level)
    assert liar.sent("/par")["acr_values"] == acr


def test_a_level_that_the_source_cannot_give_is_not_asked_for(liar: Liar, door: Door, bank: Banking) -> None:
    assert failure_of(door.begin(bank, level=3)) is Failure.LEVEL_TOO_LOW
    assert "/par" not in [path for path, _ in liar.asked]


def test_every_sign_in_has_a_handle_a_nonce_and_a_challenge_of_its_own(liar: Liar, door: Door, bank: Banking) -> None:
    states, seen = [], []
    for _ in range(2):
        states.append(json.loads(door.begun(bank).state))
        seen.append(liar.sent("/par"))
    for name in ("state", "nonce", "code_challenge"):
        assert seen[0][name] != seen[1][name] and len(seen[0][name]) >= 24
    for state, sent in zip(states, seen, strict=True):
        digest = hashlib.sha256(state["verifier"].encode()).digest()
        assert sent["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert (sent["code_challenge_method"], sent["state"]) == ("S256", state["handle"])
        assert 43 <= len(state["verifier"]) <= 128  # RFC 7636 section 4.1


def test_what_is_remembered_fits_and_a_callback_that_does_not_is_told(door: Door, bank: Banking) -> None:
    assert len(door.begun(bank).state) <= STATE_LIMIT_BYTES
    request = LoginRequest(handle="h", callback_url=f"https://idp.example/{'a' * 4000}", level=1)
    assert failure_of(bank.begin(door.context, request)) is Failure.MISCONFIGURED


def test_the_client_assertion_is_for_the_issuer_short_lived_and_used_once(
    liar: Liar, door: Door, bank: Banking, browse: Callable[[str], str]
) -> None:
    done(door.sign_in(bank, browse))
    assertions = [fields["client_assertion"] for path, fields in liar.asked if path in ("/par", "/token")]
    claims = [jwt.decode(one, options={"verify_signature": False}) for one in assertions]
    assert len(assertions) == 2 and claims[0]["jti"] != claims[1]["jti"]
    for one, header in zip(claims, map(jwt.get_unverified_header, assertions), strict=True):
        assert one["aud"] == liar.issuer and one["iss"] == one["sub"] == "one-door"
        assert one["exp"] - one["iat"] == 60
        assert (header["alg"], header["kid"]) == ("ES256", "client-key")


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_post", "client_secret_basic"])
def test_each_way_of_proving_who_we_are_is_spoken(
    liar: Liar, door: Door, browse: Callable[[str], str], method: str
) -> None:
    liar.client.method = method
    liar.lies["userinfo"] = lambda claims: {**claims, "citizenPid": "001190000101", "fullName": "Hà"}
    done(door.sign_in(register(liar, client_auth=method), browse))
    assert ("client_secret" in liar.sent("/token")) is (method == "client_secret_post")
    assert all(
        header.startswith("Basic ") is (method == "client_secret_basic") for header in liar.authorization_headers
    )
    door.credentials.update(client_secret="another")
    if method != "private_key_jwt":
        assert failure_of(door.begin(register(liar, client_auth=method))) is Failure.MISCONFIGURED


@pytest.mark.parametrize(
    "key", ["", "not JSON", "{}", '{"kty": "EC"}', '{"kty": "oct", "k": "c2VjcmV0", "d": "x"}', None]
)
def test_a_credential_that_is_missing_or_broken_is_told_and_never_shown(
    liar: Liar, door: Door, bank: Banking, key: str | None
) -> None:
    if key is None:
        del door.credentials["client_key"]
    else:
        door.credentials["client_key"] = key
    step = door.begin(bank)
    assert failure_of(step) is Failure.MISCONFIGURED
    assert "c2VjcmV0" not in repr(step)


def test_a_key_of_another_type_does_not_sign(liar: Liar, door: Door) -> None:
    rsa_only = BankingConfiguration(issuer=liar.issuer, client_id="one-door", assertion_algorithm="RS256")
    assert failure_of(door.begin(Banking(rsa_only))) is Failure.MISCONFIGURED


def test_pushed_requests_are_made_where_they_are_offered(liar: Liar, door: Door, bank: Banking) -> None:
    liar.client.method = "client_secret_post"
    assert "request_uri" in query(door.begun(register(liar)).url)
    everything = query(door.begun(register(liar, par="never")).url)
    assert everything["redirect_uri"] == door.callback_url and "client_secret" not in everything

    liar.lies["discovery"] = lambda document: {**document, "pushed_authorization_request_endpoint": None}
    door.documents.forget()
    assert "request_uri" not in query(door.begun(register(liar)).url)
    assert failure_of(door.begin(bank)) is Failure.MISCONFIGURED  # never a silent step down


def test_a_pushed_request_without_a_reference_is_a_broken_answer(liar: Liar, door: Door, bank: Banking) -> None:
    for body in (b'{"expires_in": 60}', b'{"request_uri": 7}', b'{"request_uri": ""}'):
        liar.wire["/par"] = Wire(201, body)
        assert failure_of(door.begin(bank)) is Failure.BROKEN_ANSWER


def test_an_authorization_endpoint_may_have_a_query_of_its_own(liar: Liar, door: Door) -> None:
    liar.lies["discovery"] = lambda document: {
        **document,
        "authorization_endpoint": f"{liar.issuer}/authorize?realm=vn",
    }
    step = door.begun(register(liar, par="never"))
    assert query(step.url)["realm"] == "vn" and query(step.url)["client_id"] == "one-door"


def test_without_nonce_the_challenge_binds_and_without_challenge_the_nonce(
    liar: Liar, door: Door, browse: Callable[[str], str]
) -> None:
    liar.client.method = "client_secret_post"
    liar.lies["userinfo"] = lambda claims: {**claims, "citizenPid": "001190000101", "fullName": "Hà"}
    done(door.sign_in(register(liar, nonce=False), browse))
    assert "nonce" not in liar.wanted
    done(door.sign_in(register(liar, pkce=False), browse))
    assert "code_challenge" not in liar.wanted
    with pytest.raises(ValueError, match="pkce and nonce"):
        register(liar, nonce=False, pkce=False)


def test_a_dead_source_has_its_failure_and_metadata_once_good_goes_on(liar: Liar, door: Door, bank: Banking) -> None:
    liar.wire[DISCOVERY] = Wire(503)
    assert failure_of(door.begin(bank)) is Failure.UNREACHABLE
    del liar.wire[DISCOVERY]
    door.begun(bank)
    liar.wire[DISCOVERY] = Wire(503)
    door.begun(bank)


def test_signing_out_goes_to_the_source_with_its_own_id_token(
    liar: Liar, door: Door, bank: Banking, browse: Callable[[str], str]
) -> None:
    assertion = done(door.sign_in(bank, browse))
    back = "https://idp.example/signed-out"
    url = bank.sign_out(door.context, logout_hint=assertion.logout_hint, return_url=back, handle="h")
    assert url is not None and url.startswith(f"{liar.issuer}/logout?")
    expected = {"client_id": "one-door", "post_logout_redirect_uri": back, "state": "h"}
    assert query(url) == {**expected, "id_token_hint": assertion.logout_hint}

    liar.lies["discovery"] = lambda document: {**document, "end_session_endpoint": None}
    door.documents.forget()
    assert bank.sign_out(door.context, logout_hint=None, return_url=back, handle="h") is None
    liar.wire[DISCOVERY] = Wire(503)
    door.documents.forget()
    assert bank.sign_out(door.context, logout_hint=None, return_url=back, handle="h") is None


def test_our_published_key_is_the_public_half(liar: Liar, door: Door, bank: Banking) -> None:
    for role in (HasMetadata, Checkable, SignsOut):
        assert isinstance(bank, role)
    media_type, document = bank.metadata(door.context)
    (jwk,) = json.loads(document)["keys"]
    assert media_type == "application/jwk-set+json"
    assert jwk == {**liar.client.key.jwk(), "kid": "client-key"} and "d" not in jwk
    assert json.loads(register(liar).metadata(door.context)[1]) == {"keys": []}


def test_one_connector_serves_many_sign_ins_at_once(
    liar: Liar, door: Door, bank: Banking, browse: Callable[[str], str]
) -> None:
    steps = [door.begun(bank) for _ in range(3)]
    returned = [browse(step.url) for step in steps]
    assert [failure_of(door.come_back(bank, steps[0], returned[1]))] == [Failure.WRONG_NONCE]
    for step, returned_to in reversed(list(zip(steps, returned, strict=True))):
        assert isinstance(step, Redirect)
        done(door.come_back(bank, step, returned_to))
    assert door.documents.fetched.count(f"{liar.issuer}{DISCOVERY}") == 1
    assert PERSON["name"] == "Trần Thị Thu Hà"
