"""Grants: what portals bought with a code. Two statements, one commit, one winner."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Organisation
from idp import clock
from idp.audit import Audit
from idp.clients import Client
from idp.people import People, Person, claims
from idp.sessions import models
from idp.sessions.mandates import Mandates
from idp.storage import Database


class SessionOver(Exception):
    """The session ended, or its person was switched off, before the code was redeemed."""


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
    touch: bool
    mandate_id: bytes | None = None  # under which mandate, if the person acts for an organisation


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What the grant says of the sign-in: the session's own facts, at the moment of redemption."""

    sub: str
    level: int
    auth_time: int
    amr: tuple[str, ...]
    source_kind: str


@dataclass(frozen=True, kw_only=True)
class Entitled:
    """What a token that still stands entitles its portal to."""

    client_id: str
    sub: str
    claim_names: tuple[str, ...]
    level: int
    source_kind: str
    person: Person
    organisation: Organisation | None = None


class Grants:
    def __init__(self, database: Database, people: People, audit: Audit, mandates: Mandates) -> None:
        self._database = database
        self._people = people
        self._audit = audit
        self._mandates = mandates

    def redeem(self, wanted: GrantWanted, client: Client) -> Granted:
        """The grant exists, with its audit event, in one commit. Of any number of callers one succeeds.

        Raises Conflict for a grant that exists already, SessionOver (also where the mandate is).
        """
        now = clock.seconds()
        with self._database.write() as tx:
            row = tx.one(
                models.GRANT, grant_id=wanted.id, session_id=wanted.session_id, client_id=client.id, level=wanted.level,
                auth_time=wanted.auth_time, mandate_id=wanted.mandate_id,
                sector=client.sector, claims=claims.to_bits(wanted.claim_names), issued_at=now, now=now,
            )  # fmt: skip
            if row is None:
                raise SessionOver
            self._audit.granted(
                tx, person_id=wanted.person_id, session_id=wanted.session_id, client_id=client.id, level=row[1],
                claims=list(wanted.told_names),
            )  # fmt: skip
            if wanted.touch:
                tx.run(models.TOUCH, of_session=wanted.session_id, now=now)
        return Granted(sub=row[0], level=row[1], auth_time=row[2], amr=tuple(row[3].split()), source_kind=row[4])

    def exists(self, grant_id: bytes) -> bool:
        """Whether the code that carried this id was redeemed."""
        return self._database.one(models.FIND_GRANT, of_grant=grant_id) is not None

    def revoke(self, grant_id: bytes, client: Client, reason: str) -> bool:
        """Whatever this grant bought is void from now on; False if it was not this client's, or void already."""
        with self._database.write() as tx:
            row = tx.one(models.REVOKE_GRANT, of_grant=grant_id, of_client=client.id, now=clock.seconds())
            if row is not None:
                self._audit.grant_revoked(tx, client_id=client.id, session_id=bytes(row[0]), reason=reason)
        return row is not None

    def entitled(self, grant_id: bytes) -> Entitled | None:
        """What this grant entitles to now: None unless grant, session, person, client and mandate stand. One read."""
        row = self._database.one(models.ENTITLED, grant_id=grant_id, now=clock.seconds())
        if row is None:
            return None
        person = self._people.opened(bytes(row[5]), row[6], row[7], bytes(row[8]))
        mandate = self._mandates.opened(row[9], row[10])
        return Entitled(
            client_id=row[0], sub=row[1], claim_names=claims.from_bits(row[2]), level=row[3], source_kind=row[4],
            person=person, organisation=None if mandate is None else mandate.organisation,
        )  # fmt: skip
