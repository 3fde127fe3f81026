"""Sources that break, drag, refuse or lie outside their id_tokens: each failure by its name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.banking import Banking, BankingConfiguration
from connectors.base import Failed, Failure, Input, Redirect, Step
from connectors.openid.metadata import DOCUMENT_LIMIT_BYTES
from connectors.population import Population, PopulationConfiguration
from idp.egress import Egress
from tests.connectors.door import LIMITS, Door, done, failure_of
from tests.connectors.liar import DISCOVERY, KEYS, PERSON, Liar, SigningKey, Wire

SignIn = Callable[..., Step]

GARBAGE = b"<html>It works!</html>"
BROKEN: list[tuple[Wire, Failure]] = [
    (Wire(body=b'{"access_token": "a", "id_tok'), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"issuer": "a"}', announce=4000), Failure.BROKEN_ANSWER),
    (Wire(body=GARBAGE, content_type="text/html"), Failure.BROKEN_ANSWER),
    (Wire(body=b""), Failure.BROKEN_ANSWER),
    (Wire(body=b"[]"), Failure.BROKEN_ANSWER),
    (Wire(body=b"null"), Failure.BROKEN_ANSWER),
    (Wire(body=b'"text"'), Failure.BROKEN_ANSWER),
    (Wire(body=b"{}"), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"a": 1, "a": 2}'), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"a": NaN}'), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"a": "\xff"}'), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"a":' * 100_000), Failure.BROKEN_ANSWER),
    (Wire(body=b'{"padding": "' + b"0" * 2 * 1024 * 1024 + b'"}'), Failure.BROKEN_ANSWER),
    (Wire(500, b"Traceback"), Failure.BROKEN_ANSWER),
    (Wire(302, headers=(("Location", "http://169.254.169.254/"),)), Failure.BROKEN_ANSWER),
    (Wire(307, headers=(("Location", "http://liar.localhost/token"),)), Failure.BROKEN_ANSWER),
    (Wire(404, b"not here"), Failure.BROKEN_ANSWER),
    (Wire(204), Failure.BROKEN_ANSWER),
    (Wire(429), Failure.OVERLOADED),
    (Wire(503, headers=(("Retry-After", "30"),)), Failure.OVERLOADED),
    (Wire(502, b"Bad Gateway"), Failure.UNREACHABLE),
    (Wire(504, b"Gateway Timeout"), Failure.TIMED_OUT),
    (Wire(403, b"your address is not on our list"), Failure.MISCONFIGURED),
    (Wire(reset=True), Failure.UNREACHABLE),
]


@pytest.mark.parametrize("path", ["/token", "/par"])
@pytest.mark.parametrize("wire,failure", BROKEN)
def test_a_broken_back_channel_has_its_failure(
    liar: Liar, sign_in: SignIn, path: str, wire: Wire, failure: Failure
) -> None:
    liar.wire[path] = wire
    assert failure_of(sign_in()) is failure
    assert [asked for asked, _ in liar.asked].count(path) == 1  # never tried again


@pytest.mark.parametrize("wire,failure", [(wire, failure) for wire, failure in BROKEN if wire.body != b"{}"])
def test_a_broken_userinfo_has_its_failure(liar: Liar, sign_in: SignIn, wire: Wire, failure: Failure) -> None:
    liar.wire["/userinfo"] = wire
    assert failure_of(sign_in()) is failure


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize(
    "wire", [wire for wire, failure in BROKEN if failure is Failure.BROKEN_ANSWER and wire.status == 200]
)
def test_broken_documents_have_their_failure(liar: Liar, sign_in: SignIn, path: str, wire: Wire) -> None:
    liar.wire[path] = wire
    assert failure_of(sign_in()) in (Failure.BROKEN_ANSWER, Failure.WRONG_ISSUER)


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/jwks"])
def test_an_answer_that_drips_is_given_up_in_time(
    liar: Liar, door: Door, bank: Banking, browse: Callable[[str], str], path: str
) -> None:
    impatient = Egress(LIMITS.model_copy(update={"total_seconds": 0.5}))
    hurried = Door(impatient, **door.credentials)
    liar.wire[path] = Wire(body=b'{"padding": "' + b"0" * 1000 + b'"}', drip=0.05)
    began = time.monotonic()
    assert failure_of(hurried.sign_in(bank, browse)) is Failure.TIMED_OUT
    assert time.monotonic() - began < 20
    impatient.close()


@pytest.mark.parametrize(
    "error,failure",
    [
        ({"error": "invalid_grant"}, Failure.REFUSED),
        ({"error": "invalid_client", "error_description": "Trần Thị Hà"}, Failure.MISCONFIGURED),
        ({"error": "unauthorized_client"}, Failure.MISCONFIGURED),
        ({"error": "invalid_request"}, Failure.MISCONFIGURED),
        ({"error": "temporarily_unavailable"}, Failure.OVERLOADED),
        ({"error": "server_error"}, Failure.REFUSED),
        ({"error": "their_own_word"}, Failure.REFUSED),
        ({"error": ["invalid_grant"]}, Failure.REFUSED),
        ({"error": "invalid_grant\n001190000101"}, Failure.REFUSED),
        ({"error": None}, Failure.REFUSED),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 200])
@pytest.mark.parametrize("path", ["/token", "/par", "/userinfo"])
def test_an_error_is_an_error_whatever_its_http_status_says(
    liar: Liar, sign_in: SignIn, error: dict[str, Any], failure: Failure, status: int, path: str
) -> None:
    liar.wire[path] = Wire(status, json.dumps(error).encode())
    step = sign_in()
    assert failure_of(step) is failure
    assert isinstance(step, Failed) and "Trần" not in step.detail and "0011" not in step.detail


@pytest.mark.parametrize(
    "lie",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "a\r\nX-Injected: yes"},
        {"access_token": "ữ"},
        {"access_token": "a" * 20_000},
        {"token_type": "mac"},
        {"token_type": None},
    ],
)
def test_an_access_token_that_could_not_be_sent_is_a_broken_answer(
    liar: Liar, sign_in: SignIn, lie: dict[str, Any]
) -> None:
    liar.lies["token"] = lambda answer: {**answer, **lie}
    assert failure_of(sign_in()) is Failure.BROKEN_ANSWER


class TestRedirects:
    @pytest.mark.parametrize(
        "lie,failure",
        [
            (lambda pairs: [*pairs[:2], ("iss", "https://another.example")], Failure.WRONG_ISSUER),
            (lambda pairs: pairs[:2], Failure.WRONG_ISSUER),  # it promised to name itself (RFC 9207)
            (lambda pairs: [pairs[0], ("state", "another"), pairs[2]], Failure.WRONG_NONCE),
            (lambda pairs: [pairs[0], pairs[2]], Failure.WRONG_NONCE),
            (lambda pairs: [*pairs, ("state", "again")], Failure.BROKEN_ANSWER),
            (lambda pairs: [*pairs, ("code", "again")], Failure.BROKEN_ANSWER),
            (lambda pairs: [*pairs, pairs[2]], Failure.BROKEN_ANSWER),
            (lambda pairs: [*pairs, *((f"p{number}", "x") for number in range(40))], Failure.BROKEN_ANSWER),
            (lambda pairs: pairs[1:], Failure.BROKEN_ANSWER),
            (lambda pairs: [("code", ""), *pairs[1:]], Failure.BROKEN_ANSWER),
            (lambda pairs: [("code", "c" * 5000), *pairs[1:]], Failure.BROKEN_ANSWER),
            (lambda pairs: [("code", "injected"), *pairs[1:]], Failure.REFUSED),
            (lambda pairs: [("padding", "x" * 20_000), *pairs], Failure.BROKEN_ANSWER),
            (lambda pairs: "code=%ff&state=a", Failure.BROKEN_ANSWER),
        ],
    )
    def test_a_redirect_that_is_not_this_sign_ins_is_refused(
        self, liar: Liar, sign_in: SignIn, lie: Callable[[Any], Any], failure: Failure
    ) -> None:
        liar.lies["redirect"] = lie
        assert failure_of(sign_in()) is failure

    @pytest.mark.parametrize(
        "error,failure",
        [
            ("access_denied", Failure.CANCELLED),
            ("login_required", Failure.REFUSED),
            ("interaction_required", Failure.REFUSED),
            ("temporarily_unavailable", Failure.OVERLOADED),
            ("server_error", Failure.REFUSED),
            ("invalid_request", Failure.MISCONFIGURED),
            ("invalid_scope", Failure.MISCONFIGURED),
            ("unauthorized_client", Failure.MISCONFIGURED),
            ("unmet_authentication_requirements", Failure.LEVEL_TOO_LOW),
            ("something_else", Failure.REFUSED),
        ],
    )
    def test_each_error_in_a_redirect_has_its_failure(
        self, liar: Liar, sign_in: SignIn, error: str, failure: Failure
    ) -> None:
        liar.lies["redirect"] = lambda pairs: [("error", error), *pairs[1:]]
        assert failure_of(sign_in()) is failure
        assert "/token" not in [path for path, _ in liar.asked]

    def test_an_error_too_must_come_from_the_source_that_was_asked(self, liar: Liar, sign_in: SignIn) -> None:
        liar.lies["redirect"] = lambda pairs: [("error", "access_denied"), pairs[1], ("iss", "https://another.example")]
        assert failure_of(sign_in()) is Failure.WRONG_ISSUER

    def test_a_source_may_have_words_of_its_own(self, liar: Liar, door: Door, browse: Callable[[str], str]) -> None:
        words = {"USR-017": Failure.ACCOUNT_LOCKED, "person_deceased": Failure.DECEASED}
        bank = Banking(BankingConfiguration(issuer=liar.issuer, client_id="one-door", error_map=words))
        liar.lies["redirect"] = lambda pairs: [("error", "USR-017"), *pairs[1:]]
        assert failure_of(door.sign_in(bank, browse)) is Failure.ACCOUNT_LOCKED
        liar.lies["redirect"] = lambda pairs: [
            ("error", "access_denied"),
            ("error_description", "person_deceased"),
            *pairs[1:],
        ]
        assert failure_of(door.sign_in(bank, browse)) is Failure.DECEASED

    def test_a_source_that_never_names_itself_needs_not(self, liar: Liar, sign_in: SignIn) -> None:
        liar.lies["discovery"] = lambda document: {**document, "authorization_response_iss_parameter_supported": False}
        liar.lies["redirect"] = lambda pairs: pairs[:2]
        done(sign_in())

    def test_a_plus_in_a_code_survives_where_the_source_sends_it_raw(
        self, liar: Liar, door: Door, browse: Callable[[str], str]
    ) -> None:
        liar.client.method = "client_secret_post"
        register = Population(PopulationConfiguration(issuer=liar.issuer, client_id="one-door", acr_values={}))
        liar.lies["redirect"] = lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
        liar.lies["userinfo"] = lambda claims: {**claims, "citizenPid": PERSON["national_id"], "fullName": "Hà"}
        done(door.sign_in(register, browse))
        assert liar.sent("/token")["code"].count("+") >= 1
        decoding = Population(
            PopulationConfiguration(issuer=liar.issuer, client_id="one-door", acr_values={}, raw_code=False)
        )
        assert failure_of(door.sign_in(decoding, browse)) is Failure.REFUSED

    def test_a_form_post_is_read_like_a_query(self, liar: Liar, door: Door, browse: Callable[[str], str]) -> None:
        configuration = BankingConfiguration(issuer=liar.issuer, client_id="one-door", response_mode="form_post")
        bank = Banking(configuration)
        step = door.begun(bank)
        pairs = tuple(parse_qsl(urlsplit(browse(step.url)).query))
        assert liar.wanted["response_mode"] == "form_post"
        repeated = Input(method="POST", form=(*pairs, pairs[0]))
        assert failure_of(bank.resume(door.context, step.state, repeated)) is Failure.BROKEN_ANSWER
        done(bank.resume(door.context, step.state, Input(method="POST", form=pairs)))


class TestUserinfo:
    @pytest.mark.parametrize("sub", ["person-2", "", None, ["person-1"], "person-1 "])
    def test_userinfo_of_somebody_else_is_not_used(self, liar: Liar, sign_in: SignIn, sub: object) -> None:
        liar.lies["userinfo"] = lambda claims: {**claims, "sub": sub}
        assert failure_of(sign_in()) is Failure.WRONG_NONCE

    def _signed(self, claims: dict[str, Any], **options: Any) -> Wire:
        key: SigningKey = options.get("key", KEYS["ES256"])
        return Wire(body=key.sign(claims).encode(), content_type=options.get("content_type", "application/jwt"))

    def test_signed_userinfo_is_checked_like_an_id_token(self, liar: Liar, sign_in: SignIn) -> None:
        honest = {"iss": liar.issuer, "aud": "one-door", "sub": "person-1", **PERSON}
        liar.wire["/userinfo"] = self._signed(honest)
        assert done(sign_in()).name.full == PERSON["name"]
        stranger = SigningKey.new("ES256", KEYS["ES256"].kid)
        for wire, failure in (
            (self._signed(honest, key=stranger), Failure.WRONG_SIGNATURE),
            (self._signed({**honest, "iss": "https://another.example"}), Failure.WRONG_ISSUER),
            (self._signed({**honest, "aud": "another"}), Failure.WRONG_AUDIENCE),
            (self._signed({**honest, "sub": "person-2"}), Failure.WRONG_NONCE),
            (self._signed(honest, content_type="application/json"), Failure.BROKEN_ANSWER),
            (self._signed(honest, content_type="text/plain"), Failure.BROKEN_ANSWER),
            (Wire(body=b"{}", content_type="application/jwt"), Failure.BROKEN_ANSWER),
        ):
            liar.wire["/userinfo"] = wire
            assert failure_of(sign_in()) is failure

    def test_what_is_signed_wins_over_what_is_not(self, liar: Liar, sign_in: SignIn) -> None:
        liar.lies["claims"] = lambda claims: {**claims, "name": "Signed"}
        unsigned = {"name": "Unsigned", "acr": "bank:pwd", "iss": "x", "amr": ["face"], "sid": "another"}
        liar.lies["userinfo"] = lambda claims: {**claims, **unsigned}
        assertion = done(sign_in())
        assert (assertion.name.full, assertion.authentication, assertion.issuer) == ("Signed", 2, liar.issuer)

    def test_of_the_sign_in_itself_only_the_id_token_tells(self, liar: Liar, sign_in: SignIn) -> None:
        of_the_sign_in = ("acr", "amr", "sid")
        liar.lies["claims"] = lambda claims: {name: claims[name] for name in claims if name not in of_the_sign_in}
        liar.lies["userinfo"] = lambda claims: {**claims, "acr": "bank:otp", "amr": ["otp"], "sid": "another"}
        assertion = done(sign_in())
        assert (assertion.authentication, assertion.means, assertion.upstream_session) == (1, (), None)

    def test_a_reset_connection_is_tried_once_more_here_and_only_here(self, liar: Liar, sign_in: SignIn) -> None:
        liar.wire["/userinfo"] = Wire(reset=True)
        assert failure_of(sign_in()) is Failure.UNREACHABLE
        assert [path for path, _ in liar.asked].count("/userinfo") == 2


class TestDocuments:
    @pytest.mark.parametrize(
        "lie,failure",
        [
            ({"issuer": "https://another.example"}, Failure.WRONG_ISSUER),
            ({"issuer": None}, Failure.WRONG_ISSUER),
            ({"token_endpoint": "https://attacker.example/token"}, Failure.MISCONFIGURED),
            ({"jwks_uri": "https://attacker.example/jwks"}, Failure.MISCONFIGURED),
            ({"jwks_uri": "http://169.254.169.254/jwks"}, Failure.MISCONFIGURED),
            ({"userinfo_endpoint": "http://liar.localhost:1/userinfo"}, Failure.MISCONFIGURED),
            ({"authorization_endpoint": "javascript:alert(1)"}, Failure.MISCONFIGURED),
            ({"end_session_endpoint": "//attacker.example/"}, Failure.MISCONFIGURED),
            ({"token_endpoint": 7}, Failure.MISCONFIGURED),
            ({"pushed_authorization_request_endpoint": "https://a@attacker.example/"}, Failure.MISCONFIGURED),
            ({"token_endpoint": None}, Failure.BROKEN_ANSWER),
            ({"jwks_uri": None}, Failure.BROKEN_ANSWER),
            ({"padding": "0" * DOCUMENT_LIMIT_BYTES}, Failure.BROKEN_ANSWER),
        ],
    )
    def test_metadata_must_be_this_issuers_and_stay_at_its_origin(
        self, liar: Liar, sign_in: SignIn, lie: dict[str, Any], failure: Failure
    ) -> None:
        liar.lies["discovery"] = lambda document: {**document, **lie}
        assert failure_of(sign_in()) is failure
        assert {path for path, _ in liar.asked} == {DISCOVERY}

    def test_further_origins_are_named_in_the_configuration(self, liar: Liar, door: Door) -> None:
        elsewhere = {"userinfo_endpoint": "https://api.bank.example/userinfo"}
        liar.lies["discovery"] = lambda document: {**document, **elsewhere}
        configuration = BankingConfiguration(
            issuer=liar.issuer, client_id="one-door", endpoint_origins=("https://api.bank.example",)
        )
        assert isinstance(door.begin(Banking(configuration)), Redirect)

    def test_poisoned_documents_do_not_replace_good_ones(self, liar: Liar, sign_in: SignIn) -> None:
        done(sign_in())
        liar.lies["jwks"] = lambda _: {"keys": []}
        liar.key = SigningKey.new("ES256", "unseen")
        assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE
        liar.key = KEYS["ES256"]
        done(sign_in())

    @pytest.mark.parametrize(
        "jwk",
        [
            None,
            {},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "ES256-key"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ES256-key"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "ES256-key"},
            {**KEYS["ES256"].jwk(), "use": "enc"},
            {**KEYS["ES256"].jwk(), "d": "AAAA"},
            {**KEYS["ES256"].jwk(), "alg": "HS256"},
            {**KEYS["ES256"].jwk(), "kid": 7},
        ],
    )
    def test_keys_that_cannot_be_trusted_are_left_out(self, liar: Liar, sign_in: SignIn, jwk: object) -> None:
        liar.lies["jwks"] = lambda _: {"keys": [jwk, KEYS["RS256"].jwk()]}
        assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE

    def test_two_keys_of_one_id_are_ambiguous(self, liar: Liar, sign_in: SignIn) -> None:
        twin = SigningKey.new("ES256", "ES256-key")
        liar.lies["jwks"] = lambda document: {"keys": [*document["keys"], twin.jwk()]}
        assert failure_of(sign_in()) is Failure.WRONG_SIGNATURE
