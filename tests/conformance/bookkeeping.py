"""Which module of which plan has its test, and which checks were taken out to see that test fail."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLANS = HERE / "plans.toml"
MUTATIONS = HERE / "mutations"  # a file for each family of modules


@dataclass(frozen=True, kw_only=True)
class Plan:
    id: str
    name: str
    modules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Where `old` stands once in `file`, `new` stands instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One check taken out, in one place or, where it is made twice, in all: the tests of these modules must fail."""

    modules: tuple[str, ...]
    check: str  # what is no longer checked, in words
    edits: tuple[Edit, ...]


def plans() -> list[Plan]:
    return [Plan(**{**each, "modules": tuple(each["modules"])}) for each in _read(PLANS)["plan"]]


def skipped() -> dict[str, str]:
    """Modules without a test, each with the reason."""
    return dict(_read(PLANS)["skipped"])


def accepting() -> frozenset[str]:
    """Modules that end well, and so are shown to fail by nothing that is taken out."""
    return frozenset(_read(PLANS)["accepting"]["modules"])


def mutations() -> list[Mutation]:
    return [_mutation(each) for path in sorted(MUTATIONS.glob("*.toml")) for each in _read(path)["mutation"]]


def _mutation(given: dict[str, Any]) -> Mutation:
    edits = [{name: given[name] for name in ("file", "old", "new")}, *given.get("also", [])]
    return Mutation(modules=tuple(given["modules"]), check=given["check"], edits=tuple(Edit(**each) for each in edits))


def function_of(module: str) -> str:
    return "test_" + module.replace("-", "_")


def tests() -> dict[str, str]:
    """Every test function of this folder, and the file that it stands in."""
    return dict(_functions())


def _functions() -> Iterator[tuple[str, str]]:
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name, path.name


def coverage_page() -> str:
    """The table: plan, modules, covered, skipped and why."""
    known, without = tests(), skipped()
    lines = [
        "# Conformance: plans, modules, tests", "",
        "Written by `./run docs` from `tests/conformance/`; change it there. The plans and modules are those of the",
        "OpenID Foundation's conformance suite, 5.2. Each module has a test of the same name (`-` written `_`), over",
        "HTTP, against a provider in conformance mode. That each can fail, [mutations.md](mutations.md) shows.", "",
        "| plan | modules | with a test | skipped |", "|---|---|---|---|",
    ]  # fmt: skip
    for plan in plans():
        covered = [module for module in plan.modules if function_of(module) in known]
        left = [module for module in plan.modules if module in without]
        lines.append(f"| {plan.name} | {len(plan.modules)} | {len(covered)} | {len(left) or '-'} |")
    if without:
        lines += ["", "## Skipped, and why", "", "| module | why |", "|---|---|"]
        lines += [f"| `{module}` | {why} |" for module, why in sorted(without.items())]
    lines += ["", "## Which test stands where", "", "| module | test |", "|---|---|"]
    modules = sorted({module for plan in plans() for module in plan.modules if function_of(module) in known})
    lines += [f"| `{module}` | `tests/conformance/{known[function_of(module)]}` |" for module in modules]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
