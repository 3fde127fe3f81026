"""Each way in which the gateway can fail or lie has its name, at every operation and in both versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import Ask, Done, Failed, Failure, OutboundError
from connectors.registers import Verdict
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from idp.egress import Egress
from tests.connectors.door import LIMITS, failure_of
from tests.connectors.insured import SECRET, Desk, Sandbox, pivot
from tests.servers import eventually
from tests.storage.places import at_once

ORDINARY = CAST[Part.ORDINARY]
NewDesk = Callable[..., Desk]
PIVOT = pivot(Part.ORDINARY)


def failure_at(desk: Desk, endpoint: str) -> Failure:
    """How a sign-in, or the look-up, fails while this endpoint does."""
    if endpoint != "history":
        return failure_of(desk.sign_in(ORDINARY.personal_number))
    try:
        verdict = desk.connector.verify(desk.door.context, PIVOT)
    except OutboundError as problem:
        return problem.failure
    assert isinstance(verdict, Failed), verdict
    return verdict.failure


BROKEN = Failure.BROKEN_ANSWER
FAULTS: tuple[tuple[dict[str, Any], Failure], ...] = (
    ({"fault": "down"}, Failure.OVERLOADED),
    ({"fault": "down", "close": True}, Failure.UNREACHABLE),
    ({"fault": "reset_connection"}, Failure.UNREACHABLE),
    ({"fault": "error_in_200"}, BROKEN),
    ({"fault": "truncated_json"}, BROKEN),
    ({"fault": "garbage"}, BROKEN),
    ({"fault": "huge_body"}, BROKEN),
    ({"fault": "html_error_page"}, BROKEN),
    ({"fault": "wrong_type"}, BROKEN),
    ({"fault": "missing_claim", "claim": "maKetQua"}, BROKEN),
)


@pytest.mark.parametrize("version", ["2019", "2024"])
@pytest.mark.parametrize("endpoint", ["token", "recipient", "send", "redeem", "history"])
@pytest.mark.parametrize("fault,failure", FAULTS, ids=[str(sorted(map(str, fault.values()))) for fault, _ in FAULTS])
def test_each_fault_has_its_name(
    new_desk: NewDesk, insurance: Sandbox, fault: dict[str, Any], failure: Failure, endpoint: str, version: str
) -> None:
    desk = new_desk(version=version)
    insurance.told(**fault, endpoint=endpoint)
    assert failure_at(desk, endpoint) is failure
    insurance.as_new()
    assert isinstance(desk.sign_in(ORDINARY.personal_number), Done), "and the next one is well again"


@pytest.mark.parametrize(
    "endpoint,claim,failure",
    [
        ("token", "APIKey", BROKEN),
        ("token", "access_token", BROKEN),
        ("token", "id_token", BROKEN),
        ("token", "token_type", BROKEN),
        ("token", "expires_in", BROKEN),
        ("recipient", "maGiaoDich", Failure.INCOMPLETE),
        ("recipient", "maSoBHXH", Failure.INCOMPLETE),
        ("recipient", "maSdt", Failure.INCOMPLETE),
        ("recipient", "sdtChe", Failure.INCOMPLETE),
        ("redeem", "hoTen", Failure.INCOMPLETE),
        ("redeem", "maSoBHXH", Failure.INCOMPLETE),
        ("redeem", "soCCCD", Failure.WRONG_NONCE),  # the personal number was typed, and nothing says whose it is
    ],
)
def test_what_we_cannot_do_without_is_missed_by_name(
    desk: Desk, insurance: Sandbox, endpoint: str, claim: str, failure: Failure
) -> None:
    insurance.told(fault="missing_claim", claim=claim, endpoint=endpoint)
    assert failure_at(desk, endpoint) is failure


@pytest.mark.parametrize("claim", ["ngaySinh", "gioiTinh"])
def test_what_we_can_do_without_costs_nobody_their_sign_in(desk: Desk, insurance: Sandbox, claim: str) -> None:
    insurance.told(fault="missing_claim", claim=claim, endpoint="redeem")
    step = desk.sign_in(ORDINARY.personal_number)
    assert isinstance(step, Done)
    assert (step.assertion.birth_date is None) is (claim == "ngaySinh")


@pytest.mark.parametrize("fault,failure", [("locked", Failure.ACCOUNT_LOCKED), ("deceased", Failure.DECEASED)])
def test_what_it_has_against_a_person_has_a_name(desk: Desk, insurance: Sandbox, fault: str, failure: Failure) -> None:
    insurance.told(fault=fault, citizen=ORDINARY.personal_number)
    assert failure_of(desk.sign_in(ORDINARY.personal_number)) is failure


def test_a_register_that_contradicts_itself_is_not_believed(desk: Desk, insurance: Sandbox) -> None:
    for fault in ("contradictory", "changed_identifiers"):
        insurance.as_new().told(fault=fault, endpoint="history")
        assert failure_at(desk, "history") is Failure.WRONG_NONCE


def test_wrong_credentials_are_ours(new_desk: NewDesk) -> None:
    desk = new_desk()
    desk.door.credentials["password"] = "another secret"
    assert failure_of(desk.sign_in(ORDINARY.personal_number)) is Failure.MISCONFIGURED
    del desk.door.credentials["password"]
    assert failure_of(desk.sign_in(ORDINARY.personal_number)) is Failure.MISCONFIGURED


def test_an_official_whom_the_gateway_does_not_know_is_our_fault(desk: Desk) -> None:
    desk.door.credentials["official_number"] = "123"
    assert failure_at(desk, "history") is Failure.MISCONFIGURED


# --- slow answers and broken connections: what is tried again, and what is not


PATHS = {
    "token": "/api/token/take",
    "recipient": "TimNoiNhanMa2024",
    "send": "GuiMaXacThuc2024",
    "redeem": "KiemTraMaXacThuc2024",
    "history": "KQNhanLichSuKCB2024",
}


def count(insurance: Sandbox, operation: str) -> int:
    return len(insurance.asked(operation))


@pytest.mark.parametrize("endpoint,tries", [("token", 1), ("recipient", 2), ("send", 1), ("redeem", 1), ("history", 2)])
def test_a_broken_connection_is_tried_again_once_and_only_where_nothing_happens_twice(
    desk: Desk, insurance: Sandbox, endpoint: str, tries: int
) -> None:
    insurance.told(fault="reset_connection", endpoint=endpoint)
    assert failure_at(desk, endpoint) is Failure.UNREACHABLE
    eventually(lambda: count(insurance, PATHS[endpoint]) >= tries)  # it notes a request after it has broken it off
    assert count(insurance, PATHS[endpoint]) == tries


def test_one_broken_connection_on_a_read_is_not_even_noticed(desk: Desk, insurance: Sandbox) -> None:
    insurance.told(fault="reset_connection", endpoint="recipient", times=1)
    assert isinstance(desk.sign_in(ORDINARY.personal_number), Done)


@pytest.mark.parametrize("endpoint", ["token", "recipient", "send", "redeem", "history"])
def test_a_time_out_is_never_tried_again(desk: Desk, insurance: Sandbox, endpoint: str) -> None:
    """Only the first answer is slow: whoever asked again would get a good one."""
    if endpoint != "token":
        desk.connector.verify(desk.door.context, PIVOT)  # and so there is a token
    page = desk.number(ORDINARY.personal_number) if endpoint == "redeem" else None
    insurance.as_new().told(fault="slow", seconds=2, endpoint=endpoint, times=1)
    desk.door.egress = Egress(LIMITS.model_copy(update={"total_seconds": 1}))
    failure = failure_at(desk, endpoint) if page is None else failure_of(desk.typed(page, code=ONE_TIME_CODE))
    desk.door.egress.close()
    assert failure is Failure.TIMED_OUT
    eventually(lambda: count(insurance, PATHS[endpoint]) == 1)


# --- the token


def test_a_token_serves_many_requests(desk: Desk, insurance: Sandbox) -> None:
    for _ in range(3):
        assert isinstance(desk.sign_in(ORDINARY.personal_number), Done)
    assert count(insurance, "/api/token/take") == 1


@pytest.mark.parametrize("version", ["2019", "2024"])
def test_an_ended_token_is_replaced_once_and_nobody_notices(
    new_desk: NewDesk, insurance: Sandbox, version: str
) -> None:
    desk = new_desk(version=version)
    insurance.told(fault="expired_token", endpoint="redeem", times=1)
    assert isinstance(desk.sign_in(ORDINARY.personal_number), Done)
    assert count(insurance, "/api/token/take") == 2


@pytest.mark.parametrize("version", ["2019", "2024"])
def test_a_gateway_that_refuses_every_token_is_asked_twice_and_no_more(
    new_desk: NewDesk, insurance: Sandbox, version: str
) -> None:
    desk = new_desk(version=version)
    insurance.told(fault="expired_token", endpoint="recipient")
    assert failure_of(desk.sign_in(ORDINARY.personal_number)) is Failure.MISCONFIGURED
    assert count(insurance, "/api/token/take") == 2
    assert count(insurance, f"TimNoiNhanMa{version}") == 2


def test_threads_without_a_token_take_one(desk: Desk, insurance: Sandbox) -> None:
    insurance.told(fault="slow", seconds=0.3, endpoint="token")
    pages = at_once(16, lambda one: desk.number(f"99999990{one:02}", network=str(one)))
    assert [type(page) for page in pages] == [Ask] * 16
    assert count(insurance, "/api/token/take") == 1


def test_threads_whose_token_is_old_take_one_between_them(desk: Desk, insurance: Sandbox) -> None:
    assert isinstance(desk.sign_in(ORDINARY.personal_number), Done)
    insurance.told(fault="slow", seconds=0.3, endpoint="token")
    desk.door.shift = timedelta(seconds=desk.connector.configuration.token_seconds + 1)
    verdicts = at_once(16, lambda _: desk.connector.verify(desk.door.context, PIVOT))
    assert [type(verdict) for verdict in verdicts] == [Verdict] * 16
    assert count(insurance, "/api/token/take") == 2


def test_a_token_that_cannot_be_had_is_waited_for_once_by_all(desk: Desk, insurance: Sandbox) -> None:
    insurance.told(fault="slow", seconds=0.5, endpoint="token")
    insurance.told(fault="garbage", endpoint="token")
    pages = at_once(16, lambda one: desk.number(f"99999990{one:02}", network=str(one)))
    assert {failure_of(page) for page in pages} == {BROKEN}
    assert count(insurance, "/api/token/take") < 4, "who comes after the failure may try again"


def test_neither_token_nor_password_is_ever_told(new_desk: NewDesk, insurance: Sandbox) -> None:
    desk = new_desk(version="2019")
    for fault, failure in FAULTS:
        insurance.as_new().told(**fault, endpoint="recipient")
        desk.door.counted.clear()
        step = desk.number(ORDINARY.personal_number)
        assert isinstance(step, Failed) and step.failure is failure
        assert "token=" not in step.detail and "password" not in step.detail and SECRET not in step.detail
        assert "?" not in step.detail
    token = desk.connector.gateway._token
    assert token is not None and token.access_token not in repr(token) and token.id_token not in repr(token)
    assert ONE_TIME_CODE not in str(desk.door.notes)
