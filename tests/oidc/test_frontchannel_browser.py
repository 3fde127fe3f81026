"""Front-channel sign-out as a real browser does it: cookies of other sites, a portal that is silent, no script."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from werkzeug.wrappers import Request, Response

from idp.web.leaving import LONGEST_WAIT_MILLISECONDS
from tests.oidc.pages_of_portals import Site, sign_in, sign_out, site
from tests.servers import eventually
from tests.world import Portal, World

SLOW_SECONDS = 20


@pytest.fixture
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    script = getattr(request, "param", True)
    context = chromium.new_context(locale="vi-VN", java_script_enabled=script)
    context.set_default_timeout(15_000)
    yield context
    context.close()


WITH_AND_WITHOUT_SCRIPT = pytest.mark.parametrize(
    "context", [True, False], ids=["with script", "without script"], indirect=True
)


def keeps_a_cookie(shown: Site) -> None:
    """The portal's session is a cookie in the browser, and its front channel takes it away."""
    attributes = "Path=/; SameSite=None; Secure"

    def arrived(_: Request) -> Response:
        return Response("in", mimetype="text/html", headers={"Set-Cookie": f"portal=in; {attributes}"})

    def told(request: Request) -> Response:
        assert shown.answering.wait(SLOW_SECONDS)
        gone = {"Set-Cookie": f"portal=; {attributes}; Max-Age=0"}
        return Response(request.cookies.get("portal", "out"), mimetype="text/html", headers=gone)

    shown.pages |= {"/callback": arrived, "/frontchannel": told}


def cookies_of(context: BrowserContext, shown: Site) -> list[str]:
    return [str(cookie.get("value")) for cookie in context.cookies(shown.base) if cookie.get("name") == "portal"]


@pytest.fixture
def ministry(country: World) -> Iterator[tuple[Portal, Site]]:
    with site(country, frontchannel_logout_uri="/frontchannel", frontchannel_logout_session_required=True) as found:
        keeps_a_cookie(found[1])
        yield found


@pytest.fixture
def province(country: World) -> Iterator[tuple[Portal, Site]]:
    with site(country, frontchannel_logout_uri="/frontchannel") as found:
        keeps_a_cookie(found[1])
        yield found


@WITH_AND_WITHOUT_SCRIPT
def test_every_portal_s_cookie_is_gone_and_the_person_is_back(
    country: World, context: BrowserContext, ministry: tuple[Portal, Site], province: tuple[Portal, Site]
) -> None:
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    tab = context.new_page()
    (portal, shown), (other, beside) = ministry, province
    tokens = [sign_in(tab, country, each) for each in (portal, other)]
    assert [cookies_of(context, each) for each in (shown, beside)] == [["in"], ["in"]]
    sign_out(tab, portal, tokens[0])
    tab.wait_for_url(f"{portal.post_logout_redirect_uri}**")
    assert [cookies_of(context, each) for each in (shown, beside)] == [[], []]
    (told,) = [request for request in shown.asked if request.path == "/frontchannel"]
    assert told.args.to_dict() == {"iss": country.issuer, "sid": tokens[0].claims["sid"]}
    assert told.cookies["portal"] == "in"  # without it a portal could end nothing
    assert "Referer" not in told.headers
    assert complaints == []


def test_a_portal_that_does_not_answer_holds_up_neither_the_others_nor_the_person(
    country: World, context: BrowserContext, ministry: tuple[Portal, Site], province: tuple[Portal, Site]
) -> None:
    tab = context.new_page()
    (portal, shown), (other, silent) = ministry, province
    tokens = [sign_in(tab, country, each) for each in (portal, other)]
    silent.answering.clear()
    began = time.monotonic()
    sign_out(tab, portal, tokens[0])
    eventually(lambda: cookies_of(context, shown) == [])
    eventually(lambda: "/frontchannel" in silent.paths())
    tab.wait_for_url(f"{portal.post_logout_redirect_uri}**")
    assert time.monotonic() - began < LONGEST_WAIT_MILLISECONDS / 1000 + 5


@pytest.mark.parametrize("context", [False], indirect=True)
def test_without_script_nobody_has_to_wait_for_it_either(
    country: World, context: BrowserContext, ministry: tuple[Portal, Site], province: tuple[Portal, Site]
) -> None:
    tab = context.new_page()
    (portal, shown), (other, silent) = ministry, province
    tokens = [sign_in(tab, country, each) for each in (portal, other)]
    silent.answering.clear()
    sign_out(tab, portal, tokens[0])
    expect(tab.locator("h1")).to_have_text("Bạn đã đăng xuất")
    eventually(lambda: cookies_of(context, shown) == [])
    tab.locator("a.button").click()
    tab.wait_for_url(f"{portal.post_logout_redirect_uri}**")


def test_a_portal_can_lead_nobody_away(
    country: World, context: BrowserContext, ministry: tuple[Portal, Site], province: tuple[Portal, Site]
) -> None:
    """Its frame may run scripts, but neither move our page nor open another."""
    tab = context.new_page()
    (portal, _), (other, wicked) = ministry, province
    wicked.pages["/frontchannel"] = lambda _: Response(
        "<script>try { top.location = '/stolen' } catch (e) {} window.open('/stolen'); fetch('/tried')</script>",
        mimetype="text/html",
    )
    tokens = [sign_in(tab, country, each) for each in (portal, other)]
    sign_out(tab, portal, tokens[0], back=False)
    eventually(lambda: "/tried" in wicked.paths())
    expect(tab.locator("h1")).to_have_text("Bạn đã đăng xuất")
    assert len(context.pages) == 1
    assert "/stolen" not in wicked.paths()
