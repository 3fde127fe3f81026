"""What becomes of sign-ins when the token with our keys is gone, empty, or does not let us in; and afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import requests

from idp.house import House
from idp.keys import ALGORITHMS, PURPOSES, CannotSign
from idp.settings import UnsafeSettings, load
from tests.cli.conftest import ROOT, Terminal, empty, prepared, terminal
from tests.cli.test_processes import running
from tests.demo.stand_ins import free_port_base
from tests.keys.test_keys import rotated
from tests.peers.softhsm import PIN, SoftToken, soft_token
from tests.servers import eventually
from tests.sessions.rooms import furnished
from tests.world import World, world

__all__ = ["empty", "prepared", "terminal"]


@pytest.fixture
def token(tmp_path: Path) -> SoftToken:
    return soft_token(tmp_path / "softhsm")


@pytest.fixture
def country(token: SoftToken, tmp_path: Path) -> Iterator[World]:
    """A provider whose keys are in the token, and sources to sign in at."""
    with world(tmp_path, keys=token.settings) as country:
        yield country


def rotates(house: House) -> bool:
    try:
        return bool(rotated(house, at_once=True))
    except CannotSign:  # for a moment after each failure
        return False


# ---- a whole sign-in ----


def test_a_person_signs_in_with_tokens_that_the_module_signed(country: World, token: SoftToken) -> None:
    browser, kids = country.browser(), set()
    for alg in ALGORITHMS:
        portal = country.portal(f"portal-{alg.lower()}", id_token_signed_response_alg=alg)
        brought = country.sign_in(browser, portal)
        header = jwt.get_unverified_header(brought.id_token)
        assert header["alg"] == alg
        assert brought.claims["sub"] == brought.userinfo["sub"]
        kids.add(header["kid"])
    inside = {key.kid for key in country.house.keys.listed() if key.held_by == token.label}
    assert inside == {*kids, *(key.kid for key in country.house.keys.all_of_cards())}


def test_without_the_module_tokens_are_refused_by_name_and_it_heals_by_itself(country: World, token: SoftToken) -> None:
    portal, browser = country.portal("ministry", id_token_signed_response_alg="ES256"), country.browser()
    country.sign_in(browser, portal)

    def redeemed() -> requests.Response:
        asked = portal.ask()
        answer = browser.answer(browser.open_at(asked.url, portal), portal)
        return portal.redeem(answer["code"], asked.verifier)

    def ready() -> int:
        return country.http.get(f"{country.issuer}/health/ready", timeout=30).status_code

    assert ready() == 200
    token.is_taken_out()
    refused = redeemed()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json() == {
        "error": "temporarily_unavailable",
        "error_description": "G09: nothing can be signed just now, try again shortly",
    }
    assert ready() == 503
    assert country.http.get(f"{country.issuer}/jwks", timeout=30).status_code == 200, "what was signed can be verified"
    token.is_put_back()
    eventually(lambda: ready() == 200)
    assert portal.claims(redeemed().json()["id_token"])["aud"] == portal.id


def test_a_token_made_anew_holds_none_of_our_keys_until_there_are_new_ones(tmp_path: Path) -> None:
    token = soft_token(tmp_path / "softhsm")
    house = furnished(tmp_path, keys=token.settings)
    house.keys.check()
    token.is_made_anew()
    with pytest.raises(CannotSign, match="NoSuchKey"):
        house.keys.check()
    eventually(lambda: rotates(house))
    house.changes.forget()
    house.keys.check()


# ---- the PIN ----


def test_a_wrong_pin_is_tried_once_and_the_file_with_another_heals(token: SoftToken, tmp_path: Path) -> None:
    house = furnished(tmp_path, keys=token.settings, with_keys=False)
    token.write_pin("999999")
    with pytest.raises(CannotSign, match=r"^keys.pkcs11.pin_file: the PIN of the token .* is refused: PinIncorrect$"):
        house.keys.ensure()
    with token.as_operator() as session:
        session.set_pin(PIN, "999999")  # now it would be let in, if it tried
    with pytest.raises(CannotSign, match="was refused, and is not tried again before the file has another"):
        house.keys.ensure()
    with token.as_operator("999999") as session:
        session.set_pin("999999", "888888")
    token.write_pin("888888")
    assert len(house.keys.ensure()) == len(PURPOSES)


def test_a_pin_that_is_lost_from_its_file_is_told(token: SoftToken, tmp_path: Path) -> None:
    house = furnished(tmp_path, keys=token.settings, with_keys=False)
    token.pin_file.unlink()
    with pytest.raises(CannotSign, match=r"^keys.pkcs11.pin_file: .* cannot be read$"):
        house.keys.ensure()


@pytest.mark.parametrize("words", [("serve", "--port", "1"), ("worker",), ("keys", "ensure"), ("keys", "rotate")])
def test_nothing_starts_with_a_wrong_pin(terminal: Terminal, token: SoftToken, words: tuple[str, ...]) -> None:
    terminal.environment |= token.environment
    token.write_pin("999999")
    result = terminal.run(*words)
    told = f"keys.pkcs11.pin_file: the PIN of the token '{token.label}' is refused: PinIncorrect"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {told}\n")


# ---- processes, commands, settings ----


def test_each_process_of_a_server_signs_with_a_session_of_its_own(terminal: Terminal, token: SoftToken) -> None:
    terminal.environment |= token.environment
    assert terminal.does("keys", "ensure").startswith("made: rs256-")
    assert {row.split("  ")[-1].strip() for row in terminal.does("keys", "list").splitlines()[1:]} == {
        f"token {token.label}"
    }
    port = free_port_base()

    def is_ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    with running(terminal, "serve", "--port", str(port), "--workers", "2"):
        eventually(is_ready)
        assert all(is_ready() for _ in range(20)), "whichever of the two is asked"


HIDDEN = """
import sys
sys.modules["pkcs11"] = None
from idp.cli import main
main()
"""


def test_without_the_package_the_sentence_says_what_to_install(terminal: Terminal, token: SoftToken) -> None:
    terminal.environment |= token.environment
    told = subprocess.run(
        [sys.executable, "-c", HIDDEN, "keys", "list"], env=terminal.process_environment(), cwd=ROOT, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (
        2, "Error: keys.pkcs11: needs python-pkcs11: pip install 'motcua[pkcs11]'\n"
    )  # fmt: skip


@pytest.mark.parametrize("module", ["/nowhere/module.so", "/etc/passwd"])
def test_a_module_that_is_none_is_named(token: SoftToken, tmp_path: Path, module: str) -> None:
    keys = {"pkcs11": token.settings["pkcs11"] | {"module": module}}
    house = furnished(tmp_path, keys=keys, with_keys=False)
    with pytest.raises(CannotSign, match=f"^keys.pkcs11.module: {module} cannot be loaded"):
        house.keys.ensure()


@pytest.mark.parametrize("name", ["module", "token", "pin_file"])
def test_half_of_the_settings_are_none(token: SoftToken, name: str) -> None:
    with pytest.raises(UnsafeSettings, match=r"keys.pkcs11: .*module, token and pin_file go together, or none is set"):
        load(keys={"pkcs11": token.settings["pkcs11"] | {name: ""}})


def test_a_pin_that_others_can_read_refuses_to_start(token: SoftToken) -> None:
    token.pin_file.chmod(0o640)
    with pytest.raises(UnsafeSettings, match=r"^keys.pkcs11.pin_file: .* is readable by others"):
        load(mode="test", issuer="http://idp.localhost:9", keys=token.settings)
