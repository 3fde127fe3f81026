"""Settings that are unknown, missing or unsafe refuse to start, in a sentence that says what to change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from idp.seal import add_master_key
from idp.settings import DEFAULTS, Settings, UnsafeSettings, load


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("IDP_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = str(tmp_path / "master.keys")
    add_master_key(path)
    return path


@pytest.fixture
def safe(keys: str, tmp_path: Path) -> dict[str, Any]:
    """What a production start needs beside the defaults."""
    return {
        "issuer": "https://dangnhap.example.vn", "master_keys_file": keys, "metrics_token_file": str(tmp_path / "token")
    }  # fmt: skip


def refusal(path: str | None = None, **settings: Any) -> str:
    with pytest.raises(UnsafeSettings) as problem:
        load(path, **settings)
    sentence = str(problem.value)
    assert "\n" not in sentence, "one sentence"
    assert "pydantic" not in sentence and "input_value" not in sentence
    return sentence


def test_production_starts_with_an_issuer_a_key_file_and_a_metrics_token(safe: dict[str, Any]) -> None:
    settings = load(**safe)
    assert (settings.mode, settings.secure) == ("production", True)


def test_the_defaults_alone_do_not_start() -> None:
    assert "master_keys_file" in refusal()


@pytest.mark.parametrize(
    "change, named",
    [
        ({"issuer": "http://dangnhap.example.vn"}, "issuer"),
        ({"issuer": "http://idp.localhost"}, "issuer"),
        ({"outbound": {"allow_loopback": True}}, "outbound.allow_loopback"),
        ({"log_level": "DEBUG"}, "log_level"),
        ({"master_keys_file": ""}, "master_keys_file"),
        ({"metrics_token_file": ""}, "metrics_token_file"),
    ],
)
def test_what_is_for_development_is_refused_in_production(
    safe: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    assert f"{named}: " in refusal(**(safe | change))


PROXIED = {"trusted_proxies": 1, "client_certificate_header": "X-Client-Certificate"}


@pytest.mark.parametrize(
    "change, named",
    [
        ({"client_certificate_header": "X-Client-Certificate"}, "client_certificate_header"),
        ({"client_certificate_url": "https://cert.example.vn"}, "client_certificate_header"),
        (PROXIED | {"client_certificate_url": "https://cert.example.vn", "trusted_proxies": 0}, "trusted_proxies"),
        (PROXIED | {"client_certificate_url": "http://cert.localhost"}, "client_certificate_url"),
        (PROXIED | {"client_certificate_url": "https://dangnhap.example.vn"}, "client_certificate_url"),
        (PROXIED | {"client_certificate_url": "https://cert.example.vn/x"}, "client_certificate_url"),
        (PROXIED | {"client_certificate_header": "X Y"}, "client_certificate_header"),
        ({"trusted_proxies": 1, "client_certificate_from_server": True}, "client_certificate_from_server"),
    ],
)
def test_certificates_are_believed_of_a_proxy_on_a_host_of_its_own_or_not_at_all(
    safe: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    assert named in refusal(**(safe | change))


def test_plain_http_is_for_localhost_alone_in_every_mode() -> None:
    for host in ("idp.example.vn", "localhost.example.vn", "127.0.0.1", "notlocalhost", "[::1]", "10.0.0.1"):
        assert "issuer: plain http" in refusal(mode="development", issuer=f"http://{host}")
    for host in ("localhost", "idp.localhost:8400"):
        assert load(mode="development", issuer=f"http://{host}").secure is False


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "dangnhap.example.vn",
        "ftp://dangnhap.example.vn",
        "https://",
        "https://dangnhap.example.vn/",
        "https://dangnhap.example.vn/idp",
        "https://dangnhap.example.vn?x=1",
        "https://dangnhap.example.vn#x",
        "https://Dangnhap.example.vn",
        "https://a@dangnhap.example.vn",
    ],
)
def test_the_issuer_is_an_origin_and_nothing_more(safe: dict[str, Any], issuer: str) -> None:
    assert "issuer: " in refusal(**(safe | {"issuer": issuer}))


@pytest.mark.parametrize(
    "change, named",
    [
        ({"isuer": "https://dangnhap.example.vn"}, "isuer"),
        ({"lifetimes": {"code_second": 60}}, "lifetimes.code_second"),
        ({"lifetimes": {"code_seconds": 5}}, "lifetimes.code_seconds"),
        ({"lifetimes": {"code_seconds": 601}}, "lifetimes.code_seconds"),
        ({"lifetimes": {"code_seconds": "soon"}}, "lifetimes.code_seconds"),
        ({"mode": "staging"}, "mode"),
        ({"trusted_proxies": -1}, "trusted_proxies"),
        ({"limits": "many"}, "limits"),
    ],
)
def test_an_unknown_name_or_an_impossible_value_is_named(
    safe: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    assert f"{named}: " in refusal(**(safe | change))


def test_every_fault_is_named_at_once(safe: dict[str, Any]) -> None:
    sentence = refusal(**(safe | {"mode": "staging", "isuer": "x", "lifetimes": {"code_seconds": 5}}))
    assert all(name in sentence for name in ("mode: ", "isuer: ", "lifetimes.code_seconds: "))


def test_a_refused_value_is_not_repeated(safe: dict[str, Any]) -> None:
    """It may be a secret that was put into the wrong place."""
    assert "hunter2" not in refusal(**(safe | {"mode": "hunter2", "password": "hunter2", "limits": "hunter2"}))


def test_a_setting_without_a_value_anywhere_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(line for line in DEFAULTS.read_text("utf-8").splitlines() if not line.startswith("database_url"))
    (tmp_path / "default.toml").write_text(text, "utf-8")
    monkeypatch.setattr("idp.settings.DEFAULTS", tmp_path / "default.toml")
    assert "database_url: " in refusal(mode="test", issuer="http://idp.localhost")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_key_file_that_others_may_read_is_refused(safe: dict[str, Any], keys: str, mode: int) -> None:
    Path(keys).chmod(mode)
    assert "master_keys_file: " in (sentence := refusal(**safe))
    assert "chmod 600" in sentence


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_for_its_owner_alone_will_do(safe: dict[str, Any], keys: str, mode: int) -> None:
    Path(keys).chmod(mode)
    load(**safe)


def test_a_key_file_that_is_not_there_is_refused(safe: dict[str, Any], keys: str) -> None:
    Path(keys).unlink()
    assert "master_keys_file: " in refusal(**safe)


def test_a_settings_file_overrides_the_defaults_and_the_environment_overrides_both(
    safe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    file.write_text('name_en = "From the file"\n[lifetimes]\ncode_seconds = 30\naccess_token_seconds = 120\n', "utf-8")
    defaults = load(**safe)
    monkeypatch.setenv("IDP_CONFIG", str(file))
    monkeypatch.setenv("IDP_LIFETIMES__CODE_SECONDS", "20")
    monkeypatch.setenv("IDP_CONTACT", "helpdesk")
    settings = load(**safe)
    assert settings.name_en == "From the file"
    assert settings.contact == "helpdesk"
    assert (settings.lifetimes.code_seconds, settings.lifetimes.access_token_seconds) == (20, 120)
    assert settings.lifetimes.session_seconds == defaults.lifetimes.session_seconds


@pytest.mark.parametrize("name", ["IDP_LIFETIMES__CODE_SECOND", "IDP_OUTBOUND__ALLOW"])
def test_an_unknown_name_within_a_table_is_refused_from_the_environment_too(
    safe: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "20")
    assert name.removeprefix("IDP_").replace("__", ".").lower() in refusal(**safe)


def test_a_misspelt_variable_is_refused(safe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISUER", "https://door.example.vn")
    with pytest.raises(UnsafeSettings, match="IDP_ISUER: there is no such setting"):
        load(**safe)


def test_the_environment_cannot_make_production_unsafe(safe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_OUTBOUND__ALLOW_LOOPBACK", "true")
    assert "outbound.allow_loopback: " in refusal(**safe)


def test_a_settings_file_that_is_not_there_or_no_toml_is_refused(safe: dict[str, Any], tmp_path: Path) -> None:
    assert "missing.toml" in refusal(str(tmp_path / "missing.toml"), **safe)
    (tmp_path / "broken.toml").write_text("mode = production", "utf-8")
    assert "broken.toml" in refusal(str(tmp_path / "broken.toml"), **safe)
    (tmp_path / "latin.toml").write_bytes(b'name_vi = "\xc4\xe0"')
    assert "latin.toml" in refusal(str(tmp_path / "latin.toml"), **safe)


def test_settings_do_not_change_after_the_start(safe: dict[str, Any]) -> None:
    settings: Settings = load(**safe)
    with pytest.raises(ValidationError):
        settings.mode = "test"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.lifetimes.code_seconds = 600  # type: ignore[misc]


def test_every_default_is_explained() -> None:
    """Each line with a value stands below a comment, alone or with the lines of one thought."""
    lines = DEFAULTS.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            assert lines[number - 1].startswith("#") or "=" in lines[number - 1], line


def test_a_credential_of_systemd_s_may_be_open_to_its_group(
    safe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the service's user gets in by an ACL, stat shows that ACL's mask in the place of the group's rights."""
    Path(safe["master_keys_file"]).chmod(0o440)
    assert "readable by others" in refusal(**safe)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load(**safe).mode == "production"
    Path(safe["master_keys_file"]).chmod(0o444)
    assert "readable by others" in refusal(**safe)
