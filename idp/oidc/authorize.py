"""`/authorize` (OpenID Connect Core section 3.1.2): with a session good enough, the answer at once; else the journey.

A plain function from request to response. The hot path is: read the request, one read of the session as this portal
sees it, seal a code, redirect. It writes nothing.
"""

from __future__ import annotations

from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker import Journey, Login, Progress, Shelf, Step, next_step
from idp.broker.shelf import Answer
from idp.clients import AuthenticationRequest, Client, Clients
from idp.clients.own import ACCOUNT
from idp.errors import CATALOGUE, Failure, Refused
from idp.oidc.answering import Answers, Delivery, need_of
from idp.oidc.device import PAGE as DEVICE_PAGE
from idp.oidc.http import Parameters, Request, Response, see_other
from idp.oidc.reading import Reader, Returned
from idp.oidc.refusing import note_refusal
from idp.oidc.sealed import Unreadable, open_code
from idp.seal import Sealer
from idp.sessions import Sessions, Standing
from idp.sessions.cookies import Cookies
from idp.sessions.grants import Grants
from idp.sources import Sources

POSTED = "posted"
POSTED_SECONDS = 300
_SILENT_ANSWERS = {
    Step.SIGN_IN: errors.LOGIN_REQUIRED,
    Step.WRONG_PERSON: errors.HINT_MISMATCH,
    Step.CHECK: errors.INTERACTION_REQUIRED,
    Step.ACT_FOR: errors.INTERACTION_REQUIRED,
    Step.TELL: errors.CONSENT_REQUIRED,
}


