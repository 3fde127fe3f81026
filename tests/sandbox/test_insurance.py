"""The insurance gateway of the sandbox: its two versions, its habits, its file, its messages, its faults."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from connectors.sandbox.insurance.faults import CATALOGUE, OPERATIONS, PATHS
from connectors.sandbox.insurance.records import RATES, InsuranceFile
from connectors.sandbox.population import Population
from tests.sandbox.conftest import running
from tests.storage.places import at_once

SECRET = "a secret for the gateway"
PASSWORD = hashlib.md5(SECRET.encode()).hexdigest()
ORDINARY = CAST[Part.ORDINARY]
OFFICIAL = {"hoTenCb": "Lý Thị Hỏi", "cccdCb": "001090000999"}
HISTORY = {"maThe": ORDINARY.personal_number, "hoTen": ORDINARY.full_name, "ngaySinh": "14/03/1990", **OFFICIAL}


class Caller:
    """A hospital's software, say."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token: dict[str, str] = {}

    def post(self, path: str, **options: Any) -> requests.Response:
        return requests.post(f"{self.address}{path}", timeout=10, **options)

    def take(self, username: str = "motcua", password: str = PASSWORD) -> dict[str, Any]:
        answer = self.post("/api/token/take", json={"username": username, "password": password})
        assert answer.status_code == 200, "also where the answer is no"
        taken: dict[str, Any] = answer.json()
        self.token = taken.get("APIKey", {})
        return taken

    def ask(self, operation: str, values: dict[str, Any], version: str = "2024", **query: str) -> requests.Response:
        path = f"/api/egw/{operation}{version}"
        token, id_token = self.token["access_token"], self.token["id_token"]
        if version == "2024":
            headers = {"Authorization": f"Bearer {token}", "X-Id-Token": id_token}
            return self.post(path, json=values, headers=headers)
        usual = {"token": token, "id_token": id_token, "username": "motcua", "password": PASSWORD}
        return self.post(path, data=values, params={**usual, **query})

    def code(self, operation: str, values: dict[str, Any], version: str = "2024") -> str:
        answer = self.ask(operation, values, version)
        assert answer.status_code == 200
        return str(answer.json()["maKetQua"])

    def begun(self, number: str = ORDINARY.personal_number) -> str:
        """A transaction whose code was sent."""
        reference = str(self.ask("TimNoiNhanMa", {"maThe": number}).json()["maGiaoDich"])
        assert self.code("GuiMaXacThuc", {"maGiaoDich": reference}) == "000"
        return reference

    def control(self, method: str, what: str, **options: Any) -> Any:
        answer = requests.request(method, f"{self.address}/_sandbox/{what}", timeout=10, **options)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clients_file = tmp_path_factory.mktemp("gateway") / "clients.json"
    client = {"client_id": "motcua", "redirect_uris": [], "client_secret": SECRET}
    clients_file.write_text(json.dumps([client]), "utf-8")
    with running("insurance", clients_file) as address:
        yield address


@pytest.fixture
def caller(_gateway: str) -> Caller:
    caller = Caller(_gateway)
    for what in ("faults", "requests", "messages"):
        caller.control("DELETE", what)
    caller.take()
    return caller


# --- the token


def test_a_token_is_taken_with_the_md5_of_the_password(caller: Caller) -> None:
    taken = caller.take()
    assert taken["maKetQua"] == "200"
    assert set(taken["APIKey"]) == {"access_token", "id_token", "token_type", "expires_in"}


@pytest.mark.parametrize(
    "username,password",
    [("motcua", SECRET), ("motcua", ""), ("motcua", PASSWORD.upper()), ("somebody", PASSWORD), ("", "")],
)
def test_who_is_not_known_gets_none_and_http_says_200(caller: Caller, username: str, password: str) -> None:
    assert caller.take(username, password)["maKetQua"] == "401"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"motcua"', b"{"])
def test_what_is_not_a_request_gets_no_token(caller: Caller, body: bytes) -> None:
    answer = caller.post("/api/token/take", data=body, headers={"Content-Type": "application/json"})
    assert answer.json()["maKetQua"] == "401"


@pytest.mark.parametrize("spoiled", ["token", "id_token", "username", "password"])
def test_2019_answers_200_and_501_to_what_it_does_not_know(caller: Caller, spoiled: str) -> None:
    answer = caller.ask("KQNhanLichSuKCB", HISTORY, "2019", **{spoiled: "wrong"})
    assert (answer.status_code, answer.json()["maKetQua"]) == (200, "501")


@pytest.mark.parametrize("spoiled", ["access_token", "id_token"])
def test_2024_answers_401_to_what_it_does_not_know(caller: Caller, spoiled: str) -> None:
    caller.token[spoiled] = "wrong"
    assert caller.ask("KQNhanLichSuKCB", HISTORY).status_code == 401


