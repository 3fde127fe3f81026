"""`/logout` (OpenID Connect RP-Initiated Logout 1.0): the session ends here, at every portal that it reached, and then,
where it offers that, at the source that the person came from.

With an id_token_hint of this very session the wish is plainly the portal's own person's, and it is done at once;
without one we ask first, since any page on the web can send a browser here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog

from connectors.base import OutboundError, SignsOut
from idp import entropy, errors
from idp.broker import Shelf
from idp.clients import Client, Clients
from idp.errors import Refused
from idp.keys import Keys, NotOurs
from idp.oidc.frontchannel import frames_of
from idp.oidc.http import Parameters, with_parameters
from idp.seal import Sealer, to_text
from idp.sessions import Ended, Sessions
from idp.sources import Source, Sources
from idp.storage import Database

# Of logout_hint nothing is read: whom we sign out is who is signed in here.
PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "logout_hint")
PARAMETER_CHARACTERS = 8192
SIGNED_OUT = "/signed-out"  # registered at every source; who comes back is known by the handle
LEAVING_SECONDS = 1800

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A request to end the session, checked. `return_url` is registered, and carries the portal's state."""

    client: Client | None
    return_url: str | None
    sid: str | None  # the portal's name for the session in which the hint was made
    ui_locales: tuple[str, ...] = ()


class Logout:
    def __init__(
        self, *, clients: Clients, sessions: Sessions, sources: Sources, shelf: Shelf, keys: Keys, sealer: Sealer,
        database: Database, issuer: str, not_at: Sequence[str],
    ) -> None:  # fmt: skip
        self._clients = clients
        self._sessions = sessions
        self._keys = keys
        self._sealer = sealer
        self._database = database
        self._sources = sources
        self._shelf = shelf
        self._issuer = issuer
        self._not_at = frozenset(not_at)

    def wanted(self, parameters: Parameters) -> str:
        """The parameters that are ours, as a query; raises Refused for one that is too long to be."""
        ours = [(name, value) for name, value in parameters.pairs if name in PARAMETERS]
        if any(len(value) > PARAMETER_CHARACTERS for _, value in ours):
            raise Refused(errors.BAD_PARAMETER)
        return urlencode(ours)

    def read(self, parameters: Parameters) -> Wish:
        """What is wished; raises Refused for a hint that is not ours and for an address that is not registered."""
        given = parameters.as_dict()
        if parameters.repeated():
            raise Refused(errors.REPEATED_PARAMETER)
        client, sid = self._hinted(given)
        return_url = given.get("post_logout_redirect_uri")
        if return_url is not None:
            known = client is not None and client.enabled and client.takes_people_back_at(return_url)
            if not known or "id_token_hint" not in given:
                raise Refused(errors.BAD_LOGOUT_RETURN)
            return_url = with_parameters(return_url, state=given.get("state")) if "state" in given else return_url
        spoken = tuple(given.get("ui_locales", "").split())
        return Wish(client=client, return_url=return_url, sid=sid, ui_locales=spoken)

    def open_session(self, cookie: str | None) -> bytes | None:
        return self._sessions.by_cookie(cookie)

    def is_meant(self, session_id: bytes, wish: Wish) -> bool:
        """Whether the wish is about this very session."""
        if wish.client is None or wish.sid is None:
            return False
        return entropy.same(wish.sid, self._sessions.sid(session_id, wish.client))

    def end(self, session_id: bytes, reason: str) -> Ended | None:
        """The session is over, its portals are being told; None if it was over already."""
        with self._database.write() as tx:
            return self._sessions.end(tx, session_id, reason)

    def at_source(self, ended: Ended, return_url: str | None) -> tuple[str, Source] | None:
        """Where the source ends its own session; None where it cannot, need not or does not answer.

        Ours has ended by then, so that nothing of this can stand in the way: a source that never sends the browser back
        only keeps it.
        """
        held = ended.at_source
        source = None if held is None else self._sources.find(held.source_id)
        if held is None or source is None or not source.enabled or source.id in self._not_at:
            return None
        if not isinstance(source.connector, SignsOut):
            return None
        told = [(client.name_vi, client.name_en) for client in ended.portals]
        handle = self._shelf.keep_leaving(return_url, told, LEAVING_SECONDS)
        try:
            with self._sources.call(source, "sign_out") as call:
                url = source.connector.sign_out(
                    call.context, logout_hint=held.logout_hint, return_url=f"{self._issuer}{SIGNED_OUT}", handle=handle
                )
        except (OutboundError, KeyError, ValueError) as problem:
            log.warning("no_sign_out_at_source", source=source.id, problem=type(problem).__name__)
            return None
        return None if url is None else (url, source)

    def left(self, parameters: Parameters) -> tuple[str | None, list[tuple[str, str]]] | None:
        """Where somebody goes on who comes back from signing out at a source, and which portals were told."""
        given = parameters.as_dict()
        return self._shelf.leaving(given.get("state") or given.get("RelayState") or "")

    def portal(self, client_id: str) -> Client | None:
        """The portal, if it is switched on."""
        client = self._clients.find(client_id)
        return client if client is not None and client.enabled else None

    def frames(self, ended: Ended) -> tuple[str, ...]:
        """What the browser loads to tell portals itself."""
        return frames_of(ended, self._issuer)

    def entrance(self, client: Client | None) -> str | None:
        """Where a link back to the portal leads; None for a portal that is switched off."""
        return client.entrance(self._issuer) if client is not None and client.enabled else None

    def form_token(self, cookie: str | None) -> str:
        return to_text(self._sealer.index("form.sign-out", cookie or ""))

    def _hinted(self, given: dict[str, str]) -> tuple[Client | None, str | None]:
        hint, client_id = given.get("id_token_hint"), given.get("client_id")
        if hint is None:
            return (self._clients.find(client_id) if client_id else None), None
        try:
            claims = self._keys.open_hint(hint)
        except NotOurs:
            raise Refused(errors.BAD_LOGOUT_HINT) from None
        client = self._clients.find(claims["aud"]) if isinstance(claims["aud"], str) else None
        if client is None or client_id not in (None, client.id):
            raise Refused(errors.BAD_LOGOUT_HINT)
        sid = claims.get("sid")
        return client, sid if isinstance(sid, str) else None
