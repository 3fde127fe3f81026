"""The gateway once more, in another language and by other hands' description: our client and its quirks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from connectors.base import Done, Failed, Failure, OutboundError
from connectors.claims import read_birth_date
from connectors.insurance import AGREEMENTS, CANNOT_TELL, HISTORY
from connectors.registers import Agreement, Verdict
from connectors.sandbox.cast import CAST, Part
from tests.connectors.door import done, failure_of
from tests.connectors.insured import Desk, Stub, failed, filed, pivot, stub, verdict
from tests.storage.places import at_once

NewDesk = Callable[..., Desk]
BORN = {Part.YEAR_ONLY: "1952", Part.ONE_WORD: "09/1999"}  # beside the ordinary 14/03/1990


@pytest.fixture(scope="module")
def _other() -> Iterator[Stub]:
    people = [filed(part, **({"ngaySinh": BORN[part]} if part in BORN else {})) for part in Part]
    with stub(people) as running:
        yield running


@pytest.fixture
def other(_other: Stub) -> Stub:
    return _other


@pytest.fixture(params=["2019", "2024"])
def there(other: Stub, desk_before: NewDesk, request: pytest.FixtureRequest) -> Desk:
    """Our connector before the stub, in each version."""
    found: Desk = desk_before(other, version=request.param)
    return found


def test_a_sign_in_at_a_gateway_that_we_did_not_write_in_python(there: Desk) -> None:
    assertion = done(there.sign_in(CAST[Part.ORDINARY].personal_number, code="135790"))
    assert (assertion.subject, assertion.name.full) == ("7900000000", "TRẦN MINH QUÂN")


def test_each_version_is_spoken_as_it_is(there: Desk, other: Stub) -> None:
    verdict(there, pivot(Part.ORDINARY))
    version = there.connector.configuration.version
    seen = other.seen(f"{HISTORY}{version}")[-1]
    if version == "2019":
        assert seen["query"] == ["token", "id_token", "username", "password"]
        assert seen["type"] == "application/x-www-form-urlencoded" and "authorization" not in seen["headers"]
    else:
        assert seen["query"] == [] and seen["type"] == "application/json"
        assert {"authorization", "x-id-token"} <= set(seen["headers"])
    assert set(seen["body"]) == {"maThe", "hoTen", "ngaySinh", "hoTenCb", "cccdCb"}


@pytest.mark.parametrize("code", sorted({*AGREEMENTS, *CANNOT_TELL} - {"000"}))
def test_every_code_of_the_table_means_what_it_says(there: Desk, other: Stub, code: str) -> None:
    other.told(code=code, **{"for": HISTORY})
    found = there.connector.verify(there.door.context, pivot(Part.ORDINARY))
    if code in CANNOT_TELL:
        assert isinstance(found, Failed) and (found.failure, code in found.detail) == (Failure.REFUSED, True)
    else:
        assert isinstance(found, Verdict) and found.agreement is AGREEMENTS[code]


@pytest.mark.parametrize(
    "code,failure",
    [
        ("054", Failure.MISCONFIGURED), ("055", Failure.MISCONFIGURED), ("205", Failure.MISCONFIGURED),
        ("100", Failure.BROKEN_ANSWER), ("101", Failure.BROKEN_ANSWER), ("500", Failure.BROKEN_ANSWER),
        ("777", Failure.BROKEN_ANSWER), ("0", Failure.BROKEN_ANSWER), ("", Failure.BROKEN_ANSWER),
        ("000; DROP", Failure.BROKEN_ANSWER),
    ],
)  # fmt: skip
def test_a_code_that_is_about_us_or_in_no_table_fails_by_name(
    there: Desk, other: Stub, code: str, failure: Failure
) -> None:
    other.told(answer=f'{{"maKetQua": "{code}"}}', **{"for": HISTORY})
    assert failed(there, pivot(Part.ORDINARY)) is failure


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{", '"000"', '{"maKetQua": "000", "maKetQua": "060"}', '{"maKetQua": NaN}', "[" * 9000]
)
def test_what_is_not_an_answer_is_broken(there: Desk, other: Stub, body: str) -> None:
    other.told(answer=body, **{"for": HISTORY})
    assert failed(there, pivot(Part.ORDINARY)) is Failure.BROKEN_ANSWER


@pytest.mark.parametrize(
    "status,failure",
    [
        (429, Failure.OVERLOADED), (503, Failure.OVERLOADED), (502, Failure.UNREACHABLE), (504, Failure.TIMED_OUT),
        (500, Failure.BROKEN_ANSWER), (404, Failure.BROKEN_ANSWER), (302, Failure.BROKEN_ANSWER),
    ],
)  # fmt: skip
def test_a_status_has_its_name(there: Desk, other: Stub, status: int, failure: Failure) -> None:
    other.told(status=status, **{"for": HISTORY})
    assert failed(there, pivot(Part.ORDINARY)) is failure


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_replaced_once(there: Desk, other: Stub, status: int) -> None:
    verdict(there, pivot(Part.ORDINARY))
    taken = len(other.seen("/api/token/take"))
    other.told(status=status, **{"for": HISTORY})
    assert verdict(there, pivot(Part.ORDINARY)).agreement is Agreement.AGREES
    assert len(other.seen("/api/token/take")) == taken + 1


def test_threads_whose_tokens_all_ended_take_one_between_them(there: Desk, other: Stub) -> None:
    verdict(there, pivot(Part.ORDINARY))
    taken = len(other.seen("/api/token/take"))
    other.told(ended=1)
    verdicts = at_once(16, lambda _: verdict(there, pivot(Part.ORDINARY)))
    assert {one.agreement for one in verdicts} == {Agreement.AGREES}
    assert len(other.seen("/api/token/take")) == taken + 1


def test_a_token_is_let_go_before_it_ends(other: Stub, desk_before: NewDesk) -> None:
    desk = desk_before(other)
    other.told(lifetime=600)
    before = len(other.seen("/api/token/take"))
    for minutes, taken in ((0, 1), (8, 1), (9, 2), (17, 2), (19, 3)):
        desk.door.shift = timedelta(minutes=minutes, seconds=5)
        verdict(desk, pivot(Part.ORDINARY))
        assert len(other.seen("/api/token/take")) - before == taken, minutes
    other.told(lifetime=3600)


def test_a_reset_is_tried_again_once_on_a_read_and_never_on_a_code(there: Desk, other: Stub) -> None:
    other.told(reset=1, **{"for": HISTORY})
    assert verdict(there, pivot(Part.ORDINARY)).agreement is Agreement.AGREES
    other.told(reset=2, **{"for": HISTORY})
    with pytest.raises(OutboundError) as raised:
        there.connector.verify(there.door.context, pivot(Part.ORDINARY))
    assert raised.value.failure is Failure.UNREACHABLE
    page = there.number(CAST[Part.ORDINARY].personal_number)
    other.told(reset=1, **{"for": "KiemTraMaXacThuc"})
    assert failure_of(there.typed(page, code="135790")) is Failure.UNREACHABLE
    assert isinstance(there.typed(page, code="135790"), Done), "the code was not spent by the broken try"


# --- birth dates


@pytest.mark.parametrize(
    "sent,year,month,day",
    [
        ("20/02/1979", 1979, 2, 20), ("02/1979", 1979, 2, None), ("1979", 1979, None, None),
        ("2/1979", 1979, 2, None), ("00/00/1979", 1979, None, None), ("00/02/1979", 1979, 2, None),
        ("29/02/1980", 1980, 2, 29), ("19790220", 1979, 2, 20),
    ],
)  # fmt: skip
def test_a_birth_date_is_read_as_it_was_filed(
    desk_before: NewDesk, sent: str, year: int, month: int | None, day: int | None
) -> None:
    with stub([filed(Part.ORDINARY, ngaySinh=sent)]) as gateway:
        desk = desk_before(gateway)
        born = done(desk.sign_in(CAST[Part.ORDINARY].personal_number, code="135790")).birth_date
    assert (born.year, born.month, born.day, born.as_sent) == (year, month, day, sent)


@pytest.mark.parametrize("sent", ["29/02/1979", "31/12/2999", "20-02-79", "không rõ", "0", "20/02/1979; DROP"])
def test_a_birth_date_that_is_none_is_left_out_and_noted(desk_before: NewDesk, sent: str) -> None:
    with stub([filed(Part.ORDINARY, ngaySinh=sent)]) as gateway:
        desk = desk_before(gateway)
        assert done(desk.sign_in(CAST[Part.ORDINARY].personal_number, code="135790")).birth_date is None
    assert desk.door.notes == [("source.claim_unreadable", {"claim": "ngaySinh"})]


@pytest.mark.parametrize("part,wire", [(Part.ORDINARY, "14/03/1990"), *BORN.items()])
def test_a_birth_date_is_asked_in_the_gateways_own_forms(there: Desk, other: Stub, part: Part, wire: str) -> None:
    born = read_birth_date(wire, latest=there.door.context.now().date())
    assert verdict(there, pivot(part, birth_date=born)).agreement is Agreement.AGREES
    assert other.seen(f"{HISTORY}{there.connector.configuration.version}")[-1]["body"]["ngaySinh"] == wire
