"""What the population register's answers say, read strictly: about the person asked for, whole, and of one mind.

Callers of the real register document `KetQuaXacThuc` with `TonTai`, and `CongdanCollection` of `CongDan` with names
and dates. Ours, in the same style: `TrungKhop` (agrees), `ConSong` (alive), `DinhChinh` (rectified), `SoKhac`
(aliases), the number repeated in `KetQuaXacThuc`, and the whole of the change feed (`DanhSachBienDong`).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import NoReturn

from lxml.etree import _Element

from connectors.answers import Refusal
from connectors.base import BirthDate, Context, Failure, Identifier, IdentifierType, Name
from connectors.claims import TEXT_LIMIT_CHARACTERS, Claims, read_birth_date
from connectors.registers import Agreement, Change, Changes, ChangeType, Pivot, Verdict
from connectors.xml_documents import child, children, text_of

NAMESPACE = "http://www.mic.gov.vn/dancu/1.0"
ALIASES_LIMIT = 20
CURSOR = re.compile(r"0|[1-9][0-9]{0,17}")

_PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
_FORMER_NUMBER = re.compile(r"[0-9]{9}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}  # XML Schema part 2 section 3.2.2
_CHANGES = {"KhaiTu": ChangeType.DEATH, "CaiChinh": ChangeType.CORRECTION, "DoiSoDinhDanh": ChangeType.RENUMBERING}
_D_WITH_STROKE = str.maketrans({"đ": "d", "Đ": "d", "Ð": "d", "ð": "d"})


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _broken(why: str) -> NoReturn:
    raise Refusal(Failure.BROKEN_ANSWER, f"the register's answer {why}")


def _text(element: _Element, local: str) -> str | None:
    return text_of(element, _name(local))


def _needed(element: _Element, local: str) -> str:
    text = _text(element, local)
    if text is None:
        raise Refusal(Failure.INCOMPLETE, f"the register's answer has no {local}")
    if len(text) > TEXT_LIMIT_CHARACTERS:
        _broken(f"has a {local} that is too long")
    return text


def _truth(element: _Element, local: str) -> bool:
    text = _needed(element, local)
    if text not in _BOOLEANS:
        _broken(f"has a {local} that is neither true nor false")
    return _BOOLEANS[text]


def _personal_number(element: _Element, local: str) -> str:
    number = _needed(element, local)
    if not _PERSONAL_NUMBER.fullmatch(number):
        _broken(f"has a {local} that is not 12 digits")
    return number


def inside(body: _Element, operation: str, local: str) -> _Element:
    """The element with the answer: the body's own, or inside the wrapper that PR-MESS section 2.3 wants."""
    if body.tag == _name(f"{operation}Response"):
        inner = child(body, _name(local))
        if inner is None:
            _broken(f"has no {local}")
        return inner
    if body.tag != _name(local):
        _broken(f"holds neither {local} nor {operation}Response")
    return body


def _check_about(element: _Element, asked: Identifier) -> None:
    """Raises Refusal where the answer is about another number than the one that was asked for."""
    is_personal = asked.type is IdentifierType.PERSONAL_NUMBER
    if _needed(element, "SoDinhDanh" if is_personal else "SoCMND") != asked.value:
        raise Refusal(Failure.WRONG_NONCE, "the register's answer is about another number")


# --- yes or no: XacThucThongTinCongDan


def read_verification(context: Context, element: _Element, asked: Pivot, evidence: bytes) -> Verdict:
    """What `KetQuaXacThuc` says; raises Refusal for one that contradicts itself, or tells of a stranger."""
    _check_about(element, asked.identifier)
    rectified, others = child(element, _name("DinhChinh")), child(element, _name("SoKhac"))
    if not _truth(element, "TonTai"):
        if (
            any(_text(element, local) for local in ("TrungKhop", "ConSong"))
            or rectified is not None
            or others is not None
        ):
            _broken("says that there is nobody, and more of them")
        return _verdict(context, Agreement.UNKNOWN, None, evidence)
    agrees, alive = _truth(element, "TrungKhop"), _truth(element, "ConSong")
    if not agrees:
        if rectified is not None or others is not None:
            _broken("tells of somebody with another name or birth date")  # whose details are none of ours
        return _verdict(context, Agreement.DIFFERS, alive, evidence)
    return Verdict(
        agreement=Agreement.AGREES,
        alive=alive,
        at=context.now(),
        evidence=evidence,
        rectified=None if rectified is None else _rectified(context, rectified),
        aliases=() if others is None else _aliases(context, others, asked.identifier),
    )


