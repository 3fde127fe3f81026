"""Every page of the sign-in, one function each: from a dataclass of what it shows to a finished response."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from flask import Response, current_app, render_template, request

from connectors.base import Failure as SourceFailure
from connectors.base import Field, Organisation
from idp import clock
from idp.errors import (
    FROM_SOURCE,
    OVERLOADED,
    PERSON_BARRED,
    PERSON_CONFLICT,
    REGISTER_DIFFERS,
    REGISTER_UNKNOWN,
    Failure,
)
from idp.settings import Settings
from idp.web.headers import form_source, harden
from idp.web.language import ARGUMENT, COOKIE, COOKIE_SECONDS, LANGUAGES, Language, other
from idp.web.words import AUTHORITIES, LEVELS, RESENDABLE, SOURCE_KINDS, NamedItself

SEARCH_ABOVE_SOURCES = 12
SEARCH_CHARACTERS = 80
MASKED_TAIL_CHARACTERS = 4
INCOMPLETE_FORM_STATUS = 422  # RFC 9110 section 15.5.21

# A conflict, a bar and a death look the same to whoever sits there, code and all: it may be somebody else.
UNTOLD_FAILURES = (
    PERSON_CONFLICT, PERSON_BARRED, REGISTER_DIFFERS, REGISTER_UNKNOWN, FROM_SOURCE[SourceFailure.DECEASED],
)  # fmt: skip

Link = tuple[str, str]  # an address, and the name of what is there


@dataclass(frozen=True, kw_only=True)
class SourceTile:
    """One source on the choice page; `kind` is one of `words.SOURCE_KINDS`, anything else is shown as "other"."""

    id: str
    name_vi: str
    name_en: str
    kind: str
    level: int  # the most it can give, 1 to 4
    selectable: bool = True
    reason_id: str | None = None  # words.Reason, when it cannot be chosen
    health: Literal["up", "slow", "down"] = "up"


@dataclass(frozen=True, kw_only=True)
class OfPortal:
    """What a portal registered to be shown of itself."""

    logo_url: str | None = None
    policy_url: str | None = None
    terms_url: str | None = None
    named_itself: NamedItself | None = None  # where nobody else vouches for its name
    place: str = ""  # beside that name: the host, or the app, that the answer goes to

    @property
    def images(self) -> tuple[str, ...]:
        return () if self.logo_url is None else (self.logo_url,)


@dataclass(frozen=True, kw_only=True)
class ChoosePage:
    """POST to `action_url` brings `form_token` and `source`; POST to `cancel_url` brings `form_token`."""

    portal_vi: str
    portal_en: str
    level: int  # the level owed, 1 to 4
    sources: tuple[SourceTile, ...]
    action_url: str
    cancel_url: str
    form_token: str
    banner_id: str | None = None  # words.Banner
    banner_source: tuple[str, str] | None = None  # whom the banner is about: name in Vietnamese, name in English
    of_portal: OfPortal = OfPortal()
    form_targets: tuple[str, ...] = ()  # where the posts may lead: each source's and the portal's addresses
    phone_url: str | None = None  # a POST there begins the way by a phone; it brings `form_token`


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """One thing that a portal is told. Of a masked value only the last four characters reach the page."""

    label_id: str  # words.ClaimLabel
    value: str
    masked: bool = False

    @property
    def tail(self) -> str:
        return self.value[-MASKED_TAIL_CHARACTERS:] if len(self.value) > MASKED_TAIL_CHARACTERS else ""


@dataclass(frozen=True, kw_only=True)
class InformationPage:
    """What goes to whom. POST brings `form_token`, `decision` (continue, cancel, switch), `consent` ("yes" if ticked).

    Without lines it is the anonymous page: the portal learns a number of its own and nothing else.
    """

    portal_vi: str
    portal_en: str
    source_vi: str
    source_en: str
    level: int
    lines: tuple[ClaimLine, ...]
    action_url: str
    form_token: str
    acting_for: str | None = None  # the organisation that the person acts for
    acting_url: str | None = None  # where they can say otherwise
    consent_required: bool = False
    consent_missing: bool = False  # Continue was pressed without the tick
    offline: bool = False  # the portal may go on reading when the person has left
    of_portal: OfPortal = OfPortal()
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActingPage:
    """For whom the person acts. POST brings `form_token` and `act_for` (myself, a tax code) or `decision` (cancel)."""

    portal_vi: str
    portal_en: str
    person: str
    organisations: tuple[Organisation, ...]
    complete: bool  # every register answered
    action_url: str
    retry_url: str
    form_token: str
    not_theirs: bool = False  # what was chosen is not in the list any more
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AutoPostPage:
    """A form on its way to another party (SAML, form_post); `to` is the name of who receives it."""

    url: str
    fields: tuple[tuple[str, str], ...]
    to: str
    form_targets: tuple[str, ...] = ()  # where that party may lead on to; `url` itself is understood


@dataclass(frozen=True, kw_only=True)
class AskPage:
    """POST brings `form_token`, `decision` (continue, cancel) and the fields by their names."""

    source_vi: str
    source_en: str
    fields: tuple[Field, ...]
    action_url: str
    form_token: str
    note_id: str | None = None  # words.Note, with `note_values` in it
    note_values: tuple[tuple[str, str], ...] = ()
    problem_id: str | None = None  # words.Problem
    form_targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """One claim of one scope, for the table that portals read."""

    scope: str
    claim: str
    label_id: str  # words.ClaimLabel
    by_operator: bool = False  # only for portals that an operator granted it


def choose(page: ChoosePage, language: Language) -> Response:
    asked = request.args.get("q", "")[:SEARCH_CHARACTERS].strip()
    searchable = len(page.sources) > SEARCH_ABOVE_SOURCES
    shown = [tile for tile in page.sources if _fits(tile, asked)] if searchable else list(page.sources)
    return render(
        "choose.html", language, form_targets=page.form_targets, images=page.of_portal.images, page=page,
        searchable=searchable, asked=asked,
        kept=[(name, value) for name, value in request.args.items(multi=True) if name != "q"],
        usable=[tile for tile in shown if tile.selectable],
        unusable=[tile for tile in shown if not tile.selectable],
    )  # fmt: skip


def information(page: InformationPage, language: Language) -> Response:
    status = INCOMPLETE_FORM_STATUS if page.consent_missing else 200
    return render(
        "information.html", language, status=status, form_targets=page.form_targets, images=page.of_portal.images,
        page=page,
        offline_days=settings().lifetimes.refresh_token_days,
    )  # fmt: skip


def acting(page: ActingPage, language: Language) -> Response:
    asked = request.args.get("q", "")[:SEARCH_CHARACTERS].strip()
    searchable = len(page.organisations) > SEARCH_ABOVE_SOURCES
    words = plain(asked).split() if searchable else []
    shown = [one for one in page.organisations if all(word in plain(f"{one.name} {one.tax_code}") for word in words)]
    return render(
        "acting.html", language, status=INCOMPLETE_FORM_STATUS if page.not_theirs else 200,
        form_targets=page.form_targets, page=page, shown=shown, searchable=searchable, asked=asked,
        authorities=AUTHORITIES,
    )  # fmt: skip


def failure(
    failure: Failure, request_id: str, language: Language, *,
    return_link: Link | None = None, retry_url: str | None = None, contact: str | None = None,
) -> Response:  # fmt: skip
    """Says what happened and what to do; `return_link` leads to the portal, `contact` is the settings' unless given."""
    return render(
        "failure.html", language, status=failure.status, failure=failure, request_id=request_id,
        return_link=return_link if return_link and may_be_linked(return_link[0]) else None,
        retry_url=retry_url if retry_url and may_be_linked(retry_url) else None,
        contact=settings().contact if contact is None else contact,
        code="" if failure in UNTOLD_FAILURES else failure.code, happened_at=clock.now(),
    )  # fmt: skip


