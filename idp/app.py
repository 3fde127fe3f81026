"""What the provider is made of, in reading order: from the floor up, each room is given those below it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import structlog
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from idp import observe
from idp.account import Account
from idp.account.ages import AgePages
from idp.account.cards import CardPages
from idp.account.door import Door
from idp.account.portals import Portals
from idp.account.presence import ShowingPages
from idp.account.sessions import Browsers
from idp.broker import Journey, Shelf, Visits
from idp.broker.acting import Acting
from idp.broker.desk import Desk
from idp.broker.phone_routes import PhoneRoutes
from idp.broker.phones import Phones
from idp.broker.routes import Routes as JourneyRoutes
from idp.broker.visit_routes import VisitRoutes
from idp.clients.invitations import Invitations
from idp.clients.self_registrations import SelfRegistrations
from idp.counter import CounterPages, ListRoutes, PresenceRoutes
from idp.front import Front
from idp.house import House, build
from idp.monitoring import Monitoring
from idp.oidc.access_tokens import AccessTokens
from idp.oidc.answering import Answers
from idp.oidc.authorize import Authorize
from idp.oidc.client_assertions import ClientAssertions
from idp.oidc.client_authentication import ClientAuthentication
from idp.oidc.client_certificates import ClientCertificates
from idp.oidc.client_endpoint import ClientEndpoint
from idp.oidc.conformance_resource import ConformanceResource
from idp.oidc.device import PATH as DEVICE_AUTHORIZATION
from idp.oidc.device import DeviceAuthorization, DeviceCodes
from idp.oidc.device_routes import DeviceRoutes
from idp.oidc.discovery import Discovery
from idp.oidc.dpop import Proofs
from idp.oidc.granting import Granting
from idp.oidc.id_tokens import IdTokens
from idp.oidc.introspection import Introspection
from idp.oidc.jose import Jose
from idp.oidc.logout import Logout
from idp.oidc.logout_routes import LogoutRoutes
from idp.oidc.par import PATH as PAR
from idp.oidc.par import PushedRequests
from idp.oidc.presented import Presented
from idp.oidc.protocol import TokenServer
from idp.oidc.reading import Reader
from idp.oidc.registration import Registering
from idp.oidc.request_objects import RequestObjects
from idp.oidc.revocation import Revocation
from idp.oidc.routes import Routes as ProviderRoutes
from idp.oidc.software_statements import SoftwareStatements
from idp.oidc.token import Token
from idp.oidc.token_exchange import TokenExchange
from idp.oidc.userinfo import UserInfo
from idp.oidc.verification import Verification
from idp.oidc.wsgi import Endpoint
from idp.people.assurance import AcrWords
from idp.serving import show_with
from idp.sessions.cookies import Cookies
from idp.settings import Settings, load
from idp.sources.apart import kept_apart
from idp.storage import db
from idp.storage.database import Unreachable

log = structlog.get_logger()


def create_app(settings: Settings | None = None, *, lines_together: bool = False) -> Flask:
    """The provider as a WSGI application; raises UnsafeSettings rather than start half safe."""
    settings = settings or load()
    observe.configure(settings.log_level, together=lines_together)
    house = build(settings)
    apart = kept_apart(settings, house.people, house.sources, house.database, house.changes)
    with suppress(Unreachable):  # then it is asked before every page, until it answers
        apart()
    if settings.lets_test_people_in:
        # At the highest level: whatever log_level says, this is seen.
        log.critical("conformance_mode", meaning="anybody can sign in as a test person: this is a test deployment")
    app = Flask("idp", static_folder=None)
    app.config.update(
        SETTINGS=settings,
        MAX_CONTENT_LENGTH=settings.limits.request_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
    )
    app.extensions["motcua"] = house
    db.init_app(app)
    show_with(app, house.audit)
    watched = Monitoring(
        settings=settings, questions=(house.database.check, apart, house.short_lived.check, house.keys.check),
        measure=lambda: observe.outbox(house.outbox.standing()),
    )  # fmt: skip
    app.before_request(lambda: apart() if request.blueprint else None)
    front = Front(
        pages=app.wsgi_app, endpoints=watched.endpoints() | _add_rooms(app, house), before=apart, audit=house.audit,
        longest_bytes=settings.limits.request_bytes,
    )  # fmt: skip
    hops = settings.trusted_proxies
    app.wsgi_app = ProxyFix(front, x_for=hops, x_proto=0, x_host=0) if hops else front  # type: ignore[method-assign]
    return app


def _add_rooms(app: Flask, house: House) -> dict[str, Endpoint]:
    """The pages are the app's; returns what answers without one, by path."""
    settings, cookies = house.settings, Cookies(secure=house.settings.secure)
    shelf = Shelf(house.short_lived, house.sealer, house.settings.lifetimes.login_seconds)
    journey = Journey(
        database=house.database, short_lived=house.short_lived, shelf=shelf, clients=house.clients, people=house.people,
        sessions=house.sessions, audit=house.audit, sealer=house.sealer, cookies=cookies, settings=settings,
        checking=house.checking,
    )  # fmt: skip
    visits = Visits(
        database=house.database, short_lived=house.short_lived, shelf=shelf, journey=journey, people=house.people,
        sources=house.sources, sessions=house.sessions, audit=house.audit, cookies=cookies, settings=settings,
        checking=house.checking, combining=house.combining, cases=house.cases,
    )  # fmt: skip
    desk = Desk(journey, cookies)
    visit_routes = VisitRoutes(
        desk=desk, journey=journey, visits=visits, shelf=shelf, sources=house.sources, short_lived=house.short_lived,
        settings=settings,
    )  # fmt: skip
    acting = Acting(
        database=house.database, people=house.people, sources=house.sources, sessions=house.sessions, shelf=shelf
    )
    journey_routes = JourneyRoutes(
        desk=desk, journey=journey, visits=visits, visit_routes=visit_routes, acting=acting, sources=house.sources,
        cookies=cookies, by_phone=settings.phone.sign_in,
    )  # fmt: skip
    door = Door(journey=journey, sealer=house.sealer, cookies=cookies)
    account, showing = _account(house, door), _showing(house, door)
    provider, devices = _provider(house, journey, shelf, cookies), _devices(house, journey, desk, shelf)
    lists, counter = ListRoutes(publishing=house.publishing), CounterPages(issuer=settings.issuer)
    rooms = (journey_routes, visit_routes, provider, devices, account, showing, lists, counter, _presence(house))
    for room in (*rooms, _logout(house, journey, shelf, cookies)):
        app.register_blueprint(room.blueprint())
    if settings.phone.sign_in:
        app.register_blueprint(_phone(house, journey, desk, shelf, visits, cookies).blueprint())
    registering = _registering(house).endpoints() if settings.registration.open_to != "nobody" else {}
    return provider.endpoints() | registering