@pytest.mark.parametrize("version,wrong", [("2019", "json"), ("2024", "data")])
def test_each_version_takes_its_own_form_only(caller: Caller, version: str, wrong: str) -> None:
    headers = {"Authorization": f"Bearer {caller.token['access_token']}", "X-Id-Token": caller.token["id_token"]}
    query = {"token": caller.token["access_token"], "id_token": caller.token["id_token"]}
    query |= {"username": "motcua", "password": PASSWORD}
    sent: dict[str, Any] = {wrong: HISTORY, "headers": headers, "params": query}
    assert caller.post(f"/api/egw/KQNhanLichSuKCB{version}", **sent).json()["maKetQua"] == "205"


# --- the register


@pytest.mark.parametrize("version", ["2019", "2024"])
@pytest.mark.parametrize(
    "changes,code",
    [
        ({}, "000"),
        ({"hoTen": "tran minh quan"}, "000"),
        ({"hoTen": "Trần Văn Khác"}, "061"),
        ({"hoTen": "Lê Văn Khác"}, "060"),
        ({"ngaySinh": "15/03/1990"}, "070"),
        ({"ngaySinh": "1990"}, "070"),
        ({"maThe": "999999999999"}, "050"),
        ({"cccdCb": ""}, "054"),
        ({"hoTenCb": ""}, "054"),
    ],
)
def test_number_name_and_birth_date_belong_together_or_not(
    caller: Caller, changes: dict[str, str], code: str, version: str
) -> None:
    assert caller.code("KQNhanLichSuKCB", {**HISTORY, **changes}, version) == code


@pytest.mark.parametrize("sent", ["1952", "01/1952", "17/09/1952"])
def test_a_year_on_file_is_all_that_is_compared(caller: Caller, sent: str) -> None:
    citizen = CAST[Part.YEAR_ONLY]
    asked = {**HISTORY, "maThe": citizen.personal_number, "hoTen": citizen.full_name, "ngaySinh": sent}
    assert caller.code("KQNhanLichSuKCB", asked) == "000"


def test_a_wrong_name_is_answered_with_the_right_one(caller: Caller) -> None:
    """A habit of the real one, which callers must not repeat."""
    answer = caller.ask("KQNhanLichSuKCB", {**HISTORY, "hoTen": "Trần Văn Khác"}).json()
    assert ORDINARY.full_name in answer["ghiChu"]


# --- codes


def test_a_code_goes_through_find_send_and_redeem(caller: Caller) -> None:
    found = caller.ask("TimNoiNhanMa", {"maThe": ORDINARY.personal_number}).json()
    assert found["sdtChe"] == f"*******{ORDINARY.phone[-3:]}" and ORDINARY.phone not in json.dumps(found)
    redeem = {"maGiaoDich": found["maGiaoDich"], "maXacThuc": ONE_TIME_CODE}
    assert caller.code("KiemTraMaXacThuc", redeem) == "923", "nothing was sent yet"
    assert caller.control("GET", "messages") == []
    caller.code("GuiMaXacThuc", {"maGiaoDich": found["maGiaoDich"]})
    assert [one["code"] for one in caller.control("GET", "messages")] == [ONE_TIME_CODE]
    assert caller.code("KiemTraMaXacThuc", {**redeem, "maXacThuc": "000000"}) == "922"
    answer = caller.ask("KiemTraMaXacThuc", redeem).json()
    assert (answer["maKetQua"], answer["soCCCD"], answer["ngaySinh"]) == ("000", ORDINARY.personal_number, "14/03/1990")
    assert caller.code("KiemTraMaXacThuc", redeem) == "924"


def test_of_many_at_once_one_redeems(caller: Caller) -> None:
    redeem = {"maGiaoDich": caller.begun(), "maXacThuc": ONE_TIME_CODE}
    codes = at_once(8, lambda _: caller.code("KiemTraMaXacThuc", redeem))
    assert Counter(codes) == {"000": 1, "924": 7}


@pytest.mark.parametrize(
    "part,found,redeemed",
    [(Part.LOW_LEVEL, "920", None), (Part.LOCKED, "000", "931"), (Part.DECEASED, "000", "932")],
)
def test_what_is_known_against_somebody_is_told_when_it_is_due(
    caller: Caller, part: Part, found: str, redeemed: str | None
) -> None:
    number = CAST[part].personal_number
    assert caller.code("TimNoiNhanMa", {"maThe": number}) == found
    if redeemed is not None:
        sent = {"maGiaoDich": caller.begun(number), "maXacThuc": ONE_TIME_CODE}
        assert caller.code("KiemTraMaXacThuc", sent) == redeemed


def test_one_telephone_has_one_name_and_another_another(caller: Caller) -> None:
    def name(part: Part) -> str:
        return str(caller.ask("TimNoiNhanMa", {"maThe": CAST[part].personal_number}).json()["maSdt"])

    assert name(Part.ORDINARY) == name(Part.ORDINARY) != name(Part.ORDINARY_SECOND)


