"""Token exchange (RFC 8693), for one thing: a portal that serves a person gets a token by which one API may serve it.

One API, which the operator allowed the portal; one purpose, a word of the API's; five minutes; and no exchanging again.
The API learns from us who the person is, by the sub of its own sector, and who asks in whose name (`act`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp import errors
from idp.audit import Audit
from idp.clients import Binding, Client, Clients
from idp.errors import Refused
from idp.oidc.access_tokens import AccessTokens, Subject
from idp.oidc.sealed import AccessToken, Unreadable
from idp.people import People
from idp.sessions.grants import Entitled, Grants
from idp.storage import Database

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_NOT_TAKEN = ("actor_token", "actor_token_type", "audience")  # the API is named by `resource`


@dataclass(frozen=True, kw_only=True)
class TokenExchange:
    database: Database
    clients: Clients
    grants: Grants
    people: People
    audit: Audit
    access_tokens: AccessTokens

    def __call__(self, given: Mapping[str, str], client: Client, binding: Binding | None) -> dict[str, Any]:
        """The token response (section 2.2.1), on record; raises Refused."""
        _check_shape(given)
        api, purpose = self._api(given, client), _purpose(given, client)
        token, entitled = self._subject(given["subject_token"], client, binding)
        if entitled.level < api.minimum_level:
            raise Refused(errors.TOO_LOW_FOR_API)
        made = self.access_tokens.fresh(
            client, grant_id=token.grant_id, binding=binding, resource=given["resource"], api_scopes=(purpose,),
            exchanged=True,
        )  # fmt: skip
        with self.database.write() as tx:
            self.people.keep_sub(tx, entitled.person.id, api.sector, entitled.origin)
            self.audit.exchanged(
                tx, person_id=entitled.person.id, session_id=entitled.session_id, client_id=client.id,
                resource=given["resource"], purpose=purpose,
            )  # fmt: skip
        subject = Subject(origin=entitled.origin, sub=entitled.sub, auth_time=entitled.auth_time, level=entitled.level)
        return {
            "access_token": self.access_tokens.made(made, client, subject), "issued_token_type": ACCESS_TOKEN,
            "token_type": made.type, "expires_in": made.expires_at - made.issued_at, "scope": purpose,
        }  # fmt: skip

    def _api(self, given: Mapping[str, str], client: Client) -> Client:
        api = self.clients.by_resource(given["resource"]) if given["resource"] in client.may_exchange else None
        if api is None or not api.enabled:
            raise Refused(errors.BAD_TARGET)
        return api

    def _subject(self, text: str, client: Client, binding: Binding | None) -> tuple[AccessToken, Entitled]:
        """The person's token, granted to this client, and what it stands for; raises Refused."""
        try:
            token = self.access_tokens.read(text)
        except Unreadable:
            raise Refused(errors.BAD_SUBJECT_TOKEN, "not ours, or expired") from None
        own = token.client_id == client.id and token.resource is None
        if token.grant_id is None or token.exchanged or not (own or token.resource in client.resource_uris):
            raise Refused(errors.BAD_SUBJECT_TOKEN, "a system's, exchanged before, or granted to somebody else")
        # Who called an API showed their key to the API; a token of one's own one must be able to use.
        if own and token.binding is not None and token.binding != binding:
            raise Refused(errors.BAD_SUBJECT_TOKEN, "bound to another key")
        entitled = self.grants.entitled(token.grant_id, token.id)
        if entitled is None or entitled.client_id != token.client_id:
            raise Refused(errors.BAD_SUBJECT_TOKEN, "revoked")
        return token, entitled


def _check_shape(given: Mapping[str, str]) -> None:
    wanted = {"subject_token_type": ACCESS_TOKEN, "requested_token_type": ACCESS_TOKEN}
    as_wanted = all(given.get(name, value) == value for name, value in wanted.items())
    named = {"subject_token", "subject_token_type", "resource"} <= given.keys()
    if not as_wanted or not named or any(name in given for name in _NOT_TAKEN):
        raise Refused(errors.BAD_EXCHANGE)


def _purpose(given: Mapping[str, str], client: Client) -> str:
    """The one word for what the API is to be asked."""
    words = given.get("scope", "").split(" ")
    if len(words) != 1 or not words[0]:
        raise Refused(errors.BAD_EXCHANGE, "not one purpose")
    if words[0] not in client.api_scopes:
        raise Refused(errors.SCOPE_TOO_WIDE)
    return words[0]
