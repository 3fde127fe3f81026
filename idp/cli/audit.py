"""The audit, for auditors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from idp.cli import shared


@click.group()
def audit() -> None:
    """What happened."""


@audit.command()
@click.option("--since", metavar="ISO", help="From this date or instant on: 2026-01-31 or 2026-01-31T08:00+07:00.")
@click.option(
    "--to", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write here, mode 0600."
)
def export(since: str | None, file: Path | None) -> None:
    """Every event, oldest first, one JSON object a line. Ids are hexadecimal, instants in UTC."""
    events = shared.open_house().audit.export(_seconds(since) if since else 0)
    lines = (json.dumps(event, ensure_ascii=False) for event in events)
    if file is None:
        for line in lines:
            click.echo(line)
    else:
        click.echo(f"{file}: {shared.write_lines(file, lines)} events")


def _seconds(since: str) -> int:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise shared.Wrong(f"--since: {since} is not an ISO 8601 date or instant") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
