"""Who may import whom: floors, rooms, and the three packages that stand apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.house.source import PRODUCT, Module, Use, imports, modules, within

# Imports run downwards only. A room is a module or package right below `idp`.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"clock", "entropy", "errors", "settings", "seal", "lines"}),
    frozenset({"storage", "digital_id"}),
    frozenset({"keys", "audit", "egress", "notices", "web", "observe", "cards"}),
    frozenset({"clients", "people", "sources"}),
    frozenset({"sessions", "devices"}),
    frozenset({"broker", "registers", "cases"}),
    frozenset({"oidc"}),
    frozenset({"account", "counter", "admin"}),
    # What puts the rest together; "" is idp/__init__.py.
    frozenset({"app", "house", "front", "serving", "shedding", "monitoring", "cli", "worker", "serve", ""}),
)
TOP = len(FLOORS) - 1

# Rooms of one floor do not know each other, but for these.
NEIGHBOURS = frozenset({
    ("entropy", "clock"), ("seal", "clock"), ("seal", "entropy"), ("seal", "errors"), ("seal", "settings"),
    ("lines", "clock"), ("cards", "audit"), ("cards", "keys"),
    ("clients", "people"), ("sources", "people"), ("broker", "registers"), ("broker", "cases"),
})  # fmt: skip

MAY_LOAD_CONNECTORS = ("sources",)
CONTRACT = ("connectors.base", "connectors.profile", "connectors.registers")
# Operators measure us with an invented country. One command hands over a folder and a seed, and takes nothing back.
MAY_INVENT = ("idp.cli.country", "connectors.sandbox.country")
MAY_IMPORT_BY_NAME = ("sources", "cli", "")


def wall_faults(root: Path) -> list[str]:
    """Every import that goes through a wall, every room that has no floor."""
    rooms = {_room(module.name) for module in modules(root, "idp")}
    faults = [
        f"idp/{room}: this room stands on no floor; give it one in tests/house/walls.py"
        for room in sorted(rooms)
        if _floor(room) is None
    ]
    for module in modules(root):
        for use in imports(module):
            faults += [f"{module.at(use.line)}: {fault}" for fault in _faults_of(module, use, rooms)]
    return faults


def _faults_of(module: Module, use: Use, rooms: set[str]) -> Iterator[str]:
    top = module.name.split(".")[0]
    target = use.name.split(".")[0]
    if target in ("tests", "migrations"):
        yield f"{top} does not import {target}"
    elif top == "relying_party_demo" and target in PRODUCT and target != top:
        yield "relying_party_demo imports nothing of ours"
    elif top == "connectors":
        yield from _connector_faults(module, use, target)
    elif top == "idp":
        yield from _provider_faults(module, use, target, rooms)


def _connector_faults(module: Module, use: Use, target: str) -> Iterator[str]:
    in_sandbox = within(module.name, "connectors.sandbox")
    if target in PRODUCT and target != "connectors":
        yield f"connectors import nothing of {target}"
    elif in_sandbox and target == "connectors" and not within(use.name, "connectors.sandbox"):
        yield "the sandbox does not import the connectors: a fault they share would never show"
    elif not in_sandbox and within(use.name, "connectors.sandbox"):
        yield "connectors do not import their sandbox"


def _provider_faults(module: Module, use: Use, target: str, rooms: set[str]) -> Iterator[str]:
    room = _room(module.name)
    if target == "relying_party_demo":
        yield "idp does not import relying_party_demo"
    elif target == "connectors" and room not in MAY_LOAD_CONNECTORS and not _is_open(module, use):
        yield "only idp.sources loads connectors; others may know connectors.base, .profile and .registers"
    elif use.name == "importlib.import_module" and room not in MAY_IMPORT_BY_NAME:
        yield "a computed import goes round the walls"
    elif target == "idp":
        yield from _floor_faults(room, _imported_room(use.name, rooms))


def _is_open(module: Module, use: Use) -> bool:
    of_contract = any(within(use.name, one) for one in CONTRACT)
    return of_contract or (module.name == MAY_INVENT[0] and within(use.name, MAY_INVENT[1]))


def _floor_faults(room: str, other: str) -> Iterator[str]:
    here, there = _floor(room), _floor(other)
    if room == other or here is None or there is None:
        return
    if there > here:
        yield f"{_called(room)} (floor {here}) imports {_called(other)} (floor {there}): imports run downwards only"
    elif there == here < TOP and (room, other) not in NEIGHBOURS:
        yield f"{_called(room)} imports {_called(other)}: rooms of one floor do not know each other"


def _room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def _imported_room(name: str, rooms: set[str]) -> str:
    room = _room(name)
    return room if room in rooms else ""  # `from idp import create_app`


def _floor(room: str) -> int | None:
    return next((number for number, floor in enumerate(FLOORS) if room in floor), None)


def _called(room: str) -> str:
    return f"idp.{room}" if room else "idp"
