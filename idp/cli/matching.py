"""Offline, with the rules of a sign-in: link a file of records to a register, and hold the links against the truth."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from idp.cli.pacing import Pace, through_database
from idp.cli.shared import Wrong
from idp.people import linking, records, scoring
from idp.people.population import Population

_FILE = click.Path(path_type=Path, dir_okay=False)
register_option = click.option("--register", type=_FILE, required=True, metavar="FILE", help="The register's people.")
records_option = click.option("--records", "said", type=_FILE, required=True, metavar="FILE", help="What sources said.")


@click.command()
@register_option
@records_option
@click.option("--out", type=_FILE, required=True, metavar="FILE", help="Where the links go; one of before is replaced.")
def link(register: Path, said: Path, out: Path) -> None:
    """Find out for each record whom of the register it is of. Nothing is kept in the database.

    Files are JSON Lines; their fields stand in docs/matching.md. Each record is looked at by itself, by the very rules
    of a sign-in, and the register is taken to have everybody.
    """
    population = _population(register)
    outcomes: dict[str, int] = {}
    try:
        with out.open("w", encoding="utf-8") as file:
            for found in linking.link(population, _lines(said)):
                outcomes[found.outcome] = outcomes.get(found.outcome, 0) + 1
                file.write(f"{found.to_json()}\n")
    except OSError as problem:
        raise Wrong(f"{out}: cannot be written: {problem.strerror}") from None
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    click.echo(f"{out}: {sum(outcomes.values())} records: {told}")


@click.command()
@register_option
@records_option
@click.option("--truth", type=_FILE, required=True, metavar="FILE", help="Who each record is of.")
@click.option("--seed", type=int, default=0, metavar="N", help="Of the clerk's errors (0).")
@click.option("--json", "figures", type=_FILE, metavar="FILE", help="Write the figures there as well.")
def score(register: Path, said: Path, truth: Path, seed: int, figures: Path | None) -> None:
    """Link the records, and tell how well: for all, for each error, and by source, sex, age and origin of the name."""
    population = _population(register)
    dead = frozenset(str(row["person"]) for row in read_rows(register) if row.get("alive") is False)
    pace = Pace()
    links = list(pace.timed(population, read_rows(said)))
    try:
        scored = scoring.score(links, read_rows(truth), dead, seed)
    except (KeyError, ValueError) as problem:
        raise Wrong(f"{truth}: does not fit the records: {problem}") from None
    for line in scoring.table(scored):
        click.echo(line)
    beside = through_database(read_rows(register), read_rows(said))
    click.echo(f"\n{pace.records_per_second:,.0f} records a second on one core, rules and look-ups in memory")
    click.echo(f"{beside:,.0f} a second by one thread through a database (SQLite), each a commit that reached the disk")
    if figures is not None:
        told = scoring.figures(scored, pace.records_per_second)
        told["records_per_second_through_database"] = beside
        figures.write_text(json.dumps(told, indent=2), "utf-8")


def _population(register: Path) -> Population:
    population = _readable(register, lambda: Population(_lines(register)))
    gc.freeze()  # it stays to the end: to look for garbage in it again and again takes longer than the rules
    click.get_current_context().call_on_close(gc.unfreeze)  # a command can be one of many in its process
    return population


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(_object, _lines(path))


def _object(line: bytes) -> dict[str, Any]:
    try:
        return records.read(line)
    except ValueError as problem:
        raise Wrong(f"a line is no JSON object: {problem}") from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from filter(bytes.strip, file)
    except OSError as problem:
        raise Wrong(f"{path}: cannot be read: {problem.strerror}") from None


def _readable(path: Path, read: Callable[[], Population]) -> Population:
    try:
        return read()
    except ValueError as problem:
        raise Wrong(f"{path}: a line is no JSON object: {problem}") from None
