"""Invitations: portals may register themselves with what an operator made here (RFC 7591's initial access token)."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from idp.cli import shared
from idp.cli.shared import Wrong
from idp.clients.invitations import Invitation, Invitations, Terms
from idp.people.assurance import acr

DAY_SECONDS = 86_400
MOST_DAYS = 365
MOST_USES = 1000


@click.command()
@click.option("--note", required=True, metavar="TEXT", help="For whom, for the list and the audit.")
@click.option("--scope", "scopes", multiple=True, help="A scope that the portal may have; not a guarded one.")
@click.option("--api-scope", "api_scopes", multiple=True, help="A scope for client_credentials, of systems.")
@click.option("--level", type=click.IntRange(1, 4), default=1, show_default=True, help="The least that it owes.")
@click.option("--consent", is_flag=True, help="People must agree, and are not only told.")
@click.option("--without-pkce", is_flag=True, help="A portal with a secret or key may do without PKCE.")
@click.option("--without-nonce", is_flag=True, help="... and without a nonce in its place.")
@click.option("--statement", is_flag=True, help="It must bring a software statement.")
@click.option("--uses", type=click.IntRange(1, MOST_USES), default=1, show_default=True, help="How many portals.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=7, show_default=True, help="Good for so long.")
@shared.secret_file_option
@shared.operator_option
def invite(
    note: str, scopes: tuple[str, ...], api_scopes: tuple[str, ...], level: int, consent: bool, without_pkce: bool,
    without_nonce: bool, statement: bool, uses: int, days: int, secret_file: Path | None, operator: str,
) -> None:  # fmt: skip
    """Let a portal register itself at /register; prints the token, which is shown this once.

    Where registration.open_to is "nobody", an invitation waits until it is switched on.
    """
    try:
        terms = Terms(
            note=note, scopes=scopes, api_scopes=api_scopes, minimum_level=level, consent_required=consent,
            pkce_required=not without_pkce, nonce_required=not without_nonce, statement_required=statement,
        )  # fmt: skip
    except ValidationError as problem:
        raise Wrong(shared.faults(problem)) from None
    house = shared.open_house()
    with shared.secret_files() as drafted, house.database.write() as tx:
        invitation_id, token = Invitations(house.database).make(tx, terms, uses=uses, seconds=days * DAY_SECONDS)
        house.audit.invitation_changed(tx, invitation_id=invitation_id, change=f"made: {note}", operator=operator)
        if secret_file is not None:
            with drafted(secret_file) as out:
                out.write(token)
    told = f"its token, shown this once: {token}" if secret_file is None else f"its token is in {secret_file}"
    click.echo(f"{invitation_id.hex()}: invited, for {uses} within {days} days; {told}")
    if house.settings.registration.open_to == "nobody":
        click.echo('registration.open_to is "nobody": it can be used when that is changed', err=True)


@click.command("invitations")
@shared.json_option
def list_invitations(as_json: bool) -> None:
    """Show every invitation, oldest first."""
    rows = [
        {
            "id": invitation.id.hex(), "state": _state(invitation), "uses_left": invitation.uses_left,
            "until": shared.instant(invitation.expires_at),
            "level": acr(invitation.terms.minimum_level),
            "scopes": " ".join((*invitation.terms.scopes, *invitation.terms.api_scopes)),
            "pkce": "yes" if invitation.terms.pkce_required else "no", "note": invitation.terms.note,
        }
        for invitation in Invitations(shared.open_house().database).all()
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


@click.command("withdraw")
@click.argument("invitation_id", metavar="ID")
@shared.operator_option
def withdraw(invitation_id: str, operator: str) -> None:
    """Take an invitation back; portals that registered with it stay as they are."""
    house, wanted = shared.open_house(), shared.id_from_hex(invitation_id, "portal's invitation")
    with house.database.write() as tx:
        if not Invitations(house.database).withdraw(tx, wanted):
            raise Wrong(f"{invitation_id}: there is no such invitation; `idp portals invitations` shows all")
        house.audit.invitation_changed(tx, invitation_id=wanted, change="withdrawn", operator=operator)
    click.echo(f"{invitation_id}: nobody can register with it any more")


def _state(invitation: Invitation) -> str:
    if invitation.is_open:
        return "open"
    return "over" if invitation.uses_left else "used up"
