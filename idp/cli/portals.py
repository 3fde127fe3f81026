"""Portals: registered, shown, changed, switched on and off, given a new secret; in effect within seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click
from pydantic import ValidationError

from idp.cli import invitations, shared
from idp.cli.deliveries import deliveries
from idp.cli.shared import Wrong
from idp.clients import ChangedMeanwhile, Client, Registration, registry
from idp.clients.self_registrations import SelfRegistrations
from idp.house import House
from idp.people.assurance import acr
from idp.people.claims import GUARDED_SCOPES
from idp.storage import Transaction
from idp.storage.database import Conflict

UNREADABLE = "unreadable"  # the state of a portal whose registration today's rules refuse
grant_option = click.option(
    "--grant", "grants", multiple=True, metavar="SCOPE", type=click.Choice(sorted(GUARDED_SCOPES)),
    help="Let the portal have a guarded scope; needs --reason.",
)  # fmt: skip


@click.group()
def portals() -> None:
    """Portals: who may send people here, and what they are told."""


for command in (invitations.invite, invitations.list_invitations, invitations.withdraw):
    portals.add_command(command)


@portals.command()
@click.argument("file", type=click.File("rb"))
@click.option("--if-absent", is_flag=True, help="Leave portals alone that are registered already.")
@grant_option
@shared.reason_option(required=False)
@shared.secret_file_option
@shared.secrets_option
@click.option("--share-sector", is_flag=True, help="Let the portal join a sector that another portal is in.")
@shared.operator_option
def add(
    file: IO[bytes], if_absent: bool, grants: tuple[str, ...], reason: str | None, secret_file: Path | None,
    secrets: Path | None, share_sector: bool, operator: str,
) -> None:  # fmt: skip
    """Register the portal that FILE describes, or each of its list; `-` reads standard input.

    FILE is JSON: {"id": …, "name_vi": …, "name_en": …, "home_url": …, "redirect_uris": […], "sector": …, …}, with the
    names of OpenID Connect Dynamic Client Registration where it has one; `idp portals show ID --json` shows them all.
    A portal's secret is shown once, or written to --secret-file, or to DIR/ID.secret with --secrets DIR.
    """
    house = shared.open_house()
    wanted = [_portal(described) for described in shared.read_objects(file)]
    new = [(portal_id, portal) for portal_id, portal in wanted if not _is_known(house, portal_id, if_absent)]
    if not new:
        click.echo("nothing to do: they are registered already")
        return
    if secret_file and len(new) > 1:
        raise Wrong("--secret-file is for one portal; use --secrets DIR for many")
    _refuse_guarded({scope for _, portal in new for scope in portal.scopes}, grants, reason)
    if not share_sector:
        _refuse_taken_sectors(house, new)
    told = []
    try:
        with shared.secret_files() as drafted, house.database.write() as tx:
            for portal_id, portal in new:
                secret = house.clients.add(tx, portal_id, portal)
                _audit(house, tx, portal_id, "added", operator)
                _audit_grants(house, tx, portal_id, set(portal.scopes) & set(grants), reason, operator)
                place = secret_file or (secrets / f"{portal_id}.secret" if secrets else None)
                told.append(f"{portal_id}: registered{_hand_over(drafted, secret, place)}")
    except Conflict:
        raise Wrong("one of these portals has just been registered by somebody else; see `idp portals list`") from None
    click.echo("\n".join(told))


def _refuse_taken_sectors(house: House, new: list[tuple[str, Registration]]) -> None:
    """Portals of one sector know everybody by the same sub: nobody is let in beside another by an oversight."""
    taken = {client.sector: client.id for client in house.clients.all()}
    for portal_id, portal in new:
        other = taken.setdefault(portal.sector, portal_id)
        if other != portal_id:
            raise Wrong(
                f"{portal_id}: sector {portal.sector} is {other}'s: with --share-sector both know everybody by the "
                "same sub"
            )


portals.add_command(deliveries)


@portals.command("list")
@shared.json_option
def list_portals(as_json: bool) -> None:
    """Show every portal, and who registered it: an operator, or the portal itself."""
    house = shared.open_house()
    themselves = {known.client_id for known in SelfRegistrations(house.database).all()}
    rows: list[dict[str, str | None]] = [
        {
            "id": portal.id, "state": _state(portal), "by": "itself" if portal.id in themselves else "operator",
            "level": acr(portal.minimum_level), "scopes": " ".join(portal.scopes), "name": portal.name_vi,
        }
        for portal in house.clients.all()
    ]  # fmt: skip
    unknown = {"state": UNREADABLE, "by": None, "level": None, "scopes": None, "name": None}
    rows += [{"id": portal_id, **unknown} for portal_id in house.clients.unreadable()]
    shared.show(rows, as_json=as_json)


@portals.command()
@click.argument("portal_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As `add` and `update` read it.")
def show(portal_id: str, as_json: bool) -> None:
    """Show one portal: everything but its secret."""
    house = shared.open_house()
    portal = _known(house, portal_id)
    registration = _registration(portal)
    if as_json:
        click.echo(json.dumps({"id": portal.id, **registration}, ensure_ascii=False, indent=2))
        return
    secret = "set" if portal.has_secret else "none"
    itself = SelfRegistrations(house.database).find(portal_id)
    by = "an operator" if itself is None else f"itself, with invitation {itself.invitation_id.hex()}"
    facts = {"id": portal.id, "state": _state(portal), "registered_by": by, "secret": secret}
    for name, value in (facts | registration).items():
        click.echo(f"{name:<42}  {_in_words(value)}")


@portals.command()
@click.argument("portal_id", metavar="ID")
@click.argument("file", type=click.File("rb"))
@grant_option
@shared.reason_option(required=False)
@shared.secret_file_option
@shared.operator_option
def update(
    portal_id: str, file: IO[bytes], grants: tuple[str, ...], reason: str | None, secret_file: Path | None,
    operator: str,
) -> None:  # fmt: skip
    """Replace what the portal registered by what FILE says; the sector stays, and so does the secret.

    FILE is what `idp portals show ID --json` prints, changed. A portal that registered itself cannot change its
    registration any more afterwards, so that it takes nothing of this back.
    """
    house = shared.open_house()
    before = _known(house, portal_id)
    named, after = _portal({"id": portal_id} | shared.read_object(file))
    if named != portal_id:
        raise Wrong(f"{file.name}: is about {named}, not {portal_id}")
    if after.sector != before.sector:
        raise Wrong("sector: cannot change, or everybody would have another sub at this portal; register another one")
    changed = _differences(before, after)
    if not changed:
        click.echo(f"{portal_id}: nothing to change")
        return
    new_scopes = set(after.scopes) - set(before.scopes)
    _refuse_guarded(new_scopes, grants, reason)
    try:
        with shared.secret_files() as drafted, house.database.write() as tx:
            secret = house.clients.change(tx, portal_id, before, after)
            void = _taken_over(house, tx, portal_id)
            _audit(house, tx, portal_id, f"changed {', '.join(changed)}", operator)
            _audit_grants(house, tx, portal_id, new_scopes & set(grants), reason, operator)
            handed = _hand_over(drafted, secret, secret_file)
    except ChangedMeanwhile:
        raise Wrong(f"{portal_id}: has just been changed by somebody else; see `idp portals show`") from None
    click.echo(f"{portal_id}: changed {', '.join(changed)}{void}{handed}")


@portals.command()
@click.argument("portal_id", metavar="ID")
@shared.operator_option
def disable(portal_id: str, operator: str) -> None:
    """Switch the portal off: nobody signs in there any more, and what it holds is void."""
    _switch(portal_id, False, operator)


@portals.command()
@click.argument("portal_id", metavar="ID")
@shared.operator_option
def enable(portal_id: str, operator: str) -> None:
    """Switch the portal on."""
    _switch(portal_id, True, operator)


@portals.command("new-secret")
@click.argument("portal_id", metavar="ID")
@shared.secret_file_option
@shared.operator_option
def new_secret(portal_id: str, secret_file: Path | None, operator: str) -> None:
    """Give the portal a new secret; the old one is void within seconds.

    If the portal registered itself, its registration token is void as well: whoever came by the secret may have that
    too, and could read the new one with it, or take the registration over.
    """
    house = shared.open_house()
    portal = _known(house, portal_id)
    if not portal.has_secret:
        raise Wrong(
            f"{portal_id}: has no secret, since its token_endpoint_auth_method is {portal.token_endpoint_auth_method}"
        )
    with shared.secret_files() as drafted, house.database.write() as tx:
        secret = house.clients.new_secret(tx, portal_id)
        void = _taken_over(house, tx, portal_id)
        _audit(house, tx, portal_id, "new secret", operator)
        handed = _hand_over(drafted, secret, secret_file)
    click.echo(f"{portal_id}: the old secret is void{void}{handed}")


# ---- what a file says ----


def _portal(described: dict[str, Any]) -> tuple[str, Registration]:
    described = dict(described)
    portal_id = described.pop("id", None)
    if not isinstance(portal_id, str) or not registry.CLIENT_ID.fullmatch(portal_id):
        raise Wrong(f"id: letters, digits and . _ ~ -, {registry.CLIENT_ID_LIMIT_CHARACTERS} at most")
    try:
        return portal_id, Registration.model_validate(described)
    except ValidationError as problem:
        raise Wrong(f"{portal_id}: {shared.faults(problem)}") from None


def _is_known(house: House, portal_id: str, may_be: bool) -> bool:
    known = house.clients.find(portal_id) is not None
    if known and not may_be:
        raise Wrong(f"{portal_id}: is registered already; `idp portals update` changes it")
    return known


def _refuse_guarded(scopes: set[str], grants: Sequence[str], reason: str | None) -> None:
    """A guarded scope is had by name and with a reason only."""
    guarded = scopes & GUARDED_SCOPES
    for scope in sorted(guarded - set(grants)):
        raise Wrong(f"scopes: {scope} is guarded: grant it with --grant {scope} --reason TEXT")
    for scope in sorted(set(grants) - guarded):
        raise Wrong(f"--grant {scope}: the portal does not newly ask for this scope")
    if guarded and not reason:
        raise Wrong("--grant needs --reason TEXT: the law or the agreement that allows it")


# ---- what is done ----


def _known(house: House, portal_id: str) -> Client:
    portal = house.clients.find(portal_id)
    if portal is None and portal_id in house.clients.unreadable():
        raise Wrong(
            f"{portal_id}: is {UNREADABLE}, and so as good as off: this release refuses what it registered; correct it "
            "with the release before"
        )
    if portal is None:
        raise Wrong(f"{portal_id}: there is no such portal; `idp portals list` shows all")
    return portal


def _switch(portal_id: str, on: bool, operator: str) -> None:
    house = shared.open_house()
    _known(house, portal_id)
    with house.database.write() as tx:
        house.clients.set_enabled(tx, portal_id, on)
        _audit(house, tx, portal_id, "enabled" if on else "disabled", operator)
    click.echo(f"{portal_id}: {'on' if on else 'off'}, everywhere within seconds")


def _audit(house: House, tx: Transaction, portal_id: str, change: str, operator: str) -> None:
    house.audit.portal_changed(tx, client_id=portal_id, change=change, operator=operator)


def _audit_grants(
    house: House, tx: Transaction, portal_id: str, scopes: set[str], reason: str | None, operator: str
) -> None:
    for scope in sorted(scopes):
        _audit(house, tx, portal_id, f"granted {scope}: {reason}", operator)


def _taken_over(house: House, tx: Transaction, portal_id: str) -> str:
    """A portal that registered itself looks after itself no more; returns what there is to say of that."""
    if not SelfRegistrations(house.database).void(tx, portal_id):
        return ""
    return "; its registration token is void: it changes nothing by itself any more"


def _hand_over(drafted: shared.Drafted, secret: str | None, place: Path | None) -> str:
    """The secret is in its file; returns what there is to say of it, which is the secret itself where there is none."""
    if secret is None:
        return ""
    if place is None:
        return f"; its secret, shown this once: {secret}"
    with drafted(place) as out:
        out.write(secret)
    return f"; its secret is in {place}"


# ---- what is shown ----


def _state(portal: Client) -> str:
    return "on" if portal.enabled else "off"


def _registration(portal: Registration) -> dict[str, Any]:
    return portal.model_dump(mode="json", include=set(Registration.model_fields))


def _differences(before: Registration, after: Registration) -> list[str]:
    was, will_be = _registration(before), _registration(after)
    return [name for name in was if was[name] != will_be[name]]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(value) or "-"
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    return "-" if value is None else str(value)
