"""`/register`: portals that register themselves (RFC 7591), look at, change and end their registration (RFC 7592), also
as OpenID Connect Dynamic Client Registration 1.0 has it. An operator has to invite them.

Nothing is read, fetched or kept for whoever has no token. Changes replace the token: of two that come with one, the
first counts. A change by an operator makes it void, so that no portal takes back what was decided about it. What a
portal ended stays on record, switched off: people see who once asked for what.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker.journey import customer_of
from idp.clients import ChangedMeanwhile, Client, Clients, Registration
from idp.clients.fetching import Fetching
from idp.clients.invitations import Invitation, Invitations
from idp.clients.sectors import check_document
from idp.clients.self_registrations import SelfRegistration, SelfRegistrations
from idp.clients.urls import has_owner, is_of_native_app
from idp.egress import Egress
from idp.errors import Refused
from idp.oidc import strict_json
from idp.oidc.client_metadata import (
    Faulty,
    Limits,
    metadata_of,
    refuse_addresses_at,
    registration_of,
    software_of,
    stated,
)
from idp.oidc.http import NOT_STORED, Request, Response, as_error, as_json
from idp.oidc.refusing import note_refusal
from idp.oidc.software_statements import SoftwareStatements
from idp.oidc.wsgi import Endpoint
from idp.storage import Database, ShortLived

PATH = "/register"
COUNTED_SECONDS = 60
SECTORS_PER_MINUTE = 10
BY_ITSELF = "the portal itself"
# RFC 7592 section 2.2: what a client must not send in a change.
NOT_FOR_CHANGES = (
    "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a portal would like to be, checked: nothing of it is kept yet."""

    registration: Registration
    software: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Registering:
    """Two plain functions from request to response."""

    clients: Clients
    invitations: Invitations
    registrations: SelfRegistrations
    statements: SoftwareStatements
    http: Egress
    fetching: Fetching
    database: Database
    short_lived: ShortLived
    audit: Audit
    issuer: str
    origins: tuple[str, ...]  # ours
    per_minute: int
    local_allowed: bool  # *.localhost, for a demo

    def endpoints(self) -> dict[str, Endpoint]:
        managed = ("GET", "PUT", "DELETE")
        return {
            PATH: Endpoint(name="registration.register", methods=("POST",), answer=self.register),
            f"{PATH}/": Endpoint(name="registration.manage", methods=managed, answer=self.manage),
        }

    def register(self, request: Request) -> Response:
        """A portal more (RFC 7591 section 3)."""
        return self._answered(request, self._register)

    def manage(self, request: Request) -> Response:
        """The portal's registration, shown, changed or ended (RFC 7592 section 2)."""
        client_id = request.path.removeprefix(f"{PATH}/")
        return self._answered(request, lambda asking: self._manage(asking, client_id))

    def _register(self, request: Request) -> Response:
        token = _bearer_token(request)
        invitation = self.invitations.of_token(token)
        if invitation is None:
            raise Refused(errors.BAD_REGISTRATION_TOKEN, "no open invitation")
        client_id = f"self-{entropy.short_handle()}"
        asked = self._asked(_json(request), client_id, invitation.terms, None, invitation.terms.statement_required)
        self._check_sector(asked.registration, invitation.id.hex())
        return self._kept(invitation, client_id, asked)

    def _kept(self, invitation: Invitation, client_id: str, asked: Asked) -> Response:
        """The portal, its token and the use of the invitation are one commit."""
        made_at = clock.seconds()
        with self.database.write() as tx:
            if not self.invitations.use(tx, invitation):
                raise Refused(errors.BAD_REGISTRATION_TOKEN, "its last use went to somebody else")
            secret = self.clients.add(tx, client_id, asked.registration)
            token = self.registrations.add(tx, client_id, invitation.id, asked.software, made_at=made_at)
            change = f"registered itself by invitation {invitation.id.hex()}"
            self.audit.portal_changed(tx, client_id=client_id, change=change, operator=BY_ITSELF)
        return self._told(201, client_id, asked, made_at, secret, token)

    def _manage(self, request: Request, client_id: str) -> Response:
        token = _bearer_token(request)
        client = self.clients.read(client_id)
        known = None if client is None else self.registrations.find(client.id)
        if known is None or client is None or not known.knows_token(token):
            raise Refused(errors.BAD_REGISTRATION_TOKEN, "not the token of this client")
        if not client.enabled:
            raise Refused(errors.CLIENT_DISABLED)
        if request.method == "DELETE":
            return self._end(known)
        if request.method == "PUT":
            return self._change(request, known, client)
        asked = Asked(registration=client, software=known.software)
        return self._told(200, client_id, asked, known.made_at, self.clients.secret_of(client), token)

    def _change(self, request: Request, known: SelfRegistration, client: Client) -> Response:
        """Everything is replaced. A portal can give up scopes, and gets none that it does not have: for that it needs
        an operator.
        """
        metadata = _json(request)
        self._refuse_another(metadata, client)
        asked = self._asked(metadata, client.id, client, client, "software_statement" in known.software)
        self._check_sector(asked.registration, client.id)
        with self.database.write() as tx:
            token = self.registrations.change(tx, known, asked.software)
            if token is None:
                raise _came_late()
            try:
                secret = self.clients.change(tx, client.id, client, asked.registration)
            except ChangedMeanwhile:
                raise _came_late() from None
            self.audit.portal_changed(tx, client_id=client.id, change="changed itself", operator=BY_ITSELF)
        return self._told(200, client.id, asked, known.made_at, secret, token)

    def _end(self, known: SelfRegistration) -> Response:
        with self.database.write() as tx:
            if not self.registrations.end(tx, known):
                raise _came_late()
            self.clients.set_enabled(tx, known.client_id, enabled=False)
            self.audit.portal_changed(tx, client_id=known.client_id, change="ended itself", operator=BY_ITSELF)
        return Response(status=204, headers=NOT_STORED)

    def _asked(
        self, metadata: Mapping[str, Any], client_id: str, limits: Limits, before: Client | None, needs_statement: bool
    ) -> Asked:
        """What is wanted, within its limits; raises Refused. What a software statement says wins (section 2.3)."""
        if metadata.get("software_statement") is not None:
            metadata = stated(metadata, self.statements.metadata(metadata["software_statement"]))
        elif needs_statement:
            raise Refused(errors.UNAPPROVED_STATEMENT, "missing")
        registration = registration_of(metadata, client_id, limits, before)
        self._refuse_local(registration)
        refuse_addresses_at({urlsplit(origin).hostname for origin in self.origins}, registration)
        return Asked(registration=registration, software=software_of(metadata))

    def _check_sector(self, registration: Registration, asker: str) -> None:
        """Raises Refused. Documents are counted by invitation or portal, each of which has one fetched at a time: a
        registration that is refused spends nothing, and the next may name any other address.
        """
        uri = registration.sector_identifier_uri
        if uri is None:
            return
        if self.short_lived.count(f"sector:{asker}", COUNTED_SECONDS) > SECTORS_PER_MINUTE:
            raise Refused(errors.TOO_MANY, "sector documents for one invitation or portal")
        with self.fetching.turn(asker, uri, waits=False) as ours:
            if not ours:
                raise Refused(errors.TOO_MANY, "documents of portals at once")
            try:
                check_document(self.http, uri, registration.redirect_uris)
            except ValueError as problem:
                raise Faulty(errors.BAD_CLIENT_METADATA, str(problem), "sector_identifier_uri") from None

    def _refuse_local(self, registration: Registration) -> None:
        """A sector is a host that somebody owns. On a person's own machine anybody may answer to a name, and an app
        says plainly that it is there; a number, or a name without a dot, is in every network somebody else.
        """
        for uri in registration.redirect_uris:
            if not is_of_native_app(uri) and not has_owner(uri, local_allowed=self.local_allowed):
                told = "redirect_uris name hosts of the Internet: no numbers, no localhost, and a dot in the name"
                raise Faulty(errors.BAD_CLIENT_REDIRECT_URI, told, "redirect_uris")

    def _refuse_another(self, metadata: Mapping[str, Any], client: Client) -> None:
        if metadata.get("client_id") != client.id:
            raise Faulty(errors.BAD_CLIENT_METADATA, "client_id must be this client's", "client_id")
        for member in NOT_FOR_CHANGES:
            if member in metadata:
                raise Faulty(errors.BAD_CLIENT_METADATA, f"{member} must not be sent", member)
        secret = metadata.get("client_secret")
        if secret is None:
            return
        readable = self.clients.secret_of(client)
        known = isinstance(secret, str) and (
            client.knows_secret(secret) if readable is None else entropy.same(secret, readable)
        )
        if not known:
            raise Faulty(errors.BAD_CLIENT_METADATA, "client_secret is not this client's", "client_secret")

    def _told(
        self, status: int, client_id: str, asked: Asked, issued_at: int, secret: str | None, token: str
    ) -> Response:
        """Section 3.2.1. A secret is told when it is new, since we keep its fingerprint alone."""
        told = metadata_of(asked.registration) | dict(asked.software) | {
            "client_id": client_id, "client_id_issued_at": issued_at, "registration_access_token": token,
            "registration_client_uri": f"{self.issuer}{PATH}/{client_id}",
        }  # fmt: skip
        if secret is not None:
            told |= {"client_secret": secret, "client_secret_expires_at": 0}
        return as_json(status, told)

    def _answered(self, request: Request, answer: Callable[[Request], Response]) -> Response:
        asker = f"registering:{customer_of(request.network)}"
        try:
            if self.short_lived.count(asker, COUNTED_SECONDS) > self.per_minute:
                raise Refused(errors.TOO_MANY, "registrations from one network")
            return answer(request)
        except Refused as problem:
            note_refusal(self.audit, problem.failure, detail=problem.detail)
            return _refusal(problem)