def overloaded(language: Language) -> Response:
    """For whoever would have to wait too long; it holds nothing of the request, so that it can be made beforehand."""
    return render("overloaded.html", language, status=OVERLOADED.status, failure=OVERLOADED)


def finished(language: Language, portal: Link | None = None) -> Response:
    """For a sign-in that was answered already: the back button, a second tab."""
    return render("finished.html", language, portal=portal if portal and may_be_linked(portal[0]) else None)


def auto_post(page: AutoPostPage, language: Language) -> Response:
    return render("auto_post.html", language, form_targets=(page.url, *page.form_targets), page=page)


def onward(url: str, to: str, language: Language) -> Response:
    """Sends the browser on by itself, as a redirect would, but after a form: form-action does not follow it there.

    Chromium holds every redirect after a POST against form-action, and a source's or portal's own we cannot foresee.
    """
    form_source(url)  # raises ValueError for what is no address of a page or an app
    return render("onward.html", language, url=url, to=to)


def ask(page: AskPage, language: Language) -> Response:
    status = INCOMPLETE_FORM_STATUS if page.problem_id else 200
    return render(
        "ask.html", language, status=status, form_targets=page.form_targets, page=page,
        note_values=dict(page.note_values), resendable=page.note_id in RESENDABLE,
    )  # fmt: skip


