"""Every way in which a source can be told to fail or to lie: what it then says, to whom, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.fault_book import Faults
from connectors.sandbox.faults import CATALOGUE, FaultName
from connectors.sandbox.population import Population
from tests.sandbox.conftest import running
from tests.sandbox.peer import Attempt, Peer, RegisterPeer

JSON_ENDPOINTS = {"discovery": "/.well-known/openid-configuration", "jwks": "/jwks"}
MEBIBYTE = 1024 * 1024


def unverified(id_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    return claims


# ---- a lying id_token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault, caught_as",
    [
        ("tampered_id_token", jwt.InvalidSignatureError),
        ("wrong_key", jwt.InvalidSignatureError),
        ("alg_none", jwt.InvalidAlgorithmError),
        ("hs256_with_public_key", jwt.InvalidAlgorithmError),
        ("unknown_kid", jwt.InvalidKeyError),
        ("wrong_issuer", jwt.InvalidIssuerError),
        ("wrong_audience", jwt.InvalidAudienceError),
        ("expired", jwt.ExpiredSignatureError),
        ("issued_in_future", jwt.ImmatureSignatureError),
    ],
)
def test_a_false_id_token_is_one_that_a_careful_client_refuses(
    peer: Peer, fault: str, caught_as: type[Exception]
) -> None:
    peer.order(fault, times=1)
    false = peer.tokens(Attempt())["id_token"]
    with pytest.raises(caught_as):
        peer.verified(false)
    true = peer.tokens(Attempt())["id_token"]
    assert peer.verified(true)["sub"]


def test_the_hs256_lie_would_work_on_a_client_that_trusts_the_header(peer: Peer) -> None:
    peer.order("hs256_with_public_key", times=1)
    signed, _, signature = peer.tokens(Attempt())["id_token"].rpartition(".")
    rsa = next(jwt.PyJWK(key) for key in peer.document("/jwks")["keys"] if key["alg"] == "RS256")
    pem = rsa.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    expected = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == expected


@pytest.mark.parametrize("fault", ["wrong_nonce", "missing_nonce"])
def test_a_false_nonce_is_not_the_one_that_was_asked(peer: Peer, fault: str) -> None:
    peer.order(fault, times=1)
    attempt = Attempt()
    claims = peer.verified(peer.tokens(attempt)["id_token"])
    assert claims.get("nonce") != attempt.nonce
    assert ("nonce" in claims) == (fault == "wrong_nonce")


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "60"}])
def test_an_old_sign_in_is_passed_off_as_new(peer: Peer, changes: dict[str, str]) -> None:
    peer.order("old_auth_time", times=1)
    claims = peer.verified(peer.tokens(Attempt(), **changes)["id_token"])
    assert claims["auth_time"] < time.time() - 3600


def test_an_earlier_id_token_is_replayed(peer: Peer) -> None:
    attempt = Attempt()
    earlier = peer.tokens(attempt)["id_token"]
    peer.order("replayed_id_token", times=1)
    replayed = peer.tokens(Attempt())["id_token"]
    assert replayed == earlier
    assert peer.verified(replayed)["nonce"] == attempt.nonce


def test_a_replay_is_possible_even_at_the_first_sign_in(tmp_path: Path) -> None:
    clients_file = tmp_path / "clients.json"
    with running("population", clients_file) as issuer, RegisterPeer(issuer) as register:
        clients_file.write_text(json.dumps([register.registration()]), "utf-8")
        register.order("replayed_id_token", times=1)
        attempt = Attempt()
        assert register.verified(register.tokens(attempt)["id_token"])["nonce"] != attempt.nonce


# ---- lies about the person, the same in the id_token and in userinfo ----------------------------------------------


def test_an_empty_subject_is_empty_everywhere_in_that_sign_in(peer: Peer) -> None:
    peer.order("empty_subject", times=1)
    tokens = peer.tokens(Attempt())
    assert unverified(tokens["id_token"])["sub"] == ""
    assert peer.userinfo(tokens["access_token"]).json()["sub"] == ""
    later = peer.tokens(Attempt())
    assert unverified(later["id_token"])["sub"] == peer.userinfo(later["access_token"]).json()["sub"] != ""


@pytest.mark.parametrize("claim", ["sub", "national_id", "name"])
def test_a_claim_can_be_missing(bank: Peer, claim: str) -> None:
    bank.order("missing_claim", claim=claim, times=1)
    tokens = bank.tokens(Attempt())
    assert claim not in unverified(tokens["id_token"])
    assert claim not in bank.userinfo(tokens["access_token"]).json()


def test_a_claim_can_be_missing_from_userinfo_alone(bank: Peer) -> None:
    bank.order("missing_claim", claim="name", endpoint="userinfo")
    tokens = bank.tokens(Attempt())
    assert "name" in unverified(tokens["id_token"])
    assert "name" not in bank.userinfo(tokens["access_token"]).json()


def test_what_is_on_file_of_one_person_can_be_something_else(bank: Peer) -> None:
    bank.order("other_claims", citizen=0, claims={"name": "TRAN MINH QUAN", "national_id": None, "locale": "vi"})
    tokens = bank.tokens(Attempt())
    for claims in (bank.verified(tokens["id_token"]), bank.userinfo(tokens["access_token"]).json()):
        assert (claims["name"], claims["locale"]) == ("TRAN MINH QUAN", "vi")
        assert "national_id" not in claims and claims["birthdate"] == CAST[0].birth_date
    assert bank.verified(bank.tokens(Attempt(), citizen=1)["id_token"])["name"] == CAST[1].full_name


def test_a_bank_gives_a_lower_level_than_was_asked(bank: Peer) -> None:
    bank.order("lower_level", times=1)
    claims = bank.verified(bank.tokens(Attempt(), acr_values="bank:face")["id_token"])
    assert (claims["acr"], claims["amr"]) == ("bank:pwd", ["pwd"])


def test_the_register_gives_a_lower_level_than_was_asked(register: Peer) -> None:
    register.order("lower_level", times=1)
    tokens = register.tokens(Attempt(), acr_values="level3")
    assert register.verified(tokens["id_token"])["authenticationLevel"] == 1
    assert register.userinfo(tokens["access_token"]).json()["authenticationLevel"] == 1


def test_userinfo_speaks_of_somebody_else(peer: Peer) -> None:
    peer.order("different_userinfo_subject", times=1)
    tokens = peer.tokens(Attempt())
    subject = peer.verified(tokens["id_token"])["sub"]
    assert peer.userinfo(tokens["access_token"]).json()["sub"] != subject
    assert peer.userinfo(tokens["access_token"]).json()["sub"] == subject


# ---- a lying redirect, and people who may not sign in -------------------------------------------------------------


@pytest.mark.parametrize("fault, name", [("wrong_state", "state"), ("wrong_iss_parameter", "iss")])
def test_a_redirect_with_a_false_parameter(peer: Peer, fault: str, name: str) -> None:
    peer.order(fault, times=1)
    attempt = Attempt()
    returned = peer.come_back(attempt)
    assert returned[name]
    assert (returned["state"] == attempt.state) is (name != "state")
    assert (returned["iss"] == peer.issuer) is (name != "iss")


def test_a_redirect_without_the_issuer(peer: Peer) -> None:
    peer.order("missing_iss_parameter", times=1)
    assert peer.come_back(Attempt())["iss"] is None


@pytest.mark.parametrize("fault, told", [("locked", "account_locked"), ("deceased", "person_deceased")])
def test_one_person_is_refused_and_others_are_not(peer: Peer, fault: str, told: str) -> None:
    peer.order(fault, citizen=CAST[1].personal_number)
    refused = peer.come_back(Attempt(), 1)
    assert (refused["error"], refused["error_description"]) == ("access_denied", told)
    assert peer.come_back(Attempt(), 0)["code"]


def test_a_session_does_not_outlive_a_lock(peer: Peer) -> None:
    peer.tokens(Attempt())
    peer.order("locked", citizen=0)
    assert peer.returned(peer.start(Attempt()))["error"] == "access_denied"


# ---- bodies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", JSON_ENDPOINTS)
@pytest.mark.parametrize("fault", ["truncated_json", "garbage"])
def test_a_body_that_is_no_json(peer: Peer, endpoint: str, fault: str) -> None:
    peer.order(fault, endpoint=endpoint, times=1)
    broken = peer.server.get(f"{peer.issuer}{JSON_ENDPOINTS[endpoint]}", timeout=20)
    assert broken.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        broken.json()
    assert peer.document(JSON_ENDPOINTS[endpoint])


def test_a_body_that_is_too_large_is_right_otherwise(peer: Peer) -> None:
    peer.order("huge_body", endpoint="jwks", times=1)
    huge = peer.server.get(f"{peer.issuer}/jwks", timeout=20)
    assert len(huge.content) > 2 * MEBIBYTE
    assert huge.json()["keys"]


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
def test_an_error_with_the_status_of_success(peer: Peer, endpoint: str) -> None:
    peer.order("error_in_200", endpoint=endpoint, times=1)
    tokens = peer.tokens(Attempt())
    told = tokens if endpoint == "token" else peer.userinfo(tokens["access_token"]).json()
    assert told["error"] == "server_error"


@pytest.mark.parametrize("fault", ["truncated_json", "garbage", "huge_body", "error_in_200"])
def test_a_pushed_request_can_be_answered_badly_too(bank: Peer, fault: str) -> None:
    bank.order(fault, endpoint="par", times=1)
    answer = bank.post("/par", Attempt().parameters() | bank.credentials())
    assert answer.status_code == (200 if fault == "error_in_200" else 201)
    if fault in ("truncated_json", "garbage"):
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
    else:
        assert ("request_uri" in answer.json()) == (fault == "huge_body")


# ---- late or not at all -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/authorize", "/token", "/userinfo", "/jwks", "/.well-known/openid-configuration"])
def test_a_source_that_is_down_says_503_everywhere(peer: Peer, path: str) -> None:
    peer.order("down")
    assert peer.server.request("POST" if path == "/token" else "GET", f"{peer.issuer}{path}").status_code == 503


def test_a_source_that_closes_the_connection_says_nothing(peer: Peer) -> None:
    peer.order("down", endpoint="jwks", close=True, times=1)
    with pytest.raises(requests.ConnectionError):
        peer.document("/jwks")
    assert peer.document("/jwks")


def test_a_source_that_is_down_spends_no_code(peer: Peer) -> None:
    attempt = Attempt()
    code = peer.come_back(attempt)["code"]
    peer.order("down", endpoint="token", times=1)
    assert peer.redeem(attempt, code).status_code == 503
    assert peer.redeem(attempt, code).status_code == 200


@pytest.mark.parametrize("endpoint", ["authorize", "token", "userinfo"])
def test_a_source_can_be_slow_for_one_person(peer: Peer, endpoint: str) -> None:
    peer.order("slow", seconds=0.3, endpoint=endpoint, citizen=1, times=1)
    whole_sign_in(peer, 0)
    assert peer.server.get(f"{peer.issuer}/_sandbox/faults", timeout=20).json()[0]["left"] == 1
    began = time.monotonic()
    whole_sign_in(peer, 1)
    assert time.monotonic() - began >= 0.3


def whole_sign_in(peer: Peer, citizen: int) -> None:
    assert peer.userinfo(peer.tokens(Attempt(), citizen)["access_token"]).status_code == 200


# ---- setting them -------------------------------------------------------------------------------------------------


def test_faults_are_listed_counted_and_removed(peer: Peer) -> None:
    first = peer.order("expired", times=2, citizen=0)
    second = peer.order("slow", seconds=1, endpoint="jwks")
    peer.tokens(Attempt())
    address = f"{peer.issuer}/_sandbox/faults"
    listed = peer.server.get(address, timeout=20).json()
    assert [(one["id"], one["fault"], one["left"]) for one in listed] == [(first, "expired", 1), (second, "slow", None)]
    assert listed[0]["citizen"] == CAST[0].personal_number
    assert peer.server.delete(f"{address}/{first}", timeout=20).json() == {"removed": 1}
    assert peer.server.delete(f"{address}/{first}", timeout=20).status_code == 404
    assert peer.server.delete(address, timeout=20).json() == {"removed": 1}


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "unheard of"},
        {"fault": "expired", "endpoint": "jwks"},
        {"fault": "expired", "citizen": "000000000000"},
        {"fault": "expired", "times": 0},
        {"fault": "expired", "claim": "name"},
        {"fault": "missing_claim"},
        {"fault": "other_claims"},
        {"fault": "expired", "claims": {"name": "X"}},
        {"fault": "slow", "seconds": 100_000},
        {"fault": "expired", "who": "everybody"},
        "expired",
    ],
)
def test_a_fault_that_could_never_strike_is_refused_with_the_whole_list(peer: Peer, fault: object) -> None:
    address = f"{peer.issuer}/_sandbox/faults"
    answer = peer.server.post(address, json=[{"fault": "expired"}, fault], timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert peer.server.get(address, timeout=20).json() == []


def test_faults_can_be_there_from_the_start(tmp_path: Path) -> None:
    faults = json.dumps([{"fault": "down", "endpoint": "jwks", "times": 1}])
    with running("population", tmp_path / "none.json", SANDBOX_FAULTS=faults) as issuer, RegisterPeer(issuer) as peer:
        assert peer.server.get(f"{issuer}/jwks", timeout=20).status_code == 503
        assert peer.document("/jwks")["keys"]


def test_another_site_cannot_set_faults_through_a_developers_browser(peer: Peer) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = peer.server.post(f"{peer.issuer}/_sandbox/faults", json={"fault": "down"}, headers=headers, timeout=20)
    assert answer.status_code == 403


def test_every_fault_makes_sense_somewhere() -> None:
    assert all(CATALOGUE[name] for name in FaultName)


def test_of_many_threads_as_many_are_struck_as_was_said() -> None:
    faults = Faults(Population(count=20).find, CATALOGUE)
    faults.add({"fault": "expired", "times": 50})
    struck: list[bool] = []

    def ask() -> None:
        struck.extend(faults.strike({FaultName.EXPIRED}, "token", CAST[Part.ORDINARY]) is not None for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert struck.count(True) == 50
    assert faults.all() == []
