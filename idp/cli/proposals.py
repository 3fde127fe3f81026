"""Offline, by Splink, which is an extra: whom a record may be of that the rules left open, for a clerk to decide."""

from __future__ import annotations

from pathlib import Path

import click

from idp.cli.matching import read_rows, records_option, register_option
from idp.cli.shared import Wrong, write_lines
from idp.people import scoring
from idp.people.linking import Link

MOST = 3
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@register_option
@records_option
@click.option("--links", type=_FILE, required=True, metavar="FILE", help="What `idp people link` said of the records.")
@click.option(
    "--out", type=_FILE, required=True, metavar="FILE", help="Where the proposals go; one of before is replaced."
)
@click.option("--most", type=click.IntRange(min=1), default=MOST, metavar="N", help=f"People for each record ({MOST}).")
@click.option("--truth", type=_FILE, metavar="FILE", help="Of an invented country: tell how good the proposals are.")
def propose(register: Path, said: Path, links: Path, out: Path, most: int, truth: Path | None) -> None:
    """Propose people of the register for each record that is REVIEW, CONFLICT or INCOMPLETE.

    Splink learns from the files themselves, unlabelled, and gives each person a probability; a clerk decides. No link
    and no outcome is changed. Needs the extra: pip install 'motcua[splink]'.
    """
    try:
        from idp.people import proposing  # an extra, and slow to load
    except ModuleNotFoundError:
        raise Wrong("propose: needs Splink: pip install 'motcua[splink]'") from None
    linked = _links(links)
    try:
        found = list(proposing.propose(read_rows(register), read_rows(said), linked, most))
    except proposing.NoSuchRecord as problem:
        raise Wrong(f"{links}: does not fit the records: {problem}") from None
    write_lines(out, (each.to_json() for each in found))
    some = sum(bool(each.proposed) for each in found)
    click.echo(f"{out}: {len(found)} of {len(linked)} records are undecided; people are proposed for {some}")
    if truth is not None:
        people = [(each.link, [(one.person, one.probability) for one in each.proposed]) for each in found]
        try:
            click.echo("\n".join(scoring.proposals_table(people, read_rows(truth))))
        except KeyError as problem:
            raise Wrong(f"{truth}: does not fit the records: {problem}") from None


def _links(path: Path) -> list[Link]:
    rows = list(read_rows(path))
    try:
        links = [Link.from_row(row) for row in rows]
    except TypeError:
        links = []
    if len(links) < len(rows) or not all(isinstance(link.record, str) for link in links):
        raise Wrong(f"{path}: a line is no link: `idp people link` writes them")
    return links
