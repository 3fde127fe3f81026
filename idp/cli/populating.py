"""Everybody at once: a register's people are made known, and all who are known are found by all their keys."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from idp import entropy
from idp.cli import shared
from idp.cli.matching import read_rows
from idp.people import records

BATCH = 500  # in one commit


@click.command()
@click.option("--register", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
              help="JSON Lines; their fields stand in docs/matching.md.")  # fmt: skip
@click.option("--source", required=True, metavar="ID", help="The register, by the id that people's details shall name.")
def enter(register: Path, source: str) -> None:
    """Make everybody in the register known who is not yet, by any number that nobody shares.

    Nobody is changed who is known. May be repeated, also after it was interrupted. When all are in, say so by
    `verification.everybody_is_known`.
    """
    house, rows = shared.open_house(), read_rows(register)
    entered = known = nameless = 0
    while batch := list(islice(rows, BATCH)):
        with house.database.write() as tx:
            for row in batch:
                person = records.person(row, entropy.random_id(), source)
                if not person.name:
                    nameless += 1
                elif house.people.knows(tx, person):
                    known += 1
                else:
                    house.people.enter(tx, person, source)
                    entered += 1
    click.echo(f"{register}: {entered} people entered, {known} were known; {nameless} rows have no name")


@click.command()
def index() -> None:
    """Let everybody be found by all that they are known by: once, after an upgrade from before version 0008."""
    house, last, batches = shared.open_house(), b"", 0
    while True:
        with house.database.write() as tx:
            reached = house.people.index(tx, last, BATCH)
        if reached is None:
            break
        last, batches = reached, batches + 1
    click.echo(f"everybody is found by all their keys ({batches} batches of {BATCH})")
