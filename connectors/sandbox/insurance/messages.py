"""Where the telephones of the sandbox are: the messages that were sent, for people and for tests."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request

from connectors.sandbox.answers import page
from connectors.sandbox.cast import CAST, ONE_TIME_CODE
from connectors.sandbox.control import PREFIX, refuse_other_sites
from connectors.sandbox.insurance.state import insurance

blueprint = Blueprint("messages", __name__)
blueprint.before_request(lambda: refuse_other_sites() if request.path.startswith(PREFIX) else None)


@blueprint.get("/")
def index() -> Response:
    sent = [
        {"at": datetime.fromtimestamp(one.at, UTC).strftime("%H:%M:%S"), "phone": one.phone, "code": one.code}
        for one in insurance().messages()
    ]
    insured = [record for record in map(insurance().file.of, CAST) if record is not None]
    return page("insurance.html", messages=sent, insured=insured, one_time_code=ONE_TIME_CODE)


@blueprint.get(f"{PREFIX}/messages")
def messages() -> Response:
    return jsonify([asdict(one) for one in insurance().messages()])


@blueprint.delete(f"{PREFIX}/messages")
def forget_messages() -> Response:
    insurance().forget_messages()
    return jsonify(removed=True)


@blueprint.get(f"{PREFIX}/insured")
def insured() -> Response:
    """The cast as the file has them."""
    records = [record for record in map(insurance().file.of, CAST) if record is not None]
    return jsonify(
        [
            {
                "index": record.citizen.index,
                "insurance_number": record.insurance_number,
                "card": record.card,
                "identity_number": record.identity_number,
                "birth_date": record.birth_date,
                "phone_registered": record.phone is not None,
            }
            for record in records
        ]
    )
