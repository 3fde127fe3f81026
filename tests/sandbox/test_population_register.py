"""The sandbox's population register behind X-Road: whom it lets in, what it says, what can be made to happen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.sandbox.cast import CAST, Part
from tests.sandbox.conftest import running
from tests.sandbox.xroad_member import MEMBER, PEOPLE_PATH, Asker, signed

VERIFY, LOOK_UP, CHANGES = "XacThucThongTinCongDan", "TraCuuThongTinCongDan", "TraCuuBienDong"
MAN = CAST[Part.ORDINARY]
BORN = MAN.birth_date.replace("-", "")


@pytest.fixture(scope="module")
def _asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    members = tmp_path_factory.mktemp("population") / "members.json"
    members.write_text(json.dumps([MEMBER]), "utf-8")
    with running("population_register", members) as address:
        yield Asker(address)


@pytest.fixture
def asker(_asker: Asker) -> Asker:
    for what in ("faults", "requests", "changes"):
        _asker.control("DELETE", what).raise_for_status()
    return _asker


def verdict(asker: Asker, number: str, name: str, born: str) -> dict[str, bool]:
    text = asker.person(VERIFY, number, name, born)
    told = {word: f"<dc:{word}>" in text for word in ("DinhChinh", "SoKhac")}
    for word in ("TonTai", "TrungKhop", "ConSong"):
        if f"<dc:{word}>" in text:
            told[word] = f"<dc:{word}>true</dc:{word}>" in text
    return told


@pytest.mark.parametrize(
    "told, code",
    [
        ({"client": "VN/GOV/9999/nobody", "headers": {"X-Road-Client": None}}, "Server.ServerProxy.AccessDenied"),
        ({"client": ""}, "Client.MissingHeader"),
        ({"id": ""}, "Client.MissingHeader"),
        ({"headers": {"X-Road-Client": "VN/GOV/9999/nobody"}}, "Client.InconsistentHeaders"),
        ({"user": "VN001090000101"}, "Client.BadRequest"),  # a person's number where a pseudonym belongs
        ({"version": "3.1"}, "Client.InvalidProtocolVersion"),
        ({"service": "VN/GOV/0001/population/TraCuuXe"}, "Server.ServerProxy.UnknownService"),
        ({"headers": {"ApiKey": None}}, "s:Client"),
        ({"headers": {"Timestamp": None}}, "s:Client"),
        ({"headers": {"Authorization": None}}, "s:Client"),
        ({"headers": {"Authorization": "Basic eDp5"}}, "s:Client"),
    ],
)
def test_who_is_not_let_in(asker: Asker, told: dict[str, Any], code: str) -> None:
    text = asker.person(VERIFY, MAN.personal_number, MAN.full_name, BORN, **told)
    assert f"<faultcode>{code}</faultcode>" in text
    assert "TonTai" not in text


@pytest.mark.parametrize("off", [-400, 400])
def test_a_signature_is_good_for_minutes(asker: Asker, off: int) -> None:
    headers = signed(f"{asker.address}{PEOPLE_PATH}", at=time.time() + off)
    assert "s:Client" in asker.person(VERIFY, MAN.personal_number, MAN.full_name, BORN, headers=headers)


def test_a_signature_is_for_one_address(asker: Asker) -> None:
    headers = signed(f"{asker.address}/elsewhere")
    assert "s:Client" in asker.person(VERIFY, MAN.personal_number, MAN.full_name, BORN, headers=headers)


@pytest.mark.parametrize("body", [b"", b"<a/>", b"{}", b"<!DOCTYPE a><a/>", b"\xff"])
def test_what_is_no_soap_gets_a_fault(asker: Asker, body: bytes) -> None:
    answer = asker.send(PEOPLE_PATH, {}, data=body)
    assert answer.status_code == 500 and "s:Client" in answer.text


def test_the_headers_come_back_as_they_were(asker: Asker) -> None:
    text = asker.person(VERIFY, MAN.personal_number, MAN.full_name, BORN, id="0d5a")
    header = text.partition("</s:Header>")[0]
    assert ">0d5a</x:id>" in header and ">XacThucThongTinCongDan</i:serviceCode>" in header


@pytest.mark.parametrize(
    "number, name, born, told",
    [
        (MAN.personal_number, "Trần Minh Quân", "19900314", {"TrungKhop": True, "ConSong": True, "DinhChinh": False}),
        (MAN.personal_number, "TRAN MINH QUAN", "19900314", {"TrungKhop": True, "ConSong": True, "DinhChinh": True}),
        (MAN.personal_number, "Trần Minh Quân", "1990", {"TrungKhop": True, "ConSong": True, "DinhChinh": True}),
        (MAN.former_number, "Trần Minh Quân", "19900314", {"TrungKhop": True, "ConSong": True, "DinhChinh": True}),
        (MAN.personal_number, "Trần Minh", "19900314", {"TrungKhop": False, "ConSong": True, "DinhChinh": False}),
        (MAN.personal_number, "Trần Minh Quân", "19910314", {"TrungKhop": False, "ConSong": True, "DinhChinh": False}),
    ],
)
def test_what_it_says(asker: Asker, number: str, name: str, born: str, told: dict[str, bool]) -> None:
    agrees = told["TrungKhop"]
    assert verdict(asker, number, name, born) == {"TonTai": True, "SoKhac": agrees, **told}


def test_a_year_alone_is_all_that_is_known(asker: Asker) -> None:
    person = CAST[Part.YEAR_ONLY]
    assert "<dc:Nam>1952</dc:Nam>" in asker.person(LOOK_UP, person.personal_number, person.full_name, "1952")
    first_of_january = verdict(asker, person.personal_number, person.full_name, "19520101")  # as banks have it
    assert (first_of_january["TrungKhop"], first_of_january["DinhChinh"]) == (True, True)


@pytest.mark.parametrize("number", [CAST[Part.NOT_IN_REGISTER].personal_number, "000000000000", "999999999"])
def test_nobody_is_known_by_this_number(asker: Asker, number: str) -> None:
    assert verdict(asker, number, "Võ Thành Nhân", "1993") == {"TonTai": False, "DinhChinh": False, "SoKhac": False}
    assert "CongDan>" not in asker.person(LOOK_UP, number, "Võ Thành Nhân", "1993").replace("TraCuuThongTinCongDan", "")


def test_a_question_without_name_or_date_is_none(asker: Asker) -> None:
    text = asker.soap(VERIFY, f"<b:SoDinhDanh>{MAN.personal_number}</b:SoDinhDanh>")
    assert "<faultcode>s:Client</faultcode>" in text


def feed(asker: Asker, after: int = 0, size: int = 10) -> str:
    return asker.soap(CHANGES, f"<b:ViTri>{after}</b:ViTri><b:SoLuong>{size}</b:SoLuong>")


def test_what_is_made_to_happen_stands_in_the_feed_and_in_the_answers(asker: Asker) -> None:
    orders: list[dict[str, Any]] = [
        {"type": "death", "citizen": 2},
        {"type": "correction", "citizen": 1, "birth_date": "1985-11-03"},
        {"type": "renumbering", "citizen": MAN.personal_number, "new_number": "001090000777"},
    ]
    for place, order in enumerate(orders, 1):
        answer = asker.control("POST", "changes", json=order)
        assert (answer.status_code, answer.json()) == (201, {"place": place})
    text = feed(asker, 1, 1)
    assert "<dc:Loai>CaiChinh</dc:Loai>" in text and "<dc:ConNua>true</dc:ConNua>" in text
    assert "<dc:ViTriSau>2</dc:ViTriSau>" in text and "KhaiTu" not in text
    dead = CAST[Part.ORDINARY_THIRD]
    assert not verdict(asker, dead.personal_number, dead.full_name, dead.birth_date.replace("-", ""))["ConSong"]
    text = asker.person(VERIFY, "001090000777", MAN.full_name, BORN)
    assert f"<dc:SoDinhDanh>{MAN.personal_number}</dc:SoDinhDanh>" in text.partition("SoKhac")[2]
    assert asker.control("DELETE", "changes").json() == {"removed": 3}
    assert "BienDong><dc:SoThuTu" not in feed(asker)


@pytest.mark.parametrize(
    "order",
    [
        {"type": "wedding", "citizen": 1},
        {"type": "death", "citizen": 99999},
        {"type": "death", "citizen": int(Part.NOT_IN_REGISTER)},
        {"type": "death", "citizen": 1, "new_number": "001090000777"},
        {"type": "renumbering", "citizen": 1},
        {"type": "renumbering", "citizen": 1, "new_number": MAN.personal_number},
        {"type": "renumbering", "citizen": 1, "new_number": "12"},
        {"type": "correction", "citizen": 1},
        {"type": "correction", "citizen": 1, "birth_date": "1985-02-31"},
        {"type": "correction", "citizen": 1, "name": "a|b"},
    ],
)
def test_what_cannot_happen_does_not(asker: Asker, order: dict[str, Any]) -> None:
    assert asker.control("POST", "changes", json=order).status_code == 400
    assert "BienDong><dc:SoThuTu" not in feed(asker)


@pytest.mark.parametrize(
    "endpoint, fault", [("changes", "says_deceased"), ("verify", "feed_goes_back"), ("verify", "x")]
)
def test_a_fault_that_could_never_strike_is_refused(asker: Asker, endpoint: str, fault: str) -> None:
    answer = asker.control("POST", "faults", json={"fault": fault, "endpoint": endpoint})
    assert answer.status_code == 400


def test_a_fault_may_be_for_one_person(asker: Asker) -> None:
    asker.control("POST", "faults", json={"fault": "says_deceased", "citizen": 0}).raise_for_status()
    woman = CAST[Part.ORDINARY_SECOND]
    assert verdict(asker, woman.personal_number, woman.full_name, "19851102")["ConSong"]
    assert not verdict(asker, MAN.personal_number, MAN.full_name, BORN)["ConSong"]
