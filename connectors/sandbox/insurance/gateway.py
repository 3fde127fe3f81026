"""The gateway's endpoints: a token, and four operations in two versions each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from connectors.sandbox.answers import GARBAGE, HUGE_BODY_BYTES, be_unavailable_for, hang_up
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import without_marks
from connectors.sandbox.fault_book import Fault
from connectors.sandbox.insurance.faults import OPERATIONS, OTHER_PERSON, PERSON, SPOILERS, VERSIONS, FaultName
from connectors.sandbox.insurance.records import Record
from connectors.sandbox.insurance.state import TOKEN_LIFETIME_SECONDS, Transaction, insurance, masked
from connectors.sandbox.shelf import now

HTML_ERROR_PAGE = (
    "<!doctype html><html><head><title>502</title></head><body><h1>Hệ thống đang bảo trì</h1></body></html>"
)

blueprint = Blueprint("gateway", __name__)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What an operation found; `citizen` is whom it was about, for faults that are set for one person."""

    code: str
    values: Mapping[str, Any]
    citizen: Citizen | None = None


def _nothing(code: str, said: str, citizen: Citizen | None = None) -> _Outcome:
    return _Outcome(code=code, values={"ghiChu": said}, citizen=citizen)


@blueprint.post("/api/token/take")
def take_token() -> Response:
    _hang_up_if_told("token")
    sent = request.get_json(silent=True)
    given = sent if isinstance(sent, dict) else {}
    username, password = str(given.get("username", "")), str(given.get("password", ""))
    if not insurance().knows(username, password):
        return _answered("token", "401", {"ghiChu": "Lỗi xác thực tài khoản"}, None)
    access_token, session = insurance().new_session(username)
    ends = datetime.fromtimestamp(now() + TOKEN_LIFETIME_SECONDS, UTC)
    key = {
        "access_token": access_token,
        "id_token": session.id_token,
        "token_type": "Bearer",
        "expires_in": ends.strftime(
            "%Y-%m-%dT%H:%M:%S.1234567Z"
        ),  # an instant, to seven places, whatever its name says
    }
    return _answered("token", "200", {"APIKey": key}, None)


def _operate(operation: str, version: str) -> Response:
    endpoint = OPERATIONS[operation]
    _hang_up_if_told(endpoint)
    ended = insurance().faults.strike((FaultName.EXPIRED_TOKEN,), endpoint) is not None
    if version == "2019":
        if ended or not _known(request.args.get("token", ""), request.args):
            return _answered(endpoint, "501", {"ghiChu": "Phiên làm việc đã hết hạn"}, None)
        values: Any = request.form if request.mimetype == "application/x-www-form-urlencoded" else None
    else:
        token, headers = request.headers.get("Authorization", ""), request.headers
        if ended or not _known(token.removeprefix("Bearer "), {"id_token": headers.get("X-Id-Token", "")}):
            return Response("", status=401)
        values = request.get_json(silent=True)
    if not isinstance(values, Mapping):
        return _answered(endpoint, "205", {"ghiChu": "Lỗi sai định dạng tham số"}, None)
    outcome = _DOES[operation]({name: str(value) for name, value in values.items()})
    if outcome.citizen is not None:
        be_unavailable_for(outcome.citizen, endpoint)
    return _answered(endpoint, outcome.code, outcome.values, outcome.citizen)


for _operation in OPERATIONS:
    for _version in VERSIONS:
        blueprint.add_url_rule(
            f"/api/egw/{_operation}{_version}",
            f"{_operation}{_version}",
            _operate,
            methods=["POST"],
            defaults={"operation": _operation, "version": _version},
        )


def _known(token: str, given: Mapping[str, str]) -> bool:
    """Whether the token lives, and goes with what came beside it; in a query that is also user name and password."""
    session = insurance().sessions.get(token)
    if session is None or session.id_token != given.get("id_token"):
        return False
    if "username" not in given:
        return True
    return session.username == given["username"] and insurance().knows(given["username"], given.get("password", ""))


# --- what the operations do


def _history(values: Mapping[str, str]) -> _Outcome:
    """Number, name and birth date belong together, or not; an official asks, and is named."""
    if not values.get("hoTenCb") or len(values.get("cccdCb", "")) != 12:
        return _nothing("054", "Số CCCD của cán bộ không có trong danh sách")
    record = insurance().file.find(values.get("maThe", ""))
    if record is None:
        return _nothing("050", "Không thấy thông tin thẻ bhyt")
    citizen = record.citizen
    if citizen.deceased:
        return _nothing("120", "Thẻ đã báo giảm", citizen)
    if not _same_name(values.get("hoTen", ""), record.name):
        code = "061" if values.get("hoTen", "")[:1].upper() == record.name[:1].upper() else "060"
        return _nothing(code, f"Thẻ sai họ tên, họ tên đúng: {record.name}", citizen)
    if not _same_date(values.get("ngaySinh", ""), record.birth_date):
        return _nothing("070", f"Thẻ sai ngày sinh, ngày sinh đúng: {record.birth_date}", citizen)
    card = {"maThe": record.card, "gtTheTu": "01/01/2026", "gtTheDen": "31/12/2026", "dsLichSuKCB": []}
    return _Outcome(code="000", values={**card, **_identity(record, "history")}, citizen=citizen)


