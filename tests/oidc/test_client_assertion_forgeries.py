"""What forgers try on a client assertion (RFC 8725): another algorithm, another key, a key in the header, no key."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.oidc.asserting import (
    ASYMMETRIC,
    FAPI,
    Asserting,
    Portals,
    asserting,
    jwks,
    let_in,
    private_key,
    public_jwk,
    turned_away,
)
from tests.oidc.residents import fresh_name
from tests.world import World

pytestmark = pytest.mark.usefixtures("nobody_has_failed")
Forged = Callable[[Asserting], str]
SLOW_SECONDS = 5.0  # an honest one takes milliseconds, and so should these; the machine may be busy


def text_of(value: bytes | dict[str, Any]) -> str:
    data = json.dumps(value).encode() if isinstance(value, dict) else value
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def handmade(client: Asserting, header: dict[str, Any], signature: bytes = b"") -> str:
    return f"{text_of(header)}.{text_of(client.claims())}.{text_of(signature)}"


def with_hmac(client: Asserting, secret: bytes, header: dict[str, Any] | None = None, digest: str = "sha256") -> str:
    """The public key taken for a secret: whoever verifies HS256 with it believes anybody."""
    named = {"kid": "k1"} if header is None else header
    head = handmade(client, {"alg": "HS256"} | named).rpartition(".")[0]
    return f"{head}.{text_of(hmac.digest(secret, head.encode(), digest))}"


def of_public_key(client: Asserting) -> dict[str, bytes]:
    key = private_key(client.alg).public_key()
    return {
        "pem": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "pem without its end": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        "der": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(public_jwk(client.alg, kid="k1")).encode(),
        "nothing": b"",
    }


def by(client: Asserting, alg: str, number: int, header: dict[str, Any] | None = None, kid: str | None = "k1") -> str:
    """Signed with another key than the client's."""
    return Asserting(client.portal, alg, private_key(alg, number), kid).signed(header)


def certificate_of(alg: str, number: int) -> str:
    key, now = private_key(alg, number), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a forger")])
    day = datetime.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day).sign(
        key, None if alg == "EdDSA" else hashes.SHA256()
    )
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


