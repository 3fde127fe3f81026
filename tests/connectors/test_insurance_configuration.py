"""What an operator may write about the insurance gateway."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors import KINDS

KIND = KINDS["insurance"]
GOOD = {"address": "https://gateway.example", "username": "motcua"}


def test_the_kind_reaches_level_1_and_no_more() -> None:
    assert KIND.ceiling == 1
    KIND.connector(KIND.configuration.model_validate(GOOD))


@pytest.mark.parametrize(
    "change",
    [
        {"address": "http://gateway.example"},
        {"address": "https://gateway.example/"},
        {"address": "https://gateway.example/api"},
        {"address": "https://gateway.example?a=b"},
        {"address": "https://motcua:secret@gateway.example"},
        {"address": "file:///etc/passwd"},
        {"address": ""},
        {"username": ""},
        {"version": "2018"},
        {"password": "this is no place for it"},
        {"token_seconds": 86400},
        {"code_seconds": 5},
        {"code_seconds": 3600},
        {"limits": {"codes_per_number_per_hour": 0}},
        {"limits": {"tries_per_code": 1000}},
        {"limits": {"codes_per_fortnight": 3}},
        {"unknown": True},
    ],
)
def test_a_configuration_that_would_be_unsafe_or_means_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KIND.configuration.model_validate({**GOOD, **change})


def test_a_configuration_cannot_be_changed_and_survives_being_stored() -> None:
    configuration = KIND.configuration.model_validate({**GOOD, "limits": {"codes_per_network_per_hour": 500}})
    assert KIND.configuration.model_validate_json(configuration.model_dump_json()) == configuration
    with pytest.raises(ValidationError):
        configuration.address = "https://another.example"  # type: ignore[attr-defined]


def test_every_limit_tells_its_time_in_its_name() -> None:
    limits: Any = KIND.configuration.model_fields["limits"].default
    assert all(name.endswith(("_per_hour", "_per_day", "_per_code")) for name in type(limits).model_fields)
