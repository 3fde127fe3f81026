"""A source that is moved to another address: what it knows us by stays behind (CVE-2026-15943)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Terminal

SOURCES: tuple[dict[str, Any], ...] = (
    {
        "kind": "banking",
        "configuration": {"issuer": "https://bank.example", "client_id": "motcua"},
        "secrets": {"client_key": {"generate": "ES256"}},
    },
    {
        "kind": "insurance",
        "configuration": {"address": "https://gateway.example", "username": "motcua"},
        "secrets": {"password": "what the gateway knows us by"},
    },
)


@pytest.mark.parametrize("source", SOURCES, ids=[source["kind"] for source in SOURCES])
def test_a_credential_does_not_follow_a_source_to_another_address(terminal: Terminal, source: dict[str, Any]) -> None:
    """Whoever may change an address could otherwise have the secret sent to themselves."""
    source = {"id": "moved", "name_vi": "Nguồn", "name_en": "Source", "ceiling": 1, **source}
    terminal.does("sources", "add", terminal.file("source.json", source))
    kept = {**source, "secrets": {name: {"keep": True} for name in source["secrets"]}}
    terminal.does("sources", "add", terminal.file("kept.json", kept))
    address = next(name for name in ("issuer", "address") if name in source["configuration"])
    moved = {**kept, "configuration": {**source["configuration"], address: "https://another.example"}}
    assert "there is none to keep" in terminal.refuses("sources", "add", terminal.file("moved.json", moved))
