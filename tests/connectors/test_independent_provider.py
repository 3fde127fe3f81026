"""Both kinds signed in at npm's oidc-provider: written by others, to the same specifications."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm

from connectors.banking import Banking, BankingConfiguration
from connectors.base import Connector, Failure, IdentifierType, Step
from connectors.population import Population, PopulationConfiguration
from idp.egress import Egress
from tests.connectors.door import Door, done, failure_of
from tests.connectors.liar import SigningKey
from tests.peers import provider
from tests.peers.visitor import Visitor

KEY = SigningKey.new("ES256", "door-key")
SECRET = "known-to-both-of-us-and-long-enough"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ha": {
        **{"name": "Trần Thị Thu Hà", "birthdate": "1990-03-14", "gender": "female", "email": "ha@thu.example"},
        **{"phone_number": "+84500000001", "national_id": "001190000101", "old_national_id": "010000101"},
        **{"citizenPid": "001190000101", "fullName": "Trần Thị Thu Hà", "birthDate": "14/03/1990"},
        **{"accountLevel": 2, "authenticationLevel": 3},
    },
    "my": {
        **{"name": "Giàng Thị Mỷ", "birthdate": "1952", "national_id": "002152000707", "max_acr": "bank:pwd"},
        **{"citizenPid": "002152000707", "fullName": "Giàng Thị Mỷ", "birthDate": "1952", "accountLevel": "1"},
    },
}
REGISTERED: list[dict[str, Any]] = [
    {
        **{"client_id": "bank-door", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.jwk()]}},
        **{"token_endpoint_auth_signing_alg": "ES256", "id_token_signed_response_alg": "ES256"},
        **{"redirect_uris": [Door.callback_url], "require_pushed_authorization_requests": True},
        "post_logout_redirect_uris": ["https://idp.example/signed-out"],
    },
    {
        **{"client_id": "register-door", "token_endpoint_auth_method": "client_secret_post", "client_secret": SECRET},
        **{"redirect_uris": [Door.callback_url], "userinfo_signed_response_alg": "RS256"},
    },
    {
        **{"client_id": "basic-door", "token_endpoint_auth_method": "client_secret_basic", "client_secret": SECRET},
        "redirect_uris": [Door.callback_url],
    },
]
CLAIMS = {
    "profile": ["name", "birthdate", "gender", "national_id", "old_national_id"]
    + ["citizenPid", "fullName", "birthDate", "accountLevel", "authenticationLevel"]
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    levels = json.dumps(["bank:pwd", "bank:otp"])
    with provider(clients=REGISTERED, accounts=ACCOUNTS, ACR_VALUES=levels, CLAIMS=json.dumps(CLAIMS)) as issuer:
        yield issuer


@pytest.fixture
def peer_door(_egress: Egress) -> Door:
    jwk = {**ECAlgorithm.to_jwk(KEY.private, as_dict=True), "kid": KEY.kid}
    return Door(_egress, client_key=json.dumps(jwk), client_secret=SECRET)


@pytest.fixture
def bank(issuer: str) -> Banking:
    return Banking(BankingConfiguration(issuer=issuer, client_id="bank-door"))


@pytest.fixture
def register(issuer: str) -> Population:
    configuration = {"issuer": issuer, "client_id": "register-door", "acr_values": {}}
    return Population(PopulationConfiguration.model_validate(configuration))


def signing_in(account: str, decision: str = "sign-in", acr: str = "") -> Callable[[str], str]:
    def browse(url: str) -> str:
        visitor = Visitor()
        with contextlib.closing(visitor._session):
            page = visitor.follow(visitor.get(url), until=Door.callback_url)
            assert page.forms, page.html
            fields = {"account": account, "acr": acr, "decision": decision}
            answer = visitor.submit(page, fields, follow=False)
            return visitor.follow(answer, until=Door.callback_url).location

    return browse


def sign_in(door: Door, connector: Connector, account: str = "ha", **wishes: Any) -> Step:
    return door.sign_in(connector, signing_in(account), **wishes)


def test_a_bank_with_pushed_requests_and_signed_assertions(peer_door: Door, bank: Banking, issuer: str) -> None:
    assertion = done(sign_in(peer_door, bank))
    assert (assertion.issuer, assertion.subject) == (issuer, "ha")
    assert assertion.name.full == "Trần Thị Thu Hà" and assertion.birth_date.as_sent == "1990-03-14"
    assert [one.type for one in assertion.identifiers] == [IdentifierType.PERSONAL_NUMBER, IdentifierType.FORMER_NUMBER]
    assert (assertion.proofing, assertion.authentication, assertion.email) == (2, 2, "ha@thu.example")


@pytest.mark.parametrize("wishes", [{"force": True}, {"max_age_seconds": 60}, {"force": True, "max_age_seconds": 0}])
def test_a_fresh_sign_in_is_proved_where_it_was_asked_for(
    peer_door: Door, bank: Banking, wishes: dict[str, Any]
) -> None:
    done(sign_in(peer_door, bank, **wishes))


def test_what_was_not_reached_is_told(peer_door: Door, bank: Banking) -> None:
    assert done(sign_in(peer_door, bank, "my", level=2)).authentication == 1
    assert done(sign_in(peer_door, bank, "my", level=1)).birth_date.month is None


def test_a_register_with_a_secret_and_signed_userinfo(peer_door: Door, register: Population) -> None:
    assertion = done(sign_in(peer_door, register))
    assert (assertion.name.full, assertion.birth_date.day) == ("Trần Thị Thu Hà", 14)
    assert (assertion.proofing, assertion.authentication) == (3, 3)
    low = done(sign_in(peer_door, register, "my"))
    assert (low.proofing, low.authentication, low.birth_date.as_sent) == (1, 1, "1952")


def test_a_secret_in_the_header(peer_door: Door, issuer: str) -> None:
    configuration = PopulationConfiguration(
        issuer=issuer, client_id="basic-door", client_auth="client_secret_basic", acr_values={}
    )
    done(sign_in(peer_door, Population(configuration)))


def test_going_back_is_a_cancellation(peer_door: Door, bank: Banking, register: Population) -> None:
    for connector in (bank, register):
        step = peer_door.sign_in(connector, signing_in("ha", decision="cancel"))
        assert failure_of(step) is Failure.CANCELLED


def test_a_code_is_good_once_and_for_its_own_sign_in(peer_door: Door, bank: Banking) -> None:
    first, second = peer_door.begun(bank), peer_door.begun(bank)
    to_first, to_second = signing_in("ha")(first.url), signing_in("my")(second.url)
    # Somebody else's code in this sign-in: the challenge does not fit, and the source says so.
    injected = to_first.replace(parameter(to_first, "code"), parameter(to_second, "code"))
    assert failure_of(peer_door.come_back(bank, first, injected)) is Failure.REFUSED
    done(peer_door.come_back(bank, first, to_first))
    assert failure_of(peer_door.come_back(bank, first, to_first)) is Failure.REFUSED


def parameter(url: str, name: str) -> str:
    return next(part.partition("=")[2] for part in url.partition("?")[2].split("&") if part.startswith(f"{name}="))


def test_a_client_that_the_source_does_not_know_is_misconfigured(peer_door: Door, issuer: str) -> None:
    stranger = Banking(BankingConfiguration(issuer=issuer, client_id="nobody"))
    assert failure_of(peer_door.begin(stranger)) is Failure.MISCONFIGURED
    other = ECAlgorithm.to_jwk(SigningKey.new("ES256").private, as_dict=True)
    peer_door.credentials["client_key"] = json.dumps({**other, "kid": KEY.kid})
    assert (
        failure_of(peer_door.begin(Banking(BankingConfiguration(issuer=issuer, client_id="bank-door"))))
        is Failure.MISCONFIGURED
    )


def test_every_check_passes(peer_door: Door, bank: Banking, register: Population) -> None:
    for connector in (bank, register):
        assert [check for check in connector.checks(peer_door.context) if not check.passed] == []


def test_signing_out_ends_at_our_door(peer_door: Door, bank: Banking) -> None:
    visitor = Visitor()
    with contextlib.closing(visitor._session):
        hint = done(sign_in(peer_door, bank)).logout_hint
        back = "https://idp.example/signed-out"
        url = bank.sign_out(peer_door.context, logout_hint=hint, return_url=back, handle="the-handle")
        assert url is not None
        page = visitor.follow(visitor.get(url), until=back)
        if page.status == 200:  # it asks first
            page = visitor.follow(visitor.submit(page, {"logout": "yes"}, follow=False), until=back)
        assert page.location == f"{back}?state=the-handle"
