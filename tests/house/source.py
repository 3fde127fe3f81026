"""Python source as the checkers see it: modules, what they import, and which dotted names they use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRODUCT = ("idp", "connectors", "relying_party_demo")


@dataclass(frozen=True, kw_only=True)
class Module:
    name: str  # "idp.oidc.token"; a package is called without its __init__
    path: str  # below the root, for messages
    tree: ast.Module
    lines: int
    is_package: bool

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def at(self, line: int) -> str:
        return f"{self.path}:{line}"


@dataclass(frozen=True, kw_only=True)
class Use:
    line: int
    name: str  # dotted and complete: `from os import environ` is a use of "os.environ"


def modules(root: Path, *tops: str) -> Iterator[Module]:
    """Every module below the named top folders of `root`, in order of path."""
    for top in tops or PRODUCT:
        for path in sorted((root / top).rglob("*.py")):
            yield module(root, path)


def module(root: Path, path: Path) -> Module:
    below = path.relative_to(root)
    parts = below.with_suffix("").parts
    is_package = parts[-1] == "__init__"
    text = path.read_text("utf-8")
    return Module(
        name=".".join(parts[:-1] if is_package else parts), path=below.as_posix(), tree=ast.parse(text),
        lines=text.count("\n"), is_package=is_package,
    )  # fmt: skip


def imports(of: Module) -> Iterator[Use]:
    """What is imported anywhere in the module: at its head, inside functions, for types only, or by a literal name."""
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Use(line=node.lineno, name=alias.name)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(of, node)
            for alias in node.names:
                yield Use(line=node.lineno, name=f"{origin}.{alias.name}")
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            first = node.args[0] if node.args else None
            known = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            yield Use(line=node.lineno, name=known or "importlib.import_module")


def uses(of: Module) -> Iterator[Use]:
    """Every import and every dotted name that begins with one: `dt.datetime.now` is "datetime.datetime.now"."""
    yield from imports(of)
    known = _local_names(of)
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Attribute):
            chain = _chain(node)
            if chain and chain[0] in known:
                yield Use(line=node.lineno, name=".".join([known[chain[0]], *chain[1:]]))


def within(name: str, prefix: str) -> bool:
    """Whether a dotted name is `prefix` or lies below it."""
    return name == prefix or name.startswith(prefix + ".")


def _origin(of: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    above = of.package.split(".")[: len(of.package.split(".")) - (node.level - 1)]
    return ".".join([*above, node.module] if node.module else above)


def _imports_by_name(node: ast.Call) -> bool:
    called = _chain(node.func)
    return bool(called) and called[-1] in ("import_module", "__import__")


def _local_names(of: Module) -> dict[str, str]:
    known: dict[str, str] = {}
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.name if alias.asname else alias.name.split(".")[0]
                known[alias.asname or bound] = bound
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{_origin(of, node)}.{alias.name}"
    return known


def _chain(node: ast.expr) -> list[str]:
    """`a.b.c` as ["a", "b", "c"]; empty for anything that does not begin with a plain name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        before = _chain(node.value)
        return [*before, node.attr] if before else []
    return []
