"""The business register, at the sandbox: for whom somebody may act, and every way in which it can fail to say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Failure, Organisation
from connectors.business import AUTHORITIES, is_tax_code
from connectors.registers import KnowsOrganisations
from connectors.sandbox.businesses import BUSINESS_CAST, Businesses, Firm
from connectors.sandbox.cast import CAST, Part
from idp.egress import Egress
from tests.connectors.registers_at import Firms, failure, sandbox


@pytest.fixture(scope="module")
def _firms(tmp_path_factory: pytest.TempPathFactory, _egress: Egress) -> Iterator[Firms]:
    with sandbox("business", tmp_path_factory.mktemp("firms"), _egress) as firms:
        yield firms


@pytest.fixture
def firms(_firms: Firms) -> Firms:
    _firms.honest()
    return _firms


def codes(found: Any) -> list[str]:
    assert isinstance(found, tuple), found
    return [one.tax_code for one in found]


# ---- tax codes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, valid",
    [
        ("0100109106", True),
        ("0300588569", True),
        ("0314409058-002", True),
        ("0312687878-001", True),
        ("9900000016", True),
        ("0100109107", False),  # the check digit
        ("0109100106", False),  # two digits changed places
        ("9900000070", False),  # the check would be 10: such a code was never given out
        ("0312687878-000", False),
        ("0312687878-01", False),
        ("0312687878001", False),
        ("010010910", False),
        ("01001091066", False),
        ("0100000000", False),  # no number at all
        ("001090000101", False),  # a personal number
        ("０１００１０９１０６", False),
        ("0100109106\n", False),
        ("", False),
    ],
)
def test_a_tax_code_checks_itself(code: str, valid: bool) -> None:
    assert is_tax_code(code) is valid


def test_every_invented_business_has_a_code_that_checks() -> None:
    assert all(is_tax_code(business.tax_code) for business in Businesses(2019))


# ---- for whom -----------------------------------------------------------------------------------------------------


def test_somebody_who_may_act_for_two(firms: Firms) -> None:
    own, branch = firms.of(Part.ORDINARY)
    assert own == Organisation(
        tax_code=BUSINESS_CAST[Firm.ORDINARY].tax_code,
        name=BUSINESS_CAST[Firm.ORDINARY].name,
        role="Giám đốc",
        authority="legal_representative",
        until=None,
    )
    assert (branch.tax_code, branch.authority, branch.until) == ("9900000023-001", "authorised", date(2049, 12, 31))


def test_what_has_ended_does_not_count(firms: Firms) -> None:
    assert len(firms.of(Part.ORDINARY_SECOND)) == 1
    assert firms.of(Part.ORDINARY_THIRD) == ()  # one mandate expired, one business dissolved
    assert firms.of(Part.LOCKED) == ()  # none at all


@pytest.mark.parametrize(
    "now, counts",
    [
        (datetime(2049, 12, 31, 16, 59, tzinfo=UTC), True),  # a minute to midnight in Viet Nam
        (datetime(2049, 12, 31, 17, 1, tzinfo=UTC), False),
        (datetime(2023, 12, 31, 16, 59, tzinfo=UTC), False),  # it begins with the next day
        (datetime(2023, 12, 31, 17, 1, tzinfo=UTC), True),
    ],
)
def test_days_are_viet_nams(firms: Firms, now: datetime, counts: bool) -> None:
    context = replace(firms.door.context, now=_Clock(now))
    found = firms.connector().organisations(context, CAST[Part.ORDINARY].personal_number)
    assert ("9900000023-001" in codes(found)) is counts


class _Clock:
    """Tells the time that it is until the request is signed, and another one for reading the answer."""

    def __init__(self, later: datetime) -> None:
        self._later, self._asked = later, 0

    def __call__(self) -> datetime:
        self._asked += 1
        return datetime.now(UTC) if self._asked <= 2 else self._later


def test_a_person_with_two_hundred_businesses(firms: Firms) -> None:
    firms.told("many")
    assert len(firms.of(Part.ORDINARY)) == 200
    assert len(firms.asked()) == 2  # pages of 100


def test_pages_that_come_too_slowly_are_given_up(firms: Firms) -> None:
    firms.told("many")
    context = replace(firms.door.context, now=_Clock(datetime.now(UTC) + timedelta(seconds=16)))
    answer = firms.connector().organisations(context, CAST[Part.ORDINARY].personal_number)
    assert failure(answer) is Failure.TIMED_OUT
    assert len(firms.asked()) == 1


def test_nobody_has_five_thousand(firms: Firms) -> None:
    firms.told("too_many")
    assert failure(firms.of(Part.ORDINARY)) is Failure.BROKEN_ANSWER
    assert len(firms.asked()) == 1


@pytest.mark.parametrize("fault", ["expired_listed", "all_dissolved"])
def test_a_register_that_lists_what_has_ended(firms: Firms, fault: str) -> None:
    firms.told(fault)
    assert firms.of(Part.ORDINARY) == ()


# ---- how it fails -------------------------------------------------------------------------------------------------

FAULTS = {
    "down": Failure.OVERLOADED,
    "xroad_error": Failure.UNREACHABLE,
    "xroad_denied": Failure.MISCONFIGURED,
    "error_in_200": Failure.REFUSED,
    "garbage": Failure.BROKEN_ANSWER,
    "html": Failure.BROKEN_ANSWER,
    "truncated_json": Failure.BROKEN_ANSWER,
    "huge_body": Failure.BROKEN_ANSWER,
    "wrong_id_echoed": Failure.WRONG_NONCE,
    "no_id_echoed": Failure.WRONG_NONCE,
    "wrong_client_echoed": Failure.WRONG_AUDIENCE,
    "wrong_service_echoed": Failure.WRONG_ISSUER,
    "other_person": Failure.WRONG_NONCE,
    "wrong_type": Failure.BROKEN_ANSWER,
    "missing_field": Failure.BROKEN_ANSWER,
    "bad_tax_code": Failure.BROKEN_ANSWER,
    "unknown_status": Failure.BROKEN_ANSWER,
    "backwards": Failure.BROKEN_ANSWER,
    "pages_disagree": Failure.BROKEN_ANSWER,
    "short_pages": Failure.BROKEN_ANSWER,
    "long_pages": Failure.BROKEN_ANSWER,
    "overfull_page": Failure.BROKEN_ANSWER,
    "other_page": Failure.BROKEN_ANSWER,
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_has_its_failure(firms: Firms, fault: str) -> None:
    firms.told(fault)
    answer = firms.of(Part.ORDINARY)
    assert failure(answer) is FAULTS[fault]
    assert CAST[Part.ORDINARY].personal_number not in answer.detail


@pytest.mark.parametrize("credential", ["api_key", "signature_secret", "pseudonym_key"])
def test_a_credential_that_is_not_set(firms: Firms, credential: str) -> None:
    del firms.door.credentials[credential]
    assert failure(firms.of(Part.ORDINARY)) is Failure.MISCONFIGURED


@pytest.mark.parametrize("changed", [{"ndxp_user": ""}, {"client": "VN/GOV/1/x"}, {"ndxp_user": "another"}])
def test_a_configuration_that_the_register_does_not_know(firms: Firms, changed: dict[str, str]) -> None:
    assert failure(firms.of(Part.ORDINARY, **changed)) is Failure.MISCONFIGURED


@pytest.mark.parametrize("number", ["", "00109000010", "0010900001011", "00109000010a", "010000101"])
def test_what_is_no_personal_number_is_not_asked_for(firms: Firms, number: str) -> None:
    assert failure(firms.connector().organisations(firms.door.context, number)) is Failure.INCOMPLETE
    assert firms.asked() == []


def test_no_number_stands_in_an_address(firms: Firms) -> None:
    firms.of(Part.ORDINARY)
    assert [(entry["method"], entry["query"]) for entry in firms.asked()] == [("POST", [])]


def test_every_check_passes(firms: Firms) -> None:
    connector = firms.connector()
    checks = connector.checks(firms.door.context)
    assert [check for check in checks if not check.passed] == []
    assert isinstance(connector, KnowsOrganisations) and not hasattr(connector, "begin")
    firms.told("xroad_denied")
    assert [(one.name, one.passed) for one in connector.checks(firms.door.context)] == [("answers", False)]


def test_authorities_are_the_two_that_were_agreed() -> None:
    assert AUTHORITIES == ("legal_representative", "authorised")
