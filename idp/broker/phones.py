"""A phone vouches for a computer: whoever is signed in on it scans a code, says yes, and types a number there.

The computer begins; its page shows a code that changes every few seconds. The phone that scans it is the only one that
may answer, and what it shows then is typed on the computer: whoever lured somebody into scanning the code of another
screen does not see that number. Everything is said once and by whoever is first; the end is spent in the database.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker.journey import Journey, customer_of
from idp.broker.shelf import Arrived, Login, Shelf
from idp.broker.steps import BY_PHONE_LEVEL, is_met_by, may_come_by_phone
from idp.broker.visits import Visits
from idp.devices.numbers import DIGITS, Tried, tried
from idp.errors import Failure, Refused
from idp.seal import from_text, to_text
from idp.sessions import Sessions, Standing
from idp.sessions.cookies import Cookies
from idp.storage import Database, ShortLived
from idp.storage.database import Conflict
from idp.storage.spent import spend

# A code is good for its step and the next, so 5 to 10 seconds after it is drawn. A phone's own camera has to find it,
# show its address, be tapped, and open a browser: within twice 2 seconds few would arrive. And a page without script,
# which is loaded anew once a step, always shows a code that is good.
STEP_SECONDS = 5
LIFE_SECONDS = 120  # from the first code to the number that is typed
MAC_BYTES = 16
BEGUN_IN_ONE_SIGN_IN = 10
ANSWERS_OF_ONE_PERSON, ANSWERED_SECONDS = 10, 600
SPENT_SECONDS = 3600  # longer than anything of it is kept
MULTIPLE_CHANNELS = "mca"  # RFC 8176: over more than one channel, a browser and a telephone


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a computer began, and what became of it since."""

    handle: str
    login_id: str
    secret: str
    browser: str  # its family, as a person may know it; empty where we know none
    network: str
    at: int
    scanned_by: str | None = None  # the session, hexadecimal, that alone may answer
    number: str | None = None  # said yes to: what is to be typed
    declined: bool = False
    failed: bool = False

    @property
    def ends_at(self) -> int:
        return self.at + LIFE_SECONDS

    @property
    def end(self) -> Failure | None:
        """Why nothing can come of it any more."""
        if self.declined:
            return errors.PHONE_DECLINED
        if self.failed:
            return errors.PHONE_NUMBER_WRONG
        return errors.PHONE_TOO_LATE if clock.seconds() >= self.ends_at else None

    @property
    def step(self) -> int:
        return (clock.seconds() - self.at) // STEP_SECONDS

    @property
    def code(self) -> str:
        """What the computer shows now: it names nobody, and is of no use in ten seconds, or once it was scanned."""
        return f"{self.handle}.{self.step}.{self.mac(self.step)}"

    def mac(self, step: int) -> str:
        return to_text(hmac.digest(from_text(self.secret), f"{self.handle}.{step}".encode(), "sha256")[:MAC_BYTES])


