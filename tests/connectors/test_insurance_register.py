"""The gateway as a register: what it says of a number, a name and a birth date, and what can be checked of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import BirthDate, Check, Checkable, Connector, Failure, Identifier, IdentifierType, Name
from connectors.registers import Agreement, Verifier
from connectors.sandbox.cast import Part
from tests.connectors.insured import Desk, Sandbox, failed, pivot, verdict

NewDesk = Callable[..., Desk]


def test_it_has_the_roles_that_it_claims(desk: Desk) -> None:
    assert isinstance(desk.connector, Connector)
    assert isinstance(desk.connector, Verifier)
    assert isinstance(desk.connector, Checkable)


# --- our sandbox


def test_details_that_belong_together_agree_and_bring_the_other_number(desk: Desk, insurance: Sandbox) -> None:
    found = verdict(desk, pivot(Part.ORDINARY))
    number = insurance.insured(Part.ORDINARY)["insurance_number"]
    assert (found.agreement, found.alive, len(found.evidence)) == (Agreement.AGREES, None, 32)
    assert found.aliases == (Identifier(type=IdentifierType.INSURANCE_NUMBER, value=number),)


def test_each_number_that_the_gateway_knows_somebody_by_may_be_asked_for(desk: Desk, insurance: Sandbox) -> None:
    known = insurance.insured(Part.FORMER_NUMBER)
    for kind, value in (
        (IdentifierType.INSURANCE_NUMBER, known["insurance_number"]),
        (IdentifierType.HEALTH_CARD, known["card"]),
        (IdentifierType.FORMER_NUMBER, known["identity_number"]),
    ):
        asked = pivot(Part.FORMER_NUMBER, identifier=Identifier(type=kind, value=value))
        assert verdict(desk, asked).agreement is Agreement.AGREES
    assert verdict(desk, pivot(Part.FORMER_NUMBER)).agreement is Agreement.UNKNOWN, "nobody brought the new card"


@pytest.mark.parametrize(
    "changes,agreement",
    [
        ({"name": Name(full="Trần Minh Quang")}, Agreement.DIFFERS),
        ({"name": Name(full="Lê Văn Tám")}, Agreement.DIFFERS),
        ({"name": Name(full="TRAN MINH QUAN")}, Agreement.AGREES),
        ({"birth_date": BirthDate(year=1990, month=3, day=15, as_sent="")}, Agreement.DIFFERS),
        ({"birth_date": BirthDate(year=1990, as_sent="")}, Agreement.DIFFERS),
        (
            {"identifier": Identifier(type=IdentifierType.PERSONAL_NUMBER, value="999999999999")},
            Agreement.UNKNOWN,
        ),
    ],
)
def test_details_that_do_not_belong_together_are_told(desk: Desk, changes: Any, agreement: Agreement) -> None:
    assert verdict(desk, pivot(Part.ORDINARY, **changes)).agreement is agreement


@pytest.mark.parametrize(
    "changes,failure",
    [
        ({"birth_date": None}, Failure.INCOMPLETE),
        ({"identifier": Identifier(type=IdentifierType.TAX_CODE, value="0100109106")}, Failure.REFUSED),
    ],
)
def test_what_cannot_be_asked_is_not_asked(
    desk: Desk, insurance: Sandbox, changes: dict[str, Any], failure: Failure
) -> None:
    assert failed(desk, pivot(Part.ORDINARY, **changes)) is failure
    assert insurance.asked() == []


def test_a_card_out_of_use_is_neither_yes_nor_no(desk: Desk) -> None:
    assert failed(desk, pivot(Part.DECEASED)) is Failure.REFUSED


def test_what_was_put_right_in_the_text_beside_a_code_is_not_repeated(desk: Desk) -> None:
    """`ghiChu` quotes the right name to who sent a wrong one."""
    found = verdict(desk, pivot(Part.ORDINARY, name=Name(full="Trần Văn Sai")))
    assert found.aliases == () and found.rectified is None and "Quân" not in repr(found) + repr(desk.door.notes)


# --- sources check


def lines(checks: list[Check]) -> dict[str, bool]:
    return {check.name: check.passed for check in checks}


def test_a_good_gateway_passes_every_line(new_desk: NewDesk) -> None:
    for one in (new_desk(version="2019"), new_desk(version="2024")):
        checks = one.connector.checks(one.door.context)
        assert lines(checks) == dict.fromkeys(
            ("token", "tls", "clock", "version 2019", "version 2024", "one-time codes", "latency"), True
        )
        assert all(check.detail for check in checks) and checks[0].milliseconds > 0


def test_a_check_sends_no_code_to_anybody(desk: Desk, insurance: Sandbox) -> None:
    desk.connector.checks(desk.door.context)
    assert insurance.messages() == [] and insurance.asked("GuiMaXacThuc2024") == []


@pytest.mark.parametrize(
    "fault,endpoint,expected",
    [
        ({"fault": "down"}, "token", {"token"}),
        ({"fault": "garbage"}, "history", {"version 2024", "latency"}),
        ({"fault": "error_in_200"}, "recipient", {"one-time codes"}),
        ({"fault": "expired_token"}, "recipient", {"one-time codes"}),
    ],
)
def test_each_fault_has_its_line(
    desk: Desk, insurance: Sandbox, fault: dict[str, Any], endpoint: str, expected: set[str]
) -> None:
    insurance.told(**fault, endpoint=endpoint)
    found = lines(desk.connector.checks(desk.door.context))
    assert {name for name, passed in found.items() if not passed} == expected


def test_a_clock_that_is_off_has_its_line(desk: Desk) -> None:
    desk.door.shift = timedelta(seconds=40)
    assert lines(desk.connector.checks(desk.door.context))["clock"] is False


def test_a_credential_that_is_missing_has_its_line(desk: Desk) -> None:
    del desk.door.credentials["official_number"]
    checks = {check.name: check for check in desk.connector.checks(desk.door.context)}
    assert not checks["version 2024"].passed and "official_number" in checks["version 2024"].detail