def _came_late() -> Refused:
    return Refused(errors.BAD_REGISTRATION_TOKEN, "another change came first")


def _bearer_token(request: Request) -> str:
    """From the header alone (RFC 7591 section 3.1, RFC 6750 section 2.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(errors.NO_REGISTRATION_TOKEN)
    return token.strip()


def _json(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(errors.NOT_JSON)
    try:
        read = strict_json.read_object(request.body)
        json.dumps(read, ensure_ascii=False).encode()  # half of a pair of surrogates could never be shown again
    except (ValueError, RecursionError):
        raise Faulty(errors.BAD_CLIENT_METADATA, "the body must be one JSON object, each member in it once") from None
    return read


def _refusal(problem: Refused) -> Response:
    """RFC 7591 section 3.2.2; a refused token as RFC 6750 section 3 has it."""
    failure = problem.failure
    described = f"{failure.code}: {failure.description}"
    if failure is errors.TOO_MANY:
        return as_error(failure, ("Retry-After", str(COUNTED_SECONDS)))
    if failure.status == 401:
        said = "" if failure is errors.NO_REGISTRATION_TOKEN else f', error="{failure.error}"'
        return as_error(failure, ("WWW-Authenticate", f'Bearer realm="registration"{said}'))
    if isinstance(problem, Faulty):
        described = f"{described}; {_printable(problem.told)}"
    return as_json(failure.status, {"error": failure.error, "error_description": described})


def _printable(told: str) -> str:
    """What RFC 6749 section 5.2 lets into a description, and not too much of it."""
    return "".join(sign for sign in told if " " <= sign <= "~" and sign not in '"\\')[:500]
