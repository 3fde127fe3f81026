"""Token Status Lists: the draft's own vectors, ours, and what a verifier says of a card by them."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib

import cbor2
import jwt
import pytest
from jwt.algorithms import ECAlgorithm

from idp.digital_id import (
    Answer,
    BadList,
    Lists,
    Reason,
    Status,
    StatusList,
    Verdict,
    cose,
    issue,
    read,
    read_keys,
    verify,
)
from idp.digital_id import status_lists as lists
from idp.digital_id.card import StatusReference, claims_of
from idp.digital_id.status_lists import INVALID, SUSPENDED, VALID, array_of, compressed, read_cwt, read_jwt
from tests.digital_id.cards import DAY, ISSUER, LIST, NOW, card, pen
from tests.digital_id.raw import sign1, text_of

# The key, the address and the tokens of the examples of draft-ietf-oauth-status-list.
THEIR_JWK = {
    "kty": "EC", "crv": "P-256", "kid": "12", "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
    "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
}  # fmt: skip
THEIR_KEYS = read_keys(json.dumps(THEIR_JWK).encode(), "https://example.com")
THEIR_URI = "https://example.com/statuslists/1"
THEIR_CWT = bytes.fromhex(
    "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b637774a1044231325850a502782168747470733a2f2f65"
    "78616d706c652e636f6d2f7374617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda2646269747301636c7374"
    "4a78dadbb918000217015d584093fa4d01032b18c35e2fe1101b77fd6cc9440022caa4694450c4e4e9feab4e99d1fa6d9772ce2bf3a12e03"
    "23ded7c982c5e101a5e67f0cbc1e2b6f57ce99c279"
)
THEIR_JWT = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEyIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.eyJleHAiOjIyOTE3MjAxNzAsImlhdCI6MTY4NjkyMDE3MC"
    "wiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSIsInN0YXR1c19saXN0Ijp7ImJpdHMiOjEsImxzdCI6ImVOcmJ1UmdBQWhjQlhRIn0sInN1YiI6Imh0"
    "dHBzOi8vZXhhbXBsZS5jb20vc3RhdHVzbGlzdHMvMSIsInR0bCI6NDMyMDB9.2lKUUNG503R9htu4aHAYi7vjmr3sgApbfoDvPrl65N3URUO1EYqqQ"
    "l45Jfzd-Av4QzlKa3oVALpLwOEUOq-U_g"
)
THEIR_REFERENCED_TOKEN = bytes.fromhex(
    "d28443a10126a1044231325866a502653132333435017368747470733a2f2f6578616d706c652e636f6d061a648c5bea041a8898dfea19ffff"
    "a16b7374617475735f6c697374a2636964780063757269782168747470733a2f2f6578616d706c652e636f6d2f7374617475736c697374732f"
    "315840340f7efea10f1a36dc4797636a17b4dd4848b68997d1d10e8cceb3a38ff33b3dda72964a83989f6cf98560c2fc97a08bc8977cc6b0f8"
    "4cfedab93d3e4481e938"
)
ONE_BIT = {0: 1, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1, 6: 0, 7: 1, 8: 1, 9: 1, 10: 0, 11: 0, 12: 0, 13: 1, 14: 0, 15: 1}
TWO_BITS = dict(enumerate([1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]))


def listed(values: dict[int, int] | None = None, **changes: object) -> StatusList:
    usual = StatusList(
        uri=LIST, issuer=ISSUER, bits=2, array=array_of(2**20, values or {}), issued_at=NOW, expires_at=NOW + 8 * DAY,
        ttl_seconds=60,
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values, bits, array, lst",
    [(ONE_BIT, 1, "b9a3", "eNrbuRgAAhcBXQ"), (TWO_BITS, 2, "c944f9", "eNo76fITAAPfAgc")],
)
def test_the_vectors_of_the_arrays(values: dict[int, int], bits: int, array: str, lst: str) -> None:
    made = array_of(len(values), values, bits)
    assert made.hex() == array
    assert base64.urlsafe_b64encode(compressed(made)).rstrip(b"=").decode() == lst
    read = listed(array=made, bits=bits)
    assert {index: read.value_at(index) for index in values} == values
    assert (read.value_at(len(values)), read.value_at(-1)) == (None, None)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_arrays_of_every_width_are_read(bits: int) -> None:
    values = {index: index * 7 % (1 << bits) for index in range(100)}
    read = listed(array=array_of(100, values, bits), bits=bits)
    assert {index: read.value_at(index) for index in range(100)} == values


@pytest.mark.parametrize("size, values, bits", [(8, {8: 1}, 2), (8, {0: 4}, 2), (8, {-1: 1}, 2), (8, {}, 3)])
def test_what_has_no_place_in_an_array_is_refused(size: int, values: dict[int, int], bits: int) -> None:
    with pytest.raises(ValueError, match=r"bits|outside"):
        array_of(size, values, bits)


def test_the_tokens_of_the_draft_are_believed() -> None:
    for found in (
        read_cwt(THEIR_CWT, THEIR_KEYS, NOW, THEIR_URI),
        read_jwt(THEIR_JWT, THEIR_KEYS, NOW, THEIR_URI),
    ):
        assert (found.bits, found.array.hex(), found.ttl_seconds) == (1, "b9a3", 43_200)
        assert (found.issued_at, found.expires_at) == (1_686_920_170, 2_291_720_170)
        assert {index: found.value_at(index) for index in ONE_BIT} == ONE_BIT


def test_the_referenced_token_of_the_draft_names_its_list_where_ours_do() -> None:
    opened = cose.opened(THEIR_REFERENCED_TOKEN, set())
    assert isinstance(opened, cose.Signed) and cose.signer_of(opened, THEIR_KEYS) is THEIR_KEYS[0]
    claims = cbor2.loads(opened.unverified_payload)
    reference = StatusReference(index=0, uri=THEIR_URI)
    assert claims[65535] == claims_of(card(status=reference))[65535]
    text = text_of(sign1(claims | {169: {1: "A"}}))
    assert read(text).card.status == reference


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_our_tokens_are_believed_in_both_forms(alg: str) -> None:
    ours, keys = listed({731_205: SUSPENDED}), [pen(alg).trusted(ids=frozenset({b"es256-1"}))]
    as_jwt = lists.as_jwt(ours, pen(alg), "es256-1")
    assert read_jwt(as_jwt, keys, NOW, LIST) == ours
    assert read_cwt(lists.as_cwt(ours, pen(alg), pen(alg).key_id), keys, NOW, LIST) == ours
    claims = jwt.decode(as_jwt, pen(alg).public, algorithms=[alg], options={"verify_exp": False, "verify_iat": False})
    assert claims["sub"] == LIST and claims["ttl"] == 60
    header = cbor2.loads(cbor2.loads(lists.as_cwt(ours, pen(alg), pen(alg).key_id)).value[0])
    assert header[16] == "application/statuslist+cwt"


@pytest.mark.parametrize(
    "changes, now, uri, why",
    [
        ({}, NOW, LIST + "3", "sub is not the address"),
        ({"issuer": "https://other.example"}, NOW, LIST, "another issuer's"),
        ({}, NOW + 8 * DAY + 60, LIST, "expired"),
        ({}, NOW - 61, LIST, "future"),
        ({"bits": 3}, NOW, LIST, "status_list is not"),
        ({"ttl_seconds": -1}, NOW, LIST, "ttl"),
    ],
)
def test_a_list_that_is_not_as_it_should_be_is_not_believed(
    changes: dict[str, object], now: int, uri: str, why: str
) -> None:
    wrong, keys = listed(**changes), [pen().trusted(ids=frozenset({b"1"}))]
    with pytest.raises(BadList, match=why):
        read_jwt(lists.as_jwt(wrong, pen(), "1"), keys, now, uri)
    with pytest.raises(BadList, match=why):
        read_cwt(lists.as_cwt(wrong, pen(), pen().key_id), keys, now, uri)


def test_a_list_that_somebody_else_signed_is_not_believed() -> None:
    forged = lists.as_cwt(listed(), pen(name="stranger"), pen().key_id)
    keys = [pen().trusted(ids=frozenset({b"1"}))]
    with pytest.raises(BadList, match="no trusted key"):
        read_cwt(forged, keys, NOW, LIST)
    with pytest.raises(BadList, match="no trusted key"):
        read_jwt(lists.as_jwt(listed(), pen(name="stranger"), "1"), keys, NOW, LIST)
    with pytest.raises(BadList, match="no trusted key"):
        read_jwt(lists.as_jwt(listed(), pen(), "1"), [pen().trusted(ids=frozenset({b"1"}), withdrawn=True)], NOW, LIST)
    symmetric = jwt.encode(
        {"sub": LIST}, ECAlgorithm.to_jwk(pen().public) + "0" * 32, headers={"kid": "1", "typ": "statuslist+jwt"}
    )
    with pytest.raises(BadList, match="no trusted key"):
        read_jwt(symmetric, keys, NOW, LIST)


def test_another_type_of_token_is_no_list() -> None:
    keys = [pen().trusted()]
    with pytest.raises(BadList, match="type is not"):
        read_cwt(sign1({2: LIST, 6: NOW, 65533: {"bits": 1, "lst": b""}}), keys, NOW, LIST)
    with pytest.raises(BadList, match="18 alone"):
        read_cwt(b"\xd8\x3d" + THEIR_CWT, THEIR_KEYS, NOW, THEIR_URI)
    with pytest.raises(BadList, match="typ is not"):
        read_jwt(jwt.encode({"sub": LIST}, "k" * 32), keys, NOW, LIST)
    with pytest.raises(BadList, match="not a JWT"):
        read_jwt("x", keys, NOW, LIST)


def test_a_list_that_swells_is_not_believed() -> None:
    bomb = zlib.compress(bytes(lists.ARRAY_BYTES + 1), 9)
    header = {1: -7, 4: pen().key_id, 16: lists.CWT_TYPE}
    token = sign1({2: LIST, 6: NOW, 65533: {"bits": 2, "lst": bomb}}, header=header)
    with pytest.raises(BadList, match="too_large"):
        read_cwt(token, [pen().trusted()], NOW, LIST)


# ---- what a verifier says by them ----


def checked(values: dict[int, int], now: int = NOW, **changes: object) -> Verdict:
    text = issue(card(), pen(), pen().key_id)
    return verify(text, [pen().trusted()], now, Lists([listed(values, **changes)]))


@pytest.mark.parametrize(
    "value, answer, status, reason",
    [
        (VALID, Answer.GENUINE, Status.VALID, None),
        (INVALID, Answer.REFUSED, Status.INVALID, Reason.REVOKED),
        (SUSPENDED, Answer.REFUSED, Status.SUSPENDED, Reason.SUSPENDED),
        (3, Answer.REFUSED, Status.RESERVED, Reason.UNKNOWN_STATUS),
    ],
)
def test_a_card_is_what_its_list_says(value: int, answer: Answer, status: Status, reason: Reason | None) -> None:
    found = checked({731_205: value})
    assert (found.answer, found.status, found.reason, found.status_as_of) == (answer, status, reason, NOW)
    assert checked({731_204: INVALID, 731_206: INVALID}).answer is Answer.GENUINE


def test_a_card_without_a_place_in_its_list_is_refused() -> None:
    found = checked({}, array=array_of(1_000, {}))
    assert (found.answer, found.reason) == (Answer.REFUSED, Reason.UNKNOWN_STATUS)


@pytest.mark.parametrize(
    "age_seconds, answer, reason",
    [
        (86_400, Answer.GENUINE, None),
        (86_401, Answer.GENUINE_STATUS_OLD, Reason.STATUS_OLD),
        (-60, Answer.GENUINE, None),
        (-61, Answer.GENUINE_STATUS_OLD, Reason.STATUS_OLD),
    ],
)
def test_an_old_list_is_a_third_answer(age_seconds: int, answer: Answer, reason: Reason | None) -> None:
    found = checked({}, issued_at=NOW - age_seconds)
    assert (found.answer, found.reason, found.status_as_of) == (answer, reason, NOW - age_seconds)


def test_a_card_whose_list_is_not_here_is_genuine_with_a_doubt() -> None:
    text = issue(card(), pen(), pen().key_id)
    others = Lists([listed(issuer="https://other.example"), listed(uri=LIST + "3")])
    for statuses in (None, Lists([]), others):
        found = verify(text, [pen().trusted()], NOW, statuses)
        assert (found.genuine, found.answer) == (True, Answer.GENUINE_STATUS_OLD)
        assert (found.reason, found.status_as_of) == (Reason.STATUS_NOT_KNOWN, None)


def test_an_expired_list_says_no_more_that_a_card_is_valid_but_still_that_one_is_not() -> None:
    later = NOW + 9 * DAY
    assert checked({}, later).reason is Reason.STATUS_NOT_KNOWN
    assert checked({731_205: INVALID}, later).reason is Reason.REVOKED
