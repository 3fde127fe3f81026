"""The page that portals keep in a frame, asked by portals of other sites, in a real browser."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.wrappers import Request, Response

from tests.oidc.pages_of_portals import Site, sign_in, sign_out, site
from tests.world import Portal, World

# A portal's page: our page in a frame, and what a script of the portal asks it (section 3.1).
ASKING = """<!doctype html><title>portal</title><iframe id="op" src="{issuer}/session-check"></iframe><script>
var frame = document.getElementById("op");
var loaded = new Promise(function (done) {{ frame.onload = done; }});
function ask(message) {{
  return loaded.then(function () {{ return new Promise(function (done) {{
    window.addEventListener("message", function heard(event) {{
      if (event.source !== frame.contentWindow) return;
      window.removeEventListener("message", heard);
      done([event.origin, event.data]);
    }});
    frame.contentWindow.postMessage(message, "{issuer}");
  }}); }});
}}
</script>"""


@dataclass
class Asker:
    country: World
    portal: Portal
    site: Site
    tab: Page
    other: Site

    def says(self, message: Any, at: Site | None = None) -> str:
        """What our page answers to a page of that site."""
        self.tab.goto(f"{(at or self.site).base}/asking")
        origin, answer = self.tab.evaluate("message => ask(message)", message)
        assert origin == self.country.issuer
        return str(answer)


@pytest.fixture
def asker(country: World, chromium: Browser) -> Iterator[Asker]:
    def asking(_: Request) -> Response:
        return Response(ASKING.format(issuer=country.issuer), mimetype="text/html")

    with site(country) as (portal, own), site(country) as (_, other):
        own.pages["/asking"] = other.pages["/asking"] = asking
        context = chromium.new_context(locale="vi-VN")
        context.set_default_timeout(15_000)
        yield Asker(country, portal, own, context.new_page(), other)
        context.close()


def test_it_is_unchanged_until_the_person_signs_out_and_changed_from_then_on(asker: Asker) -> None:
    tokens = sign_in(asker.tab, asker.country, asker.portal)
    message = f"{asker.portal.id} {tokens.answer['session_state']}"
    assert asker.says(message) == "unchanged"
    assert asker.says(message) == "unchanged"
    sign_out(asker.tab, asker.portal, tokens)
    asker.tab.wait_for_url(f"{asker.portal.post_logout_redirect_uri}**")
    assert asker.says(message) == "changed"
    again = sign_in(asker.tab, asker.country, asker.portal)
    assert asker.says(message) == "changed"
    assert asker.says(f"{asker.portal.id} {again.answer['session_state']}") == "unchanged"


def test_it_is_noticed_while_the_portal_s_page_stands_open(asker: Asker) -> None:
    """Section 3.1: the portal asks every few seconds, and loads nothing for it."""
    tokens = sign_in(asker.tab, asker.country, asker.portal)
    message = f"{asker.portal.id} {tokens.answer['session_state']}"
    assert asker.says(message) == "unchanged"
    beside = asker.tab.context.new_page()
    sign_out(beside, asker.portal, tokens)
    beside.wait_for_url(f"{asker.portal.post_logout_redirect_uri}**")
    assert asker.tab.evaluate("message => ask(message)", message)[1] == "changed"


def test_another_site_learns_nothing_with_a_state_that_is_not_its_own(asker: Asker) -> None:
    tokens = sign_in(asker.tab, asker.country, asker.portal)
    message = f"{asker.portal.id} {tokens.answer['session_state']}"
    assert asker.says(message) == "unchanged"
    assert asker.says(message, at=asker.other) == "changed"
    assert asker.says(message.replace(asker.portal.id, "another", 1)) == "changed"


@pytest.mark.parametrize(
    "message",
    [
        "", "one", "client ", " state", "client state", "client {0}", "client .salt", "client {0}.", "client {0}.a b",
        "client  {0}.salt", "client {0}.salt\n", 1, None, {"a": 1}, ["client {0}.salt"], "c" * 200 + " {0}.salt",
    ],
)  # fmt: skip
def test_what_is_no_question_is_answered_with_error(asker: Asker, message: Any) -> None:
    """Section 3.2."""
    asked = message.format("0" * 64) if isinstance(message, str) else message
    assert asker.says(asked) == "error"


def test_its_digest_is_sha_256(asker: Asker) -> None:
    """Lengths around each block's end (FIPS 180-4 section 5.1.1), computed by another implementation."""
    origin = asker.site.base
    salts = ["s" * length for length in range(1, 100)]
    digests = [hashlib.sha256(f"c {origin}  {salt}".encode()).hexdigest() for salt in salts]
    questions = [f"c {digest}.{salt}" for digest, salt in zip(digests, salts, strict=True)]
    asker.tab.goto(f"{asker.site.base}/asking")
    answers = asker.tab.evaluate(
        "async messages => { const all = []; for (const one of messages) all.push((await ask(one))[1]); return all; }",
        questions,
    )
    assert answers == ["unchanged"] * len(salts)  # without a session the browser's state is empty


def test_it_runs_in_engines_that_know_nothing_newer_than_ecmascript_5(asker: Asker) -> None:
    """No crypto.subtle, nothing that waits, no word that an old engine cannot read."""
    asker.tab.goto(f"{asker.country.issuer}/session-check")
    address = asker.tab.locator("script").get_attribute("src")
    script = asker.country.http.get(f"{asker.country.issuer}{address}", timeout=30).text
    code = "\n".join(line.split("//")[0] for line in script.splitlines())
    for newer in (
        "=>",
        "let ",
        "const ",
        "`",
        "async",
        "await",
        "Promise",
        "subtle",
        "class ",
        "import",
        "...",
        "for (var x of",
    ):
        assert newer not in code, newer
    assert json.dumps(asker.tab.evaluate("document.body.innerText")) == '""'
