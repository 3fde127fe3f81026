"""An invented country for measuring how well people are recognised; its own code stands in `connectors/sandbox`."""

from __future__ import annotations

from pathlib import Path

import click

from idp.cli.shared import Wrong


@click.command()
@click.option("--people", type=click.IntRange(min=1), required=True, metavar="N", help="As many the register has.")
@click.option("--seed", type=int, required=True, help="The same seed gives the same files, on every machine.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR",
    help="Where register.jsonl, records.jsonl and truth.jsonl go; those of before are replaced.",
)  # fmt: skip
def synthesise(people: int, seed: int, folder: Path) -> None:
    """Invent a population register, what three sources say of its people, and the truth.

    Nobody in it is real. What the files hold stands in docs/matching.md.
    """
    from connectors.sandbox.country import files  # of no use to any other command

    try:
        written = files.write(folder, people=people, seed=seed)
    except ValueError as problem:
        raise Wrong(f"--people: {problem}") from None
    except OSError as problem:
        raise Wrong(f"{problem.filename}: cannot be written: {problem.strerror}") from None
    click.echo(f"{folder}: {written.people} people, {written.records} records; {written.outsiders} not in the register")
