"""The population register behind X-Road: it verifies and looks up people by SOAP, and tells what has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from pydantic import ValidationError

from connectors.sandbox.answers import be_unavailable_for
from connectors.sandbox.common import Common
from connectors.sandbox.population_register import answers, messages
from connectors.sandbox.population_register.faults import (
    BODY,
    CATALOGUE,
    CHANGES,
    CONTENT,
    FAULTS,
    FEED,
    HEADERS,
    LOOK_UP,
    PATH,
    PATHS,
    VERDICTS,
    VERIFY,
    FaultName,
)
from connectors.sandbox.population_register.records import ChangeOrder, Records
from connectors.sandbox.settings import Settings
from connectors.sandbox.xroad import Members, OnTheWay, Unsigned

PROVIDER = "VN/GOV/0001/population"
_OPERATIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "XacThucThongTinCongDan": (VERIFY, answers.verification),
    "TraCuuThongTinCongDan": (LOOK_UP, answers.look_up),
    "TraCuuBienDong": (CHANGES, answers.changes),
}

blueprint = Blueprint("population_register", __name__)


class PopulationRegister(Common):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, catalogue=CATALOGUE, paths=PATHS)
        self.records = Records(self.population, settings.seed)
        self.members = Members(settings.clients_file)


def furnish(app: Flask, settings: Settings) -> PopulationRegister:
    """The endpoints stand on the app; what is behind them is given back."""
    app.register_blueprint(blueprint)
    return PopulationRegister(settings)


def _register() -> PopulationRegister:
    return cast(PopulationRegister, current_app.extensions["sandbox"])


@blueprint.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@blueprint.post(PATH)
def ask() -> Response:
    """SOAP 1.1: one operation in the body, X-Road's headers in the header."""
    register = _register()
    try:
        asked = messages.read(request.get_data())
        operation, told = _let_in(register, asked)
        citizen = answers.citizen_of(register.records, asked)
        if citizen is not None:
            be_unavailable_for(citizen, "soap")

        def lie(names: frozenset[FaultName]) -> str | None:
            fault = register.faults.strike(names, operation, citizen)
            return fault.fault if fault else None

        fault = lie(FAULTS)
        if fault == FaultName.XROAD_FAULT:
            return _fault("Server.ServerProxy.ServiceFailed.CannotConnect", on_the_way=True)
        if fault == FaultName.SOAP_FAULT:
            return _fault("Server")
        nodes = told(register.records, asked, lie(CONTENT | VERDICTS | FEED))
        body, media_type = messages.spoilt(messages.answer(asked, nodes, lie(HEADERS)), lie(BODY))
    except messages.NotSoap:
        return _fault("Client")
    except (answers.BadRequest, Unsigned):
        return _fault("Client")
    except OnTheWay as problem:
        return _fault(problem.code, on_the_way=True)
    return Response(body, content_type=f"{media_type}; charset=utf-8")


def _let_in(register: PopulationRegister, asked: messages.Request) -> tuple[str, Callable[..., Any]]:
    """The operation that is asked for; raises OnTheWay or Unsigned."""
    register.members.let_in(
        request,
        register.settings.url(PATH),
        client=asked.identifier("client"),
        message_id=asked.told("id"),
        user_id=asked.told("userId"),
    )
    if asked.told("protocolVersion") != "4.0":
        raise OnTheWay("Client.InvalidProtocolVersion", "4.0")
    if asked.operation not in _OPERATIONS or asked.identifier("service") != f"{PROVIDER}/{asked.operation}":
        raise OnTheWay("Server.ServerProxy.UnknownService", "no such service")
    return _OPERATIONS[asked.operation]


def _fault(code: str, *, on_the_way: bool = False) -> Response:
    body = messages.fault(code, "the register does not answer this", on_the_way=on_the_way)
    return Response(body, status=500, content_type="text/xml; charset=utf-8")


@blueprint.post("/_sandbox/changes")
def change() -> tuple[Response, int]:
    """Something has happened to a citizen, e.g. {"type": "death", "citizen": 2}."""
    try:
        done = _register().records.change(ChangeOrder.model_validate(request.get_json()))
    except (ValidationError, ValueError) as problem:
        return jsonify(error=str(problem)), 400
    return jsonify(place=done.place), 201


@blueprint.delete("/_sandbox/changes")
def forget_changes() -> Response:
    return jsonify(removed=_register().records.forget())
