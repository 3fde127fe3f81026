"""Answering a portal: a code where all is well, an error where not; always with `state` and `iss` (RFC 9207).

How it gets there is the response_mode: in the query, in the fragment, or by a form that the browser sends; each plain,
or as one signed token (JWT Secured Authorization Response Mode for OAuth 2.0, JARM).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.registers import KnowsOrganisations
from idp import clock, entropy, errors
from idp.broker import ACTING_LEVEL, Need, acts_for
from idp.broker.shelf import Answer
from idp.clients import AuthenticationRequest, Client
from idp.clients.keys import NoKey
from idp.clients.urls import is_of_native_app
from idp.errors import Failure, Refused
from idp.oidc.http import with_fragment, with_parameters
from idp.oidc.jose import Jose
from idp.oidc.sealed import Code, redirect_mark, resource_mark, seal_code
from idp.oidc.session_management import session_state
from idp.people import claims
from idp.seal import Sealer, from_text
from idp.sessions import Standing
from idp.sources import Sources

SIGNED = ".jwt"
PLAIN_MODES = ("query", "fragment", "form_post")
# `jwt` alone is the signed form of what response_type=code has by default (JARM section 2.3.4).
RESPONSE_MODES = (*PLAIN_MODES, *(mode + SIGNED for mode in PLAIN_MODES), "jwt")
SIGNED_ANSWER_SECONDS = 300  # JARM section 2.1: ten minutes at most


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An answer on its way to its portal: an address to go to, or with `fields` a form to send there."""

    client: Client
    url: str
    fields: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    sealer: Sealer
    issuer: str
    jose: Jose

    def code(
        self, request: AuthenticationRequest, need: Need, standing: Standing, session_cookie: str | None
    ) -> Answer:
        """A code for this person; nothing is written until it is redeemed."""
        parameters = {"code": sealed_code(self.sealer, request, need, standing)}
        state = session_state(request.client_id, request.redirect_uri, session_cookie)
        if state is not None:
            parameters["session_state"] = state
        return self._answer(request.redirect_uri, request.state, request.response_mode, parameters)

    def error(self, redirect_uri: str, state: str | None, mode: str, failure: Failure) -> Answer:
        parameters = {"error": failure.error, "error_description": f"{failure.code}: {failure.description}"}
        return self._answer(redirect_uri, state, mode, parameters)

    def delivered(self, answer: Answer, client: Client) -> Delivery:
        """The answer in its mode; raises Refused if it must be encrypted and the client has no key for that."""
        parameters: Mapping[str, str] = answer.parameters
        if answer.mode.endswith(SIGNED):
            parameters = {"response": self._signed(answer, client)}
        mode = answer.mode.removesuffix(SIGNED)
        if mode == "form_post":
            return Delivery(client=client, url=answer.redirect_uri, fields=tuple(parameters.items()))
        placed = with_fragment if mode == "fragment" else with_parameters
        return Delivery(client=client, url=placed(answer.redirect_uri, **parameters))

    def _signed(self, answer: Answer, client: Client) -> str:
        """JARM section 2.1. It says itself who answers whom and until when, so that no answer passes for another."""
        claims = answer.parameters | {"aud": client.id, "exp": clock.seconds() + SIGNED_ANSWER_SECONDS}
        try:
            return self.jose.protect(claims, client, "authorization")
        except NoKey:
            raise Refused(errors.NO_KEY_FOR_ANSWER, client.id) from None

    def _answer(self, redirect_uri: str, state: str | None, mode: str, parameters: dict[str, str]) -> Answer:
        returned = {} if state is None else {"state": state}
        return Answer(
            redirect_uri=redirect_uri, parameters={**parameters, **returned, "iss": self.issuer}, mode=mode,
            given_at=clock.seconds(),
        )  # fmt: skip


def sealed_code(sealer: Sealer, request: AuthenticationRequest, need: Need, standing: Standing) -> str:
    mandate = acts_for(need, standing)
    code = Code(
        grant_id=entropy.ordered_id(), session_id=standing.session_id, person_id=standing.person_id,
        client_id=request.client_id, redirect_uri=redirect_mark(request.redirect_uri),
        code_challenge=request.code_challenge, nonce=request.nonce, scopes=request.scopes,
        id_token_claims=request.id_token_claims, userinfo_claims=request.userinfo_claims,
        auth_time=standing.auth_time, level=standing.level, issued_at=clock.seconds(),
        mandate_id=None if mandate is None else mandate.id,
        dpop_jkt=None if request.dpop_jkt is None else from_text(request.dpop_jkt),
        resource=None if request.resource is None else resource_mark(request.resource),
        remembered=from_text(request.remembered) if request.remembered else b"",
    )  # fmt: skip
    return seal_code(sealer, code)


def mode_of(given: Mapping[str, str], client: Client) -> str:
    """The response_mode asked for, or the client's usual one; raises Refused for what it cannot have."""
    usual = usual_mode(client)
    mode = given.get("response_mode", usual)
    if mode == "jwt":
        mode = "query" + SIGNED
    if mode not in RESPONSE_MODES or (client.answers_are_signed and not mode.endswith(SIGNED)):
        raise Refused(errors.BAD_RESPONSE_MODE)
    return mode


def usual_mode(client: Client) -> str:
    return "query" + SIGNED if client.answers_are_signed else "query"


def need_of(request: AuthenticationRequest, client: Client, sources: Sources) -> Need:
    """What the journey has to reach for this request, as far as our sources can bring anybody there."""
    act_for = claims.ORGANISATION in request.scopes and bool(sources.having(KnowsOrganisations))
    wished = max(request.wished_level, ACTING_LEVEL) if act_for else request.wished_level
    silent = "none" in request.prompts  # nobody can be asked, so a mere wish must not stand in the way
    # Any program on the device can ask in the name of an app that cannot prove itself, and get its answer there: the
    # person sees who wants in, each time (RFC 8252 section 8.6).
    is_anybodys = client.is_public and is_of_native_app(request.redirect_uri)
    at_counter = request.device is not None and client.device_confirmation  # who stands there sees what they agree to
    after = 0 if request.max_age_seconds is None else request.requested_at - request.max_age_seconds
    return Need(
        client_id=client.id,
        claim_names=tuple(
            dict.fromkeys((*request.userinfo_claims, *request.id_token_claims, *request.told_claims))
        ),
        owed_level=request.owed_level,
        wished_level=1 if silent else min(wished, sources.highest_level()),
        authenticated_after=after,
        # max_age=0 asks for a new proof, whatever the second of the last one (section 3.1.2.1).
        sign_in_again="login" in request.prompts or request.max_age_seconds == 0,
        choose_again="select_account" in request.prompts,
        tell_again="consent" in request.prompts or is_anybodys or at_counter,
        act_for=act_for, offline=claims.OFFLINE_ACCESS in request.scopes,
        only_person=request.hinted_person_id, ui_locales=request.ui_locales,
        answered_at=request.redirect_uri,
    )  # fmt: skip
