"""What portals may ask of verified claims (IDA section 5): constraints that are met or leave the element out (5.5 and
5.6), what is nobody's business and passed over, and what is no request at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.oidc.assured import (
    ANY,
    FRAMEWORK,
    RECORD,
    Residents,
    asked,
    assured_country,
    country,
    portal,
    residents,
    told,
    wanted,
)
from tests.oidc.residents import Resident, seconds_later
from tests.world import Portal

__all__ = ["assured_country", "country", "portal", "residents"]

AT_BANK: dict[str, Any] = {"source": "bank", "level": 2, "proofing": 2, "authentication": 2}
BAD_VERIFIED_CLAIMS = "A32"


def evidence(**asked_of_it: Any) -> dict[str, Any]:
    return {"trust_framework": None, "evidence": [{"type": {"value": RECORD}} | asked_of_it]}


def check(**asked_of_it: Any) -> dict[str, Any]:
    return evidence(check_details=[{"check_method": None} | asked_of_it])


# Of somebody who came by the bank, whom the register knows: what is asked of the verification of their name, and
# whether it can be had. What cannot leaves everything out and is no error (section 5.6.4).
CONSTRAINTS: dict[str, tuple[dict[str, Any], bool]] = {
    "our trust framework": ({"trust_framework": {"value": FRAMEWORK}}, True),
    "one of several trust frameworks": ({"trust_framework": {"values": ["eidas", FRAMEWORK]}}, True),
    "another trust framework": ({"trust_framework": {"value": "eidas"}}, False),
    "a trust framework that differs in a letter": ({"trust_framework": {"value": FRAMEWORK.upper()}}, False),
    "essential changes nothing": ({"trust_framework": {"essential": True, "value": "eidas"}}, False),
    "essential and met": ({"trust_framework": {"essential": True, "value": FRAMEWORK}}, True),
    "the level it has": (ANY | {"assurance_level": {"value": "LoA2"}}, True),
    "one of several levels": (ANY | {"assurance_level": {"values": ["high", "LoA2"]}}, True),
    "a level above": (ANY | {"assurance_level": {"value": "substantial"}}, False),
    "a level below all that is verified": (ANY | {"assurance_level": {"value": "none"}}, False),
    "a level nobody has heard of": (ANY | {"assurance_level": {"value": "LoA9"}}, False),
    "not older than a minute": (ANY | {"time": {"max_age": 60}}, True),
    "not older than a minute and a half second": (ANY | {"time": {"max_age": 60.5}}, True),
    "evidence of the type that there is": (evidence(), True),
    "evidence of another type": ({"trust_framework": None, "evidence": [{"type": {"value": "document"}}]}, False),
    "evidence of one of two types": (
        {"trust_framework": None, "evidence": [{"type": {"value": "vouch"}}, {"type": {"value": RECORD}}]}, True
    ),
    "a record of a bank": (evidence(record={"type": {"value": "bank_account"}}), True),
    "a record of one of several kinds": (evidence(record={"type": {"values": ["tax", "population_register"]}}), True),
    "a record of nobody here": (evidence(record={"type": {"value": "tax"}}), False),
    "a record that was made lately": (evidence(record={"type": None, "created_at": {"max_age": 60}}), False),
    "when a record was made, if that is known": (evidence(record={"type": None, "created_at": None}), True),
    "from a certain source": (evidence(record={"source": {"name": {"value": "Nguồn bank"}}}), True),
    "from another source": (evidence(record={"source": {"name": {"value": "Nguồn tax"}}}), False),
    "checked as it was": (check(check_method={"value": "data"}), True),
    "checked as it was not": (check(check_method={"value": "pipp"}), False),
    "checked in one of two ways": (
        evidence(check_details=[{"check_method": {"value": "pipp"}}, {"check_method": {"value": "auth"}}]), True
    ),
    "checked lately": (check(time={"max_age": 60}), True),
    "a check by its number": (check(check_id={"value": "7"}), False),
    "the number of a check, if it has one": (check(check_id=None), True),
    "a process that we never heard of": (ANY | {"assurance_process": {"policy": {"value": "gpg45"}}}, False),
    "what we never heard of, however it is": (ANY | {"assurance_process": {"policy": None}, "x": {"y": [None]}}, True),
    "what we never heard of, not too old": (ANY | {"x": [{"y": {"max_age": 1}}]}, False),
    "nothing in particular": ({}, True),
}  # fmt: skip


@pytest.fixture(scope="module")
def customer(assured_country: Any) -> tuple[Resident, Portal]:
    """Somebody who came by the bank, and a portal that they know."""
    from tests.oidc.assured import checked
    from tests.oidc.residents import move_in

    portal = assured_country.portal("constraints", scopes=["openid", "profile"])
    resident = move_in(assured_country, portal, **AT_BANK)
    checked(assured_country, resident)
    return resident, portal


@pytest.mark.parametrize("case", CONSTRAINTS)
def test_what_cannot_be_met_leaves_the_element_out_and_is_no_error(
    customer: tuple[Resident, Portal], case: str
) -> None:
    resident, portal = customer
    verification, can_be_had = CONSTRAINTS[case]
    found = told(resident, portal, wanted("name", verification=verification))
    assert (found is not None) is can_be_had
    if can_be_had:
        assert found["claims"] == {"name": "Nguyễn Thị Mai Anh"}
        assert found["verification"]["trust_framework"] == FRAMEWORK


CLAIMS: dict[str, tuple[Any, bool]] = {
    "any": (None, True),
    "any, in other words": ({}, True),
    "essential": ({"essential": True}, True),
    "not essential": ({"essential": False}, True),
    "the value that it has": ({"value": "Nguyễn Thị Mai Anh"}, True),
    "one of several values": ({"values": ["Ai Đó", "Nguyễn Thị Mai Anh"]}, True),
    "another value": ({"value": "Ai Đó"}, False),
    "another value, essential or not": ({"essential": True, "values": ["Ai Đó", "Người Khác"]}, False),
    "what is no text": ({"values": [1, None, {"a": "Nguyễn Thị Mai Anh"}]}, False),
    "something that we never heard of": ({"locale": "vi"}, True),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_claim_that_is_not_as_it_must_be_is_left_out_alone(customer: tuple[Resident, Portal], case: str) -> None:
    """Section 5.6.4, and section 5.6.5: with the last claim the element goes."""
    resident, portal = customer
    constraint, can_be_had = CLAIMS[case]
    beside = told(resident, portal, wanted("gender", name=constraint))
    assert beside["claims"].keys() == {"gender", "name"} if can_be_had else {"gender"}
    alone = told(resident, portal, wanted(name=constraint))
    assert (alone is not None) is can_be_had


def test_only_evidence_that_will_do_is_told(customer: tuple[Resident, Portal]) -> None:
    """Section 5.4: filter and template in one."""
    resident, portal = customer
    verification = evidence(record={"type": {"value": "population_register"}}, check_details=[{"check_method": None}])
    found = told(resident, portal, wanted("name", "gender", verification=verification))
    assert found["claims"].keys() == {"name"}, "what the register was not asked about is not told as if it had been"
    assert found["verification"]["evidence"] == [
        {"type": RECORD, "check_details": [{"check_method": "data"}], "record": {"type": "population_register"}}
    ]


def test_a_level_that_is_asked_for_is_stated_also_of_what_is_better(portal: Portal, residents: Residents) -> None:
    resident = residents(portal)  # substantial
    for values, stated in ((["LoA2"], "LoA2"), (["LoA2", "substantial", "high"], "substantial"), (["high"], None)):
        found = told(resident, portal, wanted("gender", verification={"assurance_level": {"values": values}}))
        assert (found and found["verification"]["assurance_level"]) == stated


def test_what_was_checked_longer_ago_than_is_asked_is_left_out(portal: Portal, residents: Residents) -> None:
    """Section 5.5.2, counted up to the answer."""
    resident = residents(portal, **AT_BANK)
    young = {"trust_framework": None, "time": {"max_age": 600}}
    tokens = resident.tokens(portal, claims=asked(userinfo=wanted("gender", verification=young)))
    assert tokens.userinfo["verified_claims"]["claims"] == {"gender": "female"}
    with seconds_later(200):
        assert "verified_claims" in portal.userinfo(tokens.access_token).json()
    with seconds_later(700):
        assert told(resident, portal, wanted("gender", verification=young)) is None


# ---- no request at all (section 5.6.6; OpenID Connect Core section 3.1.2.6) ----

WITH_CHECK: Callable[[Any], Any] = lambda part: wanted("name", verification=evidence(check_details=part))  # noqa: E731
MALFORMED: dict[str, Any] = {
    "null": None, "a text": "name", "a number": 7, "true": True, "nothing of several": [], "one a text": ["name"],
    "null of several": [None], "eleven": [wanted("name")] * 11, "no verification": {"claims": {"name": None}},
    "no claims": {"verification": ANY}, "verification null": {"verification": None, "claims": {"name": None}},
    "verification a list": {"verification": [ANY], "claims": {"name": None}},
    "claims a list": {"verification": ANY, "claims": ["name"]},
    "a claim that is a text": wanted(name="Mai"), "a claim that is a list": wanted(name=["Mai"]),
    "essential that is a text": wanted(name={"essential": "yes"}),
    "essential of an unknown claim that is a text": wanted(unheard_of={"essential": "yes"}),
    "value and values": wanted(name={"value": "Mai", "values": ["Mai"]}),
    "values that is a text": wanted(name={"values": "Mai"}), "no values": wanted(name={"values": []}),
    "a trust framework that is a text": wanted("name", verification={"trust_framework": FRAMEWORK}),
    "a trust framework that is a number": wanted("name", verification={"trust_framework": {"value": 7}}),
    "values of the trust framework that are numbers": wanted("name", verification={"trust_framework": {"values": [7]}}),
    "an assurance level that is a list": wanted("name", verification={"assurance_level": ["high"]}),
    "an age below nothing": wanted("name", verification={"time": {"max_age": -1}}),
    "an age that is a text": wanted("name", verification={"time": {"max_age": "60"}}),
    "an age that is true": wanted("name", verification={"time": {"max_age": True}}),
    "evidence null": wanted("name", verification={"evidence": None}),
    "evidence that is none": wanted("name", verification={"evidence": []}),
    "evidence that is no list": wanted("name", verification={"evidence": {"type": {"value": RECORD}}}),
    "evidence without its type": wanted("name", verification={"evidence": [{"record": {"type": None}}]}),
    "evidence of any type": wanted("name", verification={"evidence": [{"type": None}]}),
    "evidence of several types": wanted("name", verification={"evidence": [{"type": {"values": [RECORD, "vouch"]}}]}),
    "checks that are no list": WITH_CHECK({"check_method": None}), "no checks": WITH_CHECK([]),
    "a check that is a text": WITH_CHECK(["data"]),
    "a record that is a text": wanted("name", verification=evidence(record="bank_account")),
    "a source that is a text": wanted("name", verification=evidence(record={"source": "bank"})),
    "derived claims that are a list": wanted("name", verification=evidence(derived_claims=["name"])),
}  # fmt: skip


@pytest.mark.parametrize("part", ["userinfo", "id_token"])
@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_request_is_refused(customer: tuple[Resident, Portal], case: str, part: str) -> None:
    resident, portal = customer
    answer = resident.asked(portal, claims=json.dumps({part: {"verified_claims": MALFORMED[case]}}))
    assert answer["error"] == "invalid_request"
    assert answer["error_description"].startswith(BAD_VERIFIED_CLAIMS)


def nested(depth: int) -> Any:
    deep: Any = {"value": "x"}
    for _ in range(depth):
        deep = {"x": deep}
    return deep


ABSURD: dict[str, Any] = {
    "what we never heard of, a hundred deep": wanted("name", verification=ANY | {"x": nested(100)}),
    "more than can be remembered": [
        wanted(name={"values": [f"{number * 7919 % 10_007:x}" for number in range(200)]}), wanted("gender")
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", ABSURD)
def test_what_is_absurd_ends_in_an_answer(customer: tuple[Resident, Portal], case: str) -> None:
    resident, portal = customer
    answer = resident.asked(portal, scope="openid", claims=asked(userinfo=ABSURD[case]))
    assert "code" in answer or answer["error"] == "invalid_request"


def test_a_request_without_claims_is_answered_by_nothing(customer: tuple[Resident, Portal]) -> None:
    resident, portal = customer
    for claims in (None, {}, {"unheard_of": None}, {"ünheard $ of": {"essential": True}}):
        assert told(resident, portal, {"verification": ANY, "claims": claims}) is None
