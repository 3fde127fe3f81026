"""What the client's server asks for: tokens for a code, and userinfo."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from flask import Blueprint, Response, request

from connectors.sandbox.answers import answer, be_unavailable_for
from connectors.sandbox.authorize import authenticated_client, one_each, require_form
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.clients import Client
from connectors.sandbox.errors import ProtocolError
from connectors.sandbox.fault_book import Fault
from connectors.sandbox.faults import CLAIMS, ID_TOKEN, USERINFO
from connectors.sandbox.id_tokens import bend_claims
from connectors.sandbox.source import Grant
from connectors.sandbox.state import ACCESS_TOKEN_LIFETIME_SECONDS, Access, sandbox

blueprint = Blueprint("tokens", __name__)


@blueprint.post("/token")
def token() -> Response:
    """RFC 6749 section 4.1.3 and OpenID Connect Core section 3.1.3."""
    require_form()
    form = one_each(request.form)
    client = authenticated_client(form)
    if form.get("grant_type") != "authorization_code":
        raise ProtocolError("unsupported_grant_type", "only authorization_code")
    grant = _redeem(client, form)
    citizen = grant.sign_in.citizen
    be_unavailable_for(citizen, "token")
    faults = sandbox().faults
    lie, claims_lie = faults.strike(ID_TOKEN, "token", citizen), faults.strike(CLAIMS, "token", citizen)
    # A lie about claims is one lie per sign-in: userinfo goes on with it, unless it was set for the token alone.
    carried = claims_lie if claims_lie is not None and claims_lie.endpoint is None else None
    access_token = sandbox().access_tokens.put(Access(grant=grant, claims_lie=carried))
    sandbox().spent_codes.put(access_token, form["code"])
    payload = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
        "scope": grant.request.scope,
        "id_token": sandbox().id_tokens.issue(grant, access_token, lie, claims_lie),
    }
    return answer(payload, "token", citizen)


def _redeem(client: Client, form: Mapping[str, str]) -> Grant:
    """The grant that the code stands for, once; only the code's own client spends it, or revokes by a second use."""
    code = form.get("code", "")
    grant = sandbox().codes.get(code)
    if grant is None or grant.request.client_id != client.client_id or sandbox().codes.take(code) is None:
        _revoke_what_it_bought(client, code)
        raise ProtocolError("invalid_grant", "the code is unknown, used or too old")
    if form.get("redirect_uri") != grant.request.redirect_uri:
        raise ProtocolError("invalid_grant", "redirect_uri is not the one of the request")
    if not _verifier_fits(grant.request.code_challenge, form.get("code_verifier")):
        raise ProtocolError("invalid_grant", "code_verifier does not fit")
    return grant


def _revoke_what_it_bought(client: Client, code: str) -> None:
    access_token = sandbox().spent_codes.get(code)
    access = sandbox().access_tokens.get(access_token) if access_token else None
    if access_token and access and access.grant.request.client_id == client.client_id:
        sandbox().access_tokens.take(access_token)


def _verifier_fits(challenge: str | None, verifier: str | None) -> bool:
    """RFC 7636 section 4.6; a verifier without a challenge is a sign of a downgrade, and refused (RFC 9700 2.1.1)."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return len(verifier) >= 43 and hmac.compare_digest(computed, challenge.encode())


@blueprint.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """OpenID Connect Core section 5.3; the token in the header, or in a form (RFC 6750 section 2)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    access_token = value.strip() if scheme.lower() == "bearer" else request.form.get("access_token", "")
    access = sandbox().access_tokens.get(access_token)
    if access is None:
        raise ProtocolError("invalid_token", "the access token is unknown or too old", 401)
    source, sign_in = sandbox().source, access.grant.sign_in
    be_unavailable_for(sign_in.citizen, "userinfo")
    claims = {"sub": source.subject(sign_in.citizen), **source.userinfo_claims(sign_in)}
    bend_claims(claims, access.claims_lie or _own_lie(sign_in.citizen), source)
    if sandbox().faults.strike(USERINFO, "userinfo", sign_in.citizen):
        claims["sub"] = f"{claims['sub']}0"
    return answer(claims, "userinfo", sign_in.citizen)


def _own_lie(citizen: Citizen) -> Fault | None:
    return sandbox().faults.strike_explicit(CLAIMS, "userinfo", citizen)
