"""The business register behind X-Road, in its REST flavour: whom may this person act for?

It lists everything that it has of a person, also what has ended and what was dissolved, and leaves the reading to
whoever asks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from connectors.sandbox.answers import GARBAGE, HUGE_BODY_BYTES, be_unavailable_for
from connectors.sandbox.businesses import Business, Businesses, Mandate, with_check_digit
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.common import Common
from connectors.sandbox.settings import Settings
from connectors.sandbox.xroad import Asked, Members, OnTheWay, Unsigned, rest_error

SERVICE = "VN/GOV/0002/business/representation"
PATH = f"/r1/{SERVICE}/v1/representatives/search"
SEARCH = "search"
PAGE_LIMIT = 200
MANY, TOO_MANY = 200, 5000  # how many businesses a person has by fault


class FaultName(StrEnum):
    SLOW = "slow"
    DOWN = "down"

    XROAD_ERROR = "xroad_error"  # the way there is broken
    XROAD_DENIED = "xroad_denied"  # X-Road no longer knows us as one who may
    ERROR_IN_200 = "error_in_200"
    GARBAGE = "garbage"
    HTML = "html"
    TRUNCATED_JSON = "truncated_json"
    HUGE_BODY = "huge_body"
    WRONG_ID_ECHOED = "wrong_id_echoed"
    NO_ID_ECHOED = "no_id_echoed"
    WRONG_CLIENT_ECHOED = "wrong_client_echoed"
    WRONG_SERVICE_ECHOED = "wrong_service_echoed"

    OTHER_PERSON = "other_person"  # an answer about another number
    WRONG_TYPE = "wrong_type"  # a list of texts where objects were agreed
    MISSING_FIELD = "missing_field"
    BAD_TAX_CODE = "bad_tax_code"  # one whose check digit is wrong
    UNKNOWN_STATUS = "unknown_status"
    BACKWARDS = "backwards"  # ends before it begins
    EXPIRED_LISTED = "expired_listed"  # everything ended yesterday
    ALL_DISSOLVED = "all_dissolved"
    MANY = "many"  # a person with 200 businesses
    TOO_MANY = "too_many"  # with 5,000
    PAGES_DISAGREE = "pages_disagree"  # the total is another on each page
    SHORT_PAGES = "short_pages"  # fewer entries than it counts
    LONG_PAGES = "long_pages"  # more than it counts
    OTHER_PAGE = "other_page"  # than the one that was asked for
    OVERFULL_PAGE = "overfull_page"  # more than were asked for


WAY = frozenset({FaultName.XROAD_ERROR, FaultName.XROAD_DENIED})
BODY = frozenset({
    FaultName.ERROR_IN_200, FaultName.GARBAGE, FaultName.HTML, FaultName.TRUNCATED_JSON, FaultName.HUGE_BODY,
})  # fmt: skip
HEADERS = frozenset({
    FaultName.WRONG_ID_ECHOED, FaultName.NO_ID_ECHOED, FaultName.WRONG_CLIENT_ECHOED, FaultName.WRONG_SERVICE_ECHOED,
})  # fmt: skip
CONTENT = frozenset(FaultName) - {FaultName.SLOW, FaultName.DOWN} - WAY - BODY - HEADERS
CATALOGUE: dict[str, frozenset[str]] = {name: frozenset({SEARCH}) for name in FaultName}

blueprint = Blueprint("business_register", __name__)


class BusinessRegister(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths={PATH: SEARCH})
        self.businesses = Businesses(settings.seed)
        self.members = Members(settings.clients_file)


def furnish(app: Flask, settings: Settings) -> BusinessRegister:
    """The endpoints stand on the app; what is behind them is given back."""
    app.register_blueprint(blueprint)
    return BusinessRegister(settings)


def _register() -> BusinessRegister:
    return cast(BusinessRegister, current_app.extensions["sandbox"])


@blueprint.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@blueprint.post(PATH)
def search() -> Response:
    """One page of what the person with this number may or might act for."""
    register = _register()
    try:
        asked = register.members.let_in(
            request,
            register.settings.url(PATH),
            client=request.headers.get("X-Road-Client"),
            message_id=request.headers.get("X-Road-Id"),
            user_id=request.headers.get("X-Road-UserId", ""),
        )
    except OnTheWay as problem:
        return rest_error(problem)
    except Unsigned:
        return _json({"error": "unauthorized"}, 401)
    wanted: Any = request.get_json(silent=True)
    if not _is_search(wanted):
        return _answered(asked, _json({"error": "bad_request"}, 400), None)
    citizen = register.population.find(wanted["personalNumber"])
    if citizen is not None:
        be_unavailable_for(citizen, SEARCH)
    return _told(register, asked, wanted, citizen)


def _told(register: BusinessRegister, asked: Asked, wanted: dict[str, Any], citizen: Citizen | None) -> Response:
    def lie(names: frozenset[FaultName]) -> str | None:
        fault = register.faults.strike(names, SEARCH, citizen)
        return fault.fault if fault else None

    way = lie(WAY)
    if way is not None:
        denied = way == FaultName.XROAD_DENIED
        code = "Server.ServerProxy.AccessDenied" if denied else "Server.ServerProxy.ServiceFailed.CannotConnect"
        return rest_error(OnTheWay(code, "the service was not reached"))
    payload = _page(register, wanted, lie(CONTENT))
    return _answered(asked, _spoilt(payload, lie(BODY)), lie(HEADERS))


def _is_search(wanted: Any) -> bool:
    if not isinstance(wanted, dict) or wanted.keys() != {"personalNumber", "page", "limit"}:
        return False
    number, page, limit = wanted["personalNumber"], wanted["page"], wanted["limit"]
    is_number = isinstance(number, str) and number.isdigit() and len(number) == 12
    return is_number and type(page) is int and type(limit) is int and page >= 1 and 1 <= limit <= PAGE_LIMIT


def _page(register: BusinessRegister, wanted: dict[str, Any], lie: str | None) -> dict[str, Any]:
    number, page, limit = wanted["personalNumber"], wanted["page"], wanted["limit"]
    entries = [_entry(business, mandate) for business, mandate in register.businesses.of(number)]
    if lie in (FaultName.MANY, FaultName.TOO_MANY):
        entries = _branches(MANY if lie == FaultName.MANY else TOO_MANY)
    shown: list[Any] = entries[(page - 1) * limit : page * limit]
    total = len(entries)
    if lie in _ENTRY_LIES:
        shown = [{**entry, **_ENTRY_LIES[FaultName(lie)]} for entry in shown]
    if lie == FaultName.MISSING_FIELD:
        shown = [{name: value for name, value in entry.items() if name != "until"} for entry in shown]
    if lie == FaultName.WRONG_TYPE:
        shown = [entry["taxCode"] for entry in shown]
    if lie == FaultName.EXPIRED_LISTED:
        yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
        shown = [{**entry, "until": yesterday} for entry in shown]
    if lie == FaultName.PAGES_DISAGREE:
        total, shown = MANY + page - 1, _branches(MANY)[:limit]
    if lie == FaultName.OVERFULL_PAGE:
        total, shown = limit + 1, _branches(limit + 1)
    if lie in (FaultName.SHORT_PAGES, FaultName.LONG_PAGES):
        total += 1 if lie == FaultName.SHORT_PAGES else -1
    told = "001190999999" if lie == FaultName.OTHER_PERSON else number
    page += lie == FaultName.OTHER_PAGE
    return {"personalNumber": told, "page": page, "total": total, "representatives": shown}


_ENTRY_LIES: dict[str, dict[str, Any]] = {
    FaultName.BAD_TAX_CODE: {"taxCode": "9900000017"},
    FaultName.UNKNOWN_STATUS: {"status": "asleep"},
    FaultName.BACKWARDS: {"from": "2024-01-02", "until": "2024-01-01"},
    FaultName.ALL_DISSOLVED: {"status": "dissolved"},
}


def _entry(business: Business, mandate: Mandate) -> dict[str, Any]:
    return {
        "taxCode": business.tax_code,
        "name": business.name,
        "role": mandate.role,
        "authority": mandate.authority,
        "from": mandate.since.isoformat(),
        "until": mandate.until and mandate.until.isoformat(),
        "status": "active" if business.active else "dissolved",
    }


def _branches(count: int) -> list[dict[str, Any]]:
    """A chain with so many branches, all in one person's hands."""
    parent = next(code for number in range(900, 999) if (code := with_check_digit(f"99000{number:04}")))
    return [
        {
            "taxCode": f"{parent}-{1 + index % 999:03}",
            "name": f"Chi nhánh {index + 1} - Hợp tác xã Nông sản Suối Mộc",
            "role": "Người được ủy quyền",
            "authority": "authorised",
            "from": "2020-01-01",
            "until": None,
            "status": "active",
        }
        for index in range(count)
    ]