def _recipient(values: Mapping[str, str]) -> _Outcome:
    record = insurance().file.find(values.get("maThe", ""))
    if record is None:
        return _nothing("050", "Không thấy thông tin")
    if record.phone is None:
        return _nothing("920", "Chưa đăng ký số điện thoại", record.citizen)
    found = {
        "maGiaoDich": insurance().transactions.put(Transaction(record)),
        "maSoBHXH": record.insurance_number,
        "maSdt": insurance().phone_name(record.phone),
        "sdtChe": masked(record.phone),
    }
    return _Outcome(code="000", values=found, citizen=record.citizen)


def _send(values: Mapping[str, str]) -> _Outcome:
    transaction = insurance().transactions.get(values.get("maGiaoDich", ""))
    if transaction is None or transaction.record.phone is None:
        return _nothing("921", "Không có giao dịch này")
    transaction.send()
    insurance().deliver(transaction.record.phone)
    return _Outcome(code="000", values={}, citizen=transaction.record.citizen)


def _redeem(values: Mapping[str, str]) -> _Outcome:
    transaction = insurance().transactions.get(values.get("maGiaoDich", ""))
    if transaction is None:
        return _nothing("921", "Không có giao dịch này")
    record, code = transaction.record, transaction.redeem(values.get("maXacThuc", ""))
    citizen = record.citizen
    if code != "000":
        return _nothing(code, "Mã xác thực không đúng", citizen)
    fault = insurance().faults.strike(PERSON, "redeem", citizen)
    told = fault.fault if fault else None
    if citizen.locked or told == FaultName.LOCKED:
        return _nothing("931", "Tài khoản bị khóa", citizen)
    if citizen.deceased or told == FaultName.DECEASED:
        return _nothing("932", "Người tham gia đã mất", citizen)
    return _Outcome(code="000", values=_identity(record, "redeem"), citizen=citizen)


_DOES: dict[str, Callable[[Mapping[str, str]], _Outcome]] = {
    "KQNhanLichSuKCB": _history,
    "TimNoiNhanMa": _recipient,
    "GuiMaXacThuc": _send,
    "KiemTraMaXacThuc": _redeem,
}


def _identity(record: Record, endpoint: str) -> dict[str, Any]:
    lie = insurance().faults.strike(OTHER_PERSON, endpoint, record.citizen)
    if lie is not None:
        other = insurance().file.other_than(record)
        changed = lie.fault == FaultName.CHANGED_IDENTIFIERS
        record = replace(other, insurance_number=record.insurance_number) if changed else other
    told = {
        "hoTen": record.name,
        "ngaySinh": record.birth_date,
        "gioiTinh": record.sex,
        "maSoBHXH": record.insurance_number,
        "soCCCD": record.identity_number,
    }
    filed = insurance().faults.strike((FaultName.OTHER_CLAIMS,), endpoint, record.citizen)
    return told if filed is None else filed.changed(told)


def _same_name(sent: str, filed: str) -> bool:
    return without_marks(sent).casefold() == without_marks(filed).casefold()


def _same_date(sent: str, filed: str) -> bool:
    """What is filed was sent, at least as exactly: `20/02/1979` is right where `1979` is filed."""
    return sent == filed or sent.endswith(f"/{filed}")


# --- how they answer


def _answered(endpoint: str, code: str, values: Mapping[str, Any], citizen: Citizen | None) -> Response:
    """HTTP says 200 whatever the code says, unless a fault spoils the answer."""
    fault = insurance().faults.strike(SPOILERS, endpoint, citizen)
    body, media_type = _body({"maKetQua": code, **values}, fault)
    response = Response(body, mimetype=media_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _body(payload: Mapping[str, Any], fault: Fault | None) -> tuple[bytes, str]:
    name = fault.fault if fault else None
    if name == FaultName.GARBAGE:
        return GARBAGE, "application/json"
    if name == FaultName.HTML_ERROR_PAGE:
        return HTML_ERROR_PAGE.encode(), "text/html"
    if name == FaultName.ERROR_IN_200:
        payload = {"maKetQua": "101", "ghiChu": "Lỗi server"}
    elif name == FaultName.HUGE_BODY:
        payload = {**payload, "padding": "0" * HUGE_BODY_BYTES}
    elif name == FaultName.WRONG_TYPE:
        payload = {**payload, "maKetQua": int(payload["maKetQua"])}
    elif name == FaultName.MISSING_CLAIM and fault is not None:
        payload = _without(payload, fault.claim)
    body = json.dumps(payload, ensure_ascii=False).encode()
    return body[: len(body) // 2] if name == FaultName.TRUNCATED_JSON else body, "application/json"


def _without(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The payload without this field, wherever it stands."""
    kept = {other: value for other, value in payload.items() if other != name}
    return {other: _without(value, name) if isinstance(value, dict) else value for other, value in kept.items()}


def _hang_up_if_told(endpoint: str) -> None:
    if insurance().faults.strike((FaultName.RESET_CONNECTION,), endpoint) is not None:
        hang_up()
