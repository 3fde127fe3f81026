"""The page on which a person shows a card for this moment, by codes that are new every 15 seconds.

GET  /account/cards/<number>/now                  the page, with a code that we can check
GET  /account/cards/<number>/now/code             the text of the code of this moment, for the page's script
POST /account/cards/<number>/now/challenge        what the key of a phone has to sign to be this person's
POST /account/cards/<number>/now/phone            a card more, bound to that key: the phone makes its codes by itself

The key is made in the browser and never leaves it; what we keep of it is a thumbprint on the card.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from flask import Blueprint, jsonify, request, url_for
from flask import Response as File
from werkzeug.wrappers import Response

from idp import clock, entropy, errors
from idp.account.cards import CARDS, holder_within
from idp.account.door import Door
from idp.broker.desk import see_other
from idp.cards import CannotMake, Cards, Kept
from idp.cards.showing import Showings
from idp.clients.own import ACCOUNT
from idp.digital_id import TrustedKey, card_binding, thumbprint
from idp.digital_id.online_presence import STEP_SECONDS
from idp.errors import Refused
from idp.people import People
from idp.seal import BadSeal, Sealer, from_text, to_text
from idp.sessions import Sessions, Standing
from idp.storage import Database, ShortLived
from idp.web import language
from idp.web import presence as pages
from idp.web.headers import harden
from idp.web.qr import drawing

PATH = f"{CARDS}/<number>/now"
CHALLENGE_SECONDS = 120
COORDINATE_BYTES = 32
PROOF = "motcua holder key\n"  # before the challenge; what a presence code signs begins otherwise
_PURPOSE = "presence.challenge"


@dataclass(frozen=True, kw_only=True)
class ShowingPages:
    door: Door
    cards: Cards
    showings: Showings
    people: People
    sessions: Sessions
    database: Database
    short_lived: ShortLived
    sealer: Sealer
    level: int

    def blueprint(self) -> Blueprint:
        room = Blueprint("card_now", __name__)
        room.get(PATH, endpoint="page")(self._page)
        room.get(f"{PATH}/code", endpoint="code")(self._code)
        room.post(f"{PATH}/challenge", endpoint="challenge")(self._challenge)
        room.post(f"{PATH}/phone", endpoint="phone")(self._phone)
        return room

    def _page(self, number: str) -> Response:
        standing = self.door.standing()
        if standing is None or standing.level < self.level:
            return see_other(ACCOUNT if standing is None else CARDS)
        card = self._card(standing, number)
        if card is None:
            raise Refused(errors.NOT_FOUND)
        now = clock.seconds()
        if not card.is_good_at(now):
            return see_other(f"{CARDS}/{number}")
        page = pages.CardNowPage(
            number=number, code=drawing(self.showings.code(card.id, standing.session_id, now)), now=now,
            next_seconds=STEP_SECONDS - now % STEP_SECONDS, card=card.text if card.holder_key else None,
            binding=to_text(card_binding(card.text)), form_token=self.door.form_token(),
            card_url=f"{CARDS}/{number}", sign_in_url=f"{CARDS}/sign-in", code_url=url_for(".code", number=number),
            challenge_url=url_for(".challenge", number=number), phone_url=url_for(".phone", number=number),
        )  # fmt: skip
        return pages.card_now(page, language.of_request())

    def _code(self, number: str) -> Response:
        standing, card, now = *self._asked(number), clock.seconds()
        text = self.showings.code(card.id, standing.session_id, now)
        return harden(File(text, content_type="text/plain"))

    def _challenge(self, number: str) -> Response:
        standing, _ = self._asked(number)
        self.door.check_form()
        kept = json.dumps([standing.session_id.hex(), clock.seconds() + CHALLENGE_SECONDS])
        return jsonify(challenge=self.sealer.seal_text(_PURPOSE, kept.encode()))

    def _phone(self, number: str) -> Response:
        """A new card for the person, of which the thumbprint is that of the key proven here; raises Refused."""
        standing, _ = self._asked(number)
        self.door.check_form()
        key = self._proven_key(standing)
        try:
            with self.database.write() as tx:
                holder = holder_within(tx, self.people, self.sessions, standing, self.level)
                made = self.cards.make(tx, holder, thumbprint(key))
        except CannotMake as problem:
            return Response(str(problem), 409, content_type="text/plain")
        return jsonify(number=made.number, url=url_for(".page", number=made.number))

    def _asked(self, number: str) -> tuple[Standing, Kept]:
        """Who asks, and their card, for the page's script; raises Refused, in one way, where anything is wanting."""
        standing = self.door.sure(self.level)
        card = None if standing is None else self._card(standing, number)
        if standing is None or card is None or not card.is_good_at(clock.seconds()):
            raise Refused(errors.NOT_FOUND, "a card that could be shown")
        return standing, card

    def _card(self, standing: Standing, number: str) -> Kept | None:
        card = self.cards.book.by_number(number)
        return card if card is not None and card.person_id == standing.person_id else None

    def _proven_key(self, standing: Standing) -> ec.EllipticCurvePublicKey:
        """The public key that signed the challenge of this session, which is spent; raises Refused."""
        challenge = request.form.get("challenge", "")
        try:
            session_id, until = json.loads(self.sealer.open_text(_PURPOSE, challenge))
            key, signature = _key(), from_text(request.form.get("signature", ""))
        except (BadSeal, ValueError):
            raise Refused(errors.BAD_PHONE_KEY, "no challenge of ours, or no key") from None
        if session_id != standing.session_id.hex() or clock.seconds() >= until:
            raise Refused(errors.BAD_PHONE_KEY, "a challenge of another session, or an old one")
        if not TrustedKey(public=key).verifies(signature, (PROOF + challenge).encode()):
            raise Refused(errors.BAD_PHONE_KEY, "the proof is not by this key")
        spent = f"holder-key:{entropy.fingerprint(challenge).hex()}"
        if not self.short_lived.put_if_absent(spent, b"", 2 * CHALLENGE_SECONDS):
            raise Refused(errors.BAD_PHONE_KEY, "a challenge that was used")
        return key


def _key() -> ec.EllipticCurvePublicKey:
    """The point of P-256 that the form names; raises ValueError."""
    x, y = (from_text(request.form.get(name, "")) for name in ("x", "y"))
    if len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise ValueError("no point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
