"""The population register's sign-in: its habits, its two axes of levels, and its knowledge of life and death."""

from __future__ import annotations

import pytest

from connectors.sandbox.cast import CAST, Part
from tests.sandbox.peer import REDIRECT_URI, Attempt, RegisterPeer, spaced


def test_a_code_holds_a_plus_that_a_careless_client_loses(register: RegisterPeer) -> None:
    attempt = Attempt()
    returned = register.come_back(attempt)
    assert "+" in returned.raw_query.split("&")[0]
    assert register.redeem(attempt, spaced(returned.raw_query)).json()["error"] == "invalid_grant"
    assert register.redeem(attempt, returned["code"]).status_code == 200


def test_the_registers_claims_have_names_of_their_own(register: RegisterPeer) -> None:
    tokens = register.tokens(Attempt(), Part.ORDINARY_SECOND)
    userinfo = register.userinfo(tokens["access_token"]).json()
    citizen = CAST[Part.ORDINARY_SECOND]
    assert userinfo["citizenPid"] == citizen.personal_number
    assert userinfo["fullName"] == citizen.full_name
    assert (userinfo["birthDate"], userinfo["gender"]) == ("02/11/1985", "Nữ")
    assert (userinfo["accountLevel"], userinfo["authenticationLevel"]) == (2, 2)
    claims = register.verified(tokens["id_token"])
    assert (claims["accountLevel"], claims["authenticationLevel"]) == (2, 2)
    assert "acr" not in claims


def test_a_birth_date_may_be_a_year(register: RegisterPeer) -> None:
    tokens = register.tokens(Attempt(), Part.YEAR_ONLY)
    assert register.userinfo(tokens["access_token"]).json()["birthDate"] == "1952"


@pytest.mark.parametrize(
    "part, asked, given",
    [
        (Part.ORDINARY, "level1", (2, 1)),
        (Part.ORDINARY, "level3", (2, 3)),
        (Part.ORDINARY, "level4", (2, 4)),
        (Part.LOW_LEVEL, None, (1, 2)),
        (Part.LOW_LEVEL, "level3", (1, 2)),  # such an account was never proofed in person: it cannot reach further
    ],
)
def test_account_and_sign_in_have_levels_of_their_own(
    register: RegisterPeer, part: Part, asked: str | None, given: tuple[int, int]
) -> None:
    claims = register.verified(register.tokens(Attempt(), part, acr_values=asked)["id_token"])
    assert (claims["accountLevel"], claims["authenticationLevel"]) == given


def test_a_person_who_has_died_does_not_sign_in(register: RegisterPeer) -> None:
    returned = register.come_back(Attempt(), Part.DECEASED)
    assert (returned["error"], returned["error_description"]) == ("access_denied", "person_deceased")


def test_a_person_unknown_to_the_register_has_no_account(register: RegisterPeer) -> None:
    page = register.press(register.login_page(Attempt()), citizen=str(int(Part.NOT_IN_REGISTER)))
    assert page.status_code == 422
    assert "Không tìm thấy" in page.text


def test_a_sign_in_without_pkce_is_taken(register: RegisterPeer) -> None:
    attempt = Attempt()
    returned = register.come_back(attempt, code_challenge=None, code_challenge_method=None)
    assert register.redeem(attempt, returned["code"], code_verifier=None).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(register: RegisterPeer) -> None:
    attempt = Attempt()
    returned = register.come_back(attempt, code_challenge=None, code_challenge_method=None)
    assert register.redeem(attempt, returned["code"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_a_bad_request_is_told_to_the_client(
    register: RegisterPeer, changes: dict[str, str | None], error: str
) -> None:
    attempt = Attempt()
    returned = register.returned(register.start(attempt, **changes))
    assert (returned["error"], returned["state"], returned["iss"]) == (error, attempt.state, register.issuer)


@pytest.mark.parametrize("changes", [{"redirect_uri": f"{REDIRECT_URI}/x"}, {"client_id": "stranger"}])
def test_nobody_is_sent_to_an_unknown_address(register: RegisterPeer, changes: dict[str, str | None]) -> None:
    answer = register.start(Attempt(), **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("changes", [{"client_secret": "guessed"}, {"client_secret": None}, {"client_id": "stranger"}])
def test_a_client_without_the_secret_is_refused(register: RegisterPeer, changes: dict[str, str | None]) -> None:
    attempt = Attempt()
    code = register.come_back(attempt)["code"]
    answer = register.redeem(attempt, code, **changes)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert register.redeem(attempt, code).status_code == 200, "a stranger's attempt does not spend the code"


def test_the_register_takes_no_pushed_requests(register: RegisterPeer) -> None:
    assert register.post("/par", Attempt().parameters()).status_code == 404
    assert "pushed_authorization_request_endpoint" not in register.document("/.well-known/openid-configuration")
