"""Sources: described in a file, tested, switched on and off, and given the keys that we publish for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

from idp.cli import shared
from idp.cli.contracts import contract, known, reports
from idp.cli.shared import Wrong
from idp.cli.source_files import SourceFile, read_draft, read_file
from idp.house import House
from idp.people.assurance import acr
from idp.sources import BadSource, Source
from idp.storage import Transaction

MOST_AT_ONCE = 1_000  # the list of who has which place is read and written with each call


@click.group()
def sources() -> None:
    """Sources: who vouches for people, and how far."""


@sources.command()
@click.argument("file", type=click.File("rb"))
@shared.secrets_option
@click.option("--enable", "on", is_flag=True, help="Switch on at once, unchecked; `idp sources enable` checks first.")
@click.option("--new-keys", is_flag=True, help='Make new keys for each {"generate": …}, also where there is one.')
@shared.operator_option
def add(file: IO[bytes], secrets: Path | None, on: bool, new_keys: bool, operator: str) -> None:
    """Add the source that FILE describes, or a new version of it, or each of a list; `-` reads standard input.

    FILE is JSON: {"id": …, "kind": …, "name_vi": …, "name_en": …, "ceiling": 1 to 4, "configuration": {…},
    "secrets": {…}}. A secret is a text, {"file": PATH}, {"keep": true} (the version in force has it), or {"generate":
    "ES256"}: a private key, made when there is none, whose public half is printed for the source ("RSA-SAML": with a
    certificate; --new-keys announces the next one, and the time after that it signs). With --secrets DIR a text is the
    name of a file in that folder, and a PATH begins there. Anywhere in the configuration, {"file": PATH} stands for
    the text of that file.

    A new source starts switched off; a new version of one that is on is in force within seconds.
    """
    house = shared.open_house()
    described = [read_file(one) for one in shared.read_objects(file)]
    with house.database.write() as tx:
        told = [line for one in described for line in _save(house, tx, one, secrets, new_keys, on, operator)]
    click.echo("\n".join(told))


@sources.command("list")
@shared.json_option
def list_sources(as_json: bool) -> None:
    """Show every source in the version in force, and how it is doing."""
    house = shared.open_house()
    rows = [
        {
            "id": source.id, "kind": source.kind, "version": source.version, "state": "on" if source.enabled else "off",
            "ceiling": acr(source.ceiling), "limit": source.calls_at_once or None,
            "health": house.sources.health_of(source), "name": source.name_vi,
        }
        for source in house.sources.in_force()
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


@sources.command()
@click.argument("source_id", metavar="ID")
@shared.json_option
def check(source_id: str, as_json: bool) -> None:
    """Make every test that needs no person; the exit code is 1 if one fails."""
    if not _passes(known(shared.open_house(), source_id), as_json=as_json):
        raise click.exceptions.Exit(1)


@sources.command()
@click.argument("source_id", metavar="ID")
@click.option("--unchecked", is_flag=True, help="Do not test the source first.")
@shared.operator_option
def enable(source_id: str, unchecked: bool, operator: str) -> None:
    """Switch the source on, if it passes every test."""
    house = shared.open_house()
    source = known(house, source_id)
    if not unchecked and not _passes(source, as_json=False):
        raise click.ClickException(f"{source_id}: stays {'on' if source.enabled else 'off'}, since a test failed")
    _switch(house, source, True, "enabled, unchecked" if unchecked else "enabled", operator)


@sources.command()
@click.argument("source_id", metavar="ID")
@shared.operator_option
def disable(source_id: str, operator: str) -> None:
    """Switch the source off, everywhere within seconds; sign-ins that are under way there end."""
    house = shared.open_house()
    _switch(house, known(house, source_id), False, "disabled", operator)


@sources.command()
@click.argument("source_id", metavar="ID")
@click.argument("calls", type=click.IntRange(0, MOST_AT_ONCE), metavar="CALLS")
@shared.operator_option
def limit(source_id: str, calls: int, operator: str) -> None:
    """Let all processes of all machines together make at most CALLS calls at once to the source; 0 ends the limit.

    It holds within seconds, for every version. Whoever comes when all are taken is told to try again. Each call then
    costs a write to the short-lived store before and after; while that does not answer, each process counts for itself.
    """
    house = shared.open_house()
    source = known(house, source_id)
    with house.database.write() as tx:
        house.sources.limit_calls(tx, source_id, calls)
        change = f"calls at once: {calls}" if calls else "calls at once: not limited"
        house.audit.source_changed(tx, source_id=source_id, change=change, version=source.version, operator=operator)
    click.echo(f"{source_id}: {change}, everywhere within seconds")


@sources.command()
@click.argument("source_id", metavar="ID")
def jwks(source_id: str) -> None:
    """Print what we publish for the source: our public keys."""
    click.echo(_published(known(shared.open_house(), source_id)))


sources.add_command(contract)
sources.add_command(reports)


def _save(
    house: House, tx: Transaction, described: SourceFile, secrets: Path | None, new_keys: bool, on: bool, operator: str
) -> Iterator[str]:
    """The source has one version more; what there is to say of it."""
    draft, has_new_key = read_draft(described, house.sources.find(described.id), secrets=secrets, new_keys=new_keys)
    try:
        version = house.sources.save(tx, draft)
    except BadSource as problem:
        raise Wrong(f"{draft.id}: {problem}") from None
    house.audit.source_changed(tx, source_id=draft.id, change="saved", version=version, operator=operator)
    if on:
        house.sources.set_enabled(tx, draft.id, True)
        house.audit.source_changed(
            tx, source_id=draft.id, change="enabled, unchecked", version=version, operator=operator
        )
    saved = known(house, draft.id)  # this transaction's connection sees what it wrote
    published = _published(saved)  # fails now, not at the first sign-in, where a key is of no use
    yield f"{draft.id}: version {version} is in force, switched {'on' if saved.enabled else 'off'}"
    if has_new_key:
        yield f"give the source this key:\n{published}"


def _published(source: Source) -> str:
    try:
        metadata = source.metadata()
    except ValueError as problem:
        raise Wrong(f"{source.id}: {problem}") from None
    return "" if metadata is None else metadata[1].decode()


def _passes(source: Source, *, as_json: bool) -> bool:
    checks = source.checks()
    rows = [
        {
            "test": check.name, "result": "pass" if check.passed else "FAIL",
            "milliseconds": round(check.milliseconds, 1), "detail": check.detail,
        }
        for check in checks
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)
    return all(check.passed for check in checks)


def _switch(house: House, source: Source, on: bool, change: str, operator: str) -> None:
    with house.database.write() as tx:
        house.sources.set_enabled(tx, source.id, on)
        house.audit.source_changed(tx, source_id=source.id, change=change, version=source.version, operator=operator)
    click.echo(f"{source.id}: {'on' if on else 'off'}, everywhere within seconds")
