"""The addresses of a visit to a source: where it waits, and where it comes back to.

GET  /sign-in/<login>/visit/<handle>  where a visit waits: a form of ours, or the way to the source
POST /sign-in/<login>/visit/<handle>  what the person typed
GET  /callback/<source>               back from a source (POST: kept, then the same by GET)
GET  /certificate/<handle>            on the host that asks browsers for a certificate; on any other there is nothing
GET  /sources/<source>/metadata       what we publish for a source to read
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from connectors.base import Ask, AutoPost, Failure, Input, NeedClientCertificate, OutboundError, Redirect
from idp import errors
from idp.broker.desk import At, Desk, see_other
from idp.broker.journey import Journey
from idp.broker.shelf import Leg, Shelf
from idp.broker.steps import Step
from idp.broker.visits import Visits
from idp.errors import FROM_SOURCE, Refused
from idp.settings import Settings
from idp.sources import Sources
from idp.storage import ShortLived
from idp.web import language, pages

POSTED_SECONDS = 300
KEPT_OF_ONE_VISIT = 4  # each may be large, and is kept for minutes
FIELD_LIMIT = 50  # parameters in one answer
HANDLES = ("state", "RelayState")
TYPED_CHARACTERS = 200
CERTIFICATE_CHARACTERS = 32_768
METADATA_SECONDS = 300
DECISIONS = ("resend",)  # what a page may say beside "continue" and "cancel"


class VisitRoutes:
    def __init__(
        self, *, desk: Desk, journey: Journey, visits: Visits, shelf: Shelf, sources: Sources, short_lived: ShortLived,
        settings: Settings,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._journey = journey
        self._visits = visits
        self._shelf = shelf
        self._sources = sources
        self._short_lived = short_lived
        self._settings = settings

    def blueprint(self) -> Blueprint:
        room = Blueprint("visits", __name__)
        room.get("/sign-in/<login_id>/visit/<handle>", endpoint="stop")(self.stop)
        room.post("/sign-in/<login_id>/visit/<handle>", endpoint="typed")(self.typed)
        room.get("/callback/<source_id>", endpoint="callback")(self.callback)
        room.post("/callback/<source_id>", endpoint="posted_callback")(self.posted_callback)
        room.get("/certificate/<handle>", endpoint="certificate")(self.certificate)
        room.get("/sources/<source_id>/metadata", endpoint="metadata")(self.metadata)
        return room

    def stop(self, login_id: str, handle: str) -> Response:
        at = self._desk.at(login_id)
        if at is None or at.step is not Step.SIGN_IN:
            return self._desk.onward(login_id, at)
        leg = self._visits.waiting(at.login, handle)
        if leg is None:  # the back button, or a second tab: on to where the visit is now
            return self._desk.arrived(self._visits.arrived_before(handle, request.cookies))
        return self._page(at, handle, leg)

    def typed(self, login_id: str, handle: str) -> Response:
        at = self._desk.at(login_id, with_form=True)
        if at is None:
            return self._desk.onward(login_id, at)
        leg = self._visits.waiting(at.login, handle)
        answer = None
        if request.form.get("decision") != "cancel":
            answer = self._typed(leg.stop if leg is not None else None)
        return self._desk.arrived(self._visits.answered(at.login, handle, answer, request.cookies))

    def callback(self, source_id: str) -> Response:
        answer = self._input()
        return self._desk.arrived(self._visits.resume(_handle(answer), source_id, answer, request.cookies))

    def posted_callback(self, source_id: str) -> Response:
        """A cross-site POST carries no Lax cookie: it is kept for a moment, and the browser comes back by GET."""
        request.max_content_length = self._settings.limits.callback_bytes
        body = request.get_data()
        if not body.isascii():  # as every form is when it is sent
            raise Refused(errors.MALFORMED, "the answer is not a form")
        handle = _handle(_posted(body.decode("ascii"), ""))
        leg = self._shelf.leg(handle)
        if leg is None:
            return self._posted_again(handle, source_id)
        if leg.source_id != source_id or isinstance(leg.stop, Ask | NeedClientCertificate):
            raise Refused(errors.FOREIGN_STATE, source_id[:60])  # nobody was sent there to come back by a post
        self._count_kept(handle)
        kept = self._shelf.keep_posted(body.decode("ascii"), POSTED_SECONDS)
        return see_other(url_for("visits.callback", source_id=source_id, posted=kept))

    def _posted_again(self, handle: str, source_id: str) -> Response:
        """The visit is over: nothing more is kept of it, and a second click arrives where the first one did."""
        if self._shelf.login_of_walked_leg(handle) is None:
            raise Refused(errors.UNKNOWN_STATE)
        return see_other(f"{url_for('visits.callback', source_id=source_id)}?{urlencode({'state': handle})}")

    def _count_kept(self, handle: str) -> None:
        """One more thing is kept for this visit and this network; raises Refused for too many."""
        self._journey.count_network(request.remote_addr or "")
        if self._short_lived.count(f"kept:{handle}", POSTED_SECONDS) > KEPT_OF_ONE_VISIT:
            raise Refused(errors.TOO_MANY, "answers to one visit")

    def certificate(self, handle: str) -> Response:
        """What the browser has shown in its handshake here goes with it to our own host, where its cookies are.

        The header is the proxy's word, and no one else's: it is looked at on this one host, and only where the settings
        say that there is a proxy which sets or empties it.
        """
        settings = self._settings
        on_host = request.host == urlsplit(settings.client_certificate_url).netloc
        if not settings.client_certificate_header or not settings.trusted_proxies or not on_host:
            raise Refused(errors.NOT_FOUND)
        escaped = request.headers.get(settings.client_certificate_header, "")
        if len(escaped) > CERTIFICATE_CHARACTERS:
            raise Refused(errors.MALFORMED, "the certificate is too large")
        self._count_kept(handle)
        source_id, shown = self._visits.keep_certificate(handle, unquote(escaped).strip() or None)
        query = urlencode({"state": handle, "shown": shown})
        return see_other(f"{settings.issuer}{url_for('visits.callback', source_id=source_id)}?{query}")

    def metadata(self, source_id: str) -> Response:
        """Also of a source that is not switched on yet: it has to read this before."""
        source = self._sources.find(source_id)
        try:
            published = None if source is None else source.metadata()
        except OutboundError as problem:
            raise Refused(FROM_SOURCE[problem.failure], problem.detail) from None
        except (KeyError, ValueError):
            raise Refused(FROM_SOURCE[Failure.MISCONFIGURED], "its metadata cannot be made") from None
        if published is None:
            raise Refused(errors.NOT_FOUND)
        media_type, document = published
        headers = {"Cache-Control": f"public, max-age={METADATA_SECONDS}"}
        return Response(document, 200, headers, content_type=media_type)

    def page_of(self, at: At, handle: str) -> Response:
        """Where the visit waits, shown at once; a form of ours at an address of its own, to be read again there."""
        leg = self._visits.waiting(at.login, handle)
        if leg is None or isinstance(leg.stop, Ask):
            return see_other(url_for("visits.stop", login_id=at.login.id, handle=handle))
        return self._page(at, handle, leg)

    def _page(self, at: At, handle: str, leg: Leg) -> Response:
        spoken, source = language.of_request(at.login.need.ui_locales), self._sources.find(leg.source_id)
        if source is None:
            return self._desk.told(at.login.id, errors.SOURCE_GONE, leg.source_id)
        stop, name = leg.stop, source.name(spoken)
        if isinstance(stop, Redirect):
            return pages.onward(stop.url, name, spoken)
        if isinstance(stop, AutoPost):
            return pages.auto_post(pages.AutoPostPage(url=stop.url, fields=stop.fields, to=name), spoken)
        if isinstance(stop, Ask):
            page = pages.AskPage(
                source_vi=source.name_vi, source_en=source.name_en, fields=stop.fields,
                action_url=url_for("visits.typed", login_id=at.login.id, handle=handle),
                form_token=self._journey.form_token(at.login, request.cookies),
                note_id=stop.note_id, note_values=stop.note_values, problem_id=stop.problem_id,
            )  # fmt: skip
            return pages.ask(page, spoken)
        return pages.onward(f"{self._settings.client_certificate_url}/certificate/{handle}", name, spoken)

    def _typed(self, stop: object) -> Input:
        """The fields that were asked for, and nothing else that a form may hold."""
        names = {field.name for field in stop.fields} if isinstance(stop, Ask) else set()
        form = [(name, request.form.get(name, "")[:TYPED_CHARACTERS]) for name in names]
        decision = request.form.get("decision", "")
        if decision in DECISIONS:
            form.append(("decision", decision))
        return Input(method="POST", form=tuple(form), network=self._network())

    def _input(self) -> Input:
        """What came back: the query as received, the form that was kept of a POST, or a certificate; raises Refused."""
        posted, shown = request.args.get("posted"), request.args.get("shown")
        raw_query = request.query_string.decode("latin-1")
        if posted is not None:
            form = self._shelf.posted(posted)
            if form is None:
                raise Refused(errors.UNKNOWN_STATE)
            return _posted(form, self._network())
        came = Input(method="GET", raw_query=raw_query, network=self._network())
        if shown is None:
            return came
        pem = self._visits.certificate(_handle(came), shown)
        return Input(method="GET", raw_query=raw_query, client_certificate_pem=pem, network=self._network())

    def _network(self) -> str:
        return self._journey.network_name(request.remote_addr or "")


def _posted(form: str, network: str) -> Input:
    return Input(method="POST", form=tuple(_parsed(form)), network=network)


def _handle(answer: Input) -> str:
    """The handle that went with the person to the source; empty if none came back."""
    pairs = answer.form if answer.method == "POST" else _parsed(answer.raw_query)
    return next((value for name, value in pairs if name in HANDLES and value), "")


def _parsed(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELD_LIMIT)
    except ValueError:
        raise Refused(errors.MALFORMED, "the answer cannot be parsed") from None
