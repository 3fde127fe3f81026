"""Where a source starts, where it refuses to, and that it starts the way the demo starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from connectors.sandbox.settings import RefusesToStart, from_environment

ROOT = Path(__file__).parents[2]
START_LIMIT_SECONDS = 60
RIGHT = {"MOTCUA_MODE": "test", "SANDBOX_KIND": "banking", "SANDBOX_ISSUER": "http://bank.localhost:8411"}


def started(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SANDBOX_", "MOTCUA_"))}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("mode", ["production", "", "prod", None])
def test_a_source_never_starts_in_production(mode: str | None) -> None:
    environment = {name: value for name, value in {**RIGHT, "MOTCUA_MODE": mode}.items() if value is not None}
    told = started(environment, "from connectors.sandbox.serve import app")
    assert told.returncode == 1
    assert told.stdout == ""
    assert "MOTCUA_MODE=development or MOTCUA_MODE=test" in told.stderr
    assert "Traceback" not in told.stderr


def test_importing_the_module_starts_nothing() -> None:
    told = started({"MOTCUA_MODE": "production"}, "import connectors.sandbox.serve")
    assert (told.returncode, told.stderr) == (0, "")


def test_the_application_is_made_once() -> None:
    code = "from connectors.sandbox import serve; assert serve.app is serve.app; print(serve.app.name)"
    assert started(RIGHT, code).stdout.strip() == "connectors.sandbox.app"


def test_a_right_environment_is_understood() -> None:
    settings = from_environment(RIGHT)
    assert (settings.kind, settings.name, settings.theme) == ("banking", "Ngân hàng Sen", "sen")
    assert settings.url("/token") == "http://bank.localhost:8411/token"


@pytest.mark.parametrize(
    "changes, about",
    [
        ({"SANDBOX_KIND": "customs"}, "SANDBOX_KIND"),
        ({"SANDBOX_KIND": ""}, "SANDBOX_KIND"),
        ({"SANDBOX_ISSUER": ""}, "SANDBOX_ISSUER"),
        ({"SANDBOX_ISSUER": "http://bank.localhost:8411/"}, "SANDBOX_ISSUER"),
        ({"SANDBOX_ISSUER": "bank.localhost"}, "SANDBOX_ISSUER"),
        ({"SANDBOX_SEED": "-1"}, "SANDBOX_SEED"),
        ({"SANDBOX_CITIZENS": "3"}, "SANDBOX_CITIZENS"),
        ({"SANDBOX_CITIZENS": "many"}, "SANDBOX_CITIZENS"),
        ({"SANDBOX_THEME": "plain"}, "SANDBOX_THEME"),
        ({"SANDBOX_FAULTS": "{}"}, "SANDBOX_FAULTS"),
        ({"SANDBOX_FAULTS": "not json"}, "SANDBOX_FAULTS"),
        ({"SANDBOX_CLIENT_FILE": "misspelt"}, "SANDBOX_CLIENT_FILE"),
    ],
)
def test_a_wrong_environment_is_refused_by_name(changes: dict[str, str], about: str) -> None:
    with pytest.raises(RefusesToStart, match=about):
        from_environment(RIGHT | changes)


def test_a_fault_that_is_none_refuses_to_start() -> None:
    told = started(RIGHT | {"SANDBOX_FAULTS": '[{"fault": "tired"}]'}, "from connectors.sandbox.serve import app")
    assert told.returncode == 1
    assert "SANDBOX_FAULTS" in told.stderr and "Traceback" not in told.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served_by_granian() -> Iterator[str]:
    issuer = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4"]
    process = subprocess.Popen(
        [*command, "--port", issuer.rpartition(":")[2], "connectors.sandbox.serve:app"],
        cwd=ROOT,
        env=os.environ | RIGHT | {"SANDBOX_ISSUER": issuer, "SANDBOX_CITIZENS": "50"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield issuer
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_granian_serves_a_source_and_closes_connections_where_told_to() -> None:
    with served_by_granian() as issuer, requests.Session() as client:
        client.trust_env = False
        answers_at(client, f"{issuer}/.well-known/openid-configuration")
        assert client.get(f"{issuer}/jwks", timeout=20).json()["keys"]
        order = {"fault": "down", "close": True, "endpoint": "jwks", "times": 1}
        assert client.post(f"{issuer}/_sandbox/faults", json=order, timeout=20).status_code == 201
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            client.get(f"{issuer}/jwks", timeout=20)
        assert client.get(f"{issuer}/jwks", timeout=20).json()["keys"]


def answers_at(client: requests.Session, url: str) -> None:
    """Returns once there is an answer at this address."""
    give_up_at = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            assert client.get(url, timeout=20).status_code == 200
            return
        except requests.ConnectionError:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
