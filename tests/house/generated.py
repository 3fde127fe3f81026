"""The pages of docs/ that are written by the code they describe."""

from __future__ import annotations

from pathlib import Path

from idp import errors
from tests.conformance import bookkeeping

ROOT = Path(__file__).resolve().parents[2]
ERRORS_HEAD = """# Every way to fail

Written by `./run docs` from `idp/errors.py`; change it there. A person sees the code and a request id on the page,
a portal gets the wire error, the log has both beside the detail.

"""


def pages() -> dict[str, str]:
    """The generated pages by their path below the root."""
    return {
        "docs/errors.md": ERRORS_HEAD + errors.as_table(),
        "docs/conformance.md": bookkeeping.coverage_page(),
    }


def write(root: Path = ROOT) -> None:
    for name, text in pages().items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
        print(f"written: {name}")