def _account(house: House, door: Door) -> Account:
    settings, database = house.settings, house.database
    return Account(
        door=door, people=house.people, joining=house.joining, sources=house.sources,
        cards=CardPages(
            database=database, door=door, people=house.people, sessions=house.sessions, cards=house.cards,
            policy=settings.cards, issuer=settings.issuer, brand=settings.name_vi,
        ),
        ages=AgePages(
            database=database, short_lived=house.short_lived, door=door, people=house.people, cards=house.cards,
            level=settings.cards.level,
        ),
        portals=Portals(database=database, door=door, clients=house.clients, audit=house.audit),
        browsers=Browsers(
            database=database, door=door, sessions=house.sessions, sources=house.sources,
            idle_seconds=settings.lifetimes.session_idle_seconds,
        ),
    )  # fmt: skip


def _showing(house: House, door: Door) -> ShowingPages:
    return ShowingPages(
        door=door, cards=house.cards, showings=house.showings, people=house.people, sessions=house.sessions,
        database=house.database, short_lived=house.short_lived, sealer=house.sealer, level=house.settings.cards.level,
    )  # fmt: skip


def _provider(house: House, journey: Journey, shelf: Shelf, cookies: Cookies) -> ProviderRoutes:
    settings = house.settings
    jose = Jose(keys=house.keys, client_keys=house.client_keys)
    words, verification = AcrWords(settings.assurance), _verification(house)
    reader = _reader(house, jose, shelf, words)
    certificates = ClientCertificates(settings, house.client_keys)
    proofs = Proofs(
        short_lived=house.short_lived, sealer=house.sealer, origins=settings.origins,
        nonce_required=settings.dpop.nonce_required,
    )  # fmt: skip
    client_endpoint = _client_endpoint(house, jose, certificates, proofs)
    access_tokens = AccessTokens(
        sealer=house.sealer, keys=house.keys, clients=house.clients, people=house.people, issuer=settings.issuer,
        lifetime_seconds=settings.lifetimes.access_token_seconds,
    )  # fmt: skip
    introspection = Introspection(
        clients=house.clients, grants=house.grants, access_tokens=access_tokens, jose=jose, issuer=settings.issuer
    )
    server = _token_server(house, jose, proofs, access_tokens, words, verification)
    presented = Presented(
        access_tokens=access_tokens, proofs=proofs, certificates=certificates, audit=house.audit, realm="userinfo"
    )
    return ProviderRoutes(
        authorize=Authorize(
            reader=reader, answers=Answers(sealer=house.sealer, issuer=settings.issuer, jose=jose),
            clients=house.clients, sessions=house.sessions, sources=house.sources, journey=journey, shelf=shelf,
            audit=house.audit, grants=house.grants, sealer=house.sealer, cookies=cookies,
            code_seconds=settings.lifetimes.code_seconds,
        ),
        token=client_endpoint.around(Token(server), "/token"),
        introspect=client_endpoint.around(introspection, "/introspect"),
        revoke=client_endpoint.around(Revocation(grants=house.grants, access_tokens=access_tokens), "/revoke"),
        par=client_endpoint.around(
            PushedRequests(
                reader=reader, journey=journey, shelf=shelf, proofs=proofs,
                seconds=settings.lifetimes.pushed_request_seconds,
            ),
            PAR,
        ),
        device_authorization=client_endpoint.around(
            DeviceAuthorization(
                reader=reader, devices=house.devices, journey=journey, sources=house.sources, issuer=settings.issuer,
                seconds=settings.lifetimes.device_code_seconds, wait_seconds=settings.lifetimes.device_wait_seconds,
            ),
            DEVICE_AUTHORIZATION,
        ),
        userinfo=UserInfo(
            presented=presented, clients=house.clients, grants=house.grants, jose=jose, verification=verification,
            issuer=settings.issuer,
        ),
        conformance_resource=ConformanceResource(
            presented=replace(presented, realm="conformance"), clients=house.clients, grants=house.grants
        ) if settings.lets_test_people_in else None,
        discovery=Discovery(
            settings.issuer, house.keys, certificates, registration=settings.registration.open_to != "nobody",
            words=words, verification=verification,
        ),
        journey=journey,
    )  # fmt: skip


