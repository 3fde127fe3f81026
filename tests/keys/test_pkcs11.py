"""Signing keys in a token (PKCS #11), proved against SoftHSM 2: what they sign, how they change, that they stay."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from joserfc import jwt as other_jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass

from idp.house import House, build
from idp.keys import (
    ALGORITHMS,
    PUBLISHED_AFTER_USE_SECONDS,
    PUBLISHED_BEFORE_USE_SECONDS,
    PURPOSES,
    CannotSign,
    HeldKey,
)
from idp.keys.models import SigningKeyRow
from idp.keys.pkcs11 import Token
from idp.seal import BadSeal
from idp.settings import Settings
from tests.cli.conftest import ROOT
from tests.keys.test_keys import at, claims, published, rotated, signer
from tests.peers.softhsm import SoftToken, soft_token
from tests.sessions.rooms import another_worker, furnished
from tests.storage.places import at_once

BEFORE, AFTER = PUBLISHED_BEFORE_USE_SECONDS, PUBLISHED_AFTER_USE_SECONDS
SIGNATURES = 25
THREADS = 8


@pytest.fixture
def token(tmp_path: Path) -> SoftToken:
    return soft_token(tmp_path / "softhsm")


@pytest.fixture
def house(token: SoftToken, tmp_path: Path) -> House:
    """Its keys are in the token."""
    return furnished(tmp_path, keys=token.settings)


def of_others(house: House, text: str, alg: str) -> dict[str, Any]:
    """The claims, verified by joserfc, which has no part in our signing, with what we publish."""
    house.changes.forget()
    keys = KeySet.import_key_set(json.loads(house.keys.jwks()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # it would rather have EdDSA called Ed25519 (RFC 9864)
        return dict(other_jwt.decode(text, keys, algorithms=[alg]).claims)


def holders(house: House) -> dict[str, str | None]:
    house.changes.forget()
    return {key.kid: key.held_by for key in house.keys.listed()}


def moved(house: House, **pkcs11: Any) -> House:
    """The same database with other settings of the token."""
    keys = house.settings.keys
    changed = keys.model_copy(update={"pkcs11": keys.pkcs11.model_copy(update=pkcs11)})
    return build(house.settings.model_copy(update={"keys": changed}))


@contextmanager
def opened(token: SoftToken) -> Iterator[Any]:
    """The token as a program sees it that has its PIN."""
    library = pkcs11.lib(token.settings["pkcs11"]["module"])
    with library.get_token(token_label=token.label).open(rw=True) as session:  # logged in, as this process is
        yield session


# ---- signing ----


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_the_token_signs_others_verify_with_what_we_publish(house: House, token: SoftToken, alg: str) -> None:
    said = claims(nonce="chữ có dấu")
    text = house.keys.sign(said, alg)
    assert of_others(house, text, alg) == said
    assert house.keys.open_hint(text) == said
    assert house.keys.open_access_token(house.keys.sign(said, alg, "at+jwt")) == said
    assert set(holders(house).values()) == {token.label}


def test_threads_and_other_houses_sign_with_the_same_keys(house: House) -> None:
    houses = [house, another_worker(house)]
    said = claims()

    def signed(number: int) -> list[tuple[str, str]]:
        alg = ALGORITHMS[number % len(ALGORITHMS)]
        return [(alg, houses[number % 2].keys.sign(said, alg)) for _ in range(SIGNATURES)]

    texts = [text for by_thread in at_once(THREADS, signed) for text in by_thread]
    assert len(texts) == THREADS * SIGNATURES
    assert all(of_others(house, text, alg) == said for alg, text in texts)


def test_a_module_that_begins_anew_for_one_thread_disturbs_no_other(house: House) -> None:
    """It does after each failure, and every session and key of the process is then another."""
    (key,) = (key for key in house.keys.listed() if key.purpose == "ES256")
    assert isinstance(key.private, HeldKey)

    def asked(number: int) -> list[str]:
        if number % 2:
            return [house.keys.sign(claims(), "ES256") for _ in range(SIGNATURES)]
        for _ in range(SIGNATURES // 4):
            with pytest.raises(CannotSign, match="NoSuchKey"):
                Token(house.settings.keys.pkcs11).sign("nobody's", "ES256", key.private.public, b"")
        return []

    texts = [text for by_thread in at_once(THREADS, asked) for text in by_thread]
    assert all(of_others(house, text, "ES256")["sub"] == "s" for text in texts)
    assert len(texts) == THREADS // 2 * SIGNATURES


def many_signed(settings: Settings, said: dict[str, Any]) -> list[tuple[str, str]]:
    keys = build(settings).keys
    return [(alg, keys.sign(said, alg)) for _ in range(SIGNATURES) for alg in ALGORITHMS]


def test_processes_sign_at_once(house: House) -> None:
    said = claims()
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        lists = processes.starmap(many_signed, [(house.settings, said)] * 2, chunksize=1)
    texts = [text for signed in lists for text in signed]
    assert len(texts) == 2 * SIGNATURES * len(ALGORITHMS)
    assert all(of_others(house, text, alg) == said for alg, text in texts)


FORKING = """
import json, os, sys
from idp.house import build
from idp.keys import pkcs11
from idp.settings import load

