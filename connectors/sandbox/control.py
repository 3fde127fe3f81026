"""`/_sandbox/…`: how a test tells the source what to do, and asks what it saw. Open to all, in a sandbox."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError

from connectors.sandbox.cast import CAST, PASSWORD, Part
from connectors.sandbox.common import common

PREFIX = "/_sandbox"

blueprint = Blueprint("control", __name__, url_prefix=PREFIX)


@blueprint.before_request
def refuse_other_sites() -> tuple[Response, int] | None:
    """Whoever develops with the sandbox also visits other pages, which have no business here."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return jsonify(error="not from another site"), 403
    return None


@blueprint.get("/faults")
def faults() -> Response:
    return jsonify(common().faults.all())


@blueprint.post("/faults")
def set_faults() -> tuple[Response, int]:
    """One fault, or a list of them; all are set, or none."""
    given: Any = request.get_json()
    wanted = given if isinstance(given, list) else [given]
    ids: list[int] = []
    try:
        for fault in wanted:
            ids.append(common().faults.add(fault))
    except ValueError as problem:
        for fault_id in ids:
            common().faults.remove(fault_id)
        return jsonify(error=_told(problem)), 400
    return jsonify(ids=ids), 201


def _told(problem: ValueError) -> str:
    if isinstance(problem, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors())
    return str(problem)


@blueprint.delete("/faults")
def remove_faults() -> Response:
    return jsonify(removed=common().faults.remove())


@blueprint.delete("/faults/<int:fault_id>")
def remove_fault(fault_id: int) -> tuple[Response, int]:
    removed = common().faults.remove(fault_id)
    return jsonify(removed=removed), 200 if removed else 404


@blueprint.post("/rotate-keys")
def rotate_keys() -> tuple[Response, int]:
    """New signing keys; `{"keep_old": false}` also withdraws the old ones at once."""
    given: Any = request.get_json(silent=True) or {}
    kids = common().rotate_keys(keep_old=given.get("keep_old", True) is not False)
    return (jsonify(error="this source has no keys"), 404) if kids is None else (jsonify(kids=kids), 200)


@blueprint.get("/requests")
def requests() -> Response:
    return jsonify(common().log.all())


@blueprint.delete("/requests")
def forget_requests() -> Response:
    common().log.clear()
    return jsonify(removed=True)


@blueprint.get("/citizens")
def citizens() -> Response:
    """The fixed cast, and everybody's password."""
    cast = [
        {
            "index": citizen.index,
            "part": Part(citizen.index).name.lower(),
            "personal_number": citizen.personal_number,
            "name": citizen.full_name,
            "note": citizen.note_english,
        }
        for citizen in CAST
    ]
    return jsonify(password=PASSWORD, citizens=cast)