def _verification(house: House) -> Verification:
    settings = house.settings
    return Verification(
        policy=settings.verified_claims, sources=house.sources, register_id=settings.verification.source,
        issuer=settings.issuer,
    )  # fmt: skip


def _reader(house: House, jose: Jose, shelf: Shelf, words: AcrWords) -> Reader:
    return Reader(
        clients=house.clients, people=house.people, keys=house.keys, shelf=shelf,
        request_objects=RequestObjects(
            jose=jose, http=house.egress, fetching=house.fetching, database=house.database,
            issuer=house.settings.issuer,
        ),
        parameter_characters=house.settings.limits.parameter_characters, words=words,
        verified_claims=bool(house.settings.verified_claims.trust_framework),
    )  # fmt: skip


def _devices(house: House, journey: Journey, desk: Desk, shelf: Shelf) -> DeviceRoutes:
    limits = house.settings.limits
    return DeviceRoutes(
        devices=house.devices, journey=journey, desk=desk, shelf=shelf, clients=house.clients, sources=house.sources,
        sealer=house.sealer, short_lived=house.short_lived,
        codes_per_network_per_minute=limits.device_codes_per_network_per_minute,
        wrong_codes_per_minute=limits.wrong_device_codes_per_minute,
    )  # fmt: skip


def _presence(house: House) -> PresenceRoutes:
    return PresenceRoutes(
        database=house.database, short_lived=house.short_lived, showings=house.showings, book=house.cards.book,
        audit=house.audit,
        codes_per_network_per_minute=house.settings.limits.presence_codes_per_network_per_minute,
    )  # fmt: skip


