"""XML read without believing it, and answers of the population register in every way malformed."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from connectors import population_answers
from connectors.answers import Refusal
from connectors.base import Failure, HttpAnswer, IdentifierType
from connectors.registers import Agreement
from connectors.xml_documents import DEPTH_LIMIT, DOCUMENT_LIMIT_BYTES, parsed, text_of
from connectors.xroad.messages import pseudonym
from connectors.xroad.soap import Fault, opened
from tests.connectors.door import Door
from tests.connectors.registers_at import pivot

UNSAFE, BROKEN = Failure.UNSAFE_DOCUMENT, Failure.BROKEN_ANSWER
ASKED = pivot("001190000101", "Trần Thị Thu Hà", "1990-03-14")
ASKED_BY_FORMER = pivot("010000101", "Trần Thị Thu Hà", "1990-03-14", IdentifierType.FORMER_NUMBER)


def refused(call: Callable[[], Any]) -> Failure:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.failure


def laughs(levels: int) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(levels))
    return f"<!DOCTYPE a [{entities}]><a>&l{levels - 1};</a>".encode()


@pytest.mark.parametrize(
    "document, failure",
    [
        (laughs(10), UNSAFE),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', UNSAFE),
        (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://169.254.169.254/">%p;]><a/>', UNSAFE),
        (b'<!DOCTYPE a SYSTEM "http://169.254.169.254/a.dtd"><a/>', UNSAFE),
        (b"<!DOCTYPE html><html/>", UNSAFE),
        (b"\xef\xbb\xbf<!DOCTYPE a><a/>", UNSAFE),
        (b"<!-- a --><!DOCTYPE a><a/>", UNSAFE),
        (b"<!doctype a><a/>", UNSAFE),
        (b'<?xml-stylesheet href="x"?><a/>', UNSAFE),
        (b"<a><?php phpinfo() ?></a>", UNSAFE),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', UNSAFE),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', UNSAFE),
        (b'<?xml version="1.0" encoding="IBM037"?><a/>', UNSAFE),
        (b"<a>" * (DEPTH_LIMIT + 1) + b"</a>" * (DEPTH_LIMIT + 1), UNSAFE),
        (b"<a b='/>'>" * (DEPTH_LIMIT + 1) + b"</a>" * (DEPTH_LIMIT + 1), UNSAFE),  # does not end where it seems to
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", UNSAFE),
        (b"<a>" + b" " * DOCUMENT_LIMIT_BYTES + b"</a>", UNSAFE),
        ('<?xml version="1.0"?><!DOCTYPE a><a/>'.encode("utf-16"), BROKEN),
        (b"<a '" * 60_000, BROKEN),
        (b"<a>&x;</a>", BROKEN),
        (b"<a></a></a>", BROKEN),
        (b"<a><b></a></b>", BROKEN),
        (b"<a/><a/>", BROKEN),
        (b"<a><!-- never ends </a>", BROKEN),
        (b"<a><![CDATA[ never ends </a>", BROKEN),
        (b"<a b='1' b='2'/>", BROKEN),
        (b"<x:a/>", BROKEN),
        (b"<a>\x00</a>", BROKEN),
        (b"<a>\xff</a>", BROKEN),
        (b"", BROKEN),
        (b"maKetQua=501", BROKEN),
    ],
)
def test_a_document_that_is_not_read(document: bytes, failure: Failure) -> None:
    assert refused(lambda: parsed(document, "the answer")) is failure


@pytest.mark.parametrize(
    "document, text",
    [
        (b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a>1</a>', "1"),
        (b"\xef\xbb\xbf<a>1</a>", "1"),
        (b"<a>1<!-- 9 -->2</a>", "12"),  # all of it, not what stands before the comment
        (b"<a><![CDATA[<1>]]></a>", "<1>"),
        (b"<a b='>'>1</a>", "1"),
        (b"<a>" * DEPTH_LIMIT + b"</a>" * DEPTH_LIMIT, None),
    ],
)
def test_a_document_that_is_read(document: bytes, text: str | None) -> None:
    assert parsed(document, "the answer").text == text


def test_a_text_is_there_once_and_has_nothing_in_it() -> None:
    assert text_of(parsed(b"<a><b> 1 </b><c/></a>", "x"), "b") == "1"
    assert text_of(parsed(b"<a><b> 1 </b><c/></a>", "x"), "c") is None
    assert refused(lambda: text_of(parsed(b"<a><b>1</b><b>1</b></a>", "x"), "b")) is BROKEN
    assert refused(lambda: text_of(parsed(b"<a><b>1<c/></b></a>", "x"), "b")) is BROKEN


# ---- envelopes ----------------------------------------------------------------------------------------------------

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(inside: str, namespace: str = SOAP) -> bytes:
    return f'<s:Envelope xmlns:s="{namespace}">{inside}</s:Envelope>'.encode()


def came(body: bytes, status: int = 200, media_type: str = "text/xml; charset=utf-8") -> HttpAnswer:
    return HttpAnswer(status=status, headers={"content-type": media_type}, body=body)


@pytest.mark.parametrize(
    "answer, failure",
    [
        (came(envelope("<s:Body><a/></s:Body>"), media_type="text/html"), BROKEN),
        (came(envelope("<s:Body><a/></s:Body>"), media_type="application/json"), BROKEN),
        (came(envelope("<s:Body><a/></s:Body>"), media_type=""), BROKEN),
        (came(envelope("<s:Body><a/><b/></s:Body>")), BROKEN),
        (came(envelope("<s:Body/>")), BROKEN),
        (came(envelope("<s:Header/>")), BROKEN),
        (came(envelope("<s:Body><a/></s:Body><s:Body><b/></s:Body>")), BROKEN),
        (came(envelope("<s:Body><a/></s:Body>", "http://www.w3.org/2003/05/soap-envelope")), BROKEN),  # SOAP 1.2
        (came(envelope("<s:Body><a/></s:Body>"), 500), BROKEN),
        (came(b"<a/>"), BROKEN),
        (came(b"Internal Server Error", 500, "text/plain"), BROKEN),
        (came(b"", 503), Failure.OVERLOADED),
        (came(b"", 502, "text/html"), Failure.UNREACHABLE),
        (came(b"", 504), Failure.TIMED_OUT),
        (came(b"", 401), Failure.MISCONFIGURED),
        (came(b"", 302), BROKEN),
    ],
)
def test_an_answer_that_is_no_soap(answer: HttpAnswer, failure: Failure) -> None:
    assert refused(lambda: opened(answer, "the answer")) is failure


@pytest.mark.parametrize(
    "code, told",
    [
        ("s:Server", "Server"),
        ("Server.ServerProxy.AccessDenied", "Server.ServerProxy.AccessDenied"),
        ("<b>x</b>", None),
        ("Trần Thị Thu Hà", "an unreadable code"),
        ("", "an unreadable code"),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_is_told_by_its_code_alone(code: str, told: str | None, status: int) -> None:
    inside = f"<faultcode>{code}</faultcode><faultstring>001190000101 Trần Thị Thu Hà</faultstring>"
    answer = came(envelope(f"<s:Body><s:Fault>{inside}</s:Fault></s:Body>"), status)
    if told is None:
        assert refused(lambda: opened(answer, "the answer")) is BROKEN
    else:
        with pytest.raises(Fault) as caught:
            opened(answer, "the answer")
        assert str(caught.value) == told


# ---- what the register's answers say ------------------------------------------------------------------------------

NS = population_answers.NAMESPACE
WHO = "<SoDinhDanh>001190000101</SoDinhDanh>"
NAMED = "<HoVaTen><Ho>Trần</Ho><ChuDem>Thị Thu</ChuDem><Ten>Hà</Ten></HoVaTen>"
BORN = "<NgayThangNamSinh><NgayThangNam>19900314</NgayThangNam></NgayThangNamSinh>"
KNOWN = f"{WHO}<TonTai>true</TonTai><TrungKhop>true</TrungKhop><ConSong>true</ConSong>"


def verification(inside: str, asked: Any = ASKED) -> Any:
    element = parsed(f'<KetQuaXacThuc xmlns="{NS}">{inside}</KetQuaXacThuc>'.encode(), "x")
    return population_answers.read_verification(Door(None).context, element, asked, b"")  # type: ignore[arg-type]


def look_up(inside: str, asked: Any = ASKED) -> Any:
    element = parsed(f'<CongdanCollection xmlns="{NS}">{inside}</CongdanCollection>'.encode(), "x")
    return population_answers.read_lookup(Door(None).context, element, asked, b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "inside, failure",
    [
        ("", Failure.INCOMPLETE),
        (WHO, Failure.INCOMPLETE),
        (f"{WHO}<TonTai/>", Failure.INCOMPLETE),
        (f"{WHO}<TonTai>true</TonTai>", Failure.INCOMPLETE),
        (f"{WHO}<TonTai>true</TonTai><TrungKhop>true</TrungKhop>", Failure.INCOMPLETE),
        (f"{WHO}<TonTai>có</TonTai>", BROKEN),
        (f"{WHO}<TonTai>TRUE</TonTai>", BROKEN),
        (f"{WHO}<TonTai>true</TonTai><TonTai>false</TonTai>", BROKEN),
        (f"{WHO}<TonTai>false</TonTai><ConSong>true</ConSong>", BROKEN),
        (f"{WHO}<TonTai>false</TonTai><SoKhac/>", BROKEN),
        (KNOWN.replace("000101", "000102"), Failure.WRONG_NONCE),
        (KNOWN + "<SoKhac>" + "<SoCMND>010000101</SoCMND>" * 21 + "</SoKhac>", BROKEN),
    ],
)
def test_a_yes_or_no_that_cannot_be(inside: str, failure: Failure) -> None:
    assert refused(lambda: verification(inside)) is failure


UNREADABLE = (
    "<SoKhac><SoCMND>1</SoCMND></SoKhac>",
    "<SoKhac><SoCMND>001090000101</SoCMND></SoKhac>",  # some former numbers have twelve digits
    "<DinhChinh/>",
    f"<DinhChinh>{WHO}{BORN}</DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED}</DinhChinh>",
    f"<DinhChinh>{WHO}<HoVaTen><Ho>Trần</Ho></HoVaTen>{BORN}</DinhChinh>",
    f"<DinhChinh><SoDinhDanh>1</SoDinhDanh>{NAMED}{BORN}</DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED}{BORN.replace('0314', '0231')}</DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED}{BORN.replace('1990', '2190')}</DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED}<NgayThangNamSinh/></DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED}{BORN.replace('</NgayThangNamSinh>', '<Nam>1991</Nam></NgayThangNamSinh>')}</DinhChinh>",
    f"<DinhChinh>{WHO}{NAMED.replace('Hà', '&#x202E;Hà')}{BORN}</DinhChinh>",
)


@pytest.mark.parametrize("detail", UNREADABLE)
def test_a_detail_that_cannot_be_read_does_not_hide_that_somebody_has_died(detail: str) -> None:
    died = KNOWN.replace("<ConSong>true", "<ConSong>false")
    assert died != KNOWN
    verdict = verification(died + detail)
    assert (verdict.agreement, verdict.alive) == (Agreement.AGREES, False)
    assert (verdict.rectified, verdict.aliases) == (None, ())


def test_a_yes_or_no_about_a_former_number() -> None:
    known = KNOWN.replace(WHO, "<SoCMND>010000101</SoCMND>")
    assert verification(known, ASKED_BY_FORMER).agreement is Agreement.AGREES
    assert refused(lambda: verification(KNOWN, ASKED_BY_FORMER)) is Failure.INCOMPLETE


@pytest.mark.parametrize(
    "inside, failure",
    [
        (f"<CongDan>{WHO}{NAMED}{BORN}</CongDan>" * 2, BROKEN),
        (f"<CongDan>{WHO}{NAMED}{BORN}</CongDan><Loi/>", BROKEN),
        ("<Loi>501</Loi>", BROKEN),
        (f"<CongDan>{NAMED}{BORN}</CongDan>", Failure.INCOMPLETE),
        (f"<CongDan>{WHO}{BORN}</CongDan>", Failure.INCOMPLETE),
        (f"<CongDan>{WHO}{NAMED}</CongDan>", Failure.INCOMPLETE),
        (f"<CongDan>{WHO.replace('101', '102')}{NAMED}{BORN}</CongDan>", Failure.WRONG_NONCE),
    ],
)
def test_a_person_who_cannot_be(inside: str, failure: Failure) -> None:
    assert refused(lambda: look_up(inside)) is failure


@pytest.mark.parametrize(
    "name, born, agreement",
    [
        ("Trần Thị Thu Hà", "1990-03-14", Agreement.AGREES),
        ("TRẦN THỊ THU HÀ", "1990-03-14", Agreement.AGREES),
        ("Tran Thi Thu Ha", "1990", Agreement.AGREES),
        (unicodedata.normalize("NFD", "Trần Thị Thu Hà"), "1990-03", Agreement.AGREES),
        ("Trần Thu Hà", "1990-03-14", Agreement.DIFFERS),
        ("Trần Thị Thu Hà", "1990-04", Agreement.DIFFERS),
        ("Trần Thị Thu Hà", "1990-03-15", Agreement.DIFFERS),
    ],
)
def test_what_came_back_is_compared(name: str, born: str, agreement: Agreement) -> None:
    verdict = look_up(f"<CongDan>{WHO}{NAMED}{BORN}</CongDan>", pivot("001190000101", name, born))
    assert verdict.agreement is agreement


def test_a_former_number_of_twelve_digits_is_no_alias() -> None:
    assert look_up(f"<CongDan>{WHO}<SoCMND>001190000101</SoCMND>{NAMED}{BORN}</CongDan>").aliases == ()


CHANGE = (
    "<BienDong><SoThuTu>8</SoThuTu><Loai>KhaiTu</Loai>{who}<ThoiDiem>2026-03-01T08:00:00+07:00</ThoiDiem></BienDong>"
)
DEATH = CHANGE.format(who=WHO)


def page(inside: str, head: str = "<ViTriTruoc>7</ViTriTruoc><ViTriSau>8</ViTriSau><ConNua>false</ConNua>") -> Any:
    element = parsed(f'<DanhSachBienDong xmlns="{NS}">{head}{inside}</DanhSachBienDong>'.encode(), "x")
    return population_answers.read_changes(element, "7", 3)


@pytest.mark.parametrize(
    "inside, failure",
    [
        (DEATH * 2, BROKEN),
        (DEATH.replace("8</SoThuTu>", "9</SoThuTu>"), BROKEN),  # beyond the cursor: it would be left out next time
        (DEATH.replace("8</SoThuTu>", "08</SoThuTu>"), BROKEN),
        (DEATH.replace("KhaiTu", "KetHon"), BROKEN),
        (DEATH.replace("101<", "10a<"), BROKEN),
        (DEATH.replace("+07:00", ""), BROKEN),
        (DEATH.replace("2026-03-01", "hôm qua "), BROKEN),
        (DEATH.replace("KhaiTu", "DoiSoDinhDanh"), Failure.INCOMPLETE),
        (CHANGE.format(who=WHO + "<SoDinhDanhMoi>001190000102</SoDinhDanhMoi>"), BROKEN),
        (
            CHANGE.format(who=WHO + "<SoDinhDanhMoi>001190000101</SoDinhDanhMoi>").replace("KhaiTu", "DoiSoDinhDanh"),
            BROKEN,
        ),
        ("".join(DEATH.replace("8</SoThuTu>", f"{n}</SoThuTu>") for n in range(5, 9)), BROKEN),  # more than asked for
    ],
)
def test_a_page_that_cannot_be(inside: str, failure: Failure) -> None:
    assert refused(lambda: page(inside)) is failure


def test_a_page_that_can_be() -> None:
    assert [one.personal_number for one in page(DEATH).changes] == ["001190000101"]
    seen_before = DEATH.replace("8</SoThuTu>", "7</SoThuTu>")
    assert len(page(DEATH + seen_before).changes) == 1


def test_no_spoilt_answer_raises_anything_but_a_refusal() -> None:
    """4,000 answers with bytes changed, cut short, or with elements moved: the same ones every time."""
    random = Random("spoilt answers")
    result = f"<KetQuaXacThuc xmlns='{NS}'>{KNOWN}<DinhChinh>{WHO}{NAMED}{BORN}</DinhChinh></KetQuaXacThuc>"
    good = envelope(f"<s:Header><x/></s:Header><s:Body>{result}</s:Body>")
    pieces, agreed = re.findall(rb"<[^>]*>|[^<]+", good), 0
    for turn in range(4000):
        if turn % 3 == 0:
            spoilt = bytearray(good)
            spoilt[random.randrange(len(good))] = random.choice([*b"<>&'/ 0a", random.randrange(256)])
        elif turn % 3 == 1:
            spoilt = bytearray(good[: random.randrange(len(good))])
        else:
            moved = list(pieces)
            moved.insert(random.randrange(len(moved)), moved.pop(random.randrange(len(moved))))
            spoilt = bytearray(b"".join(moved))
        with contextlib.suppress(Refusal, Fault):
            body = population_answers.inside(opened(came(bytes(spoilt)), "x").body, "X", "KetQuaXacThuc")
            verdict = population_answers.read_verification(Door(None).context, body, ASKED, b"")  # type: ignore[arg-type]
            agreed += verdict.agreement is Agreement.AGREES
    assert 0 < agreed < 1000  # a letter of a name, a space between elements: most spoilt answers are noticed


# ---- headers ------------------------------------------------------------------------------------------------------


def test_a_pseudonym_holds_no_number_and_needs_the_key() -> None:
    door = Door(None, pseudonym_key="one")  # type: ignore[arg-type]
    made = [pseudonym(door.context, f"personal_number {number:012}") for number in range(200)]
    assert len(set(made)) == 200
    assert not any(character.isdigit() for one in made for character in one)
    other = Door(None, pseudonym_key="another")  # type: ignore[arg-type]
    assert pseudonym(other.context, "personal_number 000000000000") != made[0]
