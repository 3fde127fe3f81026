"""Grants: what portals bought with a code, and how it is renewed and ends. One commit each, one winner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connectors.base import Organisation
from idp import clock, entropy
from idp.audit import Audit
from idp.clients import Client
from idp.people import People, Person, claims
from idp.sessions import models
from idp.sessions.mandates import Mandates
from idp.settings import Lifetimes
from idp.storage import Database, Transaction, spent
from idp.storage.database import Conflict

DAY_SECONDS = 86_400
TOUCH_EVERY_SECONDS = 60  # a session's used_at is only ever this much behind, and costs a write only so often


class SessionOver(Exception):
    """The session ended, or its person was switched off, before the code was redeemed."""


class GrantOver(Exception):
    """The grant does not stand any more, or is not this client's."""


class Reused(Exception):
    """A refresh token that was replaced came again: its grant, with all that it bought, has just been revoked."""


@dataclass(frozen=True, kw_only=True)
class GrantWanted:
    """What a valid code asks for. `id` was drawn when the code was made."""

    id: bytes
    session_id: bytes
    person_id: bytes
    claim_names: tuple[str, ...]  # what userinfo may release
    told_names: tuple[str, ...]  # these, and what the id_token holds besides
    level: int
    auth_time: int
    mandate_id: bytes | None = None  # under which mandate, if the person acts for an organisation
    scopes: tuple[str, ...] = ()
    binding: bytes | None = None  # the thumbprint of the DPoP key that a refresh must be made with
    resource: str | None = None  # the API that was asked for


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What the grant says of the sign-in: the session's own facts, at the moment of redemption."""

    sub: str
    level: int
    auth_time: int
    amr: tuple[str, ...]
    source_kind: str
    origin: bytes  # from whose id the person's subs at APIs are made: they stay what they were, whoever is joined


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """A grant whose refresh token was used, and the number of the token to use next."""

    granted: Granted
    session_id: bytes
    person_id: bytes
    scopes: tuple[str, ...]
    resource: str | None
    binding: bytes | None
    generation: int


