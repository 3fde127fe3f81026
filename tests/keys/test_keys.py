"""Our signing keys: made, published before they sign and after, withdrawn when stolen; what they sign, and believe."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from idp import clock, seal
from idp.house import House, build
from idp.keys import (
    ALGORITHMS,
    CLOCK_SKEW_SECONDS,
    PUBLISHED_AFTER_USE_SECONDS,
    PUBLISHED_BEFORE_USE_SECONDS,
    PURPOSES,
    ROTATED,
    RSA_BITS,
    NotOurs,
)
from idp.keys.models import SigningKeyRow
from idp.seal import to_text
from tests.sessions.rooms import ISSUER, another_worker, furnished

BEFORE, AFTER = PUBLISHED_BEFORE_USE_SECONDS, PUBLISHED_AFTER_USE_SECONDS


def at(seconds: int) -> time_machine.travel:
    """So many seconds from now, and the clock stands still."""
    return time_machine.travel(datetime.now(UTC).timestamp() + seconds, tick=False)


def claims(**changes: Any) -> dict[str, Any]:
    now = clock.seconds()
    return {"iss": ISSUER, "sub": "s", "aud": "portal", "iat": now, "exp": now + 300} | changes


def rotated(house: House, *purposes: str, **how: bool) -> list[str]:
    with house.database.write() as tx:
        return house.keys.rotate(tx, purposes or ROTATED, **how)


def published(house: House) -> dict[str, dict[str, Any]]:
    house.changes.forget()
    return {key["kid"]: key for key in json.loads(house.keys.jwks())["keys"]}


def signer(house: House, alg: str = "ES256") -> str:
    house.changes.forget()
    kid: str = jwt.get_unverified_header(house.keys.sign(claims(), alg))["kid"]
    return kid


# ---- made ----


def test_there_is_one_key_for_each_algorithm_however_often_one_ensures(house: House) -> None:
    before = published(house)
    house.keys.ensure()
    assert published(house) == before
    assert sorted(key["alg"] for key in before.values()) == sorted(ALGORITHMS)


def test_the_private_half_is_sealed_and_never_shown(house: House) -> None:
    with house.database.engine.connect() as connection:
        rows = list(connection.execute(SigningKeyRow.__table__.select()))
    assert len(rows) == len(PURPOSES)
    for row in rows:
        assert b"PRIVATE" not in row.private
        assert not row.private.startswith(b"\x30\x82")  # the beginning of a DER sequence
    for key in published(house).values():
        assert not {"d", "p", "q", "dp", "dq", "qi", "k", "key_ops"} & key.keys()


def test_a_house_with_other_master_keys_cannot_use_them(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "master.keys"
    seal.add_master_key(str(other))
    burglar = build(house.settings.model_copy(update={"master_keys_file": str(other)}))
    with pytest.raises(seal.BadSeal):
        burglar.keys.jwks()


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_is_signed_is_verified_by_what_is_published(house: House, alg: str) -> None:
    token = house.keys.sign(claims(nonce="n"), alg)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (alg, "JWT")
    key = jwt.PyJWK(published(house)[header["kid"]])
    assert jwt.decode(token, key, algorithms=[alg], audience="portal")["nonce"] == "n"
    if alg in {"RS256", "PS256"}:
        assert key.key.key_size == RSA_BITS >= 2048


def test_every_published_key_says_what_it_is_for(house: House) -> None:
    """RFC 7517 sections 4.2 to 4.5, RFC 7518 section 6, RFC 8037 section 2."""
    members = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
    kinds = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
    keys = published(house)
    assert {key["alg"]: (key["kty"], key["use"]) for key in keys.values()} == {
        alg: (kty, "sig") for alg, kty in kinds.items()
    }
    for kid, key in keys.items():
        assert key.keys() == {"kty", "kid", "use", "alg"} | members[key["kty"]]
        assert kid == key["kid"]
    assert {key["crv"] for key in keys.values() if key["kty"] != "RSA"} == {"P-256", "Ed25519"}
    moduli = {key["n"] for key in keys.values() if key["kty"] == "RSA"}
    assert len(moduli) == 2, "RS256 and PS256 share no key (RFC 8725 section 3.1)"


def test_another_worker_signs_with_the_same_keys(house: House) -> None:
    other = another_worker(house)
    assert published(other) == published(house)
    assert signer(other) == signer(house)


# ---- rotated ----


def test_a_successor_is_published_first_and_signs_later(house: House) -> None:
    old = signer(house)
    (new,) = rotated(house, "ES256")
    assert {old, new} < set(published(house))
    for seconds, kid in ((0, old), (BEFORE - 10, old), (BEFORE, new), (BEFORE + AFTER, new)):
        with at(seconds):
            assert signer(house) == kid, seconds


def test_the_old_key_stays_published_for_a_day(house: House) -> None:
    old = signer(house)
    rotated(house, "ES256")
    with at(BEFORE + AFTER - 5):
        assert old in published(house)
    with at(BEFORE + AFTER):
        assert old not in published(house)


def test_the_other_algorithm_is_left_alone(house: House) -> None:
    before = signer(house, "RS256")
    rotated(house, "ES256", at_once=True)
    assert signer(house, "RS256") == before


def test_a_rotation_reaches_every_worker(house: House) -> None:
    other = another_worker(house)
    assert signer(other) == signer(house)
    (new,) = rotated(house, "ES256", at_once=True)
    assert signer(other) == new


def test_a_rotation_undone_is_none(house: House) -> None:
    def rotate_and_fail() -> None:
        with house.database.write() as tx:
            house.keys.rotate(tx)
            raise InterruptedError

    before = published(house)
    with pytest.raises(InterruptedError):
        rotate_and_fail()
    assert published(house) == before


ROTATIONS: dict[str, list[dict[str, bool]]] = {
    "twice": [{}, {}],
    "at once, after one that waits": [{}, {"at_once": True}],
    "one that waits, after at once": [{"at_once": True}, {}],
    "at once, twice": [{"at_once": True}, {"at_once": True}],
    "withdrawn, after one that waits": [{}, {"withdraw": True}],
    "one that waits, after withdrawn": [{"withdraw": True}, {}],
    "three": [{}, {"at_once": True}, {}],
}


@pytest.mark.parametrize("pause", [1, BEFORE // 2, BEFORE + 10])
@pytest.mark.parametrize("rotations", ROTATIONS.values(), ids=ROTATIONS.keys())
def test_whatever_is_signed_keeps_its_key_for_a_day(house: House, rotations: list[dict[str, bool]], pause: int) -> None:
    """In whatever order operators rotate: nobody ever meets a signature whose key is not published."""
    start = datetime.now(UTC).timestamp()
    signed: dict[int, str] = {}
    withdrawn_at = -1
    for number, how in enumerate(rotations):
        with time_machine.travel(start + number * pause, tick=False):
            signed[number * pause] = signer(house)
            rotated(house, "ES256", **how)
            withdrawn_at = number * pause if "withdraw" in how else withdrawn_at
    for seconds in (
        *signed,
        len(rotations) * pause,
        BEFORE + 2 * pause,
        AFTER - 1,
        AFTER + BEFORE + 3 * pause,
        2 * AFTER,
    ):
        with time_machine.travel(start + seconds, tick=False):
            now_signs = signer(house)
            assert now_signs in published(house), seconds
        if seconds > withdrawn_at:
            with time_machine.travel(start + seconds + 3600, tick=False):
                assert now_signs in published(house), f"signed at {seconds}, gone an hour later"


def test_a_stolen_key_is_withdrawn_at_once(house: House) -> None:
    stolen = signer(house)
    forged = house.keys.sign(claims(), "ES256")
    (new,) = rotated(house, "ES256", withdraw=True)
    assert signer(house) == new
    assert stolen not in published(house)
    with pytest.raises(NotOurs):
        house.keys.open_hint(forged)


# ---- believed: our own id_tokens, when somebody brings them back ----


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_hint_of_ours_is_believed_however_old(house: House, alg: str) -> None:
    """OpenID Connect Core section 3.1.2.1."""
    token = house.keys.sign(claims(exp=clock.seconds() - 86_400), alg)
    assert house.keys.open_hint(token)["sub"] == "s"


def test_a_hint_outlives_the_rotation_of_its_key_but_not_the_key(house: House) -> None:
    token = house.keys.sign(claims(), "ES256")
    rotated(house, "ES256")
    with at(BEFORE + AFTER - 5):
        assert house.keys.open_hint(token)["sub"] == "s"
    with at(BEFORE + AFTER + 1), pytest.raises(NotOurs):
        house.keys.open_hint(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://elsewhere.example"}, {"iss": ISSUER + "/"}, {"iss": [ISSUER]}, {"iss": None}, {"sub": None},
        {"sub": 1}, {"aud": None}, {"iat": None}, {"exp": None}, {"iat": 9_999_999_999}, {"nbf": 9_999_999_999},
    ],
)  # fmt: skip
def test_what_we_would_not_have_said_is_not_believed(house: House, changes: dict[str, Any]) -> None:
    said = {name: value for name, value in (claims() | changes).items() if value is not None}
    key = next(key for key in house.keys.listed() if key.purpose == "ES256")
    headers = {"kid": key.kid, "typ": "JWT"}
    token = jwt.PyJWS().encode(json.dumps(said).encode(), key.private, "ES256", headers=headers)
    with pytest.raises(NotOurs):
        house.keys.open_hint(token)


def test_a_clock_that_is_a_little_fast_is_forgiven(house: House) -> None:
    token = house.keys.sign(claims(iat=clock.seconds() + CLOCK_SKEW_SECONDS - 5), "ES256")
    assert house.keys.open_hint(token)["sub"] == "s"


def _forged(house: House) -> dict[str, str]:
    """RFC 8725 sections 2.1 to 2.4, and the advisories of other people's libraries."""
    key = next(key for key in house.keys.listed() if key.alg == "RS256")
    said, kid = claims(), {"kid": key.kid}
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = rsa.generate_private_key(65537, RSA_BITS)
    jwk = RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    head, body, signature = house.keys.sign(said, "RS256").split(".")
    hs256 = to_text(json.dumps({"alg": "HS256", "typ": "JWT"} | kid).encode()) + "." + body
    return {
        "alg none": jwt.encode(said, None, "none", headers=kid),
        "HS256 with the public key": f"{hs256}.{to_text(hmac.digest(pem, hs256.encode(), 'sha256'))}",
        "another key under our kid": jwt.encode(said, stranger, "RS256", headers=kid),
        "its own key in the header": jwt.encode(said, stranger, "RS256", headers={"jwk": jwk}),
        "our kid and its own key": jwt.encode(said, stranger, "RS256", headers=kid | {"jwk": jwk}),
        "a kid that is a path": jwt.encode(said, stranger, "RS256", headers={"kid": "../../dev/null"}),
        "no kid": jwt.encode(said, key.private, "RS256"),
        "an algorithm that the key is not for": jwt.encode(said, key.private, "RS512", headers=kid),
        "PS256 with our key": jwt.encode(said, key.private, "PS256", headers=kid),
        "an unknown critical header": jwt.encode(said, key.private, "RS256", headers=kid | {"crit": ["x"], "x": 1}),
        "another type": house.keys.sign(said, "RS256", typ="logout+jwt"),
        "an access token's type": house.keys.sign(said, "RS256", typ="at+jwt"),
        "the signature of another": f"{head}.{body}.{signature[::-1]}",
        "no signature": f"{head}.{body}.",
        "two dots too few": head,
        "five parts": f"{head}.{body}.{signature}.{head}.{body}",
        "nothing": "",
        "a JSON serialization": json.dumps({"payload": body, "signatures": []}),
        "a payload that is a list": jwt.PyJWS().encode(b"[]", key.private, "RS256", headers=kid | {"typ": "JWT"}),
        "a payload that is no JSON": jwt.PyJWS().encode(b"\xff", key.private, "RS256", headers=kid | {"typ": "JWT"}),
        "not ASCII": "é.é.é",
        "deeper than any parser": "W1tb" * 5000 + ".e30.AA",
    }


KINDS = (
    "alg none", "HS256 with the public key", "another key under our kid", "its own key in the header",
    "our kid and its own key", "a kid that is a path", "no kid", "an algorithm that the key is not for",
    "PS256 with our key", "an unknown critical header", "another type", "an access token's type",
    "the signature of another", "no signature", "two dots too few", "five parts", "nothing", "a JSON serialization",
    "a payload that is a list", "a payload that is no JSON", "not ASCII", "deeper than any parser",
)  # fmt: skip


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, str]]:
    house = furnished(tmp_path_factory.mktemp("forged"))
    return house, _forged(house)


@pytest.mark.parametrize("kind", KINDS)
def test_no_forgery_is_believed(forged: tuple[House, dict[str, str]], kind: str) -> None:
    house, tokens = forged
    assert tokens.keys() == set(KINDS)
    with pytest.raises(NotOurs):
        house.keys.open_hint(tokens[kind])
