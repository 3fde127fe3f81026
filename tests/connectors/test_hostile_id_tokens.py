"""Every id_token that a source should not have sent, and what it is called."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm

from connectors.banking import Banking, BankingConfiguration
from connectors.base import Failure, Step
from tests.connectors.door import Door, done, failure_of
from tests.connectors.liar import KEYS, Liar, SigningKey, by_hand, encoded

ES256, RS256 = KEYS["ES256"], KEYS["RS256"]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
STRANGERS = SigningKey.new("ES256", ES256.kid)
Claims = dict[str, Any]
SignIn = Callable[..., Step]


def test_an_honest_id_token_tells_who_signed_in(liar: Liar, sign_in: SignIn) -> None:
    assertion = done(sign_in())
    assert (assertion.issuer, assertion.subject) == (liar.issuer, "person-1")
    assert (assertion.proofing, assertion.authentication, assertion.means) == (2, 2, ("pwd", "otp"))
    assert assertion.upstream_session == "session-1" and assertion.logout_hint.count(".") == 2
    assert abs(assertion.auth_time.timestamp() - time.time()) < 10
    assert len(assertion.evidence) == 32


def public_pem(key: SigningKey) -> bytes:
    return key.private.public_key().public_bytes(  # type: ignore[no-any-return]
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def hs256(key: bytes, kid: str | None) -> Callable[[Claims], str]:
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    return lambda claims: by_hand(header, claims, lambda body: hmac.new(key, body, hashlib.sha256).digest())


def no_signature(_: bytes) -> bytes:
    return b"x" * 64


def with_header(header: bytes) -> Callable[[Claims], str]:
    return lambda _: f"{encoded(header)}.{encoded(b'{}')}.{encoded(b'x')}"


def tampered(claims: Claims) -> str:
    header, _, signature = ES256.sign(claims).split(".")
    return by_hand({}, {**claims, "sub": "person-2"}, lambda _: b"").replace(encoded(b"{}"), header, 1) + signature


def the_same(token: str) -> str:
    return token


def written_otherwise(token: str) -> str:
    """The same token with the other of the two signatures that ECDSA has for it."""
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = P256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{body}.{encoded(raw[:32] + other.to_bytes(32, 'big'))}"


@pytest.mark.parametrize(
    "id_token",
    [
        tampered,
        STRANGERS.sign,
        lambda claims: by_hand({"alg": "none", "kid": ES256.kid}, claims, lambda _: b""),
        lambda claims: by_hand({"alg": "nOnE", "kid": ES256.kid}, claims, lambda _: b""),
        lambda claims: by_hand({"alg": "none"}, claims, lambda _: b"signature"),
        hs256(public_pem(RS256), RS256.kid),
        hs256(public_pem(ES256), ES256.kid),
        hs256(b"", ES256.kid),
        hs256(b"a secret: with %20 & signs", None),
        lambda claims: STRANGERS.sign(claims, jwk=STRANGERS.jwk()),
        lambda claims: ES256.sign(claims, jwk=ES256.jwk()),
        lambda claims: STRANGERS.sign(claims, jku="https://attacker.example/jwks"),
        lambda claims: STRANGERS.sign(claims, x5u="https://attacker.example/certificate"),
        lambda claims: STRANGERS.sign(claims, x5c=["MIIB"]),
        lambda claims: ES256.sign(claims, crit=["exp"]),
        lambda claims: ES256.sign(claims, crit=[]),
        lambda claims: by_hand({"alg": "ES256", "kid": ES256.kid, "crit": ["b64"], "b64": False}, claims, no_signature),
        lambda claims: ES256.sign(claims, kid="unknown"),
        lambda claims: ES256.sign(claims, kid=RS256.kid),  # the key of that id is of another type
        lambda claims: ES256.sign(claims, kid="../../../../dev/null"),
        lambda claims: by_hand({"alg": "ES256", "kid": 7}, claims, no_signature),
        lambda claims: by_hand({"alg": ["ES256"], "kid": ES256.kid}, claims, no_signature),
        lambda claims: by_hand({"kid": ES256.kid}, claims, no_signature),
        lambda claims: by_hand({"alg": "RS256", "kid": ES256.kid}, claims, no_signature),
        lambda claims: by_hand({"alg": "ES256", "kid": ES256.kid}, claims, lambda _: b""),
        lambda claims: by_hand({"alg": "ES256", "kid": ES256.kid}, claims, lambda _: b"\0" * 64),
        lambda claims: by_hand({"alg": "PS256", "kid": RS256.kid}, claims, lambda _: b"x" * 256),
    ],
)  # fmt: skip
def test_only_the_sources_own_key_signs(liar: Liar, sign_in: SignIn, id_token: Callable[[Claims], str]) -> None:
    liar.lies["id_token"] = id_token
    assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "id_token",
    [
        lambda _: None,
        lambda _: 7,
        lambda _: ["a.b.c"],
        lambda _: "",
        lambda _: "a.b",
        lambda _: "a.b.c.d.e",
        lambda _: "..",
        lambda claims: f"{ES256.sign(claims)}.",
        lambda claims: f" {ES256.sign(claims)}",
        lambda claims: ES256.sign(claims) + "\n",
        lambda claims: json.dumps({"payload": "a", "signatures": []}),
        with_header(b"[1]"),
        with_header(b'{"alg":"ES256","alg":"none"}'),
        with_header(b'{"alg":"ES256","kid":NaN}'),
        with_header(b'{"alg":' * 1500),
        with_header(b"\xff\xfe"),
        lambda claims: ES256.sign({**claims, "padding": "0" * 20000}),
        lambda claims: ES256.sign(claims, typ="at+jwt"),
        lambda claims: ES256.sign(claims, typ="logout+jwt"),
    ],
)
def test_what_is_no_id_token_is_a_broken_answer(liar: Liar, sign_in: SignIn, id_token: Callable[[Claims], Any]) -> None:
    liar.lies["id_token"] = id_token
    assert failure_of(sign_in()) is Failure.BROKEN_ANSWER


def but(**changes: Any) -> Callable[[Claims], Claims]:
    """The claims with changes; one to None takes the claim away."""
    return lambda claims: {name: value for name, value in {**claims, **changes}.items() if value is not None}


def shifted(seconds: float, *names: str) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **{name: claims.get(name, int(time.time())) + seconds for name in names}}


WRONG_CLAIMS: list[tuple[Callable[[Claims], Claims], Failure]] = [
    (but(iss="https://another.example"), Failure.WRONG_ISSUER),
    (lambda claims: {**claims, "iss": claims["iss"] + "/"}, Failure.WRONG_ISSUER),
    (lambda claims: {**claims, "iss": [claims["iss"]]}, Failure.WRONG_ISSUER),
    (but(iss=None), Failure.WRONG_ISSUER),
    (but(aud="another-client"), Failure.WRONG_AUDIENCE),
    (but(aud=["another-client"]), Failure.WRONG_AUDIENCE),
    (but(aud="one-door-and-more"), Failure.WRONG_AUDIENCE),
    (but(aud={"one-door": 1}), Failure.WRONG_AUDIENCE),
    (but(aud=None), Failure.WRONG_AUDIENCE),
    (but(aud=["one-door", "another-client"]), Failure.WRONG_AUDIENCE),
    (but(aud=["one-door", "another-client"], azp="another-client"), Failure.WRONG_AUDIENCE),
    (but(azp="another-client"), Failure.WRONG_AUDIENCE),
    (shifted(-3600, "iat", "exp"), Failure.WRONG_TIME),
    (shifted(-331, "exp"), Failure.WRONG_TIME),
    (shifted(3600, "iat", "exp"), Failure.WRONG_TIME),
    (shifted(3600, "nbf"), Failure.WRONG_TIME),
    (shifted(-120, "iat"), Failure.WRONG_TIME),  # late: made before this sign-in began
    (shifted(3600, "auth_time"), Failure.WRONG_TIME),
    (but(exp=None), Failure.WRONG_TIME),
    (but(iat=None), Failure.WRONG_TIME),
    (but(exp="4102444800"), Failure.WRONG_TIME),
    (but(exp=True), Failure.WRONG_TIME),
    (but(exp=1e300), Failure.WRONG_TIME),
    (but(auth_time="yesterday"), Failure.WRONG_TIME),
    (but(nonce=None), Failure.WRONG_NONCE),
    (but(nonce="another"), Failure.WRONG_NONCE),
    (but(nonce=""), Failure.WRONG_NONCE),
    (lambda claims: {**claims, "nonce": [claims["nonce"]]}, Failure.WRONG_NONCE),
    (but(sub=""), Failure.INCOMPLETE),
    (but(sub=None), Failure.INCOMPLETE),
    (but(sub="   "), Failure.BROKEN_ANSWER),
    (but(sub=["person-1"]), Failure.BROKEN_ANSWER),
    (but(sub=1), Failure.BROKEN_ANSWER),
    (but(sub="p" * 256), Failure.BROKEN_ANSWER),
    (but(sub="person\x00"), Failure.BROKEN_ANSWER),
    (but(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), Failure.WRONG_SIGNATURE),
    (but(at_hash=""), Failure.WRONG_SIGNATURE),
    (but(at_hash=["AAAAAAAAAAAAAAAAAAAAAA"]), Failure.WRONG_SIGNATURE),
]


@pytest.mark.parametrize("lie,failure", WRONG_CLAIMS)
def test_each_wrong_claim_has_its_failure(
    liar: Liar, sign_in: SignIn, lie: Callable[[Claims], Claims], failure: Failure
) -> None:
    # PyJWT would not sign some of these.
    header = {"alg": "ES256", "kid": ES256.kid}
    liar.lies["id_token"] = lambda claims: _signed_by_hand(header, lie(claims))
    assert failure_of(sign_in()) is failure


def _signed_by_hand(header: Claims, claims: Claims) -> str:
    signer = ECAlgorithm(ECAlgorithm.SHA256)
    return by_hand(header, claims, lambda body: signer.sign(body, ES256.private))


@pytest.mark.parametrize(
    "lie",
    [
        but(aud=["one-door"]),
        but(aud=["one-door", "another-client"], azp="one-door"),
        but(azp="one-door"),
        but(at_hash=None),
        but(auth_time=None),
        shifted(-20, "iat", "auth_time"),
        shifted(20, "iat"),
        shifted(0.5, "iat"),
        shifted(-310, "exp"),
        but(acr=None, amr=None, sid=None),
    ],
)
def test_what_the_specification_leaves_open_is_accepted(
    liar: Liar, sign_in: SignIn, lie: Callable[[Claims], Claims]
) -> None:
    liar.lies["claims"] = lie
    done(sign_in())


def test_an_id_token_without_a_key_id_is_read_where_only_one_key_fits(liar: Liar, sign_in: SignIn, door: Door) -> None:
    liar.key = SigningKey(None, "ES256", ES256.private)
    done(sign_in())
    door.documents.forget()
    liar.lies["jwks"] = lambda document: {"keys": [*document["keys"], SigningKey.new("ES256", "second").jwk()]}
    assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE


def test_rs256_is_read_too_and_what_the_configuration_leaves_out_is_not(
    liar: Liar, sign_in: SignIn, door: Door, browse: Callable[[str], str]
) -> None:
    liar.key = RS256
    done(sign_in())
    only_es256 = Banking(BankingConfiguration(issuer=liar.issuer, client_id="one-door", id_token_algorithms=("ES256",)))
    assert failure_of(door.sign_in(only_es256, browse)) is Failure.WRONG_SIGNATURE


def test_nobody_can_configure_away_signatures() -> None:
    for algorithm in ("none", "HS256", "HS512"):
        with pytest.raises(ValueError, match="id_token_algorithms"):
            BankingConfiguration.model_validate(
                {"issuer": "https://bank.example", "client_id": "c", "id_token_algorithms": [algorithm]}
            )


def test_force_and_max_age_need_a_sign_in_that_is_new_enough(liar: Liar, sign_in: SignIn) -> None:
    liar.lies["claims"] = shifted(-600, "auth_time")
    assert failure_of(sign_in(force=True)) is Failure.WRONG_TIME
    assert failure_of(sign_in(max_age_seconds=300)) is Failure.WRONG_TIME
    done(sign_in(max_age_seconds=900))
    done(sign_in())
    liar.lies["claims"] = but(auth_time=None)
    assert failure_of(sign_in(force=True)) is Failure.INCOMPLETE
    assert failure_of(sign_in(max_age_seconds=300)) is Failure.INCOMPLETE


@pytest.mark.parametrize("written", [the_same, written_otherwise])
def test_an_id_token_is_good_once_however_its_signature_is_written(
    liar: Liar, door: Door, bank: Banking, browse: Callable[[str], str], written: Callable[[str], str]
) -> None:
    sent: list[str] = []

    def remember(claims: Claims) -> str:
        sent.append(ES256.sign(claims))
        return sent[0]

    liar.lies["id_token"] = remember
    step = door.begun(bank)
    returned_to = browse(step.url)
    done(door.come_back(bank, step, returned_to))
    # The very same sign-in again, with whose nonce, times and names nothing is wrong.
    liar.codes[liar.sent("/token")["code"]] = liar.wanted
    liar.lies["id_token"] = lambda _: written(sent[0])
    assert failure_of(door.come_back(bank, step, returned_to)) is Failure.REPLAYED


def test_an_id_token_of_an_earlier_sign_in_is_a_replay(liar: Liar, sign_in: SignIn) -> None:
    sent: list[str] = []

    def remember(claims: Claims) -> str:
        sent.append(ES256.sign(claims))
        return sent[0]

    liar.lies["id_token"] = remember
    done(sign_in())
    assert failure_of(sign_in()) is Failure.REPLAYED
    liar.lies["id_token"] = lambda claims: ES256.sign({**claims, "nonce": "of another browser"})
    assert failure_of(sign_in()) is Failure.WRONG_NONCE


def test_a_key_that_nobody_has_seen_is_looked_for_once(liar: Liar, sign_in: SignIn, door: Door) -> None:
    done(sign_in())
    new = SigningKey.new("ES256", "new")
    liar.key = new
    liar.lies["jwks"] = lambda _: {"keys": [new.jwk()]}
    done(sign_in())
    done(sign_in())
    assert door.documents.fetched.count(f"{liar.issuer}/jwks") == 2
    liar.key = SigningKey.new("ES256", "never published")
    assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE
    assert door.documents.fetched.count(f"{liar.issuer}/jwks") == 3
