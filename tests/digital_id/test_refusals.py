"""What comes from strangers: each way to be no good has its own reason, and none is called genuine."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest

from idp.digital_id import Leniency, Reason, Verdict, base45, issue, verify
from tests.digital_id.cards import DAY, ISSUER, NOW, card, pen
from tests.digital_id.raw import claims, other_half, sign1, text_of

ROOT = Path(__file__).resolve().parents[2]


def verdict(text: str, now: int = NOW, **changes: Any) -> Verdict:
    return verify(text, [pen().trusted(**changes), pen("EdDSA").trusted()], now)


def refused(text: str, reason: Reason, now: int = NOW, **changes: Any) -> Verdict:
    found = verdict(text, now, **changes)
    assert (found.genuine, found.reason) == (False, reason)
    return found


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth > 1 else []


OURS = sign1(claims())
UNREADABLE = [
    ("text over 3,000 characters", "0" * 3_001, Reason.TOO_LONG),
    ("nothing", "", Reason.BAD_COMPRESSION),
    ("lower case", text_of(OURS).lower(), Reason.BAD_TEXT),
    ("a letter too many for two bytes", ":::", Reason.BAD_TEXT),
    ("a letter too many for one byte", "::", Reason.BAD_TEXT),
    ("one letter over", base45.encode(b"even") + "0", Reason.BAD_TEXT),
    ("the card's own text of old", "001090012345||Nguyễn Văn A|01011990|Nam|Huế|01012021", Reason.BAD_TEXT),
    ("another prefix", "HC1:" + text_of(OURS), Reason.BAD_TEXT),
    ("an inflated size over 64 KiB", text_of(b"\x00" * 65_537), Reason.TOO_LARGE),
    ("half a stream", base45.encode(zlib.compress(OURS, 9)[:-9]), Reason.BAD_COMPRESSION),
    ("two streams", base45.encode(zlib.compress(OURS, 9) + b"\x00"), Reason.TRAILING_BYTES),
    ("bytes after the item", text_of(OURS + b"\x00"), Reason.TRAILING_BYTES),
    ("no CBOR", text_of(b"\xd2\x1c"), Reason.BAD_CBOR),
    ("half an item", text_of(OURS[:-1]), Reason.BAD_CBOR),
    ("a text that is not UTF-8", text_of(sign1(b"\xa1\x01\x61\xff")), Reason.BAD_CBOR),
    ("nine levels", text_of(sign1({169: {1: "A"}, 200: nested(8)})), Reason.TOO_DEEP),
    ("too many keys", text_of(sign1(dict.fromkeys(range(257), 0))), Reason.TOO_MANY_KEYS),
    ("one key twice", text_of(sign1(b"\xa2\x01\x61a\x01\x61b")), Reason.DUPLICATE_KEY),
    ("one key twice, once written long", text_of(sign1(b"\xa2\x01\x61a\x18\x01\x61b")), Reason.DUPLICATE_KEY),
    ("a key that is a list", text_of(sign1(b"\xa1\x80\x00")), Reason.BAD_CBOR),
    ("a map of indefinite length", text_of(sign1(b"\xbf\x01\x61a\xff")), Reason.INDEFINITE_LENGTH),
    ("a text of indefinite length", text_of(sign1(b"\xa1\x01\x7f\x61a\xff")), Reason.INDEFINITE_LENGTH),
    ("a tag inside", text_of(sign1({169: cbor2.CBORTag(4, [2**40, 1])})), Reason.BAD_CBOR),
    ("no tag", text_of(OURS[1:]), Reason.NOT_COSE),
    ("another tag", text_of(b"\xd1" + OURS[1:]), Reason.NOT_COSE),
    ("three parts", text_of(b"\xd2" + cbor2.dumps([b"", {}, b""])), Reason.NOT_COSE),
    ("a payload that stands elsewhere", text_of(b"\xd2" + cbor2.dumps([b"", {}, None, b""])), Reason.NOT_COSE),
    ("no algorithm", text_of(sign1(claims(), header={4: pen().key_id})), Reason.UNKNOWN_ALGORITHM),
    ("an algorithm unprotected", text_of(sign1(claims(), header={}, unprotected={1: -7})), Reason.UNKNOWN_ALGORITHM),
    ("RS256", text_of(sign1(claims(), header={1: -257, 4: pen().key_id})), Reason.UNKNOWN_ALGORITHM),
    ("HS256", text_of(sign1(claims(), header={1: 5, 4: pen().key_id})), Reason.UNKNOWN_ALGORITHM),
    ("crit", text_of(sign1(claims(), header={1: -7, 2: [1], 4: pen().key_id})), Reason.CRITICAL_HEADER),
    ("crit unprotected", text_of(sign1(claims(), unprotected={2: [1]})), Reason.CRITICAL_HEADER),
    ("a kid that is text", text_of(sign1(claims(), header={1: -7, 4: "k"})), Reason.NOT_COSE),
    ("no claim 169", text_of(sign1(claims(c169=None))), Reason.NO_IDENTITY),
    ("claims that are a list", text_of(sign1([1])), Reason.BAD_CLAIM),
    ("claim 169 a text", text_of(sign1(claims(c169="A"))), Reason.BAD_CLAIM),
    ("an expiry that is text", text_of(sign1(claims(c4="2030"))), Reason.BAD_CLAIM),
    ("an expiry that is true", text_of(sign1(claims(c4=True))), Reason.BAD_CLAIM),
    ("an expiry of no calendar", text_of(sign1(claims(c4=2**63))), Reason.BAD_CLAIM),
    ("an index below zero", text_of(sign1(claims(c65535={"status_list": {"idx": -1, "uri": "u"}}))), Reason.BAD_CLAIM),
    ("a status without address", text_of(sign1(claims(c65535={"status_list": {"idx": 1}}))), Reason.BAD_CLAIM),
    ("a name that is a number", text_of(sign1(claims(a4=7))), Reason.BAD_CLAIM),
    ("a gender of its own", text_of(sign1(claims(a9=4))), Reason.BAD_CLAIM),
    ("a gender in words", text_of(sign1(claims(a9="female"))), Reason.BAD_CLAIM),
    ("a photograph that is no base64", text_of(sign1(claims(a16="?"))), Reason.BAD_CLAIM),
]


@pytest.mark.parametrize("text, reason", [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_what_cannot_be_read_has_its_reason(text: str, reason: Reason) -> None:
    found = refused(text, reason)
    assert (found.decodes, found.card) == (False, None)


def test_eight_levels_are_read() -> None:
    found = refused(text_of(sign1(claims(c200=nested(7)))), Reason.UNKNOWN_CLAIMS)
    assert found.decodes
    refused(text_of(sign1(claims(c200=nested(8)))), Reason.TOO_DEEP)


def test_a_card_of_ours_is_genuine_in_the_midst_of_all_this() -> None:
    found = verdict(text_of(sign1(claims(card(status=None)))))
    assert (found.decodes, found.genuine, found.reason, found.leniencies) == (True, True, None, frozenset())
    assert verdict(text_of(sign1(claims(card(status=None)))) + "\r\n").genuine


# ---- it can be read, and is not genuine ----


def test_a_key_that_nobody_trusts() -> None:
    other = pen(name="stranger")
    refused(issue(card(), other, other.key_id), Reason.UNKNOWN_KEY)
    refused(issue(card(), other, pen().key_id), Reason.BAD_SIGNATURE)  # under our name


def test_the_wrong_algorithm_for_the_key() -> None:
    refused(text_of(sign1(claims(), header={1: -8, 4: pen().key_id})), Reason.WRONG_ALGORITHM)
    refused(text_of(sign1(claims(), pen("EdDSA"), header={1: -8, 4: pen().key_id})), Reason.WRONG_ALGORITHM)
    refused(text_of(sign1(claims(), header={1: -8, 4: pen("EdDSA").key_id})), Reason.BAD_SIGNATURE)


def test_two_keys_of_one_id_are_both_tried() -> None:
    other = pen(name="stranger")
    same = [other.trusted(ids=frozenset({pen().key_id})), pen().trusted()]
    assert verify(issue(card(), pen(), pen().key_id), same, NOW).genuine


def test_a_withdrawn_key() -> None:
    refused(issue(card(), pen(), pen().key_id), Reason.WITHDRAWN_KEY, withdrawn=True)


def test_another_issuers_name() -> None:
    refused(issue(card(issuer="https://id.other.example"), pen(), pen().key_id), Reason.WRONG_ISSUER)


@pytest.mark.parametrize(
    "seconds, reason",
    [(365 * DAY + 59, None), (365 * DAY + 60, Reason.EXPIRED), (-60, None), (-61, Reason.ISSUED_AHEAD)],
)
def test_clocks_may_differ_by_a_minute(seconds: int, reason: Reason | None) -> None:
    found = verdict(issue(card(status=None), pen(), pen().key_id), NOW + seconds)
    assert (found.genuine, found.reason) == (reason is None, reason)


def test_a_clerks_clock_that_is_off_by_an_hour_has_its_reason() -> None:
    refused(issue(card(), pen(), pen().key_id), Reason.ISSUED_AHEAD, NOW - 3_600)


def test_a_card_that_is_not_valid_yet() -> None:
    text = issue(card(not_before=NOW + DAY, status=None), pen(), pen().key_id)
    refused(text, Reason.NOT_YET_VALID)
    assert verdict(text, NOW + DAY - 60).genuine


@pytest.mark.parametrize("strict", [True, False])
def test_a_card_without_expiry_is_never_genuine(strict: bool) -> None:
    reason = Reason.NOT_STRICT if strict else Reason.NO_EXPIRY
    refused(text_of(sign1(claims(c4=None))), reason, strict=strict)


LENIENT = [
    ({"prefix": b"\xd8\x3d\xd2"}, {}, Leniency.CWT_TAG),
    ({}, {"c169": cbor2.dumps(claims()[169])}, Leniency.WRAPPED_CLAIM),
    ({}, {"a62": {0: b"face", 1: 0}}, Leniency.SINGLE_BIOMETRIC),
    ({}, {"a9": "2"}, Leniency.NUMBER_AS_TEXT),
    ({}, {"a16": "AAECAw==", "a17": 4}, Leniency.PHOTO_AS_TEXT),
    ({"header": {1: -7}}, {}, Leniency.NO_KEY_ID),
    ({"header": {1: -7}, "unprotected": {4: pen().key_id}}, {}, Leniency.KEY_ID_UNPROTECTED),
    ({"prefix": b"\xd8\x12"}, {}, Leniency.NOT_DETERMINISTIC),
    ({"header": b"\xa2\x04\x48" + pen().key_id + b"\x01\x26"}, {}, Leniency.NOT_DETERMINISTIC),
    ({}, {"c6": None}, Leniency.MISSING_CLAIM),
]


@pytest.mark.parametrize("shape, changes, leniency", LENIENT)
def test_what_others_write_is_genuine_only_by_keys_that_are_not_strict(
    shape: dict[str, Any], changes: dict[str, Any], leniency: Leniency
) -> None:
    text = text_of(sign1(claims(card(status=None), **changes), **shape))
    found = verdict(text, strict=False)
    assert (found.genuine, found.reason, found.leniencies) == (True, None, {leniency})
    refused(text, Reason.NOT_STRICT)


@pytest.mark.parametrize(
    "changes, shape, name",
    [
        ({"c99": 1}, {}, "99"),
        ({"a75": 18, "a76": "x"}, {}, "169/76"),
        ({"c8": {5: bytes(32), 3: b"k"}}, {}, "8/3"),
        ({}, {"header": {1: -7, 3: "text", 4: pen().key_id}}, "protected/3"),
        ({}, {"header": {1: -7, 4: pen().key_id, 16: "application/statuslist+cwt"}}, "protected/16"),
    ],
)
def test_unknown_keys_are_named_and_harmless_only_by_keys_that_are_not_strict(
    changes: dict[str, Any], shape: dict[str, Any], name: str
) -> None:
    text = text_of(sign1(claims(card(status=None), **changes), **shape))
    found = verdict(text, strict=False)
    assert found.genuine and found.card is not None and set(found.card.unknown) == {name}
    refused(text, Reason.UNKNOWN_CLAIMS)


def test_a_signature_that_a_stranger_made_of_ours_is_none_of_ours() -> None:
    protected, header, payload, signature = cbor2.loads(OURS[1:])
    text = text_of(b"\xd2" + cbor2.dumps([protected, header, payload, other_half(signature)]))
    assert refused(text, Reason.NOT_STRICT).leniencies == {Leniency.HIGH_S}
    assert refused(text, Reason.NOT_STRICT).fingerprint == verdict(text_of(OURS)).fingerprint


def test_whoever_verifies_loads_no_framework_and_no_database() -> None:
    heavy = "[name for name in ('flask', 'sqlalchemy', 'authlib', 'pydantic', 'numpy') if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys, idp.digital_id; print({heavy})"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_verdict_holds_the_issuers_name() -> None:
    found = verdict(text_of(OURS))
    assert found.card is not None and found.card.issuer == ISSUER
