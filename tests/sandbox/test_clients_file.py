"""The file that says whom a source lets in, as the operator writes it while the source runs."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.clients import Clients
from connectors.sandbox.tax.clients import Clients as ServiceProviders
from connectors.sandbox.xroad import Members

BANK: dict[str, Any] = {"client_id": "a", "redirect_uris": ["https://a.example/"], "client_secret": "rất kín"}
OFFICE: dict[str, Any] = {"entity_id": "a", "acs_urls": ["https://a.example/"]}
XROAD: dict[str, Any] = {"client": "a", "user": "u", "api_key": "rất kín", "signature_secret": "rất kín"}

every_reader = pytest.mark.parametrize(
    "reader, entry", [(Clients, BANK), (ServiceProviders, OFFICE), (Members, XROAD)], ids=["openid", "tax", "xroad"]
)
Reader = type[Clients] | type[ServiceProviders] | type[Members]


def renamed(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: "another" if value == "a" else value for name, value in entry.items()}


@every_reader
def test_a_client_is_known_as_soon_as_the_file_names_it_and_no_longer(
    tmp_path: Path, reader: Reader, entry: dict[str, Any]
) -> None:
    assert reader(None).get("a") is None, "there is no file"
    file = tmp_path / "clients.json"
    clients = reader(file)
    assert clients.get("a") is None, "the file is not there yet"
    file.write_text(json.dumps([entry]), "utf-8")
    assert clients.get("a") is not None
    file.write_text(json.dumps([renamed(entry)]), "utf-8")
    assert clients.get("a") is None and clients.get("another") is not None


@every_reader
def test_a_broken_file_changes_nothing_and_its_secrets_are_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reader: Reader, entry: dict[str, Any]
) -> None:
    caplog.set_level(logging.WARNING, logger="connectors.sandbox.clients_file")  # a provider may have set the root's
    file = tmp_path / "clients.json"
    file.write_text(json.dumps([entry]), "utf-8")
    clients = reader(file)
    assert clients.get("a") is not None
    half = {name: value for name, value in entry.items() if name not in ("redirect_uris", "acs_urls", "user")}
    file.write_text(json.dumps([renamed(entry), half], ensure_ascii=False), "utf-8")
    assert clients.get("a") is not None and clients.get("another") is None
    assert "clients file is not valid" in caplog.text and "rất kín" not in caplog.text


@every_reader
def test_a_file_of_the_same_length_is_read_again(tmp_path: Path, reader: Reader, entry: dict[str, Any]) -> None:
    file = tmp_path / "clients.json"
    file.write_text(json.dumps([entry]), "utf-8")
    clients = reader(file)
    assert clients.get("a") is not None
    read_at = file.stat().st_mtime_ns
    file.write_text(json.dumps([entry]).replace('"a"', '"b"'), "utf-8")
    os.utime(file, ns=(read_at + 1_000_000, read_at + 1_000_000))
    assert clients.get("a") is None and clients.get("b") is not None
