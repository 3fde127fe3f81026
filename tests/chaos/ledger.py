"""What clients and people were told, and whether all of it is still so: the database is held against their word.

What got no answer is not in the ledger: it may have happened or not. What is in it, must have.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from sqlalchemy import select

from idp import entropy
from idp.audit.models import AuditRow
from idp.house import House
from idp.oidc.sealed import open_access_token
from idp.people.models import ConsentRow, LinkRow, PersonRow
from idp.sessions.models import GrantRow, SessionRow


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A code was redeemed: the portal holds this token."""

    token: str
    portal_id: str
    cookie: str
    code: str
    verifier: str
    at: float  # on the monotonic clock
    was_sent_twice: bool  # then the second one has revoked what the first bought


@dataclass
class Ledger:
    """Acknowledged facts. People go by the cookie of their session, as they do in life."""

    grants: list[Grant] = field(default_factory=list)
    sign_ins: dict[str, str] = field(default_factory=dict)  # cookie: personal number
    consents: list[tuple[str, str]] = field(default_factory=list)  # cookie, portal
    subs: list[tuple[str, str, str]] = field(default_factory=list)  # cookie, portal, sub
    logouts: dict[str, tuple[str, str]] = field(default_factory=dict)  # cookie: what the portal calls it, a token
    times_spent: Counter[str] = field(default_factory=Counter)  # by code
    seen: list[str] = field(default_factory=list)  # lies that visitors met themselves
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def signed_in(self, number: str, cookie: str) -> None:
        self.sign_ins[cookie] = number

    def agreed(self, cookie: str, portal_id: str) -> None:
        self.consents.append((cookie, portal_id))

    def known_as(self, cookie: str, portal_id: str, sub: str) -> None:
        self.subs.append((cookie, portal_id, sub))

    def logged_out(self, cookie: str, sid: str, token: str) -> None:
        self.logouts[cookie] = (sid, token)

    def spent(self, code: str) -> None:
        with self._lock:  # a Counter's += is a question followed by an answer
            self.times_spent[code] += 1

    def told(self) -> str:
        return (
            f"{len(self.grants)} grants, {len(self.sign_ins)} links, {len(self.consents)} consents, "
            f"{len(self.logouts)} logouts"
        )


@dataclass(frozen=True)
class _Session:
    id: bytes
    person_id: bytes
    has_ended: bool


class Check:
    """The database as it is now. Every method returns the lies that it has found."""

    def __init__(self, house: House, ledger: Ledger) -> None:
        self._house, self._ledger = house, ledger
        rows = house.database.all(
            select(SessionRow.fingerprint, SessionRow.id, SessionRow.person_id, SessionRow.ended_at)
        )
        self._sessions = {bytes(row[0]): _Session(bytes(row[1]), bytes(row[2]), row[3] is not None) for row in rows}
        events = select(AuditRow.event, AuditRow.person_id, AuditRow.session_id, AuditRow.client_id, AuditRow.details)
        self._events: Counter[tuple[str, bytes | None, bytes | None, str | None]] = Counter()
        self._agreed: set[tuple[bytes | None, str | None]] = set()
        for event, person_id, session_id, client_id, details in house.database.all(events):
            self._events[event, _bytes(person_id), _bytes(session_id), client_id] += 1
            if event == "told" and json.loads(details)["consent"]:
                self._agreed.add((_bytes(session_id), client_id))

    def lies(self, told_by_back_channel: Set[str]) -> list[str]:
        """Everything that was acknowledged and is not so."""
        found = [
            *self._grants(), *self._sign_ins(), *self._consents(), *self._subs(), *self._logouts(),
            *self._untold(told_by_back_channel), *self._spent_twice(), *self._ledger.seen,
        ]  # fmt: skip
        return [lie if number == 1 else f"{lie} ({number} times)" for lie, number in Counter(found).items()]

    def _grants(self) -> Iterable[str]:
        rows = self._house.database.all(
            select(GrantRow.id, GrantRow.session_id, GrantRow.client_id, GrantRow.person_id)
        )
        kept = {bytes(row[0]): row[2] for row in rows}
        for grant in self._ledger.grants:
            grant_id = open_access_token(self._house.sealer, grant.token).grant_id
            if grant_id is None or kept.get(grant_id) != grant.portal_id:
                yield "a grant that was acknowledged is missing"
        made = Counter((bytes(row[3]), bytes(row[1]), row[2]) for row in rows)
        for (person_id, session_id, client_id), number in made.items():
            if self._events["granted", person_id, session_id, client_id] != number:
                yield "grants and their audit events are not equally many"

    def _sign_ins(self) -> Iterable[str]:
        links = {bytes(row[0]) for row in self._house.database.all(select(LinkRow.person_id))}
        people = {bytes(row[0]) for row in self._house.database.all(select(PersonRow.id))}
        for cookie, number in self._ledger.sign_ins.items():
            session = self._session(cookie)
            if session is None:
                yield "a session that was opened is missing"
                continue
            if session.person_id not in people or not self._has_number(session.person_id, number):
                yield "a person who signed in is missing"
            if session.person_id not in links:
                yield "the link of a person to their source is missing"
            if not self._events["person_made", session.person_id, None, None]:
                yield "the audit event of a new person is missing"
            if not self._events["signed_in", session.person_id, session.id, None]:
                yield "the audit event of a sign-in is missing"

    def _has_number(self, person_id: bytes, number: str) -> bool:
        with self._house.database.write() as tx:
            found = self._house.people.find_by_number(tx, number)
        return found is not None and found.id == person_id

    def _consents(self) -> Iterable[str]:
        rows = self._house.database.all(select(ConsentRow.person_id, ConsentRow.client_id, ConsentRow.agreed))
        kept = {(bytes(row[0]), row[1]) for row in rows if row[2]}
        for cookie, portal_id in self._ledger.consents:
            session = self._session(cookie)
            if session is None or (session.person_id, portal_id) not in kept:
                yield "a consent that was given is missing"
            elif (session.id, portal_id) not in self._agreed:
                yield "the audit event of a consent is missing"

    def _subs(self) -> Iterable[str]:
        for cookie, portal_id, sub in self._ledger.subs:
            session, client = self._session(cookie), self._house.clients.find(portal_id)
            assert client is not None
            if session is None or self._house.people.by_sub(client.sector, sub) != session.person_id:
                yield "a sub that a portal was told is nobody's, or another's"

    def _logouts(self) -> Iterable[str]:
        for cookie in self._ledger.logouts:
            session = self._session(cookie)
            if session is None or not session.has_ended:
                yield "a session that was told as ended goes on"
            elif not self._events["session_ended", session.person_id, session.id, None]:
                yield "the audit event of a logout is missing"

    def _untold(self, told_by_back_channel: Set[str]) -> Iterable[str]:
        for sid, _ in self._ledger.logouts.values():
            if sid not in told_by_back_channel:
                yield "a portal was never told of a logout"

    def _spent_twice(self) -> Iterable[str]:
        for number in self._ledger.times_spent.values():
            if number > 1:
                yield "a code was spent twice"

    def _session(self, cookie: str) -> _Session | None:
        return self._sessions.get(entropy.fingerprint(cookie))


def _bytes(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)
