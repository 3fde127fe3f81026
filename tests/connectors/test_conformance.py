"""The source of test people: a form, one password, every standard claim; and only where test people belong."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import KINDS, kinds
from connectors.base import Ask, Assertion, Connector, Input, Step
from connectors.conformance import KIND, Conformance, ConformanceConfiguration
from tests.connectors.door import Door, done

SOURCE: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "config" / "conformance" / "source.json").read_text("utf-8")
)
PASSWORD: str = SOURCE["configuration"]["password"]


@pytest.fixture
def people() -> Conformance:
    return Conformance(ConformanceConfiguration.model_validate(SOURCE["configuration"]))


def typed(door: Door, people: Conformance, method: str = "POST", **form: str) -> Step:
    step = door.begin(people)
    assert isinstance(step, Ask)
    return people.resume(door.context, step.state, Input(method=method, form=tuple(form.items())))


def asked_again(step: Step) -> str | None:
    assert isinstance(step, Ask), step
    assert [field.name for field in step.fields] == ["username", "password"]
    return step.problem_id


def test_the_form_has_the_same_two_fields_each_time(plain_door: Door, people: Conformance) -> None:
    assert asked_again(plain_door.begin(people)) is None
    assert isinstance(people, Connector)


@pytest.mark.parametrize("person", SOURCE["configuration"]["people"], ids=lambda person: person["username"])
def test_a_test_person_has_every_value_that_a_source_may_give(
    plain_door: Door, people: Conformance, person: dict[str, Any]
) -> None:
    said: Assertion = done(typed(plain_door, people, username=person["username"], password=PASSWORD))
    assert (said.proofing, said.authentication) == (KIND.ceiling, KIND.ceiling)
    assert datetime.now(UTC) - said.auth_time < timedelta(minutes=1)
    assert said.name.full == f"{person['family_name']} {person['middle_name']} {person['given_name']}"
    assert said.profile is not None
    assert None not in [getattr(said.profile, each.name) for each in fields(said.profile)]
    assert said.profile.email_verified and said.profile.phone_verified
    assert said.profile.address is not None
    assert said.profile.address.formatted.splitlines()[0] == person["address"]["street_address"]
    assert None not in (said.birth_date, said.sex, said.email, said.phone)


def test_a_test_person_is_the_same_each_time_and_the_evidence_is_new(plain_door: Door, people: Conformance) -> None:
    first, second = (done(typed(plain_door, people, username="mai", password=PASSWORD)) for _ in range(2))
    assert (first.issuer, first.subject) == (second.issuer, second.subject)
    assert first.evidence != second.evidence


@pytest.mark.parametrize(
    "form, problem",
    [
        ({}, "problem.empty"),
        ({"username": "", "password": PASSWORD}, "problem.empty"),
        ({"username": "mai"}, "problem.not_recognised"),
        ({"username": "mai", "password": ""}, "problem.not_recognised"),
        ({"username": "mai", "password": PASSWORD + "x"}, "problem.not_recognised"),
        ({"username": "nobody", "password": PASSWORD}, "problem.not_recognised"),
        ({"username": "Mai", "password": PASSWORD}, "problem.not_recognised"),
        ({"username": "mai", "password": "mật khẩu"}, "problem.not_recognised"),
    ],
)
def test_whoever_does_not_know_both_is_asked_again(
    plain_door: Door, people: Conformance, form: dict[str, str], problem: str
) -> None:
    assert asked_again(typed(plain_door, people, **form)) == problem


def test_nobody_signs_in_by_an_address(plain_door: Door, people: Conformance) -> None:
    assert asked_again(typed(plain_door, people, "GET", username="mai", password=PASSWORD)) == "problem.empty"


# ---- where test people belong ----


def test_no_provider_but_one_for_tests_knows_of_them() -> None:
    assert KIND.name not in KINDS
    assert kinds(conformance=False) == KINDS
    assert kinds(conformance=True).keys() - KINDS.keys() == {KIND.name}


def test_a_test_person_has_a_number_of_no_province() -> None:
    """The first three digits of a real one say where a birth was registered, and none of them are 000."""
    people = Conformance(ConformanceConfiguration.model_validate(SOURCE["configuration"])).configuration.people
    assert len({person.personal_number for person in people}) == len(people) >= 2
    somebody = SOURCE["configuration"]["people"][0] | {"personal_number": "001190000001"}
    with pytest.raises(ValidationError, match="personal_number"):
        ConformanceConfiguration.model_validate({"password": PASSWORD, "people": [somebody]})
