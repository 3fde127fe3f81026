"""`./run chaos`: breaks one real thing after the other under load, and looks whether all that was told is kept.

Ends with 0 only if every case was run, everything came back in time, and nothing that was acknowledged was lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from tests.chaos.cases import BOTH, CASES, HEAD, Pace, Result, line, run, table
from tests.chaos.country import POSTGRESQL

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTES = """
lost: no answer, or a wrong one. put off: 503 with Retry-After. turned away: 4xx, such as a sign-in that is gone.
anew: how often people had to begin anew, of how many who got where they wanted. back after: from the blow, or from the
moment at which what had been cut, filled or moved was right again, to the last failure."""


def main() -> int:
    options = _options()
    for name in [name for name in os.environ if name.startswith("IDP_") and name != "IDP_PYTHON"]:
        del os.environ[name]  # the settings of somebody else's provider
    for number in ENDING:
        signal.signal(number, _end)
    pace, results = Pace(seconds=options.seconds, sign_ons=options.sign_ons, sign_ins=options.sign_ins), list[Result]()
    try:
        for case in CASES:
            for engine in case.engines:
                if case.name in options.cases and engine in options.engines:
                    print(f"\n{case.name} on {_named(engine)}: {case.what}", flush=True)
                    results.append(run(case, engine, pace))
                    _tell(results[-1])
    except KeyboardInterrupt:
        print("\nstopped; all that was started has ended")
        return 130
    print(f"\n{table(results)}\n{NOTES}")
    return exit_code(results)


def _end(_number: int, _frame: FrameType | None) -> None:
    """All that was started ends, undisturbed by a second Ctrl-C."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def exit_code(results: Sequence[Result]) -> int:
    """0 where something was run, and all of it well."""
    return int(not results or any(result.faults or result.not_run for result in results))


def _options() -> argparse.Namespace:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--engines", nargs="+", choices=BOTH, default=BOTH)
    parser.add_argument("--seconds", type=float, default=20, help="of load in each case, at least (20)")
    parser.add_argument("--sign-ons", type=float, default=8, help="a second, by people who have a session (8)")
    parser.add_argument("--sign-ins", type=float, default=1.5, help="a second, by people nobody knows (1.5)")
    return parser.parse_args()


def _named(engine: str) -> str:
    return "PostgreSQL and Valkey" if engine == POSTGRESQL else "SQLite"


def _tell(result: Result) -> None:
    if result.not_run:
        print(f"  not run: {result.not_run}", flush=True)
        return
    print("  " + ", ".join(f"{name} {word}" for name, word in zip(HEAD[2:], line(result)[2:], strict=True)))
    print(f"  acknowledged and looked for: {result.acknowledged}")
    print(f"  the machine's load: {result.load:.1f}, on {os.cpu_count()} cores")
    for reason, number in result.reasons.most_common():
        print(f"    {number} x {reason}")
    for fault in result.faults:
        print(f"  FAULT: {fault}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
