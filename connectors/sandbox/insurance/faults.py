"""Every way in which the gateway can be told to fail or to lie, and where."""

from __future__ import annotations

from enum import StrEnum

OPERATIONS = {
    "KQNhanLichSuKCB": "history",
    "TimNoiNhanMa": "recipient",
    "GuiMaXacThuc": "send",
    "KiemTraMaXacThuc": "redeem",
}
VERSIONS = ("2019", "2024")
TOKEN_PATH = "/api/token/take"
PATHS = {
    TOKEN_PATH: "token",
    **{f"/api/egw/{name}{version}": endpoint for name, endpoint in OPERATIONS.items() for version in VERSIONS},
}


class FaultName(StrEnum):
    SLOW = "slow"
    DOWN = "down"
    RESET_CONNECTION = "reset_connection"  # the connection ends before there is an answer

    ERROR_IN_200 = "error_in_200"  # maKetQua 101, "Lỗi server", and HTTP says 200
    TRUNCATED_JSON = "truncated_json"
    GARBAGE = "garbage"
    HUGE_BODY = "huge_body"
    HTML_ERROR_PAGE = "html_error_page"  # of a proxy on the way; HTTP says 200
    WRONG_TYPE = "wrong_type"  # maKetQua is a number
    MISSING_CLAIM = "missing_claim"  # the field named by `claim` is left out

    OTHER_CLAIMS = "other_claims"  # what is on file is wrong, old or odd, as the fault says

    EXPIRED_TOKEN = "expired_token"
    CONTRADICTORY = "contradictory"  # the answer is about another person than was asked for
    CHANGED_IDENTIFIERS = "changed_identifiers"  # the insurance number now belongs to another person
    LOCKED = "locked"
    DECEASED = "deceased"


_ANYWHERE = frozenset(PATHS.values())
_OPERATIONS = _ANYWHERE - {"token"}
_RECORDS = frozenset({"history", "redeem"})

SPOILERS = frozenset({
    FaultName.ERROR_IN_200, FaultName.TRUNCATED_JSON, FaultName.GARBAGE, FaultName.HUGE_BODY,
    FaultName.HTML_ERROR_PAGE, FaultName.WRONG_TYPE, FaultName.MISSING_CLAIM,
})  # fmt: skip
OTHER_PERSON = frozenset({FaultName.CONTRADICTORY, FaultName.CHANGED_IDENTIFIERS})
PERSON = frozenset({FaultName.LOCKED, FaultName.DECEASED})

CATALOGUE: dict[str, frozenset[str]] = {
    **dict.fromkeys((FaultName.SLOW, FaultName.DOWN, FaultName.RESET_CONNECTION, *SPOILERS), _ANYWHERE),
    FaultName.EXPIRED_TOKEN: _OPERATIONS,
    **dict.fromkeys((FaultName.OTHER_CLAIMS, *OTHER_PERSON), _RECORDS),
    **dict.fromkeys(PERSON, frozenset({"redeem"})),
}
