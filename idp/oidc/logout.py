"""`/logout` (OpenID Connect RP-Initiated Logout 1.0): the session ends here and at every portal that it reached.

With an id_token_hint of this very session the wish is plainly the portal's own person's, and it is done at once;
without one we ask first, since any page on the web can send a browser here.
"""

from __future__ import annotations

from dataclasses import dataclass

from idp import errors
from idp.clients import Client, Clients
from idp.errors import Refused
from idp.keys import Keys, NotOurs
from idp.oidc.http import Parameters, with_parameters
from idp.seal import Sealer, to_text
from idp.sessions import Ended, Sessions
from idp.storage import Database


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A request to end the session, checked. `return_url` is registered, and carries the portal's state."""

    client: Client | None
    return_url: str | None
    session_id: bytes | None  # the session that the hint was made in


class Logout:
    def __init__(self, *, clients: Clients, sessions: Sessions, keys: Keys, sealer: Sealer, database: Database) -> None:
        self._clients = clients
        self._sessions = sessions
        self._keys = keys
        self._sealer = sealer
        self._database = database

    def read(self, parameters: Parameters) -> Wish:
        """What is wished; raises Refused for a hint that is not ours and for an address that is not registered."""
        given = parameters.as_dict()
        if parameters.repeated():
            raise Refused(errors.REPEATED_PARAMETER)
        client, session_id = self._hinted(given)
        return_url = given.get("post_logout_redirect_uri")
        if return_url is not None:
            if client is None or "id_token_hint" not in given or return_url not in client.post_logout_redirect_uris:
                raise Refused(errors.BAD_LOGOUT_RETURN)
            return_url = with_parameters(return_url, state=given.get("state")) if "state" in given else return_url
        return Wish(client=client, return_url=return_url, session_id=session_id)

    def open_session(self, cookie: str | None) -> bytes | None:
        return self._sessions.by_cookie(cookie)

    def end(self, session_id: bytes, reason: str) -> Ended | None:
        """The session is over, its portals are being told; None if it was over already."""
        with self._database.write() as tx:
            return self._sessions.end(tx, session_id, reason)

    def form_token(self, cookie: str | None) -> str:
        return to_text(self._sealer.index("form.sign-out", cookie or ""))

    def _hinted(self, given: dict[str, str]) -> tuple[Client | None, bytes | None]:
        hint, client_id = given.get("id_token_hint"), given.get("client_id")
        if hint is None:
            return (self._clients.find(client_id) if client_id else None), None
        try:
            claims = self._keys.open_hint(hint)
            session_id = bytes.fromhex(claims["sid"])
        except (NotOurs, KeyError, ValueError, TypeError):
            raise Refused(errors.BAD_LOGOUT_HINT) from None
        client = self._clients.find(claims["aud"]) if isinstance(claims["aud"], str) else None
        if client is None or client_id not in (None, client.id):
            raise Refused(errors.BAD_LOGOUT_HINT)
        return client, session_id
