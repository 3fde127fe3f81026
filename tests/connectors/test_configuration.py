"""What an operator may write about a source, and what is known without one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import KINDS

GOOD = {"issuer": "https://bank.example", "client_id": "one-door"}
OPENID_KINDS = ("banking", "population")


def test_the_registry_has_every_kind_under_its_name_with_a_ceiling() -> None:
    assert all(kind.name == name and 0 <= kind.ceiling <= 4 for name, kind in KINDS.items())


def test_kinds_that_speak_openid_connect_have_their_ceilings() -> None:
    assert {name: KINDS[name].ceiling for name in OPENID_KINDS} == {"banking": 2, "population": 3}
    for kind in map(KINDS.__getitem__, OPENID_KINDS):
        kind.connector(kind.configuration.model_validate_json(json.dumps(GOOD)))
        assert kind.configuration.model_json_schema()["properties"]["issuer"]["description"]


def test_the_contract_is_read_without_paying_for_cryptography() -> None:
    program = "import sys, connectors.base; print(sorted({'jwt', 'cryptography'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("kind", OPENID_KINDS)
@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://bank.example"},
        {"issuer": "https://bank.example?realm=a"},
        {"issuer": "https://bank.example#a"},
        {"issuer": "https://somebody:secret@bank.example"},
        {"issuer": "https://ngân-hàng.example"},
        {"issuer": "https://bank.example\\@attacker.example"},
        {"issuer": ""},
        {"discovery_url": "http://bank.example/.well-known/openid-configuration"},
        {"discovery_url": "file:///etc/passwd"},
        {"endpoint_origins": ["http://api.bank.example"]},
        {"client_id": ""},
        {"id_token_algorithms": []},
        {"id_token_algorithms": ["none"]},
        {"id_token_algorithms": ["RS256", "HS256"]},
        {"scopes": ["profile"]},
        {"acr_values": {"5": "too-high"}},
        {"acr_levels": {"low": 0}},
        {"leeway_seconds": 3600},
        {"par": "sometimes"},
        {"error_map": {"locked": "no_such_failure"}},
        {"client_secret": "this is no place for it"},
        {"unknown": True},
    ],
)
def test_a_configuration_that_would_be_unsafe_or_means_nothing_is_refused(kind: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].configuration.model_validate({**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [{"par": "never"}, {"pkce": False}, {"nonce": False}, {"client_auth": "client_secret_post"}, {"proofing": 3}],
)
def test_a_bank_cannot_be_spoken_to_less_strictly(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KINDS["banking"].configuration.model_validate({**GOOD, **change})


def test_a_configuration_cannot_be_changed_and_survives_being_stored() -> None:
    for kind in map(KINDS.__getitem__, OPENID_KINDS):
        configuration = kind.configuration.model_validate(GOOD)
        assert kind.configuration.model_validate_json(configuration.model_dump_json()) == configuration
        with pytest.raises(ValidationError):
            configuration.issuer = "https://another.example"  # type: ignore[attr-defined]