def _json(payload: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(payload, ensure_ascii=False), status=status, mimetype="application/json")


def _spoilt(payload: dict[str, Any], lie: str | None) -> Response:
    response = _json(payload)
    if lie == FaultName.HTML:
        return Response("<!DOCTYPE html><title>502</title>", mimetype="text/html")
    if lie == FaultName.GARBAGE:
        response.data = GARBAGE
    if lie == FaultName.TRUNCATED_JSON:
        response.data = response.data[: len(response.data) // 2]
    if lie == FaultName.HUGE_BODY:
        response.data = response.data + b" " * HUGE_BODY_BYTES
    if lie == FaultName.ERROR_IN_200:
        response.data = b'{"error": {"code": "E17", "message": "the database is resting"}}'
    return response


def _answered(asked: Asked, response: Response, lie: str | None) -> Response:
    """The answer with what the security servers add to it (PR-REST section 4.3)."""
    told = {"X-Road-Client": asked.member.client, "X-Road-Service": SERVICE, "X-Road-Id": asked.message_id}
    lies = {
        FaultName.WRONG_ID_ECHOED: ("X-Road-Id", "another-message"),
        FaultName.WRONG_CLIENT_ECHOED: ("X-Road-Client", "VN/GOV/9999/somebody"),
        FaultName.WRONG_SERVICE_ECHOED: ("X-Road-Service", f"{SERVICE}s"),
    }
    if lie in lies:
        name, value = lies[FaultName(lie)]
        told[name] = value
    if lie == FaultName.NO_ID_ECHOED:
        del told["X-Road-Id"]
    response.headers.update({**told, "X-Road-Request-Id": "e5b1c0de-0000-4000-8000-000000000000"})
    return response
