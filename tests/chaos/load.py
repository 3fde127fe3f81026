"""The load: people come at a steady pace, whatever the answers take, and begin anew until they have arrived."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.chaos.country import Country
from tests.chaos.ledger import Ledger
from tests.chaos.visitor import Failed, Log, Visitor, Where
from tests.races.provider import Portal

SIGN_OUT_EVERY, TWICE_EVERY = 3, 5
PAUSE_SECONDS = 1.0  # before somebody begins anew
GIVE_UP_SECONDS = 45.0  # nobody goes on for longer after the last one has come
REPLAYED_SECONDS = 55.0  # a code that is older has expired, which proves nothing


class Load:
    """Runs from `start` until `finish`; what it was told is in `ledger`, what it met in `log`."""

    def __init__(self, country: Country, sign_ons_a_second: float, sign_ins_a_second: float) -> None:
        self._country = country
        self.ledger, self.log = Ledger(), Log()
        self.never = 0  # people who did not get where they wanted
        self.done = {"sign-on": 0, "sign-in": 0}
        self._paces = {"sign-on": sign_ons_a_second, "sign-in": sign_ins_a_second}
        self._over = threading.Event()
        self._give_up_at = float("inf")
        self._people: list[threading.Thread] = []
        self._streams: list[threading.Thread] = []
        self._citizens = itertools.cycle(country.citizens)
        self._first_number = 10**11 + secrets.randbelow(10**9) * 100
        issuer = urlsplit(country.house.settings.issuer)
        self._where = Where(
            port=country.provider.port, host=issuer.netloc, source_port=country.source_port,
            signed_out_uri=country.asking.redirect_uri.replace("/callback", "/signed-out"),
        )  # fmt: skip

    def start(self) -> None:
        for kind in self._paces:
            self._streams.append(threading.Thread(target=self._stream, args=(kind,), daemon=True))
            self._streams[-1].start()

    def finish(self) -> None:
        """Nobody comes any more, and whoever is under way has arrived or given up."""
        self._give_up_at = time.monotonic() + GIVE_UP_SECONDS
        self._over.set()
        for thread in (*self._streams, *self._people):
            thread.join()

    def give_up(self) -> None:
        """Nobody comes any more, and nobody begins anew."""
        self._over.set()
        self._give_up_at = 0.0

    def try_again(self) -> None:
        """What must not work any more is tried: spent codes, and what was told as ended."""
        country, now = self._country, time.monotonic()
        portals = {portal.id: portal for portal in (country.signing_on, country.asking)}
        for grant in self.ledger.grants:
            visitor = self._visitor(portals[grant.portal_id])
            if not grant.was_sent_twice and grant.cookie not in self.ledger.logouts:
                visitor.look_good(grant.token)
            visitor.close()
        for cookie, (_, token) in self.ledger.logouts.items():
            visitor = self._visitor(country.asking)
            visitor.look_again(cookie, token)
            visitor.close()
        for grant in self.ledger.grants:
            if now - grant.at < REPLAYED_SECONDS:
                visitor = self._visitor(portals[grant.portal_id])
                visitor.redeem(grant.code, grant.verifier, (400,))
                visitor.close()

    def _visitor(self, portal: Portal) -> Visitor:
        return Visitor(self._where, portal, self.ledger, self.log)

    def _stream(self, kind: str) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if self._over.wait(max(0.0, began + number / self._paces[kind] - time.monotonic())):
                return
            person = threading.Thread(target=self._person, args=(kind, number), daemon=True)
            person.start()
            self._people.append(person)

    def _person(self, kind: str, number: int) -> None:
        if kind == "sign-on":
            citizen = next(self._citizens)
            self._until_done(
                kind, self._country.signing_on, lambda who: who.sign_on(citizen, twice=number % TWICE_EVERY == 0)
            )
        else:
            personal_number = f"{self._first_number + number:012}"
            self._until_done(
                kind, self._country.asking,
                lambda who: who.sign_in(personal_number, sign_out=number % SIGN_OUT_EVERY == 0),
            )  # fmt: skip

    def _until_done(self, kind: str, portal: Portal, deed: Callable[[Visitor], None]) -> None:
        while True:
            visitor = self._visitor(portal)
            try:
                deed(visitor)
                self.done[kind] += 1
                return
            except Failed as problem:
                self.log.begun_anew.append((time.monotonic(), kind, str(problem)))
            finally:
                visitor.close()
            if time.monotonic() > self._give_up_at:
                self.never += 1
                return
            time.sleep(PAUSE_SECONDS)
