"""BrowserSession: single sign-on. A person who proved themselves in this browser is known to every portal."""

from __future__ import annotations

import json
from dataclasses import dataclass

from idp import clock, entropy
from idp.audit import Audit
from idp.clients import Client, Clients
from idp.people import claims
from idp.seal import Sealer, to_text
from idp.sessions import models
from idp.sessions.mandates import Mandate, Mandates
from idp.settings import Lifetimes
from idp.storage import Database, Transaction
from idp.storage.outbox import Outbox

LOGOUT_NOTICE = "backchannel_logout"
SID_BYTES = 18
UPSTREAM = "sessions.upstream"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A live session as one portal sees it: who, how sure, since when, and what they were told of this portal."""

    session_id: bytes
    person_id: bytes
    level: int
    auth_time: int
    source_id: str
    source_kind: str
    told_claims: tuple[str, ...] | None  # None: this person was never told about this portal
    agreed: bool
    sub: str | None  # None: no sub was minted yet for this portal's sector
    has_number: bool = False  # a proven personal number
    said_for_whom: bool = False  # the person has said for whom they act at this portal
    mandate: Mandate | None = None  # None: for themselves
    check_due: bool = False  # the population register has to be asked about the person before they go on
    told_offline: bool = False  # the person knows that the portal may go on reading when they have left


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A sign-in to make a session of."""

    person_id: bytes
    source_id: str
    source_kind: str
    level: int
    amr: tuple[str, ...]
    auth_time: int
    upstream_session: str | None = None  # what the source wants to see again when the person signs out there
    logout_hint: str | None = None
    until: int | None = None  # another session vouched for this one, and ends then


