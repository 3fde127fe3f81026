"""How long a file and a function may be."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.source import PRODUCT, Module, modules

FILE_LINES = 350
FUNCTION_LINES = 60
COMMAND_LINES = 250  # of ./run


def size_faults(root: Path) -> list[str]:
    """Every file and function that is too long to be read at once."""
    faults: list[str] = []
    for module in modules(root, *PRODUCT, "tests", "migrations"):
        if module.lines > FILE_LINES:
            faults.append(f"{module.path}: {module.lines} lines; {FILE_LINES} are the most, so it holds two things")
        faults += _long_functions(module)
    command = root / "run"
    if command.exists() and command.read_text("utf-8").count("\n") > COMMAND_LINES:
        faults.append(f"run: more than {COMMAND_LINES} lines")
    return faults


def _long_functions(module: Module) -> list[str]:
    faults = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                faults.append(f"{module.at(node.lineno)}: {node.name} has {length} lines, of {FUNCTION_LINES}")
    return faults
