"""The bank: strict about how it is asked, not always right in what it has on file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD, Part
from tests.sandbox.conftest import running
from tests.sandbox.peer import CLIENT_ID, Attempt, BankPeer

NOW = int(time.time())


def told_of(bank: BankPeer, citizen: int) -> dict[str, object]:
    """The id_token's claims and userinfo's, which may add to them but not differ."""
    tokens = bank.tokens(Attempt(), citizen)
    claims, userinfo = bank.verified(tokens["id_token"]), bank.userinfo(tokens["access_token"]).json()
    assert {name: claims[name] for name in userinfo if name in claims}.items() <= userinfo.items()
    return claims | userinfo


# ---- how it is asked ----------------------------------------------------------------------------------------------


def test_a_request_that_was_not_pushed_is_refused(bank: BankPeer) -> None:
    answer = bank.get("/authorize", **Attempt().parameters())
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_pushed_request_serves_once(bank: BankPeer) -> None:
    uri = bank.push(Attempt()).json()["request_uri"]
    assert bank.get("/authorize", client_id=CLIENT_ID, request_uri=uri).status_code == 303
    assert bank.get("/authorize", client_id=CLIENT_ID, request_uri=uri).status_code == 400


def test_a_pushed_request_is_its_clients_own(bank: BankPeer) -> None:
    uri = bank.push(Attempt()).json()["request_uri"]
    assert bank.get("/authorize", client_id="somebody-else", request_uri=uri).status_code == 400


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"code_challenge": None}, "invalid_request"),  # RFC 7636 section 4.4.1
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"redirect_uri": "http://idp.localhost:8400/callback/source/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),  # RFC 9126 section 2.1
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),  # OpenID Connect Core section 3.1.2.1
    ],
)
def test_a_bad_pushed_request_is_refused(bank: BankPeer, changes: dict[str, str | None], error: str) -> None:
    answer = bank.push(Attempt(), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://another-source.example"},
        {"iss": "somebody-else"},
        {"sub": "somebody-else"},
        {"exp": NOW - 60},
        {"exp": NOW + 7200},
        {"exp": None},
        {"jti": None},
        {"jti": ""},
        {"nbf": NOW + 3600},
    ],
)
def test_a_wrong_client_assertion_is_refused(bank: BankPeer, claims: dict[str, object]) -> None:
    answer = bank.push(Attempt(), client_assertion=bank.assertion(**claims))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_assertion_by_another_key_is_refused(bank: BankPeer) -> None:
    claims = jwt.decode(bank.assertion(), options={"verify_signature": False})
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "door-1"})
    assert bank.push(Attempt(), client_assertion=forged).status_code == 401


def test_an_unsigned_assertion_is_refused(bank: BankPeer) -> None:
    claims = jwt.decode(bank.assertion(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "door-1"})
    assert bank.push(Attempt(), client_assertion=unsigned).status_code == 401


def test_an_assertion_serves_once_even_across_endpoints(bank: BankPeer) -> None:
    assertion, attempt = bank.assertion(), Attempt()
    assert bank.push(attempt, client_assertion=assertion).status_code == 201
    assert bank.push(attempt, client_assertion=assertion).status_code == 401
    code = bank.come_back(attempt)["code"]
    assert bank.redeem(attempt, code, client_assertion=assertion).json()["error"] == "invalid_client"
    assert bank.redeem(attempt, code).status_code == 200


@pytest.mark.parametrize("audience", ["", "/token", "/par"])
def test_an_assertion_may_name_the_issuer_or_the_endpoint(bank: BankPeer, audience: str) -> None:
    assertion = bank.assertion(aud=[f"{bank.issuer}{audience}"])
    assert bank.push(Attempt(), client_assertion=assertion).status_code == 201


def test_a_secret_is_no_substitute_for_an_assertion(bank: BankPeer) -> None:
    answer = bank.push(Attempt(), client_assertion=None, client_assertion_type=None, client_secret="guessed")
    assert answer.status_code == 401


def test_clients_may_be_registered_and_changed_while_the_bank_runs(tmp_path: Path) -> None:
    clients_file = tmp_path / "clients.json"
    with running("banking", clients_file) as issuer, BankPeer(issuer) as bank:
        assert bank.push(Attempt()).status_code == 401
        clients_file.write_text(json.dumps([bank.registration()]), "utf-8")
        assert bank.push(Attempt()).status_code == 201
        clients_file.write_text("[{", "utf-8")
        assert bank.push(Attempt()).status_code == 201, "a half-written file changes nothing"
        clients_file.write_text("[]", "utf-8")
        assert bank.push(Attempt()).status_code == 401


# ---- how the person signed in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked, acr, amr",
    [
        (None, "bank:otp", ["pwd", "otp"]),
        ("bank:pwd", "bank:pwd", ["pwd"]),
        ("bank:face", "bank:face", ["pwd", "otp", "face"]),
        ("bank:face bank:otp", "bank:face", ["pwd", "otp", "face"]),
        ("LoA9", "bank:otp", ["pwd", "otp"]),
    ],
)
def test_the_level_that_was_asked_for_is_given(bank: BankPeer, asked: str | None, acr: str, amr: list[str]) -> None:
    claims = bank.verified(bank.tokens(Attempt(), acr_values=asked)["id_token"])
    assert (claims["acr"], claims["amr"]) == (acr, amr)


def test_a_password_alone_does_not_reach_the_level_of_a_code(bank: BankPeer) -> None:
    attempt = Attempt()
    form = {"number": CAST[0].personal_number, "password": PASSWORD}
    refused = bank.press(bank.login_page(attempt, acr_values="bank:otp"), **form)
    assert refused.status_code == 422
    returned = bank.returned(bank.press(refused, **form, otp=ONE_TIME_CODE))
    assert bank.verified(bank.redeem(attempt, returned["code"]).json()["id_token"])["acr"] == "bank:otp"


def test_a_password_alone_is_told_as_such(bank: BankPeer) -> None:
    attempt = Attempt()
    form = {"number": CAST[0].personal_number, "password": PASSWORD}
    returned = bank.returned(bank.press(bank.login_page(attempt), **form))
    assert bank.verified(bank.redeem(attempt, returned["code"]).json()["id_token"])["acr"] == "bank:pwd"


def test_a_weaker_session_does_not_answer_a_stronger_question(bank: BankPeer) -> None:
    bank.tokens(Attempt(), acr_values="bank:pwd")
    assert bank.start(Attempt(), acr_values="bank:otp").headers["Location"].startswith("/login?")
    bank.tokens(Attempt(), acr_values="bank:face")
    assert bank.returned(bank.start(Attempt(), acr_values="bank:otp"))["code"]


# ---- what it has on file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [Part.ORDINARY, Part.ORDINARY_SECOND, Part.ORDINARY_THIRD])
def test_an_ordinary_customer_is_on_file_as_they_are(bank: BankPeer, part: Part) -> None:
    told, citizen = told_of(bank, part), CAST[part]
    assert (told["name"], told["birthdate"]) == (citizen.full_name, citizen.birth_date)
    assert (told["national_id"], told.get("old_national_id")) == (citizen.personal_number, citizen.former_number)
    assert (told["phone_number"], told["email"]) == (citizen.phone, citizen.email)


def test_a_customers_name_may_have_lost_its_marks(bank: BankPeer) -> None:
    assert told_of(bank, Part.LOST_MARKS)["name"] == "HOANG THUY DAO"


def test_a_customer_may_be_known_by_the_former_number_only(bank: BankPeer) -> None:
    told = told_of(bank, Part.FORMER_NUMBER)
    assert told["old_national_id"] == CAST[Part.FORMER_NUMBER].former_number
    assert "national_id" not in told


def test_a_customer_may_be_filed_under_somebody_elses_number(bank: BankPeer) -> None:
    told = told_of(bank, Part.WRONG_NUMBER)
    assert told["national_id"] == CAST[Part.ORDINARY_FOURTH].personal_number
    assert told["name"] == CAST[Part.WRONG_NUMBER].full_name


def test_a_year_is_told_as_a_year(bank: BankPeer) -> None:
    assert told_of(bank, Part.YEAR_ONLY)["birthdate"] == "1952"


def test_a_bank_does_not_know_who_died(bank: BankPeer) -> None:
    assert told_of(bank, Part.DECEASED)["name"] == CAST[Part.DECEASED].full_name


def test_two_banks_know_one_person_by_two_subjects(bank: BankPeer, tmp_path: Path) -> None:
    clients_file = tmp_path / "clients.json"
    with running("banking", clients_file, SANDBOX_NAME="Ngân hàng Tre") as issuer, BankPeer(issuer) as other:
        clients_file.write_text(json.dumps([other.registration()]), "utf-8")
        assert told_of(other, 0)["sub"] != told_of(bank, 0)["sub"]