FORGERIES: dict[str, Forged] = {
    "alg none": lambda client: handmade(client, {"alg": "none"}),
    "alg none, with the key's name": lambda client: handmade(client, {"alg": "none", "kid": "k1"}),
    "alg None": lambda client: handmade(client, {"alg": "None"}, b"x"),
    "alg nOnE": lambda client: handmade(client, {"alg": "nOnE"}),
    "alg empty": lambda client: handmade(client, {"alg": ""}),
    "alg null": lambda client: handmade(client, {"alg": None}),
    "alg missing": lambda client: handmade(client, {"kid": "k1"}),
    "alg a list": lambda client: handmade(client, {"alg": ["PS256"]}),
    "alg a number": lambda client: handmade(client, {"alg": 256}),
    "alg of another family": lambda client: handmade(client, {"alg": "HS512"}, b"x" * 64),
    "no signature": lambda client: client.signed().rpartition(".")[0] + ".",
    "another's signature": lambda client: client.signed().rpartition(".")[0] + "." + client.signed().rpartition(".")[2],
    "cut signature": lambda client: client.signed()[:-4],
    "padded": lambda client: client.signed() + "==",
    "detached payload": lambda client: ".".join((client.signed().split(".")[0], "", client.signed().split(".")[2])),
    "four parts": lambda client: client.signed() + ".x",
    "five parts, as if encrypted": lambda client: client.signed() + ".x.y",
    "JSON serialisation": lambda client: json.dumps({"payload": text_of(client.claims()), "signatures": []}),
    "kid unknown": lambda client: client.signed({"kid": "k2"}),
    "kid empty": lambda client: client.signed({"kid": ""}),
    "kid a path": lambda client: client.signed({"kid": "../../../../dev/null"}),
    "kid a statement": lambda client: client.signed({"kid": "k1' OR '1'='1"}),
    "kid too long": lambda client: client.signed({"kid": "k" * 500}),
    "wrong key": lambda client: by(client, client.alg, 2),
    "wrong key without a name": lambda client: by(client, client.alg, 2, kid=None),
    "jwk": lambda client: by(client, client.alg, 2, {"jwk": public_jwk(client.alg, 2)}),
    "jwk without a name": lambda client: by(client, client.alg, 2, {"jwk": public_jwk(client.alg, 2)}, None),
    "jwk of the right key": lambda client: client.signed({"jwk": public_jwk(client.alg)}),
    "x5c": lambda client: by(client, client.alg, 2, {"x5c": [certificate_of(client.alg, 2)]}),
    "jku": lambda client: by(client, client.alg, 2, {"jku": "https://forger.example/jwks"}),
    "jku of the right key": lambda client: client.signed({"jku": "https://forger.example/jwks"}),
    "x5u": lambda client: by(client, client.alg, 2, {"x5u": "https://forger.example/pem"}),
    "crit unknown": lambda client: client.signed({"crit": ["exp"], "exp": 1}),
    "crit empty": lambda client: client.signed({"crit": []}),
    "b64 false": lambda client: client.signed({"b64": False, "crit": ["b64"]}),
    "longer signature": lambda client: client.signed() + "AAAA",
    "a member twice": lambda client: client.signed_bytes(
        json.dumps(client.claims()).replace("{", '{"iss": "nobody", ', 1).encode()
    ),
    "payload no JSON": lambda client: client.signed_bytes(b"\xff\xfe"),
    "payload a list": lambda client: client.signed_bytes(b"[]"),
    "payload deep": lambda client: client.signed_bytes(b'{"iss":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "huge": lambda client: client.signed(more="x" * 9000),
    "huge header": lambda client: client.signed({"more": "x" * 9000}),
    "huge number": lambda client: client.signed_bytes(b'{"iss":' + b"9" * 5000 + b"}"),
    "huge body of dots": lambda _: "." * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_assertion_is_refused_at_once(portals: Portals, alg: str, forgery: str) -> None:
    client = asserting(portals, alg)
    for fields in ({}, {"client_id": client.portal.id}):
        assertion, began = FORGERIES[forgery](client), time.monotonic()
        turned_away(client.ask(assertion, **fields))
        assert time.monotonic() - began < SLOW_SECONDS
    let_in(client.ask(client.signed()))


@pytest.mark.parametrize("alg", ASYMMETRIC)
@pytest.mark.parametrize("form", ["pem", "pem without its end", "der", "jwk", "nothing"])
def test_a_public_key_is_no_secret(portals: Portals, alg: str, form: str) -> None:
    client = asserting(portals, alg)
    turned_away(client.ask(with_hmac(client, of_public_key(client)[form])))


@pytest.mark.parametrize("guessed", [b"", b"s", "fingerprint"])
def test_a_guessed_or_kept_secret_signs_nothing(portals: Portals, country: World, guessed: bytes | str) -> None:
    """What the database holds of a secret is not what signs."""
    client = asserting(portals, "HS256")
    kept = country.house.clients.find(client.portal.id)
    assert kept is not None and kept.sealed_secret is not None and kept.secret_fingerprint is None
    secret = hashlib.sha256(client.key.encode()).digest() if isinstance(guessed, str) else guessed
    for tried in (secret, kept.sealed_secret):
        turned_away(client.ask(with_hmac(client, tried)))
    let_in(client.ask(with_hmac(client, client.key.encode(), {})))


@pytest.mark.parametrize(
    "alg, digest", [("HS384", "sha384"), ("HS512", "sha512"), ("HS1", "sha1"), ("hs256", "sha256")]
)
def test_a_secret_signs_by_hs256_alone(portals: Portals, alg: str, digest: str) -> None:
    client = asserting(portals, "HS256")
    turned_away(client.ask(with_hmac(client, client.key.encode(), {"alg": alg}, digest)))


@pytest.mark.parametrize("registered", [*ASYMMETRIC, "HS256"])
@pytest.mark.parametrize("used", [*ASYMMETRIC, "HS256"])
def test_the_registered_algorithm_and_no_other(portals: Portals, registered: str, used: str) -> None:
    """Each key of the client is published for it to use, and still its algorithm alone counts."""
    published = jwks(public_jwk("RS256", kid="rsa"), public_jwk("ES256", kid="ec"), public_jwk("EdDSA", kid="ed"))
    given = {} if registered == "HS256" else {"jwks": published}
    client = asserting(portals, registered, token_endpoint_auth_signing_alg=registered, **given)
    kid = {"RS256": "rsa", "PS256": "rsa", "ES256": "ec", "EdDSA": "ed"}.get(used)
    key = (client.portal.secret or "s" * 43) if used == "HS256" else private_key(used)
    answer = client.ask(Asserting(client.portal, used, key, kid).signed())
    let_in(answer) if used == registered else turned_away(answer)


@pytest.mark.parametrize("used, is_let_in", [("PS256", True), ("ES256", True), ("EdDSA", True), ("RS256", False)])
def test_fapi_clients_do_not_sign_with_rs256(portals: Portals, used: str, is_let_in: bool) -> None:
    """FAPI 2.0 Security Profile section 5.4.1, whatever the client registered or left out."""
    client = asserting(portals, used, **FAPI)
    answer = client.ask(client.signed())
    let_in(answer) if is_let_in else turned_away(answer)


def test_a_key_is_good_for_its_owner_alone(portals: Portals) -> None:
    one = asserting(portals, "ES256")
    other = asserting(portals, "ES256", jwks=jwks(public_jwk("ES256", 2, kid="k1")))
    turned_away(other.ask(by(other, "ES256", 1)))
    turned_away(other.ask(one.signed(iss=other.portal.id, sub=other.portal.id)))
    turned_away(other.ask(one.signed(sub=other.portal.id)), "T12")
    let_in(other.ask(by(other, "ES256", 2)))


@pytest.mark.parametrize("named", [{"use": "enc"}, {"alg": "RS256"}, {"key_ops": ["sign"]}])
def test_a_key_that_is_meant_for_something_else_signs_nobody_in(portals: Portals, named: dict[str, Any]) -> None:
    """RFC 7517 sections 4.2 to 4.4."""
    client = asserting(portals, "PS256", jwks=jwks(public_jwk("PS256", kid="k1") | named))
    turned_away(client.ask(client.signed()))


def test_who_forges_is_slowed_down_and_locks_nobody_out(country: World, portals: Portals) -> None:
    limit = country.settings.limits.failed_authentications_per_client_per_minute
    client = asserting(portals)
    answers = [client.ask(by(client, "ES256", 2)).status_code for _ in range(limit + 1)]
    assert answers == [401] * limit + [429]
    let_in(client.ask(client.signed()))


def test_who_is_unknown_is_told_what_a_forger_is_told(portals: Portals) -> None:
    client = asserting(portals)
    nobody = client.signed(iss=fresh_name(), sub="x")
    told = [client.ask(assertion).json() for assertion in (by(client, "ES256", 2), nobody)]
    assert told[0] == told[1]
