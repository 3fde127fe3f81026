"""People and their sessions, by the ids that the audit shows: bar, let in again, sign out."""

from __future__ import annotations

import click

from idp.cli import shared


@click.group()
def people() -> None:
    """People, by the hexadecimal id that the audit shows."""


@people.command()
@click.argument("person_id", metavar="PERSON_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def bar(person_id: str, reason: str, operator: str) -> None:
    """Nobody can sign in as this person any more; their sessions end, their portals are told."""
    _set_status(person_id, "barred", reason, operator)


@people.command()
@click.argument("person_id", metavar="PERSON_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def deceased(person_id: str, reason: str, operator: str) -> None:
    """The person has died; their sessions end, their portals are told."""
    _set_status(person_id, "deceased", reason, operator)


@people.command()
@click.argument("person_id", metavar="PERSON_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def activate(person_id: str, reason: str, operator: str) -> None:
    """The person can sign in again."""
    _set_status(person_id, "active", reason, operator)


@click.group()
def sessions() -> None:
    """Single sign-on sessions, by the hexadecimal id that the audit shows."""


@sessions.command()
@click.argument("session_id", metavar="SESSION_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def end(session_id: str, reason: str, operator: str) -> None:
    """End the session; its portals are told."""
    found = shared.id_from_hex(session_id, "session")
    house = shared.open_house()
    with house.database.write() as tx:
        ended = house.sessions.end(tx, found, f"{operator}: {reason}")
    if ended is None:
        raise shared.Wrong(f"{session_id}: no such session is open")
    click.echo(f"{session_id}: ended; {len(ended.told)} portals are being told")


def _set_status(person_id: str, status: str, reason: str, operator: str) -> None:
    """The person has the status and, unless it is `active`, no session: one transaction, with the audit."""
    found, why = shared.id_from_hex(person_id, "person"), f"{operator}: {reason}"
    house = shared.open_house()
    with house.database.write() as tx:
        if not house.people.set_status(tx, found, status, why):
            raise shared.Wrong(f"{person_id}: nobody has this id")
        ended = 0 if status == "active" else house.sessions.end_all_of(tx, found, why)
    click.echo(f"{person_id}: {status}; {ended} sessions ended")