class Phones:
    def __init__(
        self, *, database: Database, short_lived: ShortLived, shelf: Shelf, journey: Journey, visits: Visits,
        sessions: Sessions, audit: Audit, cookies: Cookies,
    ) -> None:  # fmt: skip
        self._database = database
        self._short_lived = short_lived
        self._shelf = shelf
        self._journey = journey
        self._visits = visits
        self._sessions = sessions
        self._audit = audit
        self._cookies = cookies

    def begin(self, login: Login, browser: str, network: str) -> str:
        """The computer waits for a phone, under the handle returned; raises Refused where none can do, or for many."""
        if not may_come_by_phone(login.need):
            raise self._refused(errors.PHONE_NOT_ENOUGH, login)
        self._journey.count_network(network)
        if self._short_lived.count(f"phones:{login.id}", ANSWERED_SECONDS) > BEGUN_IN_ONE_SIGN_IN:
            raise self._refused(errors.TOO_MANY, login)
        handle = entropy.short_handle()
        begun = {
            "login_id": login.id, "secret": entropy.opaque_value(), "browser": browser, "network": network,
            "at": clock.seconds(),
        }  # fmt: skip
        self._shelf.keep_of_phone("begun", handle, begun)
        return handle

    def find(self, handle: str) -> Begun | None:
        begun, scanned_by, decided, failed = self._shelf.of_phone(handle)
        if begun is None:
            return None
        number = None if decided is None else decided["number"]
        return Begun(
            handle=handle, scanned_by=scanned_by, number=number, declined=decided is not None and number is None,
            failed=failed is not None, **begun,
        )  # fmt: skip

    def scanned(self, code: str) -> tuple[Begun, bool]:
        """What the code is of, and whether it is good now; raises Refused for one that we never showed."""
        handle, _, rest = code.partition(".")
        step, _, mac = rest.partition(".")
        begun = self.find(handle) if handle and step.isascii() and step.isdecimal() and len(step) < 10 else None
        if begun is None or not entropy.same(mac, begun.mac(int(step))):
            raise Refused(errors.PHONE_CODE_OVER, "of nothing that waits")
        return begun, begun.end is None and int(step) in (begun.step, begun.step - 1)

    def claim(self, begun: Begun, standing: Standing) -> bool:
        """Whether this session alone may answer: the first that scanned a good code, however often it does."""
        session = standing.session_id.hex()
        return self._shelf.keep_of_phone("scanned", begun.handle, session) or self._is_claimed_by(begun, session)

    def _is_claimed_by(self, begun: Begun, session: str) -> bool:
        now = self.find(begun.handle)
        return now is not None and now.scanned_by == session

    def answer(self, begun: Begun, login: Login, standing: Standing, *, yes: bool) -> None:
        """The person has answered, unless it was answered before; raises Refused for one who does so all the time."""
        per_person = self._short_lived.count(f"phone-answers:{standing.person_id.hex()}", ANSWERED_SECONDS)
        if yes and per_person > ANSWERS_OF_ONE_PERSON:
            raise self._refused(errors.TOO_MANY, login, standing)
        number = entropy.letters("0123456789", DIGITS) if yes else None
        if self._shelf.keep_of_phone("decided", begun.handle, {"number": number}) and not yes:
            self._refused(errors.PHONE_DECLINED, login, standing)

    def typed(self, begun: Begun, login: Login, number: str, cookies: Mapping[str, str]) -> Arrived | None:
        """The browser is signed in as the phone's session says; None if the number is wrong and may be tried again.

        A second click on the same number arrives where the first one did. Raises Refused when it is over.
        """
        if self._shelf.login_of_walked_leg(begun.handle) is not None:
            return self._visits.arrived_before(begun.handle, cookies)
        if begun.end is not None:
            raise Refused(begun.end)
        if begun.number is None or begun.scanned_by is None:
            return None  # the phone has not been answered: nothing that could be typed is right, or counts as wrong
        key = f"phone-tries:{begun.handle}"
        found = tried(self._short_lived, key, LIFE_SECONDS, typed=number, right=begun.number)
        if found is Tried.WRONG:
            return None
        if found is Tried.OVER:
            self._shelf.keep_of_phone("failed", begun.handle, True)
            raise self._refused(errors.PHONE_NUMBER_WRONG, login)
        return self._arrived(begun, login, bytes.fromhex(begun.scanned_by), cookies)

    def _arrived(self, begun: Begun, login: Login, phone: bytes, cookies: Mapping[str, str]) -> Arrived:
        self._shelf.note_walked(begun.handle, login.id)
        try:
            session_id, value = self._commit(begun, login, phone, cookies)
        except Conflict:
            return self._visits.arrived_before(begun.handle, cookies)
        except Refused as problem:
            arrived = Arrived(login_id=login.id, failure_code=problem.failure.code)
        else:
            self._shelf.note_by_phone(login.id, session_id)
            arrived = Arrived(login_id=login.id, session_cookie=value)
        self._shelf.keep_arrival(begun.handle, arrived)
        return arrived

    def _commit(self, begun: Begun, login: Login, phone: bytes, cookies: Mapping[str, str]) -> tuple[bytes, str]:
        """The session is open, once and for all, by what the phone's says at this moment; raises Refused, Conflict."""
        need = login.need
        with self._database.write() as tx:
            spend(tx, f"phone:{begun.handle}", SPENT_SECONDS)
            vouched = self._sessions.vouching(tx, phone)
            if vouched is None or not may_come_by_phone(need) or not is_met_by(need, vouched.level, vouched.auth_time):
                raise Refused(errors.PHONE_NOT_ENOUGH)
            level = min(vouched.level, BY_PHONE_LEVEL)
            amr = tuple(dict.fromkeys((*vouched.amr, MULTIPLE_CHANNELS)))
            session_id, value = self._sessions.open(
                tx, self._cookies.session(cookies), replace(vouched, level=level, amr=amr)
            )
            self._audit.signed_in_by_phone(
                tx, person_id=vouched.person_id, session_id=session_id, source_id=vouched.source_id,
                level=level, by_session=phone, for_client=need.client_id,
            )  # fmt: skip
        return session_id, value

    def _refused(self, failure: Failure, login: Login, standing: Standing | None = None) -> Refused:
        """It is on record that this was refused, by whom if somebody did."""
        self._audit.refused(
            failure, client_id=login.need.client_id, person_id=None if standing is None else standing.person_id,
            session_id=None if standing is None else standing.session_id,
        )  # fmt: skip
        return Refused(failure)


def on_one_network(one: str, other: str) -> bool:
    return customer_of(one) == customer_of(other)