def home(language: Language, claims_url: str) -> Response:
    return render("home.html", language, claims_url=claims_url)


def claims_table(rows: Sequence[ClaimRow], language: Language) -> Response:
    scopes = {row.scope: [other_row for other_row in rows if other_row.scope == row.scope] for row in rows}
    return render("claims.html", language, scopes=scopes)


def render(
    template: str, language: Language, *, status: int = 200, form_targets: Iterable[str] = (),
    frames: Iterable[str] = (), images: Iterable[str] = (), asks_again: bool = False, camera: bool = False,
    **values: object,
) -> Response:  # fmt: skip
    """A page from a template that extends base.html, hardened, in that language; a choice of language is remembered.

    `form_targets`, `frames` and `images` are the addresses elsewhere that it leads to or loads; see `harden`. A page
    that `asks_again` may ask us by script whether there is news, one with a `camera` look through it.
    """
    names = {"vi": settings().name_vi, "en": settings().name_en}
    body = render_template(
        template, language=language, other_language=other(language), switch_url=_switch_url(other(language)),
        brand=names[language], brand_other=names[other(language)], settings=settings(), contact_href=contact_href,
        levels=LEVELS, kinds=SOURCE_KINDS, **values,
    )  # fmt: skip
    response = Response(body, status, mimetype="text/html")
    response.headers["Content-Language"] = language
    if request.method == "GET" and request.args.get(ARGUMENT) in LANGUAGES:
        response.set_cookie(
            COOKIE, language, COOKIE_SECONDS, secure=settings().secure, httponly=True, samesite="Lax", path="/"
        )
    return harden(
        response, form_targets=form_targets, frames=frames, images=images, asks_again=asks_again, camera=camera
    )


def settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def plain(words: str) -> str:
    """Words without case and Vietnamese marks, so that "ngan hang" finds "Ngân hàng"."""
    letters = unicodedata.normalize("NFD", words.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def contact_href(contact: str) -> str | None:
    """Where a link for this contact leads: a mail, a web page; None for a telephone number or words."""
    if re.fullmatch(r"[^\s@:?&]+@[^\s@:?&]+", contact):
        return f"mailto:{contact}"
    return contact if re.fullmatch(r"https?://\S+", contact) else None


def _fits(tile: SourceTile, asked: str) -> bool:
    haystack = plain(f"{tile.name_vi} {tile.name_en}")
    return all(word in haystack for word in plain(asked).split())


def _switch_url(language: Language) -> str:
    # Only a query: it keeps the path whatever it is, and a path like //elsewhere.example cannot become a host.
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != ARGUMENT]
    return "?" + urlencode([*kept, (ARGUMENT, language)])


def may_be_linked(url: str) -> bool:
    """Whether an address may stand in a link: one of ours, a web page, or a native app; never a script."""
    if re.match(r"/(?![/\\])", url):
        return True
    try:
        return bool(form_source(url))
    except ValueError:
        return False
