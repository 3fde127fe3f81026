"""Who is who, put right by clerks: links, merges, splits, their history and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from idp.cases import By, CannotBe, Decision, Done, Overtaken
from idp.cli import shared
from idp.storage.database import Conflict


@contextmanager
def told_why() -> Iterator[None]:
    """What cannot be done to people is told in one sentence."""
    try:
        yield
    except (CannotBe, Overtaken) as problem:
        raise shared.Wrong(str(problem)) from None
    except Conflict:
        raise click.ClickException("somebody changed or signed in as these people at the same moment: again") from None


_person = click.argument("person_id", metavar="PERSON_ID_HEX")


@click.command()
@_person
@shared.json_option
def links(person_id: str, as_json: bool) -> None:
    """Show by which subjects of which sources this person comes, and the rule that said so."""
    found = shared.id_from_hex(person_id, "person")
    rows = [
        {"link": link.id, "rule": link.rule, "since": shared.instant(link.made_at),
         "words accepted": "yes" if link.accepted else "no"}
        for link in shared.open_house().joining.links_of(found)
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


@click.command()
@click.argument("stays", metavar="STAYS_HEX")
@click.argument("goes", metavar="GOES_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def merge(stays: str, goes: str, reason: str, operator: str) -> None:
    """Join two people who are one: the first stays, with all that came by the second, and every sub of both.

    A second clerk has to approve it where portals know both, or the rules would not have found them alike.
    """
    one, other = shared.id_from_hex(stays, "person"), shared.id_from_hex(goes, "person")
    house, by = shared.open_house(), By(operator=operator, reason=reason)
    with told_why(), house.database.write() as tx:
        if one != other and house.joining.wants_two(tx, one, other):
            decision = Decision(what="merge", person_id=one, other_id=other, reason=reason)
            _tell_proposed(house.cases.propose(tx, decision, operator))
            return
        change = house.joining.merge(tx, one, other, by)
    _tell(change, f"{goes} is {stays}")


@click.command()
@_person
@click.option("--link", "named", multiple=True, required=True, metavar="LINK", help="What goes, as `links` names it.")
@click.option("--sector", "sectors", multiple=True, metavar="SECTOR", help="Where the sub is the other's.")
@shared.reason_option(required=True)
@shared.operator_option
def split(person_id: str, named: tuple[str, ...], sectors: tuple[str, ...], reason: str, operator: str) -> None:
    """Part one person who is two: the links named are another's, with what their sources have said.

    Nobody stays signed in as either. What portals were granted through these sources is void, but for the sectors
    named: there the new person is who the portals know, and the old one gets another sub; a second clerk has to
    approve that.
    """
    found, house = shared.id_from_hex(person_id, "person"), shared.open_house()
    with told_why(), house.database.write() as tx:
        if sectors:
            decision = Decision(what="split", person_id=found, links=named, sectors=sectors, reason=reason)
            _tell_proposed(house.cases.propose(tx, decision, operator))
            return
        change = house.joining.split(tx, found, named, sectors, By(operator=operator, reason=reason))
        done = house.joining.find(tx, change)
    new = [each for each in (done.change.concerned if done else ()) if each != found]
    _tell(change, f"{person_id}: {len(named)} links are {', '.join(each.hex() for each in new)} now")


@click.command()
@_person
@click.argument("link", metavar="LINK")
@shared.reason_option(required=True)
@shared.operator_option
def unlink(person_id: str, link: str, reason: str, operator: str) -> None:
    """Take a source's subject from the person: its next sign-in is decided by the rules, as if it were the first."""
    found, house = shared.id_from_hex(person_id, "person"), shared.open_house()
    with told_why(), house.database.write() as tx:
        change = house.joining.unlink(tx, found, link, By(operator=operator, reason=reason))
    _tell(change, f"{link}: is nobody's")


@click.command()
@_person
@click.argument("link", metavar="LINK")
@click.argument("to", metavar="PERSON_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def relink(person_id: str, link: str, to: str, reason: str, operator: str) -> None:
    """Give a source's subject to another person: a second clerk has to approve it."""
    found, other = shared.id_from_hex(person_id, "person"), shared.id_from_hex(to, "person")
    house = shared.open_house()
    with told_why(), house.database.write() as tx:
        decision = Decision(what="relink", person_id=found, other_id=other, links=(link,), reason=reason)
        _tell_proposed(house.cases.propose(tx, decision, operator))


@click.command()
@_person
@shared.json_option
def history(person_id: str, as_json: bool) -> None:
    """Show what clerks changed about this person, oldest first."""
    found = shared.id_from_hex(person_id, "person")
    rows = [_line(done) for done in shared.open_house().joining.history(found)]
    shared.show(rows, as_json=as_json)


@click.command()
@click.argument("change_id", metavar="CHANGE_ID_HEX")
@shared.reason_option(required=True)
@shared.operator_option
def undo(change_id: str, reason: str, operator: str) -> None:
    """Undo a change: all is as it was, but for what sources have said since. The undoing can be undone."""
    found, house = shared.id_from_hex(change_id, "change"), shared.open_house()
    with told_why(), house.database.write() as tx:
        change = house.joining.undo(tx, found, By(operator=operator, reason=reason))
    _tell(change, f"{change_id}: undone")


COMMANDS = (links, merge, split, unlink, relink, history, undo)


def _tell(change: bytes, what: str) -> None:
    click.echo(f"{what}; to undo it: idp people undo {change.hex()}")


def _tell_proposed(case_id: str) -> None:
    click.echo(f"{case_id}: proposed; another has to look at it and approve: idp cases show {case_id}")


def _line(done: Done) -> dict[str, object]:
    return {
        "change": done.id.hex(), "kind": done.kind, "at": shared.instant(done.made_at), "by": done.by.operator,
        "approved": done.by.approved_by, "reason": done.by.reason,
        "people": " ".join(each.hex() for each in done.change.concerned),
        "undone": None if done.undone_at is None else f"{shared.instant(done.undone_at)} by {done.undone_by}",
    }  # fmt: skip
