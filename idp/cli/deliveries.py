"""What became of the news that a session is over, portal by portal: for whoever is asked why somebody is still in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from idp import clock
from idp.cli import shared
from idp.house import House
from idp.sessions import LOGOUT_NOTICE
from idp.storage.outbox import Waiting

DAY_SECONDS = 86_400
DAYS = 7


@dataclass
class Owed:
    """What one portal has not been told yet."""

    number: int = 0
    oldest: int | None = None
    next_try: int | None = None
    problem: str = ""

    def add(self, left: Waiting) -> None:
        self.number += 1
        self.oldest = min(left.made_at, self.oldest or left.made_at)
        self.next_try = min(left.due_at, self.next_try or left.due_at)
        self.problem = left.problem or self.problem


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=DAYS, show_default=True,
              help="How far back deliveries are counted.")  # fmt: skip
@shared.json_option
def deliveries(days: int, as_json: bool) -> None:
    """Show whether portals were told of sign-outs by the back channel: delivered, given up, waiting.

    What waits is shown whatever its age, with the oldest of it, the next try, and why the last one failed.
    """
    house = shared.open_house()
    told = house.audit.logouts_told(clock.seconds() - days * DAY_SECONDS)
    owed = _owed(house)
    listening = {portal.id for portal in house.clients.all() if portal.backchannel_logout_uri}
    rows = []
    for portal_id in sorted(listening | owed.keys() | {portal for portal, _ in told}):
        left = owed.get(portal_id, Owed())
        rows.append({
            "portal": portal_id, "delivered": told.get((portal_id, "logout_delivered"), 0),
            "given_up": told.get((portal_id, "logout_given_up"), 0), "waiting": left.number,
            "oldest": _instant(left.oldest), "next_try": _instant(left.next_try), "problem": left.problem,
        })  # fmt: skip
    shared.show(rows, as_json=as_json)


def _owed(house: House) -> dict[str, Owed]:
    owed: dict[str, Owed] = {}
    for left in house.outbox.waiting(LOGOUT_NOTICE):
        owed.setdefault(left.message.body["client_id"], Owed()).add(left)
    return owed


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
