"""The counter's scripts say of every code what Python says, reason by reason; the scripts run in Node."""

from __future__ import annotations

import base64
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import cbor2
import pytest

from idp.digital_id import BadList, Lists, Reason, StatusList, cose, read_cwt, trust_lists, verify
from idp.digital_id import status_lists as lists
from idp.digital_id.forging import LIST_SIZE
from idp.digital_id.status_lists import array_of, as_cwt
from idp.digital_id.trust_lists import TrustList
from tests.counter.corpus import codes, forged, listed_values, ours
from tests.counter.issuer import Issuer, jwk
from tests.digital_id.cards import DAY, ISSUER, LIST, NOW, pen
from tests.digital_id.raw import sign1
from tests.node import node

RUN = Path(__file__).parent / "run.mjs"
FORGED = 600


def listed(now: int = NOW, **changes: Any) -> bytes:
    usual: dict[str, Any] = {
        "uri": LIST, "issuer": ISSUER, "bits": 2, "array": array_of(2 * LIST_SIZE, listed_values()), "issued_at": now,
        "expires_at": now + 8 * DAY, "ttl_seconds": 60,
    }  # fmt: skip
    return as_cwt(StatusList(**(usual | changes)), pen(), pen().key_id)


def told(**given: Any) -> dict[str, Any]:
    run = subprocess.run(
        [node(), str(RUN)], input=json.dumps(given).encode(), capture_output=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stderr.decode()
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def issuer() -> Issuer:
    made = Issuer(ISSUER)
    made.pen = pen()
    return made


AGES = [  # of the news, and for what the age alone makes a card doubtful
    (None, "status_not_known"), (0, None), (DAY, None), (DAY + 1, "status_old"), (-60, None), (-61, "status_old"),
    (9 * DAY, "status_not_known"),
]  # fmt: skip


@pytest.mark.parametrize("age, doubt", AGES)
def test_every_code_has_the_same_verdict_here_and_there(age: int | None, doubt: str | None) -> None:
    shown = [*codes(), *forged(FORGED, 5)] if age == 0 else [*ours(), *forged(60, 6)]
    tokens = [] if age is None else [{"token": listed(NOW - age), "now": NOW - age, "uri": LIST}]
    keys = [pen().trusted()]
    statuses = Lists([read_cwt(one["token"], keys, one["now"], LIST) for one in tokens])
    answer = told(
        issuer=ISSUER, trustLists=[{"token": issuer().trust_list(NOW, exp=NOW + 900 * DAY), "now": NOW, "first": True}],
        lists=[one | {"token": base64.b64encode(one["token"]).decode()} for one in tokens],
        codes=[{"text": text, "now": now, "list": None if age is None else 0} for text, now in shown],
    )  # fmt: skip
    reasons: Counter[str | None] = Counter()
    for (text, now), theirs in zip(shown, answer["verdicts"], strict=True):
        verdict = verify(text, keys, now, statuses)
        reason = verdict.reason and verdict.reason.value
        reasons[reason] += 1
        expected = {
            "answer": verdict.answer.value, "reason": reason, "status": verdict.status and verdict.status.value,
            "asOf": verdict.status_as_of, "fingerprint": verdict.fingerprint and verdict.fingerprint.hex(),
        }  # fmt: skip
        assert theirs == expected, text
    assert reasons[doubt] > 0
    if age == 0:
        never = {Reason.CANNOT_DECRYPT, Reason.WITHDRAWN_KEY, Reason.STATUS_OLD, Reason.NO_EXPIRY}  # strict, with news
        never |= {reason for reason in Reason if reason.value.startswith("presence_")}  # theirs are apart
        assert reasons.keys() == {None, *(reason.value for reason in Reason if reason not in never)}


def test_the_same_lists_are_believed_here_and_there() -> None:
    header = {1: -7, 4: pen().key_id, 16: lists.CWT_TYPE}

    def of(**changes: Any) -> bytes:
        made: dict[Any, Any] = {2: LIST, 6: NOW, 65533: {"bits": 2, "lst": lists.compressed(bytes(9))}}
        for name, value in changes.items():
            made[int(name[1:])] = value
        return sign1(made, header=header)

    good = lists.compressed(bytes(9))
    shown = [
        listed(), listed(uri=LIST + "3"), listed(issuer="https://other.example"), listed(issuer=None), listed(NOW + 60),
        listed(NOW + 61), listed(expires_at=NOW - 59), listed(expires_at=NOW - 60), listed(expires_at=None),
        listed(bits=3),
        listed(ttl_seconds=-1), listed(ttl_seconds=None), of(), of(c6="x"), of(c6=True), of(c4=1.5), of(c1=7),
        of(c65533=[]),
        of(c65533={"bits": True, "lst": good}), of(c65533={"bits": 1, "lst": "x"}),
        of(c65533={"bits": 1, "lst": good[:-1]}),
        of(c65533={"bits": 1, "lst": good + b"\0"}), of(c65533={"bits": 8, "lst": b""}), of(c99="unknown is no harm"),
        of(c65533={"bits": 2, "lst": lists.compressed(bytes(lists.ARRAY_BYTES + 1))}),
        sign1({2: LIST, 6: NOW, 65533: {"bits": 2, "lst": good}}), sign1([1], header=header), b"\xd8\x3d" + listed(),
        b"", b"x",
        as_cwt(StatusList(uri=LIST, issuer=None, bits=2, array=b"", issued_at=NOW), pen(name="stranger"), pen().key_id),
        cose.signed(cbor2.dumps({}), pen("EdDSA"), pen().key_id, lists.CWT_TYPE),
    ]  # fmt: skip
    answer = told(
        issuer=ISSUER, trustLists=[{"token": issuer().trust_list(NOW), "now": NOW, "first": True}], codes=[],
        lists=[{"token": base64.b64encode(one).decode(), "now": NOW, "uri": LIST} for one in shown],
    )  # fmt: skip
    expected = []
    for token in shown:
        try:
            read_cwt(token, [pen().trusted()], NOW, LIST)
            expected.append(None)
        except BadList as problem:
            expected.append(str(problem))
    assert [why is None for why in answer["lists"]] == [why is None for why in expected], list(
        zip(answer["lists"], expected, strict=True)
    )
    assert len({why for why in expected if why}) > 8 and expected.count(None) > 4


def test_a_trust_list_is_believed_if_the_one_before_vouches_for_it() -> None:
    us, now = issuer(), NOW
    new, stranger, other = pen(name="new"), pen(name="stranger"), issuer()
    other.issuer = "https://id.other.example"
    bare = [{**jwk(pen()), "kid": "no key id"}]
    written = TrustList(
        issuer=ISSUER,
        issued_at=now,
        expires_at=now + DAY,
        keys=(pen("EdDSA").public, pen().public),
        status_lists=(LIST,),
    )
    shown: list[tuple[str, int, str | None]] = [
        (us.trust_list(now), now, None),
        (trust_lists.as_jws(written, pen(), pen().key_id.hex()), now, None),
        (us.trust_list(now + 1, stranger), now, "no key that is trusted signed it"),  # by their own word alone
        (us.trust_list(now + 1, pen(), signer=stranger), now, "no key that is trusted signed it"),
        (us.trust_list(now + 1, new, signer=pen()), now, "no key that is trusted signed it"),  # not for itself any more
        (us.trust_list(now + 1, header={"alg": "none"}), now, "not a trust-list+jwt with ES256"),
        (us.trust_list(now + 1, header={"typ": "JWT"}), now, "not a trust-list+jwt with ES256"),
        (us.trust_list(now + 1, header={"crit": ["x"]}), now, "not a trust-list+jwt with ES256"),
        (other.trust_list(now + 1), now, "another issuer's"),
        (us.trust_list(now + 1, status_lists=["https://elsewhere.example/1"]), now, "a status list of another place"),
        (us.trust_list(now + 1, keys=[]), now, "a claim is missing"),
        (us.trust_list(now + 1, keys=bare), now, "a key that is none"),
        (us.trust_list(now + 1, exp="soon"), now, "a claim is missing"),
        (us.trust_list(now + 61), now, "clock"),
        (us.trust_list(now)[:-2], now, "no key that is trusted signed it"),
        ("a.b", now, "no JWS"),
        (us.trust_list(now + 1, pen(), new), now, None),
        (us.trust_list(now + 2, new, pen()), now, None),  # the keys change hands
        (us.trust_list(now + 3, new), now, None),
        (us.trust_list(now + 4), now, "no key that is trusted signed it"),
    ]
    answer = told(
        issuer=ISSUER, lists=[], codes=[],
        trustLists=[{"token": token, "now": at, "first": place == 0} for place, (token, at, _) in enumerate(shown)],
    )  # fmt: skip
    assert answer["trustLists"] == [why for _, _, why in shown]


def test_without_a_trust_list_or_with_a_stale_one_nothing_is_genuine() -> None:
    code = {"text": issuer().card(NOW, status=None), "list": None}
    stale = told(
        issuer=ISSUER, lists=[], trustLists=[{"token": issuer().trust_list(NOW), "now": NOW, "first": True}],
        codes=[code | {"now": NOW + 8 * DAY + 59}, code | {"now": NOW + 8 * DAY + 60}],
    )  # fmt: skip
    assert [one["reason"] for one in stale["verdicts"]] == [None, "trust_list_stale"]
    missing = told(issuer=ISSUER, lists=[], trustLists=[], codes=[code | {"now": NOW}])
    assert [(one["answer"], one["reason"]) for one in missing["verdicts"]] == [("refused", "trust_list_missing")]
