"""Signing in by a number and a code sent to the telephone on file, at the sandbox's gateway, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import Ask, Done, Failed, Failure, IdentifierType, Input, Sex, Step
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from idp.web import words
from tests.connectors.door import done, failure_of
from tests.connectors.insured import NOBODYS_NUMBERS, Desk, Sandbox
from tests.storage.places import at_once

ORDINARY = CAST[Part.ORDINARY].personal_number
WRONG_CODE = "135791"
NewDesk = Callable[..., Desk]


def asked(step: Step) -> Ask:
    assert isinstance(step, Ask), step
    return step


@pytest.mark.parametrize("version", ["2019", "2024"])
def test_who_types_the_code_is_who_the_gateway_says(insurance: Sandbox, new_desk: NewDesk, version: str) -> None:
    desk, citizen = new_desk(version=version), CAST[Part.ORDINARY_SECOND]
    filed = insurance.insured(Part.ORDINARY_SECOND)
    assertion = done(desk.sign_in(filed["insurance_number"]))
    assert (assertion.issuer, assertion.subject) == (insurance.address, filed["insurance_number"])
    assert assertion.name.full == citizen.full_name and assertion.sex is Sex.FEMALE
    assert (assertion.birth_date.year, assertion.birth_date.month, assertion.birth_date.day) == (1985, 11, 2)
    assert assertion.birth_date.as_sent == "02/11/1985"
    assert {one.type: one.value for one in assertion.identifiers} == {
        IdentifierType.INSURANCE_NUMBER: filed["insurance_number"],
        IdentifierType.PERSONAL_NUMBER: citizen.personal_number,
    }
    assert (assertion.proofing, assertion.authentication, assertion.means) == (1, 1, ("otp", "sms"))
    assert assertion.phone is None, "the telephone was shown in part, and is not ours to tell"
    assert all(path.endswith(version) for path in insurance.asked() if path != "/api/token/take")


def test_either_number_names_the_same_person_and_every_sign_in_is_its_own(desk: Desk, insurance: Sandbox) -> None:
    by_personal_number = done(desk.sign_in(ORDINARY))
    by_insurance_number = done(desk.sign_in(insurance.insured(Part.ORDINARY)["insurance_number"]))
    assert by_personal_number.subject == by_insurance_number.subject
    assert by_personal_number.evidence != by_insurance_number.evidence


def test_the_number_is_asked_for_before_anybody_is_bothered(desk: Desk, insurance: Sandbox) -> None:
    step = asked(desk.door.begin(desk.connector, level=1))
    assert [field.name for field in step.fields] == ["number"] and step.problem_id is None
    assert insurance.asked() == [] and desk.door.counted == {}


def test_the_code_goes_to_the_telephone_on_file_and_its_ending_is_shown(desk: Desk, insurance: Sandbox) -> None:
    step = asked(desk.number(ORDINARY))
    phone = CAST[Part.ORDINARY].phone
    assert (step.note_id, step.note_values) == ("note.code_sent", (("phone", phone[-3:]),))
    assert [(one["phone"], one["code"]) for one in insurance.messages()] == [(f"*******{phone[-3:]}", ONE_TIME_CODE)]


def test_every_word_that_is_shown_is_in_the_catalogue(desk: Desk) -> None:
    first = asked(desk.door.begin(desk.connector, level=1))
    shown = [first, desk.typed(first), desk.typed(first, number="12"), desk.number(ORDINARY)]
    shown += [desk.typed(shown[-1], code=WRONG_CODE)]
    labels = {field.label_id for step in shown for field in asked(step).fields}
    assert labels <= set(words.FieldLabel)
    assert {step.problem_id for step in map(asked, shown)} - {None} <= set(words.Problem)
    assert {step.note_id for step in map(asked, shown)} - {None} <= set(words.Note)


@pytest.mark.parametrize("typed", ["001 090 000 101", "001.090.000.101", "  001090000101\t", "001-090-000-101"])
def test_separators_between_digits_are_no_mistake(desk: Desk, typed: str) -> None:
    assert asked(desk.number(typed)).note_id == "note.code_sent"


@pytest.mark.parametrize(
    "typed,problem",
    [
        ("", "problem.empty"),
        ("   ", "problem.empty"),
        ("123", "problem.not_a_number"),
        ("00109000010", "problem.not_a_number"),
        ("0010900001011", "problem.not_a_number"),
        ("00109000010a", "problem.not_a_number"),
        ("٠٠١٠٩٠٠٠٠١٠١", "problem.not_a_number"),
        ("' OR 1=1 --", "problem.not_a_number"),
        ("0" * 60_000, "problem.not_a_number"),
    ],
)
def test_what_cannot_be_a_number_is_asked_for_again(desk: Desk, insurance: Sandbox, typed: str, problem: str) -> None:
    assert asked(desk.number(typed)).problem_id == problem
    assert insurance.asked() == [] and desk.door.counted == {}


def test_a_number_in_an_address_is_not_read(desk: Desk, insurance: Sandbox) -> None:
    step = asked(desk.door.begin(desk.connector, level=1))
    answer = Input(method="GET", raw_query=f"number={ORDINARY}")
    assert asked(desk.connector.resume(desk.door.context, step.state, answer)).problem_id == "problem.empty"
    assert insurance.asked() == []


def test_a_field_sent_twice_is_refused(desk: Desk) -> None:
    step = asked(desk.door.begin(desk.connector, level=1))
    answer = Input(method="POST", form=(("number", ORDINARY), ("number", CAST[1].personal_number)))
    assert failure_of(desk.connector.resume(desk.door.context, step.state, answer)) is Failure.BROKEN_ANSWER


def test_a_wrong_code_is_asked_for_again_and_the_right_one_still_counts(desk: Desk) -> None:
    step = desk.number(ORDINARY)
    again = desk.typed(step, code=WRONG_CODE)
    assert asked(again).problem_id == "problem.wrong_code"
    assert asked(again).note_values == asked(step).note_values
    assert isinstance(desk.typed(again, code=f"{ONE_TIME_CODE[:3]} {ONE_TIME_CODE[3:]}"), Done)


@pytest.mark.parametrize(
    "code,problem",
    [
        ("", "problem.empty"), ("12", "problem.wrong_code"), ("abcdef", "problem.wrong_code"),
        ("９９９９９９", "problem.wrong_code"), ("1" * 30_000, "problem.wrong_code"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_code_costs_no_try(desk: Desk, insurance: Sandbox, code: str, problem: str) -> None:
    step = desk.number(ORDINARY)
    counted = dict(desk.door.counted)
    assert asked(desk.typed(step, code=code)).problem_id == problem
    assert insurance.asked("KiemTraMaXacThuc2024") == [] and desk.door.counted == counted


def test_an_old_code_is_not_taken_and_a_new_one_is(desk: Desk, insurance: Sandbox) -> None:
    step = desk.number(ORDINARY)
    desk.door.shift = timedelta(seconds=desk.connector.code_seconds + 1)
    late = desk.typed(step, code=ONE_TIME_CODE)
    assert asked(late).problem_id == "problem.expired_code"
    assert insurance.asked("KiemTraMaXacThuc2024") == []
    new = desk.typed(late, decision="resend")
    assert asked(new).problem_id is None and len(insurance.messages()) == 2
    assert isinstance(desk.typed(new, code=ONE_TIME_CODE), Done)


def test_a_code_is_accepted_once(desk: Desk) -> None:
    step = desk.number(ORDINARY)
    assert isinstance(desk.typed(step, code=ONE_TIME_CODE), Done)
    assert failure_of(desk.typed(step, code=ONE_TIME_CODE)) is Failure.REPLAYED


def test_of_many_at_once_one_signs_in(desk: Desk) -> None:
    step = desk.number(ORDINARY)
    steps = at_once(4, lambda _: desk.typed(step, code=ONE_TIME_CODE))
    assert [isinstance(one, Done) for one in steps].count(True) == 1
    assert [failure_of(one) for one in steps if isinstance(one, Failed)] == [Failure.REPLAYED] * 3


def test_what_the_gateway_has_against_somebody_is_told_to_who_holds_the_telephone(desk: Desk) -> None:
    for part, failure in ((Part.LOCKED, Failure.ACCOUNT_LOCKED), (Part.DECEASED, Failure.DECEASED)):
        step = desk.number(CAST[part].personal_number)
        assert asked(desk.typed(step, code=WRONG_CODE)).problem_id == "problem.wrong_code"
        assert failure_of(desk.typed(step, code=ONE_TIME_CODE)) is failure


@pytest.mark.parametrize(
    "part,as_sent,month", [(Part.YEAR_ONLY, "1952", None), (Part.ONE_WORD, "09/1999", 9), (Part.LOST_MARKS, None, 8)]
)
def test_people_are_told_as_they_are_filed(
    desk: Desk, insurance: Sandbox, part: Part, as_sent: str | None, month: int | None
) -> None:
    assertion = done(desk.sign_in(insurance.insured(part)["insurance_number"]))
    assert assertion.birth_date.month == month
    assert as_sent is None or (assertion.birth_date.as_sent, assertion.birth_date.day) == (as_sent, None)
    assert part is not Part.LOST_MARKS or assertion.name.full == "HOANG THUY DAO"


def test_a_former_number_on_file_is_a_former_number(desk: Desk, insurance: Sandbox) -> None:
    assertion = done(desk.sign_in(insurance.insured(Part.FORMER_NUMBER)["insurance_number"]))
    former = next(one for one in assertion.identifiers if one.type is IdentifierType.FORMER_NUMBER)
    assert (former.value, former.state) == (CAST[Part.FORMER_NUMBER].former_number, "former")


# --- nobody learns whether a number exists


def seen_by_the_visitor(step: Step) -> tuple[Any, ...]:
    page = asked(step)
    return page.fields, page.note_id, [name for name, _ in page.note_values], page.problem_id


NOBODY = (*NOBODYS_NUMBERS, CAST[Part.LOW_LEVEL].personal_number)  # the last has no telephone on file


@pytest.mark.parametrize("number", NOBODY)
def test_a_number_without_a_telephone_looks_like_one_with(insurance: Sandbox, new_desk: NewDesk, number: str) -> None:
    known, unknown = new_desk(), new_desk()
    pages: list[list[Any]] = []
    calls: list[list[str]] = []
    for desk, typed in ((known, ORDINARY), (unknown, number)):
        insurance.as_new()
        code_page = desk.number(typed)
        again = desk.typed(code_page, code=WRONG_CODE)
        resent = desk.typed(again, decision="resend")
        pages.append([seen_by_the_visitor(step) for step in (code_page, again, resent)])
        calls.append(insurance.asked())
    assert pages[0] == pages[1] and calls[0] == calls[1]
    assert sorted(known.door.counted.values()) == sorted(unknown.door.counted.values())
    assert known.door.notes == unknown.door.notes == []


@pytest.mark.parametrize("number", NOBODY)
def test_the_right_code_for_nobody_is_a_wrong_code(desk: Desk, insurance: Sandbox, number: str) -> None:
    assert asked(desk.sign_in(number)).problem_id == "problem.wrong_code"
    assert insurance.messages() == []


def test_the_invented_ending_is_always_the_same_for_a_number_and_differs_between_numbers(desk: Desk) -> None:
    def ending(number: str) -> str:
        return dict(asked(desk.number(number, network=number)).note_values)["phone"]

    endings = [ending(f"99999990{number:02}") for number in range(30)]
    assert endings == [ending(f"99999990{number:02}") for number in range(30)]
    assert len(set(endings)) > 20 and all(len(one) == 3 and one.isdigit() for one in endings)


def test_nothing_personal_is_logged_or_is_a_key(desk: Desk, insurance: Sandbox) -> None:
    insurance.told(fault="missing_claim", claim="hoTen", endpoint="redeem")
    failed = desk.sign_in(ORDINARY)
    for wanted in range(8):
        desk.number(ORDINARY, network=str(wanted))
    assert isinstance(failed, Failed) and desk.door.notes
    told = f"{failed.detail} {desk.door.notes} {sorted(desk.door.counted)}"
    filed = insurance.insured(Part.ORDINARY)["insurance_number"]
    assert not [secret for secret in (ORDINARY, filed, "Quân", ONE_TIME_CODE, CAST[0].phone) if secret in told]


# --- an answer about somebody else


def test_an_answer_about_somebody_else_is_refused(desk: Desk, insurance: Sandbox) -> None:
    insurance.told(fault="contradictory", endpoint="redeem")
    assert failure_of(desk.sign_in(ORDINARY)) is Failure.WRONG_NONCE


def test_a_number_that_changed_hands_never_signs_the_former_holder_in(desk: Desk, insurance: Sandbox) -> None:
    number = insurance.insured(Part.ORDINARY)["insurance_number"]
    before = done(desk.sign_in(number))
    insurance.told(fault="changed_identifiers", endpoint="redeem")
    after = done(desk.sign_in(number))
    assert after.subject == before.subject and after.name != before.name, "for the core to see, and to refuse"
    assert failure_of(desk.sign_in(ORDINARY)) is Failure.WRONG_NONCE, "the personal number is not the new holder's"
