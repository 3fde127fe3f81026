"""The signing page in a real browser, under its own policy: one click from the challenge back to whoever asked."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from werkzeug.serving import make_server

from tests.quiet import Quiet
from tests.sandbox.conftest import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class Asker:
    """Sends a browser to the signing page as a provider would, and keeps what comes back."""

    def __init__(self) -> None:
        self.signing_url = ""
        self.own_url = ""
        self.came: dict[str, list[str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        if environ["REQUEST_METHOD"] == "POST":
            self.came = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
            return [b"<!doctype html><title>back</title><h1 id=back>Back</h1>"]
        fields = {"challenge": base64.b64encode(b"to sign").decode(), "return_url": self.own_url, "RelayState": "h"}
        inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        page = f'<!doctype html><title>start</title><form method="post" action="{self.signing_url}">{inputs}<button>'
        return [f"{page}Sign</button></form>".encode()]


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    asker = Asker()
    server = make_server("127.0.0.1", 0, asker, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with running("authority", tmp_path / "none.json", host="ca.localhost") as issuer:
            asker.signing_url, asker.own_url = f"{issuer}/sign", f"http://idp.localhost:{server.server_port}/"
            yield asker
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("script", [True, False])
def test_one_click_signs_and_leads_back_and_without_script_a_second_one(
    asker: Asker, chromium: Browser, script: bool
) -> None:
    from playwright.sync_api import expect

    context = chromium.new_context(java_script_enabled=script)
    try:
        page = context.new_page()
        page.goto(asker.own_url)
        page.get_by_role("button").click()
        expect(page.locator("#challenge")).to_have_text("to sign")
        page.locator("#citizen-0").click()
        if not script:
            page.locator("#onward button").click()
        expect(page.locator("#back")).to_be_visible()
        assert asker.came["RelayState"] == ["h"] and len(base64.b64decode(asker.came["signature"][0])) > 500
    finally:
        context.close()