def _phone(house: House, journey: Journey, desk: Desk, shelf: Shelf, visits: Visits, cookies: Cookies) -> PhoneRoutes:
    return PhoneRoutes(
        desk=desk, journey=journey, shelf=shelf, sealer=house.sealer, cookies=cookies, audit=house.audit,
        phones=Phones(
            database=house.database, short_lived=house.short_lived, shelf=shelf, journey=journey, visits=visits,
            sessions=house.sessions, audit=house.audit, cookies=cookies,
        ),
        issuer=house.settings.issuer, refuses_other_networks=house.settings.phone.other_network == "refuse",
    )  # fmt: skip


def _logout(house: House, journey: Journey, shelf: Shelf, cookies: Cookies) -> LogoutRoutes:
    settings = house.settings
    return LogoutRoutes(
        logout=Logout(
            clients=house.clients, sessions=house.sessions, sources=house.sources, shelf=shelf, keys=house.keys,
            sealer=house.sealer, database=house.database, issuer=settings.issuer, not_at=settings.no_sign_out_at,
        ),
        journey=journey, shelf=shelf, sealer=house.sealer, cookies=cookies,
    )  # fmt: skip


def _registering(house: House) -> Registering:
    settings, policy = house.settings, house.settings.registration
    return Registering(
        clients=house.clients, invitations=Invitations(house.database),
        registrations=SelfRegistrations(house.database),
        statements=SoftwareStatements.configured(
            policy.statement_issuer, policy.statement_keys_file, audience=settings.issuer
        ),
        http=house.egress, fetching=house.fetching, database=house.database, short_lived=house.short_lived,
        audit=house.audit,
        issuer=settings.issuer, origins=settings.origins, per_minute=policy.requests_per_network_per_minute,
        local_allowed=settings.outbound.allow_loopback,
    )  # fmt: skip


def _client_endpoint(house: House, jose: Jose, certificates: ClientCertificates, proofs: Proofs) -> ClientEndpoint:
    settings = house.settings
    assertions = ClientAssertions(
        jose=jose, clients=house.clients, database=house.database, issuer=settings.issuer, origins=settings.origins
    )
    return ClientEndpoint(
        authentication=ClientAuthentication(
            clients=house.clients, certificates=certificates, assertions=assertions
        ),
        short_lived=house.short_lived, audit=house.audit, proofs=proofs,
        failures_per_minute=settings.limits.failed_authentications_per_client_per_minute,
        characters=settings.limits.parameter_characters,
    )  # fmt: skip


def _token_server(
    house: House, jose: Jose, proofs: Proofs, access_tokens: AccessTokens, words: AcrWords, verification: Verification
) -> TokenServer:
    settings = house.settings
    granting = Granting(
        lifetimes=settings.lifetimes, sealer=house.sealer, grants=house.grants,
        people=house.people, sessions=house.sessions, audit=house.audit, access_tokens=access_tokens,
        verification=verification,
        id_tokens=IdTokens(
            jose=jose, sessions=house.sessions, words=words, issuer=settings.issuer,
            lifetime_seconds=settings.lifetimes.id_token_seconds,
        ),
    )  # fmt: skip
    exchange = TokenExchange(
        database=house.database, clients=house.clients, grants=house.grants, people=house.people, audit=house.audit,
        access_tokens=access_tokens,
    )  # fmt: skip
    devices = DeviceCodes(
        devices=house.devices, sealer=house.sealer, short_lived=house.short_lived,
        seconds=settings.lifetimes.device_code_seconds,
    )  # fmt: skip
    return TokenServer(granting=granting, exchange=exchange, devices=devices, proofs=proofs)