@pytest.mark.parametrize("operation", ["GuiMaXacThuc", "KiemTraMaXacThuc"])
def test_a_transaction_that_nobody_began_is_not_known(caller: Caller, operation: str) -> None:
    assert caller.code(operation, {"maGiaoDich": "nobody's", "maXacThuc": ONE_TIME_CODE}) == "921"


def test_people_read_messages_and_numbers_on_the_first_page(caller: Caller) -> None:
    caller.begun()
    page = requests.get(caller.address, timeout=10)
    numbers = [one["insurance_number"] for one in caller.control("GET", "insured")]
    assert page.status_code == 200 and "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert f"*******{ORDINARY.phone[-3:]}" in page.text and ONE_TIME_CODE in page.text
    assert len(numbers) == len(CAST) and all(number in page.text for number in numbers)


def test_messages_are_nothing_for_other_sites(caller: Caller) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    for what, status in (("/_sandbox/messages", 403), ("/_sandbox/insured", 403), ("/", 200)):
        assert requests.get(f"{caller.address}{what}", headers=headers, timeout=10).status_code == status


def test_what_was_asked_is_logged_without_values(caller: Caller) -> None:
    caller.ask("KQNhanLichSuKCB", HISTORY, "2019")
    logged = caller.control("GET", "requests")[-1]
    assert logged["query"] == ["id_token", "password", "token", "username"]
    told = json.dumps(logged)
    secret = (caller.token["access_token"], PASSWORD, ORDINARY.personal_number)
    assert not [one for one in secret if one in told]


# --- faults


def test_every_operation_has_its_endpoint_and_every_fault_its_places(caller: Caller) -> None:
    assert set(PATHS.values()) == {"token", *OPERATIONS.values()}
    for fault, endpoints in CATALOGUE.items():
        for endpoint in endpoints:
            more = {"missing_claim": {"claim": "hoTen"}, "other_claims": {"claims": {"hoTen": "X"}}}.get(fault, {})
            caller.control("POST", "faults", json={"fault": fault, "endpoint": endpoint, **more})
    wrong = requests.post(f"{caller.address}/_sandbox/faults", json={"fault": "locked", "endpoint": "send"}, timeout=10)
    assert wrong.status_code == 400
    caller.control("DELETE", "faults")


def test_what_is_on_file_of_one_person_can_be_something_else(caller: Caller) -> None:
    claims = {"ngaySinh": "1990", "soCCCD": None}
    caller.control("POST", "faults", json={"fault": "other_claims", "citizen": 0, "claims": claims})
    said = caller.ask("KiemTraMaXacThuc", {"maGiaoDich": caller.begun(), "maXacThuc": ONE_TIME_CODE}).json()
    assert (said["hoTen"], said["ngaySinh"], "soCCCD" in said) == (ORDINARY.full_name, "1990", False)


def test_a_fault_may_be_set_for_one_person(caller: Caller) -> None:
    caller.control("POST", "faults", json={"fault": "error_in_200", "citizen": ORDINARY.personal_number})
    other = CAST[Part.ORDINARY_SECOND].personal_number
    assert caller.code("TimNoiNhanMa", {"maThe": ORDINARY.personal_number}) == "101"
    assert caller.code("TimNoiNhanMa", {"maThe": other}) == "000"


@pytest.mark.parametrize("version,told", [("2019", (200, "501")), ("2024", (401, None))])
def test_an_ended_token_is_told_as_each_version_does(
    caller: Caller, version: str, told: tuple[int, str | None]
) -> None:
    caller.control("POST", "faults", json={"fault": "expired_token", "times": 1})
    answer = caller.ask("TimNoiNhanMa", {"maThe": ORDINARY.personal_number}, version)
    assert (answer.status_code, answer.json()["maKetQua"] if answer.content else None) == told
    assert caller.code("TimNoiNhanMa", {"maThe": ORDINARY.personal_number}, version) == "000"


# --- the file


def test_the_file_is_the_same_for_a_seed_and_another_for_another() -> None:
    people = list(Population(count=300))
    files = [InsuranceFile(people, seed).records for seed in (1, 1, 2)]
    assert files[0] == files[1] != files[2]


def test_the_file_has_the_errors_of_such_files_as_often_as_it_says() -> None:
    people = list(Population(count=5000))
    records = InsuranceFile(people, 7).records
    errors = Counter(error for record in records for error in record.errors)
    assert set(errors) == set(RATES) - {"not_insured"}
    assert 0.97 < len(records) / len(people) < 0.99
    for error in ("lost_marks", "no_phone"):
        assert 0.7 < errors[error] / len(records) / RATES[error] < 1.3
    numbers = [record.insurance_number for record in records]
    assert len(set(numbers)) == len(numbers) and all(len(one) == 10 and one.isdigit() for one in numbers)
