"""Which addresses lead into a person's own device, and which asked address is a registered one (RFC 8252, RFC 9700)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from idp.clients.urls import is_loopback, matches
from tests.clients.test_registration import client, registration

APPS = [
    "com.example.app:/callback", "vn.gov.dat-dai:/oauth2/cb?one=1", "com.example.app:/", "a1.b2:/x",
    "http://127.0.0.1/callback", "http://127.0.0.1:8080/callback", "http://[::1]/callback", "http://[::1]:51004/",
    "http://127.0.0.1", "https://app.example/claimed",
]  # fmt: skip


@pytest.mark.parametrize("uri", APPS)
def test_an_app_may_be_answered_within_the_device_or_at_an_address_it_claimed(uri: str) -> None:
    assert registration(application_type="native", redirect_uris=[uri]).redirect_uris == (uri,)


@pytest.mark.parametrize("uri", APPS[:-1])
def test_a_web_client_may_not(uri: str) -> None:
    with pytest.raises(ValidationError, match="redirect_uris"):
        registration(redirect_uris=[uri])


NO_APPS = {
    "a scheme without a dot": "myapp:/callback", "a scheme of everybody": "mailto:a@b.example",
    "a script": "javascript:/alert(1)", "data": "data:/text", "a file": "file:/etc/passwd", "about": "about:/blank",
    "an intent": "intent:/callback", "a scheme in capitals": "COM.EXAMPLE.APP:/callback",
    "a host after its scheme": "com.example.app://callback", "no path": "com.example.app:callback",
    "nothing after its scheme": "com.example.app:", "a scheme that begins with a digit": "1com.example:/callback",
    "a scheme that ends with a dot": "com.example.:/callback", "a fragment": "com.example.app:/callback#x",
    "a parameter of ours": "com.example.app:/callback?code=1", "a space": "com.example.app:/call back",
    "a line break": "com.example.app:/\ncallback", "plain http": "http://app.example/callback",
    "the name for loopback": "http://localhost.example/callback", "another loopback address": "http://127.0.0.2/",
    "loopback with a user": "http://app@127.0.0.1/", "loopback as a user": "http://127.0.0.1@app.example/",
    "loopback as a user with a port": "http://127.0.0.1:80@app.example/", "a look-alike": "http://127.0.0.1.example/",
    "a number": "http://2130706433/", "an octal": "http://0177.0.0.1/", "a short form": "http://127.1/",
    "any address": "http://0.0.0.0/", "a long form of ::1": "http://[0:0:0:0:0:0:0:1]/",
    "IPv4 within IPv6": "http://[::ffff:127.0.0.1]/", "any IPv6 address": "http://[::]/",
    "a zone": "http://[::1%25lo]/", "half of brackets": "http://[::1/", "a port in words": "http://127.0.0.1:http/",
    "a port without end": "http://127.0.0.1:123456/", "an empty port": "http://127.0.0.1:/",
    "a trailing dot": "http://127.0.0.1./", "a backslash": "http://127.0.0.1\\@app.example/",
}  # fmt: skip


@pytest.mark.parametrize("uri", NO_APPS.values(), ids=NO_APPS.keys())
def test_what_only_looks_like_an_app_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="redirect_uris"):
        registration(application_type="native", redirect_uris=[uri])


def app(uri: str, **changes: Any) -> Any:
    return client(application_type="native", redirect_uris=[uri], **changes)


@pytest.mark.parametrize(
    "registered, asked",
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"), ("http://127.0.0.1:8080/cb", "http://127.0.0.1:9/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb"), ("http://[::1]/cb?a=1", "http://[::1]:65535/cb?a=1"),
        ("http://127.0.0.1", "http://127.0.0.1:7"),
    ],
)  # fmt: skip
def test_the_port_of_a_loopback_address_is_chosen_when_the_app_asks(registered: str, asked: str) -> None:
    assert app(registered).takes_answers_at(asked)


DIFFERENT = {
    "another path": "http://127.0.0.1:9/callback/", "a path in capitals": "http://127.0.0.1:9/Callback",
    "a longer path": "http://127.0.0.1:9/callback/x", "dots in the path": "http://127.0.0.1:9/x/../callback",
    "an encoded path": "http://127.0.0.1:9/%63allback", "a query": "http://127.0.0.1:9/callback?a=1",
    "an empty query": "http://127.0.0.1:9/callback?", "a fragment": "http://127.0.0.1:9/callback#x",
    "the other loopback": "http://[::1]:9/callback", "the name": "http://localhost:9/callback",
    "another loopback": "http://127.0.0.2:9/callback", "https": "https://127.0.0.1:9/callback",
    "http in capitals": "HTTP://127.0.0.1:9/callback", "a user": "http://a@127.0.0.1:9/callback",
    "a user with a password": "http://a:b@127.0.0.1/callback", "as a user": "http://127.0.0.1:9@evil.example/callback",
    "as a user without a port": "http://127.0.0.1@evil.example/callback", "no port": "http://127.0.0.1:/callback",
    "a port in words": "http://127.0.0.1:x/callback", "a signed port": "http://127.0.0.1:+9/callback",
    "a port without end": "http://127.0.0.1:999999/callback", "other digits": "http://127.0.0.1:٩/callback",
    "a look-alike": "http://127.0.0.1.evil.example:9/callback", "another host": "http://evil.example:9/callback",
    "a short form": "http://127.1:9/callback", "a number": "http://2130706433:9/callback",
    "a space before": " http://127.0.0.1:9/callback", "a space after": "http://127.0.0.1:9/callback ",
    "a line break": "http://127.0.0.1:9/callback\n", "a tab that parsers drop": "http://127.0.0.1:9/\tcallback",
    "a tab in the host": "http://127.0.0\t.1:9/callback", "a backslash": "http://127.0.0.1:9\\@evil.example/callback",
    "two slashes more": "http:////127.0.0.1:9/callback", "half of brackets": "http://[127.0.0.1:9/callback", "": "",
}  # fmt: skip


@pytest.mark.parametrize("asked", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_everything_else_of_a_loopback_address_must_be_the_same(asked: str) -> None:
    assert not app("http://127.0.0.1/callback").takes_answers_at(asked)


OTHERS = [
    ("https://app.example/cb", "https://app.example:8443/cb"), ("https://app.example/cb", "https://app.example:443/cb"),
    ("https://app.example/cb", "https://APP.example/cb"), ("https://app.example/cb", "https://app.example/cb/"),
    ("https://app.example/cb", "https://app.example/cb?"), ("https://app.example/cb?a=1", "https://app.example/cb"),
    ("https://app.example/cb?a=1", "https://app.example/cb?a=1&b=2"), ("com.example.app:/cb", "com.example.app:/cb2"),
    ("com.example.app:/cb", "com.example.app.evil:/cb"), ("com.example.app:/cb", "com.example.app://evil.example/cb"),
    ("http://app.localhost:9/cb", "http://app.localhost:8/cb"), ("https://127.0.0.1:9/cb", "https://127.0.0.1:8/cb"),
]  # fmt: skip


@pytest.mark.parametrize("registered, asked", OTHERS)
def test_every_other_address_must_be_the_same_to_the_letter(registered: str, asked: str) -> None:
    assert matches(registered, registered)
    assert not matches(registered, asked)


def test_no_address_at_all_is_none_of_the_registered() -> None:
    assert not app("http://127.0.0.1/callback").takes_answers_at(None)


@pytest.mark.parametrize("uri", ["http://[::1", "http://[", "http://[]/", "http://[v1.x]/", "http://127.0.0.1:٩/"])
def test_what_cannot_be_parsed_is_no_loopback(uri: str) -> None:
    assert not is_loopback(uri)


@pytest.mark.parametrize("place", [f"x.{'a' * 63}:8443", "x.example:65535", ".".join(["a" * 49] * 5) + ".vn"])
def test_a_portal_may_be_at_any_place_that_a_browser_can_reach(place: str) -> None:
    assert registration(home_url=f"https://{place}/").home_url == f"https://{place}/"


@pytest.mark.parametrize(
    "place", ["x.example:65536", "x.example:0", "x.example:99999", f"{'a' * 64}.example", ".".join(["a" * 50] * 5)]
)
def test_it_may_not_be_where_none_can(place: str) -> None:
    """RFC 1035 section 2.3.4, RFC 6335 section 6."""
    with pytest.raises(ValidationError, match="home_url"):
        registration(home_url=f"https://{place}/")
