"""What a grant at the token endpoint buys, whoever carried the request here: tokens for a code, a refresh token, a
system. Nothing here knows Authlib.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import Organisation
from idp import errors
from idp.audit import Audit
from idp.clients import Binding, Client
from idp.clients.registration import REFRESH_TOKEN
from idp.errors import Refused
from idp.oidc.access_tokens import AccessTokens, Subject
from idp.oidc.id_tokens import IdTokens
from idp.oidc.remembered import Remembered, unpacked
from idp.oidc.sealed import AccessToken, Code, RefreshToken, refresh_token, resource_mark
from idp.oidc.verification import Verification
from idp.oidc.verified_claims import names_to_tell
from idp.people import People, claims
from idp.people.claims import Release
from idp.seal import Sealer
from idp.sessions import Sessions
from idp.sessions.grants import Granted, GrantOver, Grants, GrantWanted, Refreshed, Reused, SessionOver
from idp.settings import Lifetimes
from idp.storage.database import Conflict

OPENID = "openid"


@dataclass(frozen=True, kw_only=True)
class Granting:
    lifetimes: Lifetimes
    sealer: Sealer
    grants: Grants
    people: People
    sessions: Sessions
    audit: Audit
    access_tokens: AccessTokens
    id_tokens: IdTokens
    verification: Verification

    # ---- a code ----

    def redeem(self, code: Code, client: Client, binding: Binding | None, resource: str | None) -> Granted:
        """The code is redeemed, durably, by this call alone; raises Refused."""
        audience(client, resource, _resource_of(code, client))
        self.id_tokens.check(client)
        told = (*code.userinfo_claims, *code.id_token_claims, *unpacked(code.remembered).names_to_tell)
        wanted = GrantWanted(
            id=code.grant_id, session_id=code.session_id, person_id=code.person_id, claim_names=code.userinfo_claims,
            told_names=tuple(dict.fromkeys(told)),
            level=code.level, auth_time=code.auth_time, mandate_id=code.mandate_id,
            scopes=code.scopes, resource=_resource_of(code, client), binding=refresh_binding(client, binding),
        )  # fmt: skip
        try:
            return self.grants.redeem(wanted, client)
        except Conflict:
            self.grants.revoke(code.grant_id, client, "its code was used twice")
            raise Refused(errors.SPENT_CODE) from None
        except SessionOver:
            raise Refused(errors.SESSION_OVER) from None

    def tokens_for_code(
        self, code: Code, granted: Granted, client: Client, binding: Binding | None, resource: str | None
    ) -> dict[str, Any]:
        remembered = unpacked(code.remembered)
        kept = remembered.beyond_sign_in.packed() if code.remembered else b""
        token = self.access_tokens.fresh(
            client, grant_id=code.grant_id, binding=binding, scopes=code.scopes, remembered=kept,
            resource=audience(client, resource, _resource_of(code, client)),
        )  # fmt: skip
        response = self.response(token, client, _subject(granted))
        if REFRESH_TOKEN in client.grant_types:
            response["refresh_token"] = refresh_token(self.sealer, RefreshToken(code.grant_id, 0, kept))
        response["id_token"] = self.id_tokens.made(
            client, granted, code.session_id, response["access_token"], nonce=code.nonce,
            asked=self._asked_for(code, granted) | self._verified(code, remembered, client),
            acr_series=remembered.acr_series,
        )  # fmt: skip
        return response

    # ---- a refresh token (RFC 6749 section 6) ----

    def refresh(
        self, token: RefreshToken, client: Client, binding: Binding | None, given: Mapping[str, str]
    ) -> Refreshed:
        """The refresh token is used, and replaced where this client's are; raises Refused."""
        self.id_tokens.check(client)

        def check(found: Refreshed) -> None:
            if found.binding is not None and binding != Binding("jkt", found.binding):
                raise Refused(errors.KEY_DIFFERS)
            narrowed_scopes(given.get("scope"), _granted_still(found, client))
            audience(client, given.get("resource"), found.resource)

        try:
            return self.grants.refresh(token.grant_id, token.generation, client, check)
        except GrantOver:
            raise Refused(errors.BAD_REFRESH_TOKEN) from None
        except Reused:
            raise Refused(errors.REUSED_REFRESH_TOKEN) from None

    def tokens_for_refresh(
        self, used: RefreshToken, found: Refreshed, client: Client, binding: Binding | None, given: Mapping[str, str]
    ) -> dict[str, Any]:
        scopes = narrowed_scopes(given.get("scope"), _granted_still(found, client))
        token = self.access_tokens.fresh(
            client, grant_id=used.grant_id, binding=binding, scopes=scopes, remembered=used.remembered,
            resource=audience(client, given.get("resource"), found.resource),
        )  # fmt: skip
        response = self.response(token, client, _subject(found.granted))
        if found.generation != used.generation:
            successor = RefreshToken(used.grant_id, found.generation, used.remembered)
            response["refresh_token"] = refresh_token(self.sealer, successor)
        if OPENID in scopes:
            response["id_token"] = self.id_tokens.made(
                client, found.granted, found.session_id, response["access_token"],
                acr_series=unpacked(used.remembered).acr_series,
            )  # fmt: skip
        return response

    # ---- a system (RFC 6749 section 4.4) ----

    def check_system(self, client: Client, given: Mapping[str, str]) -> None:
        """Raises Refused for a scope or an API that this system may not have."""
        narrowed_scopes(given.get("scope"), client.api_scopes)
        audience(client, given.get("resource"), None)

    def tokens_for_system(self, client: Client, binding: Binding | None, given: Mapping[str, str]) -> dict[str, Any]:
        words = narrowed_scopes(given.get("scope"), client.api_scopes)
        token = self.access_tokens.fresh(
            client, grant_id=None, binding=binding, api_scopes=words,
            resource=audience(client, given.get("resource"), None),
        )  # fmt: skip
        self.audit.system_granted(client_id=client.id, resource=token.resource, scopes=list(words))
        return self.response(token, client, None)

    # ---- all ----

    def response(self, token: AccessToken, client: Client, subject: Subject | None) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1) of an access token."""
        response = {
            "access_token": self.access_tokens.made(token, client, subject), "token_type": token.type,
            "expires_in": token.expires_at - token.issued_at,
        }  # fmt: skip
        return response | ({"scope": token.all_scopes} if token.all_scopes else {})

    def _asked_for(self, code: Code, granted: Granted) -> dict[str, Any]:
        """The claims that the `claims` parameter put into the id_token (OpenID Connect Core section 5.5)."""
        if not code.id_token_claims:
            return {}
        person = self.people.find(code.person_id)
        if person is None:
            raise Refused(errors.SESSION_OVER)
        release = Release(
            person=person, sub=granted.sub, level=granted.level, source_kind=granted.source_kind,
            organisation=self._organisation(code),
        )  # fmt: skip
        return dict(claims.released(code.id_token_claims, release))

    def _verified(self, code: Code, remembered: Remembered, client: Client) -> dict[str, Any]:
        """The verified claims that the id_token was asked for; raises Refused."""
        if remembered.id_token is None:
            return {}
        entitled = self.grants.entitled(code.grant_id)
        if entitled is None:
            raise Refused(errors.SESSION_OVER)
        names = claims.allowed(names_to_tell(remembered.id_token), client.scopes)
        return self.verification.told(remembered.id_token, names, entitled.release, entitled.checked_at)

    def _organisation(self, code: Code) -> Organisation | None:
        """For whom the person acts, where the id_token is to tell."""
        if code.mandate_id is None or not claims.of_organisation(code.id_token_claims):
            return None
        mandate = self.sessions.mandates.find(code.mandate_id)
        return None if mandate is None else mandate.organisation


def refresh_binding(client: Client, binding: Binding | None) -> bytes | None:
    """The key without which a refresh token of this client is of no use: a public client's DPoP key (RFC 9449 section
    5). Any other proves itself at each refresh, and may change its key."""
    return binding.thumbprint if client.is_public and binding is not None and binding.method == "jkt" else None


def narrowed_scopes(asked: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Of what was granted what is asked, or all; raises Refused for anything else."""
    if asked is None:
        return granted
    words = asked.split(" ")
    if not set(words) <= set(granted):
        raise Refused(errors.SCOPE_TOO_WIDE)
    return tuple(word for word in granted if word in words)


def audience(client: Client, asked: str | None, granted: str | None) -> str | None:
    """The API that a token is for, None for our userinfo; raises Refused (RFC 8707 section 2.2).

    What was granted for one API is for no other; a grant for none in particular serves all that the client may call.
    """
    target = granted if asked is None else asked
    if target is not None and (target not in client.may_call or granted not in (None, target)):
        raise Refused(errors.BAD_TARGET)
    return target


def _granted_still(found: Refreshed, client: Client) -> tuple[str, ...]:
    """Without what an operator took from the client since: a grant may last for months."""
    return tuple(scope for scope in found.scopes if scope in client.scopes)


def _resource_of(code: Code, client: Client) -> str | None:
    """The API that was asked for with the code; raises Refused if the client may not call it any more."""
    if code.resource is None:
        return None
    for resource in client.may_call:
        if resource_mark(resource) == code.resource:
            return resource
    raise Refused(errors.BAD_TARGET)


def _subject(granted: Granted) -> Subject:
    return Subject(origin=granted.origin, sub=granted.sub, auth_time=granted.auth_time, level=granted.level)
