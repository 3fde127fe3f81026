"""What every page carries so that it stays ours."""

from __future__ import annotations

import pytest
from flask import Response
from flask.testing import FlaskClient

from idp.web import static_url
from idp.web.headers import content_security_policy, form_source, harden

from .preview import SHOWN, create


@pytest.mark.parametrize("name", SHOWN)
def test_every_page_is_hardened(client: FlaskClient, name: str) -> None:
    headers = client.get(f"/show/{name}").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
    assert "frame-ancestors 'none'; base-uri 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert ("camera=(self)" if name == "counter" else "camera=()") in headers["Permissions-Policy"]
    assert "connect-src" not in headers["Content-Security-Policy"].replace("connect-src 'self'; ", "")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_tls_is_promised_where_there_is_tls() -> None:
    secure = create(issuer="https://dangnhap.example.vn").test_client()
    assert secure.get("/show/home").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_hardening_twice_keeps_what_the_page_asked_for(app: object) -> None:
    with create().app_context():
        response = harden(Response(""), form_targets=["https://bank.example/authorize?x=1"])
        harden(response)
    assert "form-action 'self' https://bank.example;" in response.headers["Content-Security-Policy"]
    assert len(response.headers.getlist("Content-Security-Policy")) == 1


@pytest.mark.parametrize(
    "url, source",
    [
        ("https://bank.example/authorize?client_id=x", "https://bank.example"),
        ("http://bank.localhost:8411/a", "http://bank.localhost:8411"),
        ("HTTPS://Bank.Example", "https://bank.example"),
        ("https://ngânhàng.example/", "https://xn--ngnhng-ltan.example"),
        ("https://ngânhàng.example:8443/", "https://xn--ngnhng-ltan.example:8443"),
        (f"https://x.{'a' * 63}:8443/", f"https://x.{'a' * 63}:8443"),  # RFC 1035 section 2.3.4: a label has 63
        ("vn.example.app:/callback", "vn.example.app:"),  # RFC 8252 section 7.1
    ],
)
def test_a_form_may_lead_to_the_origin_of_an_address(url: str, source: str) -> None:
    assert form_source(url) == source


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "blob:https://x/y", "https:", "https:///x", "", "/here",
        "//x.example", "https://a.example;script-src *", "https://a.example 'unsafe-inline'", "https://*", "https://user@a.example/",
        f"https://{'a' * 64}.example/", "https://a..example/", "https://a.example:8443;x/",
        "https://a.example,b", "vbscript:x", "file:///etc/passwd", "https://[::1]/",
    ],
)  # fmt: skip
def test_no_address_can_write_into_the_policy(url: str) -> None:
    with pytest.raises(ValueError):
        form_source(url)


def test_an_address_that_cannot_be_named_is_left_out_and_takes_no_page_from_the_others() -> None:
    bad, good = f"https://{'a' * 64}.example/out", "https://land.example/out"
    policy = content_security_policy((bad, good), (bad, good), (bad, good))
    assert "form-action 'self' https://land.example;" in policy
    assert "frame-src https://land.example;" in policy
    assert "img-src 'self' data: https://land.example/out;" in policy
    assert "frame-src" not in content_security_policy(frames=(bad,))


def test_a_target_is_named_once() -> None:
    policy = content_security_policy(("https://a.example/1", "https://a.example/2"))
    assert "form-action 'self' https://a.example; frame-ancestors" in policy


def test_a_static_file_is_kept_for_a_year_under_an_address_of_its_content(client: FlaskClient) -> None:
    response = client.get(static_url("pages.css"))
    assert response.status_code == 200 and response.mimetype == "text/css"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_of_the_release_before_still_gets_its_file_but_does_not_keep_it(client: FlaskClient) -> None:
    response = client.get("/static/0000000000000000/pages.css")
    assert response.status_code == 200 and response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..", "%2e%2e%2f__init__.py", "../__init__.py", "%00"])
def test_only_the_static_files_are_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/0000000000000000/{name}").status_code == 404
