"""The database's own commands: its shape, its outbox, what has outlived its use."""

from __future__ import annotations

import click

from idp import clock
from idp.cli import shared
from idp.settings import load
from idp.storage import expiry, schema
from idp.storage.outbox import STATES
from idp.worker import BREATH_SECONDS, remove_outlived


@click.command()
def migrate() -> None:
    """Bring the database to the shape this program needs.

    May be run on every machine at once: one does the work. All of it is done, or nothing.
    """
    done = schema.upgrade(load().database_url)
    for step in done:
        click.echo(f"done: {step}")
    click.echo(f"the database is at step {schema.newest()}" + ("" if done else "; there was nothing to do"))


@click.command()
@click.option("--batch", type=click.IntRange(1, 100_000), default=expiry.BATCH_ROWS, show_default=True,
              help="Rows in one transaction.")  # fmt: skip
def expire(batch: int) -> None:
    """Remove what has outlived its use, as `idp worker` does every minute."""
    house = shared.open_house()

    def pause() -> bool:
        clock.pause(BREATH_SECONDS)
        return False

    removed = remove_outlived(house, pause=pause, batch=batch)
    shared.show([{"rows": name, "removed": number} for name, number in removed.items()], as_json=False)


@click.command()
@shared.json_option
def outbox(as_json: bool) -> None:
    """How many messages wait, were delivered, or were given up."""
    states = shared.open_house().outbox.states()
    shared.show([{"state": state, "messages": states.get(state, 0)} for state in STATES], as_json=as_json)