keys = build(load(**json.load(sys.stdin))).keys
print(keys.sign({}, "ES256"), flush=True)
(module,) = pkcs11._MODULES.values()
module.lock.acquire()  # as a thread holds it that signs at this moment, and is not there in the child
child = os.fork()
if child:
    module.lock.release()
print(keys.sign({}, "ES256"), flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(keys.sign({}, "ES256"), flush=True)
"""


def test_a_forked_process_and_its_parent_both_go_on(house: House) -> None:
    """PKCS #11 section 5.4: what the parent opened is not the child's."""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING], input=house.settings.model_dump_json(), cwd=ROOT, text=True,
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    texts = told.stdout.split()
    assert len(texts) == 4
    assert all(of_others(house, text, "ES256") == {} for text in texts)


def test_a_signature_that_does_not_fit_what_is_published_is_not_given_out(house: House, token: SoftToken) -> None:
    kid = signer(house, "ES256")
    with opened(token) as session:
        curve = next(session.get_objects({Attribute.ID: kid.encode(), Attribute.CLASS: ObjectClass.PUBLIC_KEY}))
        parameters = {Attribute.EC_PARAMS: curve[Attribute.EC_PARAMS]}
        for one in list(session.get_objects({Attribute.ID: kid.encode()})):
            one.destroy()
        session.generate_keypair(
            KeyType.EC, id=kid.encode(), store=True, public_template=parameters,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        )  # fmt: skip
    with pytest.raises(CannotSign, match="SignatureInvalid"):
        house.keys.sign(claims(), "ES256")


# ---- they stay there ----


def test_no_private_half_can_be_read_or_taken_out(house: House, token: SoftToken) -> None:
    secret = {KeyType.RSA: (Attribute.PRIVATE_EXPONENT, Attribute.PRIME_1)}
    house.keys.check()
    with opened(token) as session:
        keys = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert {key[Attribute.ID].decode() for key in keys} == set(holders(house))
        wrapping = session.generate_key(KeyType.AES, 256)
        for key in keys:
            for attribute in (Attribute.ALWAYS_SENSITIVE, Attribute.NEVER_EXTRACTABLE, Attribute.LOCAL):
                assert key[attribute], attribute
            for attribute in secret.get(key[Attribute.KEY_TYPE], (Attribute.VALUE,)):
                with pytest.raises(pkcs11.AttributeSensitive):
                    key[attribute]
            with pytest.raises(pkcs11.PKCS11Error):
                key[Attribute.EXTRACTABLE] = True
            with pytest.raises(pkcs11.PKCS11Error):
                key[Attribute.SENSITIVE] = False
            with pytest.raises((pkcs11.KeyUnextractable, pkcs11.KeyNotWrappable)):
                wrapping.wrap_key(key, mechanism=pkcs11.Mechanism.AES_KEY_WRAP_PAD)


def test_whoever_writes_to_the_database_cannot_put_a_key_of_theirs_there(house: House, tmp_path: Path) -> None:
    """The public half is sealed at its place; a row that says it is held elsewhere, or nowhere, is not believed."""
    table, kid = SigningKeyRow.__table__, signer(house, "ES256")
    for change in ({"held_by": None}, {"private": b"\x01" + bytes(64)}):
        with house.database.engine.begin() as connection:
            kept = connection.execute(table.select().where(table.c.kid == kid)).one()._mapping
            connection.execute(table.update().where(table.c.kid == kid).values(**change))
        with pytest.raises(BadSeal):
            another_worker(house).keys.jwks()
        with house.database.engine.begin() as connection:
            connection.execute(table.update().where(table.c.kid == kid).values(**kept))
    assert kid in published(another_worker(house))


# ---- they change ----


def test_a_successor_is_made_in_the_token_published_first_and_signs_later(house: House, token: SoftToken) -> None:
    old = {alg: signer(house, alg) for alg in ALGORITHMS}
    new = dict(zip(ALGORITHMS, rotated(house, *ALGORITHMS), strict=True))
    assert {*old.values(), *new.values()} == set(published(house))
    for seconds, signing in ((0, old), (BEFORE - 10, old), (BEFORE, new), (BEFORE + AFTER, new)):
        with at(seconds):
            assert {alg: signer(house, alg) for alg in ALGORITHMS} == signing
            assert all(of_others(house, house.keys.sign(claims(), alg), alg)["sub"] == "s" for alg in ALGORITHMS)
    assert set(holders(house).values()) == {token.label}


def test_keys_of_before_sign_on_until_they_are_followed_by_keys_in_the_token(tmp_path: Path) -> None:
    before = furnished(tmp_path)
    old, hint = signer(before), before.keys.sign(claims(), "ES256")
    after = moved(before, **soft_token(tmp_path / "softhsm").settings["pkcs11"])
    assert after.keys.ensure() == []
    assert signer(after) == old
    (new,) = rotated(after, "ES256")
    assert {old, new} < set(published(after)), "with overlap, as always"
    with at(BEFORE):
        assert signer(after) == new
        assert after.keys.open_hint(hint)["sub"] == "s"
    assert [held_by for held_by in holders(after).values() if held_by] == [after.settings.keys.pkcs11.token]


def test_without_the_token_its_keys_are_believed_and_nothing_is_signed_until_others_follow(house: House) -> None:
    hint, kid = house.keys.sign(claims(), "ES256"), signer(house)
    without = moved(house, module="", token="", pin_file="")
    assert without.keys.open_hint(hint)["sub"] == "s"
    assert kid in published(without)
    for ask in (lambda: without.keys.sign(claims(), "ES256"), without.keys.check):
        with pytest.raises(CannotSign, match=r"^keys.pkcs11.token: the key .* is in the token 'motcua test \d+'"):
            ask()
    rotated(without, at_once=True)
    without.changes.forget()
    without.keys.check()
    assert of_others(without, without.keys.sign(claims(), "ES256"), "ES256")["sub"] == "s"


# ---- not every token can do everything ----


def test_algorithms_that_are_left_out_have_their_keys_in_the_database(tmp_path: Path) -> None:
    house = furnished(tmp_path, keys=soft_token(tmp_path / "softhsm", algorithms=("ES256", "PS256")).settings)
    inside = {key.alg for key in house.keys.listed() if key.held_by}
    assert inside == {"ES256", "PS256"}
    assert all(of_others(house, house.keys.sign(claims(), alg), alg)["sub"] == "s" for alg in ALGORITHMS)


def test_an_algorithm_that_the_token_lacks_is_named_before_a_key_is_made(tmp_path: Path) -> None:
    token = soft_token(tmp_path / "softhsm")
    with token.configuration.open("a") as configuration:
        # All but these; SoftHSM 2.6.1 overlooks the first one.
        configuration.write("slots.mechanisms = -CKM_MD5,CKM_EDDSA,CKM_SHA256_RSA_PKCS_PSS\n")
    house = furnished(tmp_path, keys=token.settings, with_keys=False)
    with pytest.raises(CannotSign, match=r"^keys.pkcs11.algorithms: the token .* has no CKM_SHA256_RSA_PKCS_PSS for "):
        house.keys.ensure()
    assert holders(house) == {}
    with pytest.raises(CannotSign, match="has no CKM_EDDSA for EdDSA; left out there, its keys are sealed in the data"):
        rotated(house, "ES256", "EdDSA")
    can = moved(house, algorithms=("RS256", "ES256"))
    assert len(can.keys.ensure()) == len(PURPOSES)
