"""`/userinfo` (OpenID Connect Core section 5.3): what the grant entitles its portal to, as it stands now. One read."""

from __future__ import annotations

from typing import Any

from idp import errors
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.oidc.http import Parameters, Request, Response, as_error, as_json
from idp.oidc.refusing import note_refusal
from idp.oidc.sealed import Unreadable, open_access_token
from idp.people import claims
from idp.people.claims import Release
from idp.seal import Sealer
from idp.sessions.grants import Grants

BEARER = "bearer "


class UserInfo:
    """A plain function from request to response."""

    def __init__(self, *, grants: Grants, sealer: Sealer, audit: Audit) -> None:
        self._grants = grants
        self._sealer = sealer
        self._audit = audit

    def __call__(self, request: Request) -> Response:
        try:
            return as_json(200, self._claims(_bearer_token(request)))
        except Refused as problem:
            note_refusal(self._audit, problem.failure, detail=problem.detail)
            return _challenge(problem.failure)

    def _claims(self, text: str) -> dict[str, Any]:
        """The claims; raises Refused unless the token and all that it names stand."""
        try:
            token = open_access_token(self._sealer, text)
        except Unreadable:
            raise Refused(errors.BAD_TOKEN) from None
        entitled = self._grants.entitled(token.grant_id)
        if entitled is None or entitled.client_id != token.client_id:
            raise Refused(errors.BAD_TOKEN)
        release = Release(
            person=entitled.person, sub=entitled.sub, level=entitled.level, source_kind=entitled.source_kind,
            organisation=entitled.organisation,
        )  # fmt: skip
        return {"sub": entitled.sub, **claims.released(entitled.claim_names, release)}


def _bearer_token(request: Request) -> str:
    """The token from the header or, by POST, from the form (RFC 6750 section 2): from one of them, never a query."""
    if "access_token" in Parameters.parse(request.query).as_dict():
        raise Refused(errors.TOKEN_IN_QUERY)
    found = []
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(BEARER):
        found.append(authorization[len(BEARER) :].strip())
    if request.method == "POST" and request.body:
        found += [value for name, value in request.form().pairs if name == "access_token"]
    if not found:
        raise Refused(errors.NO_TOKEN)
    if len(found) > 1:
        raise Refused(errors.MALFORMED, "the token came twice")
    return found[0]


def _challenge(failure: Failure) -> Response:
    """RFC 6750 section 3: the header says why; a request without any token is told only how to ask."""
    described = f"{failure.code}: {failure.description}"
    said = "" if failure is errors.NO_TOKEN else f', error="{failure.error}", error_description="{described}"'
    return as_error(failure, ("WWW-Authenticate", f'Bearer realm="userinfo"{said}'))
