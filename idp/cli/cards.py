"""Digital IDs, by the number that stands on them: looked at, suspended, resumed, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from idp.cards import Book, Kept, State
from idp.cli import shared
from idp.house import House
from idp.storage import Transaction

REVOKED, SUSPENDED = "revoked", "by_operator"
_number = click.argument("number", metavar="NUMBER")


@click.group()
def cards() -> None:
    """Digital IDs, by the number that stands on them.

    What changes here is in the status list that verifiers fetch, seconds later; whoever checks without a network hears
    of it when they are online again.
    """


@cards.command("list")
@click.argument("person_id", metavar="PERSON_ID_HEX")
@shared.json_option
def listed(person_id: str, as_json: bool) -> None:
    """Show the cards of a person, newest first, with those that ended in the last thirty days."""
    found = shared.id_from_hex(person_id, "person")
    shared.show([_line(card) for card in shared.open_house().cards.book.of_person(found)], as_json=as_json)


@cards.command()
@_number
@shared.json_option
def show(number: str, as_json: bool) -> None:
    """Show whose card this is, and what became of it."""
    card = _found(shared.open_house(), number)
    shared.show([_line(card) | {"person": card.person_id.hex()}], as_json=as_json)


@cards.command()
@_number
@shared.reason_option(required=True)
@shared.operator_option
def suspend(number: str, reason: str, operator: str) -> None:
    """Nobody shall believe the card until it is resumed, here and not by its holder."""
    with _changing(number, "suspended", operator, reason) as (book, tx, card):
        if not book.hold_back(tx, card.person_id, card.id, SUSPENDED):
            raise shared.Wrong(f"{number}: has ended, and so cannot be suspended")
    click.echo(f"{card.number}: suspended")


@cards.command()
@_number
@shared.reason_option(required=True)
@shared.operator_option
def resume(number: str, reason: str, operator: str) -> None:
    """The card is valid again."""
    with _changing(number, "resumed", operator, reason) as (book, tx, card):
        if not book.resume(tx, card.person_id, card.id):
            raise shared.Wrong(f"{number}: only a suspended card can be resumed")
    click.echo(f"{card.number}: valid")


@cards.command()
@_number
@shared.reason_option(required=True)
@shared.operator_option
def revoke(number: str, reason: str, operator: str) -> None:
    """Nobody shall believe the card any more; that cannot be taken back."""
    with _changing(number, "ended", operator, reason) as (book, tx, card):
        if not book.end(tx, card.person_id, card.id, REVOKED):
            raise shared.Wrong(f"{number}: has ended already")
    click.echo(f"{card.number}: revoked")


@contextmanager
def _changing(number: str, change: str, operator: str, reason: str) -> Iterator[tuple[Book, Transaction, Kept]]:
    """A transaction for a change of the card, with who does it on record."""
    house = shared.open_house()
    card = _found(house, number)
    with house.database.write() as tx:
        yield house.cards.book, tx, card
        house.audit.card_changed_by_operator(tx, card_id=card.id, change=change, operator=operator, reason=reason)


def _found(house: House, number: str) -> Kept:
    card = house.cards.book.by_number(number.replace("-", "").replace(" ", "").upper())
    if card is None:
        raise shared.Wrong(f"{number}: no card has this number")
    return card


def _line(card: Kept) -> dict[str, str | None]:
    return {
        "number": card.number, "state": State(card.state).name.lower(), "why": card.why or "",
        "made": shared.instant(card.issued_at), "until": shared.instant(card.expires_at),
        "bound to a device": "yes" if card.holder_key else "no",
        "place": f"{card.list_number}/{card.list_index}",
    }  # fmt: skip
