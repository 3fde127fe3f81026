"""The script that runs on the holder's phone, under Node: what it makes, our verifier accepts, each time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from idp.digital_id import Remembered, card_binding, issue, thumbprint, trusted, verify
from idp.digital_id.verification import Status
from idp.seal import from_text, to_text
from tests.digital_id.cards import NOW, card, pen
from tests.digital_id.test_presence import Lists
from tests.node import node

STATIC = Path(__file__).resolve().parents[2] / "idp/web/static/holder"
CODES = 40  # about half of all signatures have to be lowered
PHONE = """
import { createInterface } from "node:readline";
import { fromBase64Url, newKey, presenceCode, proof, publicJwk } from "%s/presence.js";
const keys = await newKey();
const jwk = await publicJwk(keys);
const refused = await crypto.subtle.exportKey("jwk", keys.privateKey).then(() => false, () => true);
console.log(JSON.stringify({ jwk, refused, proof: await proof(keys, "a challenge") }));
for await (const line of createInterface({ input: process.stdin })) {
  const { card, binding, times } = JSON.parse(line);
  const codes = [];
  for (const now of times) {
    codes.push(await presenceCode({ card, binding: fromBase64Url(binding), jwk, privateKey: keys.privateKey, now }));
  }
  console.log(JSON.stringify(codes));
  process.exit(0);
}
"""


def test_what_a_phone_makes_is_accepted_each_time_and_its_key_stays_there() -> None:
    command = [node(), "--input-type=module", "--eval", PHONE % STATIC.as_uri()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None and running.stdout is not None
        told = json.loads(running.stdout.readline())
        assert told["refused"] and set(told["jwk"]) == {"kty", "crv", "x", "y"}
        point = b"\x04" + from_text(told["jwk"]["x"]) + from_text(told["jwk"]["y"])
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        assert trusted(public).verifies(from_text(told["proof"]), b"motcua holder key\na challenge")
        text = issue(card(holder_key=thumbprint(public)), pen(), pen().key_id)
        binding = to_text(card_binding(text))
        times = [NOW + at for at in range(CODES)]
        print(json.dumps({"card": text, "binding": binding, "times": times}), file=running.stdin, flush=True)
        codes = json.loads(running.stdout.readline())
    seen = Remembered()
    for code, made_at in zip(codes, times, strict=True):
        found = verify(code, [pen().trusted()], NOW + 20, Lists(Status.VALID), seen=seen)
        assert (found.genuine, found.reason, found.shown_at) == (True, None, made_at)
