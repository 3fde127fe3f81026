"""`idp digital-id bench`: how fast codes are issued and verified, how many forged ones pass, how well prints
are read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.cli.shared import Wrong
from idp.digital_id import measuring
from idp.digital_id.forging import Outcome
from idp.digital_id.measuring import Pace, Speeds

if TYPE_CHECKING:
    from idp.digital_id.scanning import Scanned

FORGED = 100_000
TIMES = 3_000
LISTED = 10_000_000


@click.command()
@click.option("--times", type=click.IntRange(100), default=TIMES, metavar="N", help=f"Calls of each kind ({TIMES}).")
@click.option("--forged", type=click.IntRange(0), default=FORGED, metavar="N", help=f"Forged codes ({FORGED}).")
@click.option("--listed", type=click.IntRange(100), default=LISTED, metavar="N", help=f"Cards in lists ({LISTED}).")
@click.option(
    "--seed", type=int, default=7, metavar="N", help="Of the chance by which people and forgeries are made (7)."
)
@click.option(
    "--frames", type=click.IntRange(0), default=0, metavar="N",
    help="Read so many spoilt prints of each sort (0); needs motcua[scanning].",
)  # fmt: skip
@click.option(
    "--json", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write all figures there."
)
def bench(times: int, forged: int, listed: int, seed: int, frames: int, file: Path | None) -> None:
    """Measure on one core: issuing, verifying, lists, forged codes, and prints that are spoilt.

    Ends with 1 if a forged code was accepted, or if fewer prints were read than we promise.
    """
    scan = _scanner() if frames else None
    speeds = measuring.speeds(times, seed)
    for line in _speed_lines(speeds):
        click.echo(line)
    size = measuring.list_size(listed, seed)
    click.echo(
        f"status lists   {size.cards} cards in {size.lists}, 1 % revoked: {size.bytes} bytes, "
        f"{size.build_seconds:.1f} s for all"
    )
    outcome = measuring.forgeries(forged, seed)
    for line in _forged_lines(outcome):
        click.echo(line)
    scanned = scan(frames, seed) if scan is not None else []
    for cell in scanned:
        click.echo(_scan_line(cell))
    if file is not None:
        figures = {
            "speed": dataclasses.asdict(speeds), "issue_to_sign": _ratio(speeds.issue, speeds.sign),
            "verify_to_check": _ratio(speeds.verify, speeds.check), "status_lists": dataclasses.asdict(size),
            "forged": {name: dict(counted) for name, counted in vars(outcome).items()},
            "scanned": [dataclasses.asdict(cell) for cell in scanned],
        }  # fmt: skip
        _write(file, figures)
    if outcome.accepted:
        raise click.ClickException(f"{outcome.accepted.total()} forged codes were accepted")
    poor = [cell.name for cell in scanned if cell.read < cell.wanted * cell.frames]
    if poor:
        raise click.ClickException(f"fewer prints were read than promised: {', '.join(poor)}")


def _scanner() -> Callable[[int, int], list[Scanned]]:
    try:
        from idp.digital_id import scanning
    except ModuleNotFoundError:
        raise Wrong("--frames: needs zxing-cpp, numpy and Pillow: pip install 'motcua[scanning]'") from None

    def scan(frames: int, seed: int) -> list[Scanned]:
        texts = measuring.texts(4, seed)
        return [scanning.scan(cell, texts, frames, seed) for cell in scanning.CELLS]

    return scan


def _scan_line(cell: Scanned) -> str:
    part = f"{cell.read} of {cell.frames} read ({cell.plain} at once; {100 * cell.wanted:.0f} % wanted)"
    return f"{cell.name:<14} {part}, p50 {cell.p50:.1f} ms, p99 {cell.p99:.1f} ms"


def _write(file: Path, figures: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except OSError as problem:
        raise Wrong(f"{file}: cannot be written: {problem.strerror}") from None


def _speed_lines(speeds: Speeds) -> list[str]:
    named = {
        "bare ES256": speeds.sign, "issue": speeds.issue, "with photo": speeds.issue_photo,
        "bare check": speeds.check, "verify": speeds.verify, "verify photo": speeds.verify_photo,
    }  # fmt: skip
    lines = [
        f"{name:<14} p50 {pace.p50:.3f} ms, p99 {pace.p99:.3f} ms, {pace.per_second:.0f} a second on one core"
        for name, pace in named.items()
    ]
    lines.append(f"issue costs {_ratio(speeds.issue, speeds.sign):.1f} times a bare signature")
    lines.append(f"verify costs {_ratio(speeds.verify, speeds.check):.1f} times a bare check")
    return lines


def _forged_lines(outcome: Outcome) -> list[str]:
    why = ", ".join(f"{reason} {number}" for reason, number in outcome.reasons.most_common())
    plans = ", ".join(f"{fraud} {number}" for fraud, number in sorted(outcome.frauds.items()))
    return [f"forged         {plans}", f"refused        {why}", f"accepted       {outcome.accepted.total()}"]


def _ratio(ours: Pace, bare: Pace) -> float:
    """How many times the work of one there is in the other."""
    return bare.per_second / ours.per_second