def _rectified(context: Context, person: _Element) -> Pivot | None:
    """The person's details of today; None where they cannot be read: that somebody has died must not go with them."""
    try:
        return _pivot(context, person)
    except Refusal as problem:
        context.note("register_detail_unreadable", detail=problem.detail)
        return None


def _verdict(context: Context, agreement: Agreement, alive: bool | None, evidence: bytes) -> Verdict:
    return Verdict(agreement=agreement, alive=alive, at=context.now(), evidence=evidence)


def _aliases(context: Context, others: _Element, asked: Identifier) -> tuple[Identifier, ...]:
    """The other numbers; the one asked for is no news, and some former ones of 12 digits are the personal number."""
    kinds = (
        ("SoDinhDanh", IdentifierType.PERSONAL_NUMBER, _PERSONAL_NUMBER),
        ("SoCMND", IdentifierType.FORMER_NUMBER, _FORMER_NUMBER),
    )
    found: list[Identifier] = []
    if len(others) > ALIASES_LIMIT:
        _broken("has too many other numbers")
    for local, kind, form in kinds:
        for element in children(others, _name(local)):
            value = (element.text or "").strip()
            if not form.fullmatch(value):
                context.note("register_detail_unreadable", detail=f"a {local} of another form")
            elif (kind, value) != (asked.type, asked.value):
                found.append(Identifier(type=kind, value=value, state="former"))
    return tuple(dict.fromkeys(found))


# --- the whole person: TraCuuThongTinCongDan


def read_lookup(context: Context, element: _Element, asked: Pivot, evidence: bytes) -> Verdict:
    """What `CongdanCollection` says, compared here; raises Refusal for several people, or for somebody else.

    This operation does not tell who is alive. Where spelling or the precision of the date differ, the register's are
    the person's details.
    """
    people = list(children(element, _name("CongDan")))
    if len(people) != len(element) or len(people) > 1:
        _broken("is about several people, or holds something else")
    if not people:
        return _verdict(context, Agreement.UNKNOWN, None, evidence)
    _check_about(people[0], asked.identifier)
    held = _pivot(context, people[0])
    if not (_folded(held.name.full) == _folded(asked.name.full) and _same_date(held.birth_date, asked.birth_date)):
        return _verdict(context, Agreement.DIFFERS, None, evidence)
    former = _text(people[0], "SoCMND")
    if former is not None and not _FORMER_NUMBER.fullmatch(former):
        former = None  # some were of 12 digits: those are no other number than the personal one
    is_alias = former is not None and asked.identifier.type is IdentifierType.PERSONAL_NUMBER
    alias = Identifier(type=IdentifierType.FORMER_NUMBER, value=former or "", state="former")
    return Verdict(
        agreement=Agreement.AGREES,
        alive=None,
        at=context.now(),
        evidence=evidence,
        rectified=None if _is_exact(held, asked) else held,
        aliases=(alias,) if is_alias else (),
    )


def _is_exact(held: Pivot, asked: Pivot) -> bool:
    spelled, sent = (unicodedata.normalize("NFC", one.name.full) for one in (held, asked))
    return (held.identifier, spelled, _day(held.birth_date)) == (asked.identifier, sent, _day(asked.birth_date))


def _day(birth_date: BirthDate | None) -> tuple[int | None, ...]:
    return () if birth_date is None else (birth_date.year, birth_date.month, birth_date.day)


def _same_date(held: BirthDate | None, asked: BirthDate | None) -> bool:
    """Whether both may be one date: the parts that both know are the same."""
    if held is None or asked is None:
        return False
    parts = zip(_day(held), _day(asked), strict=True)
    return all(ours is None or theirs is None or ours == theirs for ours, theirs in parts)


