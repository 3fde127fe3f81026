"""The counter's script says of every presence code what Python says, reason by reason; it runs in Node."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from idp.digital_id import Lists, Remembered, base45, card_binding, issue, packing, read_cwt, thumbprint, verify
from idp.digital_id.status_lists import INVALID, SUSPENDED
from idp.entropy import Repeatable
from tests.counter.issuer import Issuer
from tests.digital_id.cards import ISSUER, NOW, pen
from tests.digital_id.phones import claims, cose_key, phone, presence, shown, together
from tests.digital_id.test_presence import NOT_OURS
from tests.node import node

RUN = Path(__file__).parent / "presence.mjs"
CHANGED = 150
Shown = tuple[str, int]  # a text, and when it is scanned


def issuer() -> Issuer:
    made = Issuer(ISSUER)
    made.pen = pen()
    made.values = {1: INVALID, 2: SUSPENDED}
    return made


def bound(index: int = 0, **changes: Any) -> str:
    return issuer().card(NOW - 1_000, index, **({"holder_key": thumbprint(phone().public)} | changes))


def in_python(codes: list[Shown]) -> list[dict[str, Any]]:
    us, seen, found = issuer(), Remembered(), []
    keys = [us.pen.trusted()]
    lists = Lists([read_cwt(us.status_list(NOW), keys, NOW, us.uri)])
    for text, now in codes:
        verdict = verify(text, keys, now, lists, seen=seen)
        reason = None if verdict.reason is None else verdict.reason.value
        found.append({"genuine": verdict.genuine, "reason": reason, "shownAt": verdict.shown_at})
    return found


def in_script(codes: list[Shown]) -> list[dict[str, Any] | None]:
    us = issuer()
    given = {
        "issuer": ISSUER, "trustList": us.trust_list(NOW), "list": base64.b64encode(us.status_list(NOW)).decode(),
        "uri": us.uri, "at": NOW, "codes": [{"text": text, "now": now} for text, now in codes],
    }  # fmt: skip
    run = subprocess.run([node(), str(RUN)], input=json.dumps(given).encode(), capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr.decode()
    told: list[dict[str, Any] | None] = json.loads(run.stdout)
    return told


def corpus() -> list[Shown]:
    """Good ones, in time and out of it, once and twice; of other phones and cards; and what no phone of ours writes."""
    card, thief, chance = bound(), phone("thief"), Repeatable(11)
    times = [(presence(card, now=NOW + at), NOW + later) for at, later in
             [(0, 0), (1, 45), (2, 47), (3, 63), (100, 39), (100, 40), (-44, 0), (-45, 0)]]  # fmt: skip
    again = [(presence(card, c7=b"twice..."), NOW + later) for later in (0, 1)]
    once = presence(card, c7=b"the same")
    fraud = [
        presence(card, thief), presence(card, thief, c8={1: cose_key(phone().public)}),
        presence(bound(holder_key=None)),
        presence(bound(), binding=card_binding(bound(number="VN7K2Q9XW4MC"))), presence(bound(1)), presence(bound(2)),
        presence(bound(3)), presence(issue(issuer().details(NOW), pen(name="forger"), pen().key_id)),
        presence(bound(expires_at=NOW - 61)), base45.encode(packing.decoded(presence(card))[:-3]),
        presence(card) + "\r\n",
    ]  # fmt: skip
    foreign = [together(card, part) for _, part, _ in NOT_OURS]
    many = [presence(card, phone(), NOW, c7=bytes([number] * 8)) for number in range(20)]
    changed = []
    for _ in range(CHANGED):
        data = bytearray(packing.decoded(presence(card)))
        data[1 + chance.randrange(len(data) - 1)] ^= 1 << chance.randrange(8)
        changed.append(base45.encode(bytes(data)))
    keys = [phone(f"phone {number}") for number in range(10)]  # of which half have an odd y
    others = [presence(bound(holder_key=thumbprint(key.public)), key) for key in keys]
    rest = [(text, NOW) for text in (*fraud, *foreign, *many, *changed, *others, once, once)]
    return [*times, *again, *rest]


def test_every_code_has_the_same_verdict_here_and_there() -> None:
    codes = corpus()
    here, there = in_python(codes), in_script(codes)
    for (text, now), one, other in zip(codes, here, there, strict=True):
        assert one == other, (now - NOW, text)
    reasons = {found["reason"] for found in here}
    assert reasons >= {
        None, "presence_old", "presence_seen", "presence_not_holder", "presence_not_this_card", "not_strict",
        "issued_ahead", "revoked", "suspended", "expired", "bad_signature", "bad_claim",
    }  # fmt: skip
    assert sum(found["genuine"] for found in here) > 30


def test_a_card_is_left_to_the_script_for_cards() -> None:
    others = (bound(), "no code", "", presence(bound()) + "0" * 2_400)
    assert in_script([(text, NOW) for text in others]) == [None] * len(others)
    claimed = claims(phone(), bound())
    assert in_script([(together(bound(), shown(claimed, phone())), NOW)]) != [None]
