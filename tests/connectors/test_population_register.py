"""The population register as verifier, at the sandbox: what it says, and every way in which it can fail to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import Failed, Failure, IdentifierType
from connectors.population_register import PopulationRegister
from connectors.registers import Agreement, ReportsChanges, Verdict, Verifier
from connectors.sandbox.cast import CAST, Part
from idp.egress import Egress
from tests.connectors.door import LIMITS
from tests.connectors.registers_at import People, failure, people_configuration, pivot, pivot_of, sandbox

VERIFY, LOOK_UP = "XacThucThongTinCongDan", "TraCuuThongTinCongDan"
NEW_NUMBER = "001090000999"
MAN = CAST[Part.ORDINARY]


@pytest.fixture(scope="module")
def _people(tmp_path_factory: pytest.TempPathFactory, _egress: Egress) -> Iterator[People]:
    with sandbox("population_register", tmp_path_factory.mktemp("people"), _egress) as people:
        yield people


@pytest.fixture
def people(_people: People) -> People:
    _people.honest()
    return _people


# ---- what it says -------------------------------------------------------------------------------------------------


def told(verdict: Any) -> tuple[Agreement, bool | None]:
    assert isinstance(verdict, Verdict), verdict
    return verdict.agreement, verdict.alive


@pytest.mark.parametrize("part", [Part.ORDINARY, Part.YEAR_ONLY, Part.ONE_WORD, Part.LOST_MARKS])
def test_somebody_who_is_exactly_as_said(people: People, part: Part) -> None:
    verdict = people.verdict(pivot_of(part))
    assert told(verdict) == (Agreement.AGREES, True)
    assert verdict.rectified is None and len(verdict.evidence) == 32


def test_somebody_who_has_died(people: People) -> None:
    assert told(people.verdict(pivot_of(Part.DECEASED))) == (Agreement.AGREES, False)


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
def test_somebody_whom_it_does_not_know(people: People, operation: str) -> None:
    assert told(people.verdict(pivot_of(Part.NOT_IN_REGISTER), operation=operation)) == (Agreement.UNKNOWN, None)


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
@pytest.mark.parametrize(
    "number, name, born",
    [
        (MAN.personal_number, "Trần Minh Quang", "1990-03-14"),
        (MAN.personal_number, "Trần Minh Quân", "1990-03-15"),
        (MAN.personal_number, "Trần Minh Quân", "1991"),
        (MAN.personal_number, "Minh Quân Trần", "1990-03-14"),
        (CAST[Part.ORDINARY_SECOND].personal_number, "Trần Minh Quân", "1990-03-14"),
    ],
)
def test_somebody_elses_number_differs_and_says_nothing_more(
    people: People, operation: str, number: str, name: str, born: str
) -> None:
    verdict = people.verdict(pivot(number, name, born), operation=operation)
    assert verdict.agreement is Agreement.DIFFERS
    assert (verdict.rectified, verdict.aliases) == (None, ())


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
@pytest.mark.parametrize(
    "name, born", [("TRAN MINH QUAN", "1990-03-14"), ("Trần  Minh Quân", "1990"), ("Trần Minh Quân", "1990-03")]
)
def test_spelling_and_precision_are_rectified(people: People, operation: str, name: str, born: str) -> None:
    verdict = people.verdict(pivot(MAN.personal_number, name, born), operation=operation)
    assert verdict.agreement is Agreement.AGREES
    assert verdict.rectified.name.full == "Trần Minh Quân" and verdict.rectified.name.family == "Trần"
    assert (verdict.rectified.birth_date.month, verdict.rectified.birth_date.day) == (3, 14)


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
def test_a_former_number_leads_to_the_current_one(people: People, operation: str) -> None:
    asked = pivot(MAN.former_number or "", MAN.full_name, MAN.birth_date, IdentifierType.FORMER_NUMBER)
    verdict = people.verdict(asked, operation=operation)
    assert verdict.agreement is Agreement.AGREES
    assert verdict.rectified.identifier.value == MAN.personal_number


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
def test_numbers_that_were_theirs_are_aliases(people: People, operation: str) -> None:
    verdict = people.verdict(pivot_of(Part.ORDINARY), operation=operation)
    assert [(one.type, one.value, one.state) for one in verdict.aliases] == [
        (IdentifierType.FORMER_NUMBER, MAN.former_number, "former")
    ]


def test_the_whole_name_may_stand_in_the_last_field(people: People) -> None:
    people.happens("correction", Part.ORDINARY, name="Trần Minh Quân")  # from now on in one field
    asked = pivot(MAN.personal_number, "TRAN MINH QUAN", MAN.birth_date)
    for operation in (VERIFY, LOOK_UP):
        rectified = people.verdict(asked, operation=operation).rectified
        assert (rectified.name.full, rectified.name.family, rectified.name.given) == ("Trần Minh Quân", None, None)


def test_the_whole_person_does_not_tell_who_is_alive(people: People) -> None:
    assert told(people.verdict(pivot_of(Part.DECEASED), operation=LOOK_UP)) == (Agreement.AGREES, None)


def test_the_operation_is_the_configured_one_alone(people: People) -> None:
    people.told("soap_fault", endpoint="verify")
    assert failure(people.verdict(pivot_of(Part.ORDINARY))) is Failure.BROKEN_ANSWER
    assert [entry["path"] for entry in people.asked()] == ["/ws/dan-cu"]


@pytest.mark.parametrize(
    "asked",
    [
        replace(pivot_of(Part.ORDINARY), birth_date=None),
        pivot("9900000016", "Công ty", "1990", IdentifierType.TAX_CODE),
        pivot(MAN.personal_number, "Trần\ufffe Quân", "1990"),
    ],
)
def test_what_cannot_be_asked_is_not_asked(people: People, asked: Any) -> None:
    assert failure(people.verdict(asked)) is Failure.INCOMPLETE
    assert people.asked() == []


# ---- how it fails -------------------------------------------------------------------------------------------------

ANYWHERE = {
    "down": Failure.OVERLOADED,
    "soap_fault": Failure.BROKEN_ANSWER,
    "xroad_fault": Failure.UNREACHABLE,
    "truncated_xml": Failure.BROKEN_ANSWER,
    "garbage": Failure.BROKEN_ANSWER,
    "html": Failure.BROKEN_ANSWER,
    "huge_body": Failure.BROKEN_ANSWER,  # more than we read of any answer
    "large_body": Failure.UNSAFE_DOCUMENT,
    "deep_xml": Failure.UNSAFE_DOCUMENT,
    "xxe": Failure.UNSAFE_DOCUMENT,
    "billion_laughs": Failure.UNSAFE_DOCUMENT,
    "wrong_id_echoed": Failure.WRONG_NONCE,
    "wrong_client_echoed": Failure.WRONG_AUDIENCE,
    "wrong_service_echoed": Failure.WRONG_ISSUER,
    "half_headers": Failure.INCOMPLETE,
    "wrong_person": Failure.WRONG_NONCE,
    "contradictory": Failure.CONTRADICTORY,
    "missing_element": Failure.INCOMPLETE,
}


@pytest.mark.parametrize("operation", [VERIFY, LOOK_UP])
@pytest.mark.parametrize("fault", sorted(ANYWHERE))
def test_every_fault_has_its_failure(people: People, operation: str, fault: str) -> None:
    people.told(fault)
    answer = people.verdict(pivot_of(Part.ORDINARY), operation=operation)
    assert failure(answer) is ANYWHERE[fault]
    assert MAN.personal_number not in answer.detail and "Quân" not in answer.detail


@pytest.mark.parametrize("fault", sorted(ANYWHERE))
def test_every_fault_of_the_feed_has_its_failure(people: People, fault: str) -> None:
    people.happens("death", Part.ORDINARY_THIRD)
    people.told(fault)
    wanted = {"contradictory": Failure.BROKEN_ANSWER}.get(
        fault, ANYWHERE[fault]
    )  # a feed is about nobody in particular
    assert failure(people.changes()) is wanted


def test_a_connection_that_breaks_is_tried_once_more_and_no_oftener(people: People) -> None:
    people.told("down", close=True, times=1)
    assert told(people.verdict(pivot_of(Part.ORDINARY))) == (Agreement.AGREES, True)
    people.told("down", close=True, times=3)
    assert failure(people.verdict(pivot_of(Part.ORDINARY))) is Failure.UNREACHABLE
    assert told(people.verdict(pivot_of(Part.ORDINARY))) == (Agreement.AGREES, True)  # the third broke as well


def test_a_time_out_is_not_tried_again(people: People) -> None:
    impatient = Egress(LIMITS.model_copy(update={"total_seconds": 0.5}))
    people.told("slow", seconds=2)
    started = time.monotonic()
    context = replace(people.door.context, http=impatient)
    answer = people.connector().verify(context, pivot_of(Part.ORDINARY))
    impatient.close()
    assert failure(answer) is Failure.TIMED_OUT
    assert time.monotonic() - started < 1.5


def test_what_it_says_of_life_and_of_strangers(people: People) -> None:
    people.told("says_deceased", times=1)
    assert told(people.verdict(pivot_of(Part.ORDINARY))) == (Agreement.AGREES, False)
    people.told("says_differs", times=1)
    assert told(people.verdict(pivot_of(Part.ORDINARY))) == (Agreement.DIFFERS, True)
    people.told("tells_of_a_stranger", times=1)
    assert failure(people.verdict(pivot_of(Part.ORDINARY))) is Failure.CONTRADICTORY


@pytest.mark.parametrize(
    "credential, value, expected",
    [
        ("api_key", "another", Failure.MISCONFIGURED),
        ("signature_secret", "another", Failure.MISCONFIGURED),
        ("signature_secret", None, Failure.MISCONFIGURED),
        ("api_key", None, Failure.MISCONFIGURED),
        ("pseudonym_key", None, Failure.MISCONFIGURED),
    ],
)
def test_credentials_that_are_wrong_or_missing(
    people: People, credential: str, value: str | None, expected: Failure
) -> None:
    people.door.credentials.pop(credential)
    if value is not None:
        people.door.credentials[credential] = value
    assert failure(people.verdict(pivot_of(Part.ORDINARY))) is expected


@pytest.mark.parametrize(
    "changed",
    [
        {"client": "VN/GOV/1000/another"},
        {"provider": "VN/GOV/0001/vehicles"},
        {"ndxp_user": "another"},
        {"ndxp_user": ""},
    ],
)
def test_a_configuration_that_the_register_does_not_know(people: People, changed: dict[str, str]) -> None:
    assert failure(people.verdict(pivot_of(Part.ORDINARY), **changed)) is Failure.MISCONFIGURED


def test_a_clock_that_is_off_spoils_the_signature(people: People) -> None:
    people.door.shift = timedelta(minutes=10)
    assert failure(people.verdict(pivot_of(Part.ORDINARY))) is Failure.MISCONFIGURED
    checks = {check.name: check for check in people.connector().checks(people.door.context)}
    assert not checks["answers"].passed


def test_nobody_there(people: People) -> None:
    silent = PopulationRegister(people_configuration("http://register.localhost:9/ws/dan-cu"))
    assert failure(silent.verify(people.door.context, pivot_of(Part.ORDINARY))) is Failure.UNREACHABLE
    assert [check.passed for check in silent.checks(people.door.context)] == [False, False]


# ---- the feed -----------------------------------------------------------------------------------------------------


def happenings(people: People) -> None:
    people.happens("death", Part.ORDINARY_THIRD)
    people.happens("correction", Part.ORDINARY_SECOND, name="Nguyễn|Thu|Hà")
    people.happens("renumbering", Part.ORDINARY, new_number=NEW_NUMBER)


def test_nothing_has_happened(people: People) -> None:
    page = people.changes()
    assert (page.changes, page.next, page.more) == ((), "0", False)


def test_changes_come_in_order_and_page_by_page(people: People) -> None:
    happenings(people)
    first = people.changes(page_size=2)
    assert (first.next, first.more) == ("2", True)
    second = people.changes(first.next, page_size=2)
    assert (second.next, second.more) == ("3", False)
    told = [(one.type.value, one.personal_number, one.new_number) for one in (*first.changes, *second.changes)]
    assert told == [
        ("death", CAST[Part.ORDINARY_THIRD].personal_number, None),
        ("correction", CAST[Part.ORDINARY_SECOND].personal_number, None),
        ("renumbering", MAN.personal_number, NEW_NUMBER),
    ]
    assert all(one.at.tzinfo is not None for one in first.changes)
    assert people.changes(page_size=2) == first  # asked twice: the same


def test_what_is_told_again_or_out_of_order_does_no_harm(people: People) -> None:
    happenings(people)
    people.told("feed_repeats")
    page = people.changes("1")
    assert [one.type.value for one in page.changes] == ["correction", "renumbering"]


@pytest.mark.parametrize("fault", ["feed_goes_back", "feed_never_ends"])
def test_a_feed_that_leads_nowhere_is_refused(people: People, fault: str) -> None:
    happenings(people)
    people.told(fault)
    assert failure(people.changes("3")) is Failure.BROKEN_ANSWER


@pytest.mark.parametrize("cursor", ["abc", "-1", "1.5", "01", "9" * 40])
def test_a_cursor_of_somebody_elses_is_not_asked_with(people: People, cursor: str) -> None:
    assert failure(people.changes(cursor)) is Failure.MISCONFIGURED
    assert people.asked() == []


def test_what_has_happened_is_seen_at_the_next_question(people: People) -> None:
    happenings(people)
    assert told(people.verdict(pivot_of(Part.ORDINARY_THIRD))) == (Agreement.AGREES, False)
    assert people.verdict(pivot_of(Part.ORDINARY_SECOND)).agreement is Agreement.DIFFERS
    renumbered = people.verdict(pivot_of(Part.ORDINARY))  # by the number that was theirs
    assert renumbered.rectified.identifier.value == NEW_NUMBER
    by_new = people.verdict(pivot(NEW_NUMBER, MAN.full_name, MAN.birth_date))
    assert by_new.rectified is None and MAN.personal_number in [one.value for one in by_new.aliases]


# ---- around -------------------------------------------------------------------------------------------------------


def test_every_check_passes(people: People) -> None:
    checks = people.connector().checks(people.door.context)
    assert [check for check in checks if not check.passed] == []
    assert [check.name for check in checks] == ["answers", "change feed", "tls", "clock", "latency"]


def test_it_is_a_verifier_and_a_feed_and_no_sign_in(people: People) -> None:
    connector = people.connector()
    assert isinstance(connector, Verifier) and isinstance(connector, ReportsChanges)
    assert not hasattr(connector, "begin")
    assert not isinstance(people.verdict(pivot_of(Part.ORDINARY)), Failed)
