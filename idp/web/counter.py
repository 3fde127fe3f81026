"""The page at which a clerk checks digital IDs, and the script that keeps it for the time without network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from flask import Response

from idp.web import static_file, static_names, static_url
from idp.web.headers import harden
from idp.web.language import LANGUAGES, Language
from idp.web.pages import render

SCOPE = "/counter"
WORKER = f"{SCOPE}/worker.js"
_SCRIPT = "counter/worker.js"
_OF_EVERY_PAGE = ("pages.css", "comfort.js", "door.svg")
# What the page's scripts say (`counter.says.…`); the reasons are the caller's.
WORDS = (
    "camera_on", "camera_off", "news", "news_no_lists", "news_none", "news_stale", "problem_offline",
    "problem_not_believed", "problem_clock", "answer_genuine", "answer_genuine_status_old",
    "answer_genuine_status_unknown", "answer_refused", "answer_not_verified", "age_title", "age_only", "compare",
    "present", "shown_before", "turn", "name", "born", "sex", "sex_1", "sex_2", "sex_3", "nationality", "card_number",
    "expires", "status_as_of", "photo", "nothing_read", "nothing_read_hint", "no_picture", "no_camera",
    "no_camera_hint", "failed", "national", "national_number", "national_former", "national_name", "national_born",
    "national_sex", "national_residence", "national_issued",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CounterPage:
    """`reasons` are all for which a code can be refused or doubted; `decode_url` reads codes from pictures, if any."""

    issuer: str
    reasons: tuple[str, ...]
    decode_url: str = ""


def counter(page: CounterPage, language: Language) -> Response:
    words = (*WORDS, *(f"reason_{reason}" for reason in page.reasons))
    return render(
        "counter.html", language, page=page, words=words, worker_url=WORKER, scope=SCOPE, asks_again=True, camera=True
    )


def worker(page: CounterPage) -> Response:
    """The service worker: the same bytes as long as the page and all its files are the same."""
    paths = [f"{SCOPE}?lang={language}" for language in LANGUAGES]
    paths += [static_url(name) for name in (*_OF_EVERY_PAGE, *static_names("counter")) if name != _SCRIPT]
    shown = b"".join(counter(page, language).get_data() for language in LANGUAGES)
    files = {"version": sha256("".join(paths).encode() + shown).hexdigest()[:16], "paths": paths}
    script = f"const FILES = {json.dumps(files)};\n".encode() + static_file(_SCRIPT)
    response = Response(script, mimetype="text/javascript", headers={"Service-Worker-Allowed": SCOPE})
    response.headers["Cache-Control"] = "no-cache"
    return harden(response, asks_again=True)
