"""What a card says, how it stands, and the files on which it is taken along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from idp import clock
from idp.cards import Kept, State
from idp.digital_id import read
from idp.web import paper, qr
from idp.web.cards import CardRow, Standing, Told

BY_HOLDER = "by_holder"  # why a card is suspended or has ended: its holder said so
_CHANGED = "changed"  # what it said of its holder is so no more
CARRIERS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
_STANDINGS: dict[State, Standing] = {State.VALID: "valid", State.SUSPENDED: "suspended", State.INVALID: "ended"}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the code itself says of the holder; the holder may be called otherwise by now."""

    name: str
    birth_date: date | None


def said_on(card: Kept) -> Said:
    found = read(card.text).card
    born = None if found.birth_date is None else datetime.strptime(found.birth_date, "%Y%m%d").date()  # noqa: DTZ007
    return Said(name=found.full_name or "", birth_date=born)


def row_of(card: Kept, url: str) -> CardRow:
    return CardRow(
        number=card.number, standing=_standing(card), issued_at=clock.instant(card.issued_at),
        expires_at=clock.instant(card.expires_at), url=url,
    )  # fmt: skip


def shows_code(card: Kept) -> bool:
    """Whether the card may be good again: the code of one that is over is shown nowhere."""
    return _standing(card) in ("valid", "suspended")


def told_of(card: Kept) -> Told | None:
    """Why the card is not in use, in a word for its holder."""
    standing = _standing(card)
    if standing == "suspended":
        return "suspended" if is_held_by_holder(card) else "held"
    if standing == "ended":
        return "changed" if card.why == _CHANGED else "ended"
    return None if standing == "valid" else "expired"


def is_held_by_holder(card: Kept) -> bool:
    """Whether its holder suspended it, and so can use it again: what an operator holds back only they let go."""
    return card.state is State.SUSPENDED and card.why == BY_HOLDER


def carried(card: Kept, kind: str, *, brand: str, counter: str) -> bytes:
    """The file of that kind, one of CARRIERS: the code alone, or the whole card as PDF."""
    if kind == "svg":
        return qr.as_svg(card.text)
    if kind == "png":
        return qr.as_png(card.text)
    said = said_on(card)
    return paper.as_pdf(
        paper.PaperCard(
            code=card.text, brand=brand, number=card.number, name=said.name, birth_date=said.birth_date,
            expires_on=clock.instant(card.expires_at).astimezone(clock.CIVIL_TIME).date(), counter=counter,
        )
    )  # fmt: skip


def _standing(card: Kept) -> Standing:
    """An end counts for more than the date, and the date for more than a suspension."""
    if card.state is not State.INVALID and card.expires_at <= clock.seconds():
        return "expired"
    return _STANDINGS[card.state]