@dataclass(frozen=True, kw_only=True)
class AtSource:
    """What is needed to sign out at the source as well."""

    source_id: str
    upstream_session: str | None
    logout_hint: str | None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A session that has just ended, and which portals are being told."""

    told: tuple[Client, ...]  # from the outbox
    by_browser: tuple[tuple[Client, str], ...] = ()  # by pages in this browser; what each calls the session
    at_source: AtSource | None = None

    @property
    def portals(self) -> tuple[Client, ...]:
        """All that are being told, in one way or both."""
        return (*self.told, *(client for client, _ in self.by_browser if client not in self.told))


class Sessions:
    def __init__(
        self, database: Database, sealer: Sealer, clients: Clients, outbox: Outbox, audit: Audit, lifetimes: Lifetimes,
        check_max_age_seconds: int | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._sealer = sealer
        self._clients = clients
        self._outbox = outbox
        self._audit = audit
        self._lifetimes = lifetimes
        self._check_max_age_seconds = check_max_age_seconds  # None: nobody is asked about
        self.mandates = Mandates(database, sealer, audit)

    def standing(self, cookie: str | None, client: Client) -> Standing | None:
        """The live session that this cookie opens, as this portal sees it; one read."""
        if not cookie or len(cookie) > 100:
            return None
        now = clock.seconds()
        row = self._database.one(
            models.STANDING, fingerprint=entropy.fingerprint(cookie), client_id=client.id, sector=client.sector,
            now=now, idle_since=now - self._lifetimes.session_idle_seconds,
        )  # fmt: skip
        if row is None:
            return None
        return Standing(
            session_id=bytes(row[0]), person_id=bytes(row[1]), level=row[2], auth_time=row[3], source_id=row[4],
            source_kind=row[5], told_claims=None if row[6] is None else claims.from_bits(row[6]), agreed=bool(row[7]),
            sub=row[8], has_number=bool(row[11]), said_for_whom=row[12] is not None,
            mandate=self.mandates.opened(row[12], row[13]),
            check_due=bool(row[11]) and self._is_check_due(bool(row[9]), row[10], now), told_offline=bool(row[14]),
        )  # fmt: skip

    def _is_check_due(self, owed: bool, checked_at: int | None, now: int) -> bool:
        oldest_seconds = self._check_max_age_seconds
        return oldest_seconds is not None and (owed or checked_at is None or now - checked_at > oldest_seconds)

    def open(self, tx: Transaction, cookie: str | None, signed_in: SignedIn) -> tuple[bytes, str]:
        """The browser has a session of this person; returns its id and the new cookie value.

        The value changes at every sign-in (no fixation). A running session of the same person goes on under its id,
        so that its portals stay known; one of somebody else ends first, and its portals are told.
        """
        now, value = clock.seconds(), entropy.opaque_value()
        longest = now + self._lifetimes.session_seconds
        expires_at = longest if signed_in.until is None else min(longest, signed_in.until)
        running = tx.one(models.FIND_OPEN, of_fingerprint=entropy.fingerprint(cookie)) if cookie else None
        if running and bytes(running[1]) == signed_in.person_id:
            session_id = bytes(running[0])
            tx.run(
                models.RENEW, of_session=session_id, new_fingerprint=entropy.fingerprint(value), now=now,
                new_source=signed_in.source_id, new_kind=signed_in.source_kind, new_level=signed_in.level,
                new_amr=" ".join(signed_in.amr), new_auth_time=signed_in.auth_time,
                new_expiry=expires_at, new_upstream=self._sealed(session_id, signed_in),
            )  # fmt: skip
            return session_id, value
        if running:
            self.end(tx, bytes(running[0]), "another person signed in")
        session_id = entropy.ordered_id()
        tx.run(
            models.ADD_SESSION, id=session_id, fingerprint=entropy.fingerprint(value), person_id=signed_in.person_id,
            source_id=signed_in.source_id, source_kind=signed_in.source_kind, level=signed_in.level,
            amr=" ".join(signed_in.amr), auth_time=signed_in.auth_time, opened_at=now, used_at=now,
            expires_at=expires_at, ended_at=None, upstream=self._sealed(session_id, signed_in),
        )  # fmt: skip
        return session_id, value

    def by_cookie(self, cookie: str | None) -> bytes | None:
        """The id of the open session of this cookie, for signing out."""
        if not cookie:
            return None
        row = self._database.one(models.FIND_OPEN, of_fingerprint=entropy.fingerprint(cookie))
        return bytes(row[0]) if row else None

    def vouching(self, tx: Transaction, session_id: bytes) -> SignedIn | None:
        """What this session, live until `tx` commits, says of its sign-in, for another browser of the same person.

        What the source wants to see at a sign-out stays where somebody signed in there.
        """
        now = clock.seconds()
        row = tx.one(
            models.VOUCHING, of_session=session_id, now=now, idle_since=now - self._lifetimes.session_idle_seconds
        )
        if row is None:
            return None
        return SignedIn(
            person_id=bytes(row[0]), source_id=row[1], source_kind=row[2], level=row[3], amr=tuple(row[4].split()),
            auth_time=row[5], until=row[6],
        )  # fmt: skip

    def is_open(self, tx: Transaction, session_id: bytes) -> bool:
        return tx.one(models.FIND_UPSTREAM, of_session=session_id) is not None

    def end(self, tx: Transaction, session_id: bytes, reason: str) -> Ended | None:
        """The session is over, and every portal that was granted something in it will be told; None if it was over."""
        at_source = self._at_source(tx, session_id)
        row = tx.one(models.END, of_session=session_id, now=clock.seconds())
        if row is None:
            return None
        told, by_browser = [], []
        for client_id, sub in tx.all(models.PORTALS_OF_SESSION, of_session=session_id):
            client = self._clients.find(client_id)
            if client is not None and client.backchannel_logout_uri:
                body = {"client_id": client_id, "sub": sub, "sid": self.sid(session_id, client)}
                self._outbox.add(tx, LOGOUT_NOTICE, body | {"session_id": session_id.hex()})
                told.append(client)
            if client is not None and client.enabled and client.frontchannel_logout_uri:
                by_browser.append((client, self.sid(session_id, client)))
        self._audit.session_ended(
            tx, person_id=bytes(row[0]), session_id=session_id, reason=reason, portals_told=len(told)
        )
        return Ended(told=tuple(told), by_browser=tuple(by_browser), at_source=at_source)

    def _sealed(self, session_id: bytes, signed_in: SignedIn) -> bytes | None:
        values = (signed_in.upstream_session, signed_in.logout_hint)
        return self._sealer.seal(UPSTREAM, json.dumps(values).encode(), session_id) if any(values) else None

    def _at_source(self, tx: Transaction, session_id: bytes) -> AtSource | None:
        row = tx.one(models.FIND_UPSTREAM, of_session=session_id)
        if row is None or row[1] is None:
            return None
        upstream_session, logout_hint = json.loads(self._sealer.open(UPSTREAM, bytes(row[1]), session_id))
        return AtSource(source_id=row[0], upstream_session=upstream_session, logout_hint=logout_hint)

    def end_all_of(self, tx: Transaction, person_id: bytes, reason: str) -> int:
        """No session of this person is open any more; returns how many were."""
        open_ones = tx.all(models.OPEN_OF_PERSON, of_person=person_id)
        return sum(self.end(tx, bytes(row[0]), reason) is not None for row in open_ones)

    def sid(self, session_id: bytes, client: Client) -> str:
        """What this portal may call the session: like `sub`, it tells two portals nothing of each other."""
        return to_text(self._sealer.index("session.sid", f"{client.id}\n{session_id.hex()}")[:SID_BYTES])