class Authorize:
    def __init__(
        self, *, reader: Reader, answers: Answers, clients: Clients, sessions: Sessions, sources: Sources,
        journey: Journey, shelf: Shelf, grants: Grants, sealer: Sealer, audit: Audit, cookies: Cookies,
        code_seconds: int,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._answers = answers
        self._clients = clients
        self._sessions = sessions
        self._sources = sources
        self._journey = journey
        self._shelf = shelf
        self._grants = grants
        self._sealer = sealer
        self._audit = audit
        self._cookies = cookies
        self._code_seconds = code_seconds

    def __call__(self, request: Request) -> Response | Delivery:
        """The answer, or the redirect that goes on; raises Refused for what only a page can tell."""
        if request.method == "POST":
            return self._kept_for_get(request)
        try:
            asked, client = self._reader.read(self._parameters(request))
        except Returned as problem:
            note_refusal(self._audit, problem.failure, detail=problem.detail, client_id=problem.client.id)
            told = self._answers.error(problem.redirect_uri, problem.state, problem.mode, problem.failure)
            return self._answers.delivered(told, problem.client)
        need = need_of(asked, client, self._sources)
        cookie = self._cookies.session(request.cookies)
        standing = self._sessions.standing(cookie, client)
        step = next_step(need, client, standing, Progress())
        if step is Step.ANSWER and standing is not None:
            return self._at_once(self._answers.code(asked, need, standing, cookie), asked, client)
        if asked.owed_level > self._sources.highest_level():
            return self._at_once(self._refusal(asked, errors.UNMET_LEVEL), asked, client)
        if "none" in asked.prompts:
            return self._at_once(self._refusal(asked, _silent_answer(step, standing, asked)), asked, client)
        started = self._journey.start(need, asked.to_json(), request.cookies, request.network)
        cookies = [("Set-Cookie", cookie) for cookie in started.cookies]
        return see_other(f"/sign-in/{started.login_id}", *cookies)

    def resume(self, login: Login, request: Request) -> Response | Delivery | Client:
        """The answer that a journey has come to; the portal alone if it was given before and cannot be repeated.

        Of two clicks both get the same answer, so that whichever response the browser shows leads on.
        """
        if login.need.is_our_own:
            return see_other(login.need.answered_at or ACCOUNT)
        asked = AuthenticationRequest.from_json(login.request)
        if asked.device is not None:  # its answer waits until the device asks: `device_routes`
            return see_other(f"{DEVICE_PAGE}/{login.id}/end")
        client = self._journey.client_of(login)
        given = login.answer
        if given is None:
            answer = self._answer(login, asked, client, request)
            if answer is None:
                return see_other(f"/sign-in/{login.id}")
            given = self._shelf.keep_answer(login.id, self._spent(answer, asked, login.id))
        elif clock.seconds() - given.given_at >= self._code_seconds:
            return client
        elif self._is_redeemed(given):
            return Delivery(client=client, url=client.home_url)
        return self._answers.delivered(given, client)

    def _at_once(self, answer: Answer, asked: AuthenticationRequest, client: Client) -> Delivery:
        return self._answers.delivered(self._spent(answer, asked, entropy.short_handle()), client)

    def _spent(self, answer: Answer, asked: AuthenticationRequest, answered_by: str) -> Answer:
        """This answer, if the request was not pushed, or has no answer yet (RFC 9126 section 7.3); else a refusal."""
        if asked.pushed is None or self._shelf.spend_pushed(asked.pushed, answered_by):
            return answer
        return self._refusal(asked, errors.BAD_REQUEST_URI)

    def _is_redeemed(self, answer: Answer) -> bool:
        """Whether the portal has its tokens: the code sent once more would only take away what it bought."""
        code = answer.parameters.get("code")
        if code is None:
            return False
        try:
            return self._grants.exists(open_code(self._sealer, code, self._code_seconds).grant_id)
        except Unreadable:
            return False

    def _answer(self, login: Login, asked: AuthenticationRequest, client: Client, request: Request) -> Answer | None:
        """What the portal is told; None if the journey is not at its end."""
        if not client.takes_answers_at(asked.redirect_uri):
            raise Refused(errors.BAD_REDIRECT_URI, client.id)  # taken off the registration while the person signed in
        if login.verdict is not None:
            return self._answers.error(asked.redirect_uri, asked.state, asked.response_mode, CATALOGUE[login.verdict])
        if login.expired:
            return self._refusal(asked, errors.LOGIN_EXPIRED)
        standing = self._journey.standing(client, request.cookies)
        step = self._journey.step(login, client, standing)
        if step is Step.ANSWER and standing is not None:
            return self._answers.code(asked, login.need, standing, self._cookies.session(request.cookies))
        return self._refusal(asked, errors.HINT_MISMATCH) if step is Step.WRONG_PERSON else None

    def _parameters(self, request: Request) -> Parameters:
        parameters = Parameters.parse(request.query)
        given = parameters.as_dict()
        posted = given.get(POSTED)
        if posted is None or "client_id" in given:  # a portal may send a parameter of that name; it means nothing to us
            return parameters
        kept = self._shelf.take_posted(posted)
        if kept is None:
            raise Refused(errors.LOGIN_GONE, "a posted request that is gone")
        return Parameters.parse(kept)

    def _kept_for_get(self, request: Request) -> Response:
        """A POST from a portal's page is cross-site and carries no Lax cookie: it comes back by GET.

        Nothing is kept for whoever is no portal, nor for one network more often than it may begin to sign in.
        """
        self._reader.portal(request.form())
        self._journey.count_network(request.network)
        kept = self._shelf.keep_posted(request.body.decode(), POSTED_SECONDS)
        return see_other(f"/authorize?{POSTED}={kept}")

    def _refusal(self, asked: AuthenticationRequest, failure: Failure) -> Answer:
        note_refusal(self._audit, failure, client_id=asked.client_id)
        return self._answers.error(asked.redirect_uri, asked.state, asked.response_mode, failure)


def _silent_answer(step: Step, standing: Standing | None, asked: AuthenticationRequest) -> Failure:
    """Why prompt=none cannot be answered (section 3.1.2.6)."""
    expected = asked.hinted_person_id
    if standing is not None and expected is not None and standing.person_id.hex() != expected:
        return errors.HINT_MISMATCH
    return _SILENT_ANSWERS[step]