@dataclass(frozen=True, kw_only=True)
class Entitled:
    """What a token that still stands entitles its portal to."""

    client_id: str
    sub: str
    origin: bytes  # as in Granted
    claim_names: tuple[str, ...]
    level: int
    source_kind: str
    person: Person
    organisation: Organisation | None = None
    scopes: tuple[str, ...] = ()
    auth_time: int = 0
    session_id: bytes = b""
    checked_at: int | None = None  # when the population register last agreed on the person

    @property
    def release(self) -> claims.Release:
        """Out of what the values of claims are taken."""
        return claims.Release(
            person=self.person, sub=self.sub, level=self.level, source_kind=self.source_kind,
            organisation=self.organisation,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LiveGrant:
    """A grant that has not ended, as operators see it."""

    id: bytes
    client_id: str
    issued_at: int
    offline: bool
    refreshed_at: int | None  # when its refresh token was used last


class Grants:
    def __init__(
        self, database: Database, people: People, audit: Audit, mandates: Mandates, lifetimes: Lifetimes
    ) -> None:
        self._database = database
        self._people = people
        self._audit = audit
        self._mandates = mandates
        self._lifetimes = lifetimes

    def redeem(self, wanted: GrantWanted, client: Client) -> Granted:
        """The grant exists, with its audit event, in one commit. Of any number of callers one succeeds.

        Raises Conflict for a grant that exists already, SessionOver (also where the mandate is).
        """
        now, offline = clock.seconds(), claims.OFFLINE_ACCESS in wanted.scopes
        recorded = self._audit.granted(
            person_id=wanted.person_id, session_id=wanted.session_id, client_id=client.id, level=wanted.level,
            claims=list(wanted.told_names),
        )  # fmt: skip
        row = self._database.commit(
            models.GRANT, **recorded, grant_id=wanted.id, level=wanted.level, auth_time=wanted.auth_time,
            mandate_id=wanted.mandate_id, sector=client.sector, claims=claims.to_bits(wanted.claim_names),
            issued_at=now, now=now, touched_before=now - TOUCH_EVERY_SECONDS, offline=int(offline),
            scopes=claims.scopes_to_bits(wanted.scopes), binding=wanted.binding, resource=wanted.resource,
            expires_at=now + self._lifetimes.refresh_token_days * DAY_SECONDS * offline,
        )  # fmt: skip
        if row is None:
            raise SessionOver
        return Granted(
            sub=row[0], level=row[1], auth_time=row[2], amr=tuple(row[3].split()), source_kind=row[4],
            origin=bytes(row[5]),
        )  # fmt: skip

    def refresh(
        self, grant_id: bytes, generation: int, client: Client, check: Callable[[Refreshed], None]
    ) -> Refreshed:
        """The refresh token of this number was used, in one commit, and replaced where the client replaces them.

        Of many who replace one at once all get the same successor, and so does whoever comes again within the grace.
        What `check` raises leaves everything as it was. Raises GrantOver; Reused (RFC 9700 section 4.14.2).
        """
        now = clock.seconds()
        asked = self._of_grant(grant_id, client, now)
        while True:  # whoever is overtaken between reading and using reads again, and finds another number
            row = self._database.one(models.FIND_REFRESHABLE, **asked)
            if row is None or generation > (found := _refreshed(row)).generation:
                raise GrantOver  # or nobody was ever given that one
            if generation < found.generation and not self._is_within_grace(row, generation, now):
                self.revoke(grant_id, client, "a refresh token was used again after it was replaced")
                raise Reused
            check(found)
            event = self._audit.refreshed(person_id=found.person_id, session_id=found.session_id, client_id=client.id)
            if generation < found.generation:
                self._audit.write(event)
                return found
            step = int(client.rotates_refresh_tokens)
            used = self._database.commit(models.REFRESH, **asked, **event, presented=generation, step=step)
            if used is not None:
                return _refreshed(used)

    def refreshable(self, grant_id: bytes, generation: int, client: Client) -> Refreshed | None:
        """The grant, if this client could refresh it with the token of this number now; nothing is used. One read."""
        row = self._database.one(models.FIND_REFRESHABLE, **self._of_grant(grant_id, client, clock.seconds()))
        if row is None:
            return None
        found = _refreshed(row)
        return found if found.generation == generation else None

    def exists(self, grant_id: bytes) -> bool:
        """Whether the code that carried this id was redeemed."""
        return self._database.one(models.FIND_GRANT, of_grant=grant_id) is not None

    def revoke(self, grant_id: bytes, client: Client, reason: str) -> bool:
        """Whatever this grant bought is void from now on; False if it was not this client's, or void already."""
        with self._database.write() as tx:
            return self._revoke(tx, grant_id, client, reason)

    def live_of(self, person_id: bytes) -> list[LiveGrant]:
        """What portals were granted for this person and can still use, oldest first."""
        rows = self._database.all(models.LIVE_GRANTS, of_person=person_id, now=clock.seconds())
        return [
            LiveGrant(id=bytes(row[0]), client_id=row[1], issued_at=row[2], offline=bool(row[3]), refreshed_at=row[4])
            for row in rows
        ]

    def end(self, tx: Transaction, person_id: bytes, grant_id: bytes, reason: str) -> str | None:
        """Whatever this grant of the person's bought is void from now on; the portal's id, or None if there is none
        that stands. The person's sessions go on, and so does what other portals were granted.
        """
        row = tx.one(models.END_GRANT, of_grant=grant_id, of_person=person_id, now=clock.seconds())
        if row is None:
            return None
        self._audit.grant_revoked(tx, person_id=person_id, client_id=row[1], session_id=bytes(row[0]), reason=reason)
        return str(row[1])

    def revoke_token(self, token_id: bytes, client: Client, expires_at: int) -> None:
        """This one access token is void from now on; it is kept for as long as it would have lived."""
        with suppress(Conflict), self._database.write() as tx:  # once more does no harm
            spent.spend(tx, _mark_of(token_id), max(1, expires_at - clock.seconds()))
            self._audit.token_revoked(tx, client_id=client.id)

    def is_revoked(self, token_id: bytes) -> bool:
        """Whether this one access token was revoked; one read."""
        return self._database.one(models.IS_SPENT, mark=entropy.fingerprint(_mark_of(token_id))) is not None

    def entitled(self, grant_id: bytes, token_id: bytes = b"") -> Entitled | None:
        """What this grant entitles to now, and what a token of it with this id; one read.

        None unless grant, person, client, source and mandate stand, the session too unless the grant outlives it, and
        the token was not revoked by itself.
        """
        row = self._database.one(
            models.ENTITLED, grant_id=grant_id, now=clock.seconds(),
            token_mark=entropy.fingerprint(_mark_of(token_id)),
        )  # fmt: skip
        if row is None:
            return None
        person = self._people.opened(bytes(row[5]), row[6], row[7], bytes(row[8]))
        mandate = self._mandates.opened(row[9], row[10])
        return Entitled(
            client_id=row[0], sub=row[1], claim_names=claims.from_bits(row[2]), level=row[3], source_kind=row[4],
            person=person, organisation=None if mandate is None else mandate.organisation,
            scopes=claims.scopes_from_bits(row[11]), auth_time=row[12], session_id=bytes(row[13]),
            checked_at=row[14], origin=bytes(row[15]),
        )  # fmt: skip

    def _of_grant(self, grant_id: bytes, client: Client, now: int) -> dict[str, Any]:
        return {
            "of_grant": grant_id, "of_client": client.id, "now": now,
            "unused_since": now - self._lifetimes.refresh_token_idle_days * DAY_SECONDS,
            "idle_since": now - self._lifetimes.session_idle_seconds,
        }  # fmt: skip

    def _is_within_grace(self, row: Sequence[Any], generation: int, now: int) -> bool:
        """Whether this is the token that was replaced last, and not long ago: somebody's answer was lost on its way."""
        found = _refreshed(row)
        replaced_at = row[11] or 0
        return generation == found.generation - 1 and now - replaced_at <= self._lifetimes.refresh_grace_seconds

    def _revoke(self, tx: Transaction, grant_id: bytes, client: Client, reason: str) -> bool:
        row = tx.one(models.REVOKE_GRANT, of_grant=grant_id, of_client=client.id, now=clock.seconds())
        if row is not None:
            self._audit.grant_revoked(tx, client_id=client.id, session_id=bytes(row[0]), reason=reason)
        return row is not None


def _refreshed(row: Sequence[Any]) -> Refreshed:
    (sub, session_id, person_id, scopes, level, auth_time, amr, source_kind, resource, binding, generation,
     _, origin) = row  # fmt: skip
    return Refreshed(
        granted=Granted(
            sub=sub, level=level, auth_time=auth_time, amr=tuple(amr.split()), source_kind=source_kind,
            origin=bytes(origin),
        ),
        session_id=bytes(session_id), person_id=bytes(person_id),
        scopes=claims.scopes_from_bits(scopes), resource=resource,
        binding=None if binding is None else bytes(binding), generation=generation,
    )  # fmt: skip


def _mark_of(token_id: bytes) -> str:
    return f"revoked access token {token_id.hex()}"