def _folded(name: str) -> str:
    """The name without marks, case and extra spaces; Đ has no mark that would come off, and Ð is typed in its place."""
    bare = unicodedata.normalize("NFD", name.translate(_D_WITH_STROKE))
    return " ".join("".join(one for one in bare if not unicodedata.combining(one)).casefold().split())


def _pivot(context: Context, person: _Element) -> Pivot:
    return Pivot(
        identifier=Identifier(type=IdentifierType.PERSONAL_NUMBER, value=_personal_number(person, "SoDinhDanh")),
        name=_read_name(context, person),
        birth_date=_read_birth_date(context, person),
    )


def _read_name(context: Context, person: _Element) -> Name:
    """`Ho` and `ChuDem` may be empty and `Ten` hold the whole name: then there are no parts."""
    element = child(person, _name("HoVaTen"))
    if element is None:
        raise Refusal(Failure.INCOMPLETE, "the register's answer has no HoVaTen")
    sent = Claims({local: _text(element, local) for local in ("Ho", "ChuDem", "Ten")}, context)
    family, middle, given = (sent.text(local) for local in ("Ho", "ChuDem", "Ten"))
    if given is None:
        raise Refusal(Failure.INCOMPLETE, "the register's answer has no name that can be read")
    full = " ".join(part for part in (family, middle, given) if part)
    return Name(full=full, family=family, middle=middle, given=given) if family else Name(full=full)


def _read_birth_date(context: Context, person: _Element) -> BirthDate:
    """`NgayThangNam` (yyyyMMdd), or `Nam` where only the year is known."""
    element = child(person, _name("NgayThangNamSinh"))
    if element is None:
        raise Refusal(Failure.INCOMPLETE, "the register's answer has no NgayThangNamSinh")
    day, year = _text(element, "NgayThangNam"), _text(element, "Nam")
    if day is not None and year is not None and not day.startswith(year):
        _broken("has two birth dates")
    try:
        return read_birth_date(day or year or "", latest=context.now().date())
    except ValueError:
        _broken("has a birth date that is none")


# --- the feed: TraCuuBienDong


def read_changes(feed: _Element, after: str, limit: int) -> Changes:
    """One page, in order, without what came before `after`; raises Refusal for a page that leads back or nowhere.

    Cursors are whole numbers that only grow, and each change has one: a page told twice, or in another order, does
    no harm.
    """
    if _needed(feed, "ViTriTruoc") != after:
        raise Refusal(Failure.WRONG_NONCE, "the page is for another cursor")
    end, more = _cursor(feed, "ViTriSau"), _truth(feed, "ConNua")
    elements = list(children(feed, _name("BienDong")))
    if len(elements) > limit:
        _broken("has more changes than were asked for")
    numbered = {_cursor(element, "SoThuTu"): element for element in elements}
    if len(numbered) != len(elements):
        _broken("has two changes at one place")
    news = sorted(number for number in numbered if number > int(after))
    if end < int(after) or (news and news[-1] > end):
        _broken("goes back, or would leave out changes")
    if more and not news:
        _broken("claims that there is more, for ever")
    return Changes(changes=tuple(_change(numbered[number]) for number in news), next=str(end), more=more)


def _cursor(element: _Element, local: str) -> int:
    text = _needed(element, local)
    if not CURSOR.fullmatch(text):
        _broken(f"has a {local} that is no whole number")
    return int(text)


def _change(element: _Element) -> Change:
    kind, number = _CHANGES.get(_needed(element, "Loai")), _personal_number(element, "SoDinhDanh")
    if kind is None:
        _broken("has a change of a kind that was not agreed")
    is_renumbering = kind is ChangeType.RENUMBERING
    new_number = _personal_number(element, "SoDinhDanhMoi") if is_renumbering else None
    if new_number == number or (not is_renumbering and _text(element, "SoDinhDanhMoi")):
        _broken("has a new number where there is none, or none where there is one")
    try:
        at = datetime.fromisoformat(_needed(element, "ThoiDiem"))
    except ValueError:
        at = datetime.min  # noqa: DTZ901  refused below, as every time without a zone
    if at.tzinfo is None:
        _broken("has a change without an instant")
    return Change(type=kind, personal_number=number, at=at, new_number=new_number)
