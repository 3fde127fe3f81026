"""Takes one check after another out of a copy of the provider and sees the tests that are named after it fail.

`./run mutations [WORD…]`: all, or those whose module or file holds one of the words. Writes docs/mutations.md when all
were run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance import bookkeeping
from tests.conformance.bookkeeping import ROOT, Mutation

PAGE = ROOT / "docs" / "mutations.md"
COPIED = ("idp", "connectors", "config", "migrations", "relying_party_demo", "tests", "docs", "run", "setup.cfg",
          "pyproject.toml")  # fmt: skip
AT_ONCE = 2
HEAD = """# Checks taken out, and the tests that noticed

Written by `./run mutations` from `tests/conformance/mutations/`. For each row the provider was copied, the check taken
out of the copy, and the tests of the named modules run against it: a row stands here as `noticed` only if each failed.

| module | file | what was taken out | outcome |
|---|---|---|---|
"""


def main(words: list[str]) -> int:
    chosen = [
        each for each in bookkeeping.mutations()
        if not words or any(word in name for word in words for name in _names(each))
    ]  # fmt: skip
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(_tried, chosen))
    rows = []
    for mutation, outcome in zip(chosen, outcomes, strict=True):
        names = "<br>".join(f"`{module}`" for module in mutation.modules)
        files = "<br>".join(dict.fromkeys(f"`{edit.file}`" for edit in mutation.edits))
        rows.append(f"| {names} | {files} | {mutation.check} | {outcome} |")
    missed = [row for row in rows if not row.endswith("| noticed |")]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} noticed")
    if not words:
        PAGE.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    return 1 if missed else 0


def _names(mutation: Mutation) -> list[str]:
    return [*mutation.modules, *(edit.file for edit in mutation.edits)]


def _tried(mutation: Mutation) -> str:
    with tempfile.TemporaryDirectory(prefix="motcua-mutation-") as place:
        copy = Path(place) / "provider"
        copy.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, copy / name)
        for edit in mutation.edits:
            text = (copy / edit.file).read_text("utf-8")
            assert text.count(edit.old) == 1, f"{edit.file}: `{edit.old}` stands there {text.count(edit.old)} times"
            (copy / edit.file).write_text(text.replace(edit.old, edit.new), "utf-8")
        unnoticed = [module for module in mutation.modules if not _fails(copy, module)]
    outcome = "noticed" if not unnoticed else f"NOT noticed by {', '.join(unnoticed)}"
    print(f"{', '.join(mutation.modules)}: {mutation.check}: {outcome}", flush=True)
    return outcome


def _fails(copy: Path, module: str) -> bool:
    """Whether the module's test fails for a reason of its own: an error of set-up or collection is no such reason."""
    name = bookkeeping.function_of(module)
    file = bookkeeping.tests()[name]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"tests/conformance/{file}::{name}", "-q", "-n0", "-p", "no:cacheprovider"],
        cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    if "error" in last or "failed" not in last:
        print(f"  {module}: {last or done.stderr[-300:]}", flush=True)
        return False
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
