"""What the register says to each of its operations, honestly or not."""

from __future__ import annotations

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.population_register.faults import FaultName
from connectors.sandbox.population_register.messages import Node, Request
from connectors.sandbox.population_register.records import Change, Record, Records, alike

STRANGER = "001190999999"
PAGE_LIMIT = 500
_KINDS = {"death": "KhaiTu", "correction": "CaiChinh", "renumbering": "DoiSoDinhDanh"}


class BadRequest(Exception):
    """The request lacks something that the operation needs; the message says what."""


def found_by(records: Records, request: Request) -> tuple[Record | None, list[Record]]:
    """Whoever agrees with all that was sent; and whoever has the number at least."""
    number, former = request.field("SoDinhDanh"), request.field("SoCMND")
    if (number is None) == (former is None):
        raise BadRequest("one of SoDinhDanh and SoCMND")
    if request.field("HoVaTen") is None or _sent_date(request) is None:
        raise BadRequest("HoVaTen and NgayThangNamSinh")
    if number is not None:
        candidates = [record] if (record := records.find(number)) else []
    else:
        candidates = records.find_former(former or "")
    return next((one for one in candidates if _agrees(one, request)), None), candidates


def citizen_of(records: Records, request: Request) -> Citizen | None:
    """Whose request this is, for faults that are set for one person."""
    record = records.find(request.field("SoDinhDanh") or "")
    return record.citizen if record else None


def _sent_date(request: Request) -> str | None:
    """yyyyMMdd or yyyy."""
    sent = request.field("NgayThangNamSinh", "NgayThangNam") or request.field("NgayThangNamSinh", "Nam")
    return sent if sent is not None and sent.isdigit() and len(sent) in (4, 8) else None


def _held_date(record: Record) -> str:
    year, month, day = record.birth
    return f"{year:04}" if month is None or day is None else f"{year:04}{month:02}{day:02}"


def _agrees(record: Record, request: Request) -> bool:
    """The same name but for spelling; the same date, where 1 January also stands for a day that nobody knows."""
    sent, held = _sent_date(request) or "", _held_date(record)
    same_date = sent == held or (len(sent) == 4 and held.startswith(sent)) or sent == f"{held}0101"
    return same_date and alike(request.field("HoVaTen") or "") == alike(record.full_name)


def _is_exact(record: Record, request: Request) -> bool:
    known = (record.number, record.full_name, _held_date(record))
    return known == (request.field("SoDinhDanh"), request.field("HoVaTen"), _sent_date(request))


def _birth(record: Record) -> Node:
    held = _held_date(record)
    return "NgayThangNamSinh", [("Nam" if len(held) == 4 else "NgayThangNam", held)]


def _details(record: Record) -> list[Node]:
    return [
        ("SoDinhDanh", record.number),
        ("HoVaTen", [("Ho", record.family), ("ChuDem", record.middle), ("Ten", record.given)]),
        _birth(record),
    ]


def verification(records: Records, request: Request, lie: str | None) -> list[Node]:
    """`KetQuaXacThuc`."""
    record, candidates = found_by(records, request)
    known, agrees = bool(candidates), record is not None
    told = record or next(iter(candidates), None)
    alive: bool | None = None if told is None else not told.deceased
    if lie == FaultName.SAYS_DECEASED:
        alive = False
    if lie == FaultName.SAYS_DIFFERS:
        agrees, record = False, None
    if lie == FaultName.TELLS_OF_A_STRANGER:
        agrees = False
    if lie == FaultName.CONTRADICTORY:
        known, agrees, alive = False, True, True
    number, former = request.field("SoDinhDanh"), request.field("SoCMND")
    if lie == FaultName.WRONG_PERSON:
        number, former = (number and STRANGER), (former and STRANGER[:9])
    rectified = record is not None and (not _is_exact(record, request) or lie == FaultName.TELLS_OF_A_STRANGER)
    result: list[Node] = [
        ("MaYeuCau", request.field("MaYeuCau")),
        ("SoDinhDanh", number),
        ("SoCMND", former),
        ("TonTai", known),
        ("TrungKhop", agrees if known or lie else None),
        ("ConSong", None if lie == FaultName.MISSING_ELEMENT else alive),
        ("DinhChinh", _details(record) if record is not None and rectified else None),
        ("SoKhac", _others(record) if record is not None else None),
    ]
    return [("KetQuaXacThuc", result)]


def _others(record: Record) -> list[Node] | None:
    others: list[Node] = [("SoDinhDanh", number) for number in record.old_numbers]
    if record.former_number is not None:
        others.append(("SoCMND", record.former_number))
    return others or None


def look_up(records: Records, request: Request, lie: str | None) -> list[Node]:
    """`CongdanCollection`: whoever has this very number and date, or nobody."""
    _, candidates = found_by(records, request)
    asked = request.field("SoDinhDanh")
    people = [_person(one, lie) for one in candidates if asked in (None, one.number)]
    if lie == FaultName.CONTRADICTORY:
        people = people * 2
    return [("CongdanCollection", [("CongDan", person) for person in people])]


def _person(record: Record, lie: str | None) -> list[Node]:
    number = STRANGER if lie == FaultName.WRONG_PERSON else record.number
    name: Node = ("HoVaTen", [("Ho", record.family), ("ChuDem", record.middle), ("Ten", record.given)])
    return [
        ("SoDinhDanh", number),
        ("SoCMND", record.former_number),
        ("HoVaTen", None) if lie == FaultName.MISSING_ELEMENT else name,
        ("GioiTinh", "1" if record.citizen.sex == "male" else "2"),
        _birth(record),
        ("NoiDangKyKhaiSinh", [("MaTinhThanh", record.citizen.place_code), ("ChiTiet", record.citizen.place)]),
        ("QuocTich", "VN"),
    ]


def changes(records: Records, request: Request, lie: str | None) -> list[Node]:
    """`DanhSachBienDong`."""
    cursor, size = request.field("ViTri") or "", request.field("SoLuong") or ""
    if not (cursor.isdigit() and size.isdigit() and 0 < int(size) <= PAGE_LIMIT):
        raise BadRequest("ViTri and SoLuong")
    after = int(cursor)
    page, more = records.feed(after, int(size))
    told = [_change(one) for one in page]
    end = page[-1].place if page else after
    if lie == FaultName.FEED_REPEATS:
        before, _ = records.feed(0, after)
        told = [_change(one) for one in (*reversed(page), *before[-3:])]
    if lie == FaultName.CONTRADICTORY:
        told = told * 2
    if lie == FaultName.FEED_GOES_BACK:
        end = max(0, after - 1)
    if lie == FaultName.FEED_NEVER_ENDS:
        told, end, more = [], after + 1, True
    listed: list[Node] = [
        ("MaYeuCau", request.field("MaYeuCau")),
        ("ViTriTruoc", after + 7 if lie == FaultName.WRONG_PERSON else after),
        ("ViTriSau", None if lie == FaultName.MISSING_ELEMENT else end),
        ("ConNua", more),
        *(("BienDong", one) for one in told),
    ]
    return [("DanhSachBienDong", listed)]


def _change(change: Change) -> list[Node]:
    return [
        ("SoThuTu", change.place),
        ("Loai", _KINDS[change.kind]),
        ("SoDinhDanh", change.number),
        ("SoDinhDanhMoi", change.new_number),
        ("ThoiDiem", change.at.isoformat(timespec="seconds")),
    ]
