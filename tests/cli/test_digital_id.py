"""`idp digital-id verify`: three answers by words, JSON and exit code, without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm

from idp.digital_id import StatusList, issue, status_lists, trust_lists
from idp.digital_id.status_lists import INVALID, array_of
from idp.digital_id.trust_lists import TrustList
from tests.cli.conftest import ROOT, Terminal
from tests.digital_id.cards import DAY, ISSUER, LIST, NOW, VECTORS, card, pen
from tests.digital_id.phones import card_of, presence
from tests.digital_id.test_national_card import OF_2024

AT = ("--at", "2026-09-21T14:13:20Z")  # NOW
WHOLE, WITHOUT_STATUS = issue(card(), pen(), pen().key_id), issue(card(status=None), pen(), pen().key_id)


@pytest.fixture
def key(empty: Terminal) -> tuple[str, str]:
    return "--key", empty.file("issuer.jwk", ECAlgorithm.to_jwk(pen().public, as_dict=True) | {"kid": "issuer-1"})


def listed(terminal: Terminal, values: dict[int, int], name: str = "list.jwt", issued_at: int = NOW) -> str:
    one = StatusList(
        uri=LIST, issuer=ISSUER, bits=2, array=array_of(2**20, values), issued_at=issued_at, expires_at=NOW + 8 * DAY
    )
    if name.endswith(".jwt"):
        return terminal.file(name, status_lists.as_jwt(one, pen(), "issuer-1"))
    (terminal.home / name).write_bytes(status_lists.as_cwt(one, pen(), pen().key_id))
    return str(terminal.home / name)


def said(terminal: Terminal, exit_code: int, *words: str, given: str | None = None) -> str:
    result = terminal.run("digital-id", "verify", *words, given=given)
    assert result.exit_code == exit_code, result.output
    return result.stdout


def test_a_genuine_code_is_told_from_a_file_a_text_and_standard_input(empty: Terminal, key: tuple[str, str]) -> None:
    for word, given in (
        (WITHOUT_STATUS, None),
        (empty.file("code.txt", WITHOUT_STATUS + "\n"), None),
        ("-", WITHOUT_STATUS),
    ):
        told = said(empty, 0, word, *key, *AT, "--issuer", ISSUER, given=given)
        assert told.splitlines()[0] == "genuine"
        assert 'full_name: "Nguyễn Thị Bích Ngọc"' in told
    assert {path.name for path in empty.home.iterdir()} == {"code.txt", "issuer.jwk"}


def test_the_issuer_s_trust_list_does_for_its_keys(empty: Terminal) -> None:
    said_by_issuer = TrustList(
        issuer=ISSUER, issued_at=NOW, expires_at=NOW + 8 * DAY, keys=(pen().public,), status_lists=(LIST,)
    )
    fetched = empty.file("trust.jws", trust_lists.as_jws(said_by_issuer, pen(), pen().key_id.hex()))
    words = (WITHOUT_STATUS, "--trust-list", fetched)
    assert said(empty, 0, *words, *AT, "--issuer", ISSUER).startswith("genuine")
    for why, given in [
        ("whose is it?", (*words, *AT)), ("expired", (*words, "--at", "2027-01-01T00:00:00Z", "--issuer", ISSUER)),
        ("another issuer's", (*words, *AT, "--issuer", "https://x.example")), ("whose codes", (WITHOUT_STATUS,)),
    ]:  # fmt: skip
        result = empty.run("digital-id", "verify", *given)
        assert (result.exit_code, why in result.stderr) == (2, True), result.stderr


def test_the_status_decides_between_three_answers(empty: Terminal, key: tuple[str, str]) -> None:
    assert said(empty, 3, WHOLE, *key, *AT).startswith("genuine but status old: status not known")
    for name in ("list.jwt", "list.cwt"):
        told = said(empty, 0, WHOLE, *key, *AT, "--status-list", listed(empty, {}, name))
        assert told.startswith("genuine\n  status: valid, as of 2026-09-21T14:13:20+00:00")
        told = said(empty, 1, WHOLE, *key, *AT, "--status-list", listed(empty, {731_205: INVALID}, name))
        assert told.startswith("refused: revoked")
    old = listed(empty, {}, issued_at=NOW - 101)
    assert said(empty, 3, WHOLE, *key, *AT, "--status-list", old, "--fresh-seconds", "100").startswith(
        "genuine but status old: status old"
    )


def test_a_list_that_cannot_be_believed_is_named(empty: Terminal, key: tuple[str, str]) -> None:
    foreign = empty.file("foreign.jwt", listed(empty, {}).replace("list", "x"))
    result = empty.run("digital-id", "verify", WHOLE, *key, *AT, "--status-list", foreign)
    assert (result.exit_code, "foreign.jwt: not believed" in result.stderr) == (3, True)


def test_json_tells_the_same(empty: Terminal, key: tuple[str, str]) -> None:
    told = json.loads(said(empty, 3, WHOLE, *key, *AT, "--json"))
    assert (told["answer"], told["decodes"], told["genuine"]) == ("genuine_status_old", True, True)
    assert (told["reason"], told["status"], told["leniencies"]) == ("status_not_known", "unknown", [])
    assert told["card"]["holder_key"] == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert told["card"]["status"] == {"index": 731_205, "uri": LIST}
    told = json.loads(said(empty, 1, WHOLE, *key, "--at", str(NOW + 400 * DAY), "--json"))
    assert (told["genuine"], told["reason"]) == (False, "expired")
    told = json.loads(said(empty, 1, "garbage", *key, "--json"))
    assert (told["decodes"], told["reason"], told["card"]) == (False, "bad_text", {})


def test_nothing_in_a_code_moves_the_terminal(empty: Terminal, key: tuple[str, str]) -> None:
    stranger = pen(name="stranger")
    text = issue(card(full_name="\x9b2J\u202e\ngenuine"), stranger, pen().key_id)
    told = said(empty, 1, text, *key, *AT)
    assert told.splitlines()[:3] == [
        "refused: bad signature",
        "  it says what follows, and nobody vouches for it:",
        f'  issuer: "{ISSUER}"',
    ]
    assert '  full_name: "\\u009b2J\\u202e\\ngenuine"' in told.splitlines()
    as_json = said(empty, 1, text, *key, *AT, "--json")
    assert as_json.replace("\n", "").isprintable()
    assert json.loads(as_json)["card"]["full_name"] == "\x9b2J\u202e\ngenuine"


def test_codes_of_others_need_lenience(empty: Terminal) -> None:
    vector = VECTORS["vectors"]["valid/ecdsa-p256-signed"]
    point = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), bytes.fromhex(vector["signing_key"]["public_key_hex"])
    )
    pem = empty.file("other.pem", point.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    words = (vector["text"], "--key", pem, "--at", "1750000000")
    assert said(empty, 1, *words).startswith("refused: not strict\n  not strict: no_key_id")
    assert said(empty, 0, *words, "--lenient").startswith("genuine\n")


def test_several_keys_may_be_trusted(empty: Terminal, key: tuple[str, str]) -> None:
    other = empty.file(
        "set.json", {"keys": [ECAlgorithm.to_jwk(pen(name="other").public, as_dict=True), {"kty": "RSA"}]}
    )
    assert said(empty, 1, WITHOUT_STATUS, "--key", other, *AT).startswith("refused: unknown key")
    assert said(empty, 0, WITHOUT_STATUS, "--key", other, *key, *AT)


def test_what_was_asked_wrongly_is_told_in_one_sentence(empty: Terminal, key: tuple[str, str]) -> None:
    def wrongly(*words: str) -> str:
        result = empty.run("digital-id", "verify", *words)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        return result.stderr.splitlines()[-1]

    private = pen().private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "--key" in wrongly(WHOLE)
    assert "cannot be read" in wrongly(WHOLE, "--key", f"{empty.home}/missing")
    assert "neither PEM nor JSON" in wrongly(WHOLE, "--key", empty.file("text", "text"))
    assert "a private key" in wrongly(WHOLE, "--key", empty.file("private.pem", private))
    assert "a private or secret key" in wrongly(WHOLE, "--key", empty.file("private.jwk", {"kty": "EC", "d": "x"}))
    assert "none of its keys" in wrongly(WHOLE, "--key", empty.file("empty.jwks", {"keys": []}))
    assert "neither" in wrongly(WHOLE, *key, "--at", "yesterday")
    assert "time zone" in wrongly(WHOLE, *key, "--at", "2026-09-21T14:13:20")


def test_flask_has_the_command_too_without_a_provider(empty: Terminal) -> None:
    jwk = empty.file("issuer.jwk", ECAlgorithm.to_jwk(pen().public, as_dict=True))
    words = ["digital-id", "verify", WHOLE, "--key", jwk, *AT]
    command = [sys.executable, "-m", "flask", "--app", "idp", *words]
    told = subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert (told.returncode, told.stdout.splitlines()[0]) == (3, "genuine but status old: status not known")


def test_the_bench_tells_its_figures(empty: Terminal) -> None:
    words = ("digital-id", "bench", "--times", "100", "--forged", "200", "--listed", "100000", "--frames", "2")
    told = empty.run(*words, "--json", str(empty.home / "figures.json"))
    assert "accepted       0" in told.stdout.splitlines()
    figures = json.loads((empty.home / "figures.json").read_text("utf-8"))
    assert (figures["forged"]["accepted"], sum(figures["forged"]["frauds"].values())) == ({}, 200)
    assert figures["issue_to_sign"] > 1 and figures["verify_to_check"] > 1
    assert 0 < figures["speed"]["verify"]["p50"] <= figures["speed"]["verify"]["p99"]
    assert figures["status_lists"]["cards"] == 100_000
    scanned = figures["scanned"]
    assert len(scanned) == 10 and sum(cell["read"] for cell in scanned) >= 18  # of so few frames one may be lost
    assert told.exit_code == any(cell["read"] < cell["wanted"] * cell["frames"] for cell in scanned)
    assert "cannot be written" in empty.run(*words, "--json", f"{empty.home}/none/x").stderr


def test_a_presence_code_is_genuine_for_45_seconds(empty: Terminal, key: tuple[str, str]) -> None:
    text, lists = presence(card_of()), ("--status-list", listed(empty, {}))
    told = said(empty, 0, text, *key, *AT, *lists)
    assert "presence code, made at 2026-09-21T14:13:20+00:00" in told
    assert said(empty, 1, text, *key, "--at", str(NOW + 45), *lists).startswith("refused: presence old")


def test_the_national_card_is_read_and_not_verified(empty: Terminal, key: tuple[str, str]) -> None:
    told = said(empty, 1, empty.file("card.txt", OF_2024), *key)
    assert told.splitlines()[0] == "not verified: the code of a national card, which anybody can print"
    assert 'name: "Nguyễn Thị Bích Ngọc"' in told and "verified: false" in told
    told = json.loads(said(empty, 1, OF_2024.replace("Nữ", "F"), *key, "--json"))
    assert told["answer"] == "not verified"
    assert told["national_card"] == {"verified": False, "reason": "the sex is neither Nam nor Nữ"}
