"""Telling portals that a session is over (OpenID Connect Back-Channel Logout 1.0), from the outbox, at least once."""

from __future__ import annotations

from connectors.base import Http, OutboundError
from idp import clock, entropy
from idp.audit import Audit
from idp.clients import Client, Clients
from idp.keys import Keys
from idp.oidc.turns import Turns
from idp.storage import Database
from idp.storage.outbox import Message, TryLater

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_SECONDS = 120  # section 2.4 recommends two minutes at most


class LogoutNotices:
    def __init__(
        self, *, http: Http, clients: Clients, keys: Keys, audit: Audit, database: Database, issuer: str, attempts: int
    ) -> None:
        self._http = http
        self._clients = clients
        self._keys = keys
        self._audit = audit
        self._database = database
        self._issuer = issuer
        self._attempts = attempts
        self._turns = Turns()

    def deliver(self, message: Message) -> None:
        """The portal has taken note; raises TryLater, or NotYet while others of its messages keep it busy.

        The token is made now, so that it is fresh at every try.
        """
        client = self._clients.find(message.body["client_id"])
        if client is None or client.backchannel_logout_uri is None:
            return
        session_id = bytes.fromhex(message.body["session_id"])
        with self._turns.of(client.id):
            problem = self._post(client.backchannel_logout_uri, self._token(client, message))
        if problem is None:
            with self._database.write() as tx:
                self._audit.logout_delivered(tx, client_id=client.id, session_id=session_id, attempts=message.attempts)
            return
        if message.attempts >= self._attempts:
            with self._database.write() as tx:
                self._audit.logout_given_up(tx, client_id=client.id, session_id=session_id, attempts=message.attempts)
        raise TryLater(problem)

    def _token(self, client: Client, message: Message) -> str:
        now = clock.seconds()
        token = {
            "iss": self._issuer, "aud": client.id, "iat": now, "exp": now + LOGOUT_TOKEN_SECONDS,
            "jti": entropy.opaque_value(), "sub": message.body["sub"], "sid": message.body["sid"],
            "events": {LOGOUT_EVENT: {}},
        }  # fmt: skip
        return self._keys.sign(token, client.id_token_signed_response_alg, typ="logout+jwt")

    def _post(self, url: str, token: str) -> str | None:
        """None if the portal said 200 or 204 (section 2.8), else what went wrong."""
        try:
            answer = self._http.request("POST", url, form={"logout_token": token})
        except OutboundError as problem:
            return str(problem)
        return None if answer.status in (200, 204) else f"status {answer.status}"
