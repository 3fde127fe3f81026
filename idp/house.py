"""The rooms that have no address of their own, for the routes, operators' commands and the worker alike."""

from __future__ import annotations

from dataclasses import dataclass

from idp.audit import Audit
from idp.cards import Book, Cards, Publishing
from idp.cards.showing import Showings
from idp.cases import Cases as OpenCases
from idp.cases import Joining
from idp.clients import Clients
from idp.clients.fetching import Fetching
from idp.clients.keys import ClientKeys
from idp.devices import Devices
from idp.egress import Egress
from idp.keys import Keys, open_token
from idp.oidc.backchannel import LogoutNotices
from idp.people import People
from idp.registers import Checking, Combining, Feeds
from idp.seal import Sealer, load_sealer
from idp.sessions import Sessions
from idp.sessions.grants import Grants
from idp.settings import Settings
from idp.sources import Sources
from idp.storage import Database, ShortLived
from idp.storage.changes import Changes
from idp.storage.engines import make_engine
from idp.storage.outbox import Outbox
from idp.storage.short_lived import open_short_lived


@dataclass(frozen=True, kw_only=True)
class House:
    """What the provider is made of, from the floor up."""

    settings: Settings
    sealer: Sealer
    database: Database
    short_lived: ShortLived
    changes: Changes
    outbox: Outbox
    audit: Audit
    egress: Egress
    keys: Keys
    clients: Clients
    client_keys: ClientKeys
    fetching: Fetching
    people: People
    sources: Sources
    sessions: Sessions
    grants: Grants
    notices: LogoutNotices
    checking: Checking
    combining: Combining
    feeds: Feeds
    devices: Devices
    joining: Joining
    cases: OpenCases
    cards: Cards
    publishing: Publishing
    showings: Showings


def build(settings: Settings) -> House:
    """The rooms, built once a process; nothing is asked of the network or the database yet."""
    sealer = load_sealer(settings.master_keys_file)
    database = Database(make_engine(settings.database_url))
    short_lived = open_short_lived(settings.short_lived_url, database)
    changes = Changes(database)
    outbox = Outbox(
        database, sealer, attempts=settings.outbox.attempts, first_retry_seconds=settings.outbox.first_retry_seconds
    )
    audit = Audit(database)
    egress = Egress(settings.outbound)
    keys = Keys(database, sealer, changes, settings.issuer, open_token(settings.keys.pkcs11))
    clients = Clients(database, changes, sealer)
    fetching = Fetching()
    book = Book(database, sealer, changes, audit)
    people = People(database, sealer, audit, book, everybody_is_known=settings.verification.everybody_is_known)
    sources = Sources(
        database, short_lived, sealer, changes, egress, visits_at_once=settings.outbound.visits_at_once,
        conformance=settings.lets_test_people_in,
        policy=settings.assurance,
    )  # fmt: skip
    verification = settings.verification
    sessions = Sessions(
        database, sealer, clients, outbox, audit, settings.lifetimes,
        check_max_age_seconds=verification.max_age_seconds if verification.source else None,
    )  # fmt: skip
    joining = Joining(database=database, people=people, sessions=sessions, cards=book, audit=audit, sealer=sealer)
    return House(
        settings=settings, sealer=sealer, database=database, short_lived=short_lived, changes=changes, outbox=outbox,
        audit=audit, egress=egress, keys=keys, clients=clients,
        client_keys=ClientKeys(egress, fetching), fetching=fetching, people=people, sources=sources, sessions=sessions,
        grants=Grants(database, people, audit, sessions.mandates, settings.lifetimes),
        notices=LogoutNotices(
            http=egress, clients=clients, keys=keys, audit=audit, database=database, issuer=settings.issuer,
            attempts=settings.outbox.attempts,
        ),
        checking=Checking(
            database=database, people=people, sources=sources, sessions=sessions, audit=audit, policy=verification
        ),
        combining=Combining(sources=sources, policy=settings.assurance),
        feeds=Feeds(database=database, people=people, sources=sources, sessions=sessions, audit=audit),
        devices=Devices(database, sealer, audit),
        joining=joining,
        cases=OpenCases(database=database, people=people, joining=joining, audit=audit, sealer=sealer),
        cards=Cards(
            keys=keys, book=book, audit=audit, issuer=settings.issuer, days=settings.cards.days,
            most=settings.cards.most,
        ),
        publishing=Publishing(database=database, keys=keys, changes=changes, issuer=settings.issuer),
        showings=Showings(short_lived=short_lived, sealer=sealer),
    )  # fmt: skip
