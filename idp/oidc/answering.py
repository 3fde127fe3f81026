"""Answering a portal: a code where all is well, an error where not; always with `state` and `iss` (RFC 9207)."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.registers import KnowsOrganisations
from idp import clock, entropy
from idp.broker import ACTING_LEVEL, Need, acts_for
from idp.clients import AuthenticationRequest, Client
from idp.errors import Failure
from idp.oidc.http import with_parameters
from idp.oidc.sealed import Code, redirect_mark, seal_code
from idp.people import claims
from idp.seal import Sealer
from idp.sessions import Standing
from idp.sources import Sources


@dataclass(frozen=True, kw_only=True)
class Answers:
    sealer: Sealer
    issuer: str

    def code_url(self, request: AuthenticationRequest, need: Need, standing: Standing) -> str:
        """The redirect that brings the portal a code for this person; nothing is written until it is redeemed."""
        mandate = acts_for(need, standing)
        code = Code(
            grant_id=entropy.ordered_id(), session_id=standing.session_id, person_id=standing.person_id,
            client_id=request.client_id, redirect_uri=redirect_mark(request.redirect_uri),
            code_challenge=request.code_challenge, nonce=request.nonce, scopes=request.scopes,
            id_token_claims=request.id_token_claims, userinfo_claims=request.userinfo_claims,
            auth_time=standing.auth_time, level=standing.level, issued_at=clock.seconds(), touch=standing.needs_touch,
            mandate_id=None if mandate is None else mandate.id,
        )  # fmt: skip
        return with_parameters(
            request.redirect_uri, code=seal_code(self.sealer, code), state=request.state, iss=self.issuer
        )

    def error_url(self, redirect_uri: str, state: str | None, failure: Failure) -> str:
        described = f"{failure.code}: {failure.description}"
        return with_parameters(
            redirect_uri, error=failure.error, error_description=described, state=state, iss=self.issuer
        )


def need_of(request: AuthenticationRequest, client: Client, sources: Sources) -> Need:
    """What the journey has to reach for this request, as far as our sources can bring anybody there."""
    act_for = claims.ORGANISATION in request.scopes and bool(sources.having(KnowsOrganisations))
    wished = max(request.wished_level, ACTING_LEVEL) if act_for else request.wished_level
    silent = "none" in request.prompts  # nobody can be asked, so a mere wish must not stand in the way
    after = 0 if request.max_age_seconds is None else request.requested_at - request.max_age_seconds
    return Need(
        client_id=client.id, claim_names=tuple(dict.fromkeys((*request.userinfo_claims, *request.id_token_claims))),
        owed_level=request.owed_level,
        wished_level=1 if silent else min(wished, sources.highest_level()),
        authenticated_after=after,
        # max_age=0 asks for a new proof, whatever the second of the last one (section 3.1.2.1).
        sign_in_again="login" in request.prompts or request.max_age_seconds == 0,
        choose_again="select_account" in request.prompts, tell_again="consent" in request.prompts,
        act_for=act_for,
        only_person=request.hinted_person_id, ui_locales=request.ui_locales,
    )  # fmt: skip
