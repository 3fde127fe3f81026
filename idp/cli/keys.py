"""Keys: the master keys that seal what we keep, and the keys that sign what we say."""

from __future__ import annotations

import math
from pathlib import Path

import click

from idp import clock, seal
from idp.cli import shared
from idp.keys import CARDS, DAY_SECONDS, ROTATED, STANDBY, SigningKey


@click.group()
def keys() -> None:
    """Master keys and signing keys."""


@keys.command("new-master")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_master(file: Path) -> None:
    """Add a master key to FILE, which is made if it is not there.

    The newest key seals, all of them open: keep the older ones. Every process reads the file when it starts, so give
    it to every machine before the first is restarted. Without this file nothing sealed can ever be read again.
    """
    try:
        number = seal.add_master_key(str(file))
    except OSError as problem:
        raise shared.Wrong(f"{file}: cannot be written: {problem.strerror}") from None
    except (ValueError, IndexError):
        raise shared.Wrong(f"{file}: is there and is no file of master keys") from None
    click.echo(f"{file}: master key {number} added; keep a copy in a safe place")


@keys.command("list")
@shared.json_option
def list_keys(as_json: bool) -> None:
    """Show the signing keys, oldest first."""
    listed = shared.open_house().keys.listed()
    rows = [
        {
            "kid": key.kid, "for": "cards" if key.purpose in (CARDS, STANDBY) else "tokens", "algorithm": key.alg,
            "state": _state(key, listed),
            "signs_from": shared.instant(key.active_from), "published_until": shared.instant(key.published_until),
            "kept_in": "database" if key.held_by is None else f"token {key.held_by}",
        }
        for key in listed
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


@keys.command()
@shared.operator_option
def ensure(operator: str) -> None:
    """Make the signing keys that are missing; there is one for each algorithm, and one for cards, afterwards."""
    house = shared.open_house()
    house.keys.make_ready(house.keys.due())
    with house.database.write() as tx:
        kids = house.keys.renew(tx)
        if kids:
            house.audit.keys_rotated(tx, kids=kids, operator=operator)
    click.echo(f"made: {', '.join(kids)}" if kids else "there is a key for each purpose; nothing to do")


@keys.command()
@click.option("--at-once", is_flag=True, help="Sign with the new keys now: portals may not have seen them yet.")
@click.option("--withdraw", is_flag=True, help="The old keys may be stolen: nobody shall believe them from now on.")
@click.option(
    "--alg", "purposes", type=click.Choice(ROTATED), multiple=True,
    help=f"Only this one; {CARDS}: the key of digital IDs. [default: all]",
)  # fmt: skip
@shared.operator_option
def rotate(at_once: bool, withdraw: bool, purposes: tuple[str, ...], operator: str) -> None:
    """Give each signing key a successor.

    The new keys are published at once and sign ten minutes later, when portals have had time to fetch them. The old
    ones stay published for a day, unless --withdraw takes them out of the JWKS at once; portals still hold what they
    fetched, for five minutes where they heed our Cache-Control.

    The key of digital IDs is in the trust list, which verifiers keep for a week. One that has stood by there for eight
    days at least follows it, and another stands by. The old one stays there for ten years, or until it is withdrawn:
    then all cards that it signed are refused, by whoever has fetched the trust list since.
    """
    house, chosen = shared.open_house(), tuple(dict.fromkeys(purposes or ROTATED))
    house.keys.make_ready(chosen)
    with house.database.write() as tx:
        kids = house.keys.rotate(tx, chosen, at_once=at_once, withdraw=withdraw)
        house.audit.keys_rotated(tx, kids=kids, operator=operator)
    now, listed = clock.seconds(), {key.kid: key for key in house.keys.listed()}
    for kid in kids:
        key = listed[kid]
        click.echo(f"{kid} {'stands by' if key.purpose == STANDBY else f'signs {_later(key.active_from - now)}'}")


def _later(seconds: int) -> str:
    if seconds <= 0:
        return "now"
    return f"in {-(-seconds // DAY_SECONDS)} days" if seconds >= DAY_SECONDS else f"in {-(-seconds // 60)} minutes"


def _state(key: SigningKey, listed: tuple[SigningKey, ...]) -> str:
    now = clock.seconds()
    if key.active_from > now:
        return "next"
    if key.purpose == STANDBY:
        return "stands by"
    if key.published_until is not None and key.published_until <= now:
        return "gone"
    at_work = (other for other in listed if other.purpose == key.purpose and other.active_from <= now)
    return "signs" if max(at_work, key=_published_until) is key else "retiring"


def _published_until(key: SigningKey) -> float:
    return math.inf if key.published_until is None else key.published_until
