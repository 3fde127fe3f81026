"""What the provider is made of, in reading order: from the floor up, each room is given those below it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from idp import observe
from idp.audit import Audit
from idp.broker import Journey, Shelf, Visits
from idp.broker.acting import Acting
from idp.broker.desk import Desk
from idp.broker.routes import Routes as JourneyRoutes
from idp.broker.visit_routes import VisitRoutes
from idp.clients import Clients
from idp.egress import Egress
from idp.keys import Keys
from idp.oidc.answering import Answers
from idp.oidc.authorize import Authorize
from idp.oidc.backchannel import LogoutNotices
from idp.oidc.discovery import Discovery
from idp.oidc.logout import Logout
from idp.oidc.protocol import TokenServer
from idp.oidc.reading import Reader
from idp.oidc.routes import Routes as ProviderRoutes
from idp.oidc.token import Token
from idp.oidc.userinfo import UserInfo
from idp.people import People
from idp.registers import Checking, Feeds
from idp.seal import Sealer, load_sealer
from idp.serving import serve_with
from idp.sessions import Sessions
from idp.sessions.cookies import Cookies
from idp.sessions.grants import Grants
from idp.settings import Settings, load
from idp.sources import Sources
from idp.storage import Database, ShortLived, db, schema
from idp.storage.changes import Changes
from idp.storage.engines import make_engine
from idp.storage.outbox import Outbox
from idp.storage.short_lived import open_short_lived


@dataclass(frozen=True, kw_only=True)
class House:
    """The rooms that have no address of their own: for operators' commands, the worker and the routes alike."""

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
    people: People
    sources: Sources
    sessions: Sessions
    grants: Grants
    notices: LogoutNotices
    checking: Checking
    feeds: Feeds


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
    keys = Keys(database, sealer, changes, settings.issuer)
    clients = Clients(database, changes)
    people = People(database, sealer, audit)
    sources = Sources(
        database, short_lived, sealer, changes, egress, visits_at_once=settings.outbound.visits_at_once,
        calls_at_once=settings.outbound.calls_at_once,
    )  # fmt: skip
    verification = settings.verification
    sessions = Sessions(
        database, sealer, clients, outbox, audit, settings.lifetimes,
        check_max_age_seconds=verification.max_age_seconds if verification.source else None,
    )  # fmt: skip
    return House(
        settings=settings, sealer=sealer, database=database, short_lived=short_lived, changes=changes, outbox=outbox,
        audit=audit, egress=egress, keys=keys, clients=clients, people=people,
        sources=sources, sessions=sessions,
        grants=Grants(database, people, audit, sessions.mandates),
        notices=LogoutNotices(
            http=egress, clients=clients, keys=keys, audit=audit, database=database, issuer=settings.issuer,
            attempts=settings.outbox.attempts,
        ),
        checking=Checking(
            database=database, people=people, sources=sources, sessions=sessions, audit=audit, policy=verification
        ),
        feeds=Feeds(database=database, people=people, sources=sources, sessions=sessions, audit=audit),
    )  # fmt: skip


def create_app(settings: Settings | None = None) -> Flask:
    """The provider as a WSGI application; raises UnsafeSettings rather than start half safe."""
    settings = settings or load()
    observe.configure(settings.log_level)
    house = build(settings)
    app = Flask("idp", static_folder=None)
    app.config.update(
        SETTINGS=settings,
        MAX_CONTENT_LENGTH=settings.limits.request_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
    )
    app.extensions["motcua"] = house
    db.init_app(app)
    questions = (house.database.check, schema.at_head(house.database), house.short_lived.check, house.keys.check)
    serve_with(app, house.audit, ready=questions)
    _add_rooms(app, house)
    return app


def _add_rooms(app: Flask, house: House) -> None:
    settings, cookies = house.settings, Cookies(secure=house.settings.secure)
    shelf = Shelf(house.short_lived, house.sealer)
    journey = Journey(
        database=house.database, short_lived=house.short_lived, shelf=shelf, clients=house.clients, people=house.people,
        sessions=house.sessions, audit=house.audit, sealer=house.sealer, cookies=cookies, settings=settings,
        checking=house.checking,
    )  # fmt: skip
    visits = Visits(
        database=house.database, short_lived=house.short_lived, shelf=shelf, journey=journey, people=house.people,
        sources=house.sources,
        sessions=house.sessions, audit=house.audit, cookies=cookies, settings=settings, checking=house.checking,
    )  # fmt: skip
    desk = Desk(journey, shelf, cookies)
    visit_routes = VisitRoutes(
        desk=desk, journey=journey, visits=visits, shelf=shelf, sources=house.sources, short_lived=house.short_lived,
        settings=settings,
    )  # fmt: skip
    acting = Acting(
        database=house.database, people=house.people, sources=house.sources, sessions=house.sessions, shelf=shelf
    )
    journey_routes = JourneyRoutes(
        desk=desk, journey=journey, visits=visits, visit_routes=visit_routes, acting=acting, sources=house.sources,
        cookies=cookies,
    )  # fmt: skip
    app.register_blueprint(journey_routes.blueprint())
    app.register_blueprint(visit_routes.blueprint())
    app.register_blueprint(_provider(house, journey, shelf, cookies).blueprint())


def _provider(house: House, journey: Journey, shelf: Shelf, cookies: Cookies) -> ProviderRoutes:
    settings, limits = house.settings, house.settings.limits
    reader = Reader(
        clients=house.clients, people=house.people, keys=house.keys, parameter_characters=limits.parameter_characters
    )
    server = TokenServer(
        settings=settings, clients=house.clients, grants=house.grants, people=house.people, keys=house.keys,
        sealer=house.sealer, sessions=house.sessions,
    )  # fmt: skip
    return ProviderRoutes(
        authorize=Authorize(
            reader=reader, answers=Answers(sealer=house.sealer, issuer=settings.issuer), clients=house.clients,
            sessions=house.sessions, sources=house.sources, journey=journey, shelf=shelf, audit=house.audit,
            grants=house.grants, sealer=house.sealer, cookies=cookies,
            code_seconds=settings.lifetimes.code_seconds,
        ),
        token=Token(
            server=server, short_lived=house.short_lived, audit=house.audit, characters=limits.parameter_characters,
            failures_per_minute=limits.failed_authentications_per_client_per_minute,
        ),
        userinfo=UserInfo(grants=house.grants, sealer=house.sealer, audit=house.audit),
        discovery=Discovery(settings.issuer, house.keys),
        logout=Logout(
            clients=house.clients, sessions=house.sessions, sources=house.sources, shelf=shelf, keys=house.keys,
            sealer=house.sealer, database=house.database, issuer=settings.issuer, not_at=settings.no_sign_out_at,
        ),
        journey=journey, shelf=shelf, sealer=house.sealer, cookies=cookies,
    )  # fmt: skip
