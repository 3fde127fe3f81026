"""People, what portals were granted for them, and their sessions, by the ids that the audit shows."""

from __future__ import annotations

import click

from idp.cli import joining, shared
from idp.cli.country import synthesise
from idp.cli.matching import link, score
from idp.cli.populating import enter, index
from idp.cli.proposals import propose


@click.group()
def people() -> None:
    """People, by the hexadecimal id that the audit shows."""


people.add_command(synthesise)
people.add_command(link)
people.add_command(score)
people.add_command(propose)
people.add_command(enter)
people.add_command(index)
for command in joining.COMMANDS:
    people.add_command(command)


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


@people.command()
@click.argument("person_id", metavar="PERSON_ID_HEX")
@shared.json_option
def grants(person_id: str, as_json: bool) -> None:
    """Show what portals were granted for this person and may still use; `offline` goes on without a session."""
    found, house = shared.id_from_hex(person_id, "person"), shared.open_house()
    if house.people.find(found) is None:
        raise shared.Wrong(f"{person_id}: nobody has this id")
    rows = [
        {
            "grant": grant.id.hex(), "portal": grant.client_id, "since": shared.instant(grant.issued_at),
            "offline": "yes" if grant.offline else "no", "last_refresh": shared.instant(grant.refreshed_at),
        }
        for grant in house.grants.live_of(found)
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


@people.command("end-grant")
@click.argument("person_id", metavar="PERSON_ID_HEX")
@click.argument("grant_id", metavar="GRANT_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def end_grant(person_id: str, grant_id: str, reason: str, operator: str) -> None:
    """What the portal was granted is void: no token of it opens, tells or renews anything any more.

    The person stays signed in; when they come to the portal again, it may be granted anew. An API that believes JWTs
    without asking us does so for as long as they say, five minutes at most.
    """
    found, wanted = shared.id_from_hex(person_id, "person"), shared.id_from_hex(grant_id, "grant")
    house = shared.open_house()
    with house.database.write() as tx:
        portal = house.grants.end(tx, found, wanted, f"{operator}: {reason}")
        if portal is None:
            raise shared.Wrong(f"{grant_id}: no such grant of this person stands; `idp people grants` shows all")
    click.echo(f"{grant_id}: ended; {portal} can use nothing of it any more")


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
