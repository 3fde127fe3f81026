"""A certificate shown in the TLS handshake of a real nginx, which tells us in a header; and what browsers forge."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from werkzeug.serving import make_server

from connectors.base import Done, Failed, Failure, Input, NeedClientCertificate
from connectors.certificate import Certificate
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.population import DEFAULT_SEED
from tests.connectors.circle import Circle
from tests.connectors.door import done, failure_of
from tests.peers import nginx
from tests.quiet import Quiet


class Provider:
    """Behind nginx: it begins a sign-in, goes on with it as soon as a request comes, and tells what came of it."""

    def __init__(self) -> None:
        self.circle: Circle
        self.connector: Certificate

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        step = self.circle.door.begin(self.connector)
        assert isinstance(step, NeedClientCertificate), step
        pem = unquote(environ.get("HTTP_X_CLIENT_CERTIFICATE", "")) or None
        found = self.connector.resume(
            self.circle.door.context, step.state, Input(method="GET", client_certificate_pem=pem)
        )
        told = {"subject": found.assertion.subject} if isinstance(found, Done) else {}
        told |= {"failure": found.failure} if isinstance(found, Failed) else {}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]


@pytest.fixture(scope="module")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, nginx.Terminator]]:
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with nginx.terminator(tmp_path_factory.mktemp("nginx"), server.server_port) as terminator:
            yield provider, terminator
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def circle(circle: Circle) -> Circle:
    circle.connector = circle.configured(**by_tls(circle.issuer))
    return circle


def by_tls(issuer: str) -> dict[str, Any]:
    known = [hierarchy.issuing(DEFAULT_SEED, issuer, generation).pem for generation in (1, 2)]
    return {"mode": "tls", "signing_url": "", "intermediates": known}


class Browser:
    """Makes one request with this certificate, or none, and the headers that somebody makes it send."""

    def __init__(self, provider: Provider, terminator: nginx.Terminator, folder: Path) -> None:
        self._provider, self._terminator, self._folder = provider, terminator, folder

    def visit(self, circle: Circle, held: dict[str, str] | None, **headers: str) -> dict[str, str]:
        self._provider.circle, self._provider.connector = circle, circle.connector
        context = self._terminator.context()
        if held is not None:
            (self._folder / "held.pem").write_text(held["certificate"] + held["key"])
            context.load_cert_chain(self._folder / "held.pem")
        connection = http.client.HTTPSConnection(urlsplit(self._terminator.url).netloc, context=context, timeout=20)
        try:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            told: dict[str, str] = json.loads(body)
            return told
        finally:
            connection.close()


@pytest.fixture
def browser(_provider: tuple[Provider, nginx.Terminator], tmp_path: Path) -> Browser:
    return Browser(*_provider, tmp_path)


@pytest.mark.parametrize("part", [Part.ORDINARY, Part.ORDINARY_SECOND, Part.LOW_LEVEL])
def test_whoever_shows_their_certificate_is_signed_in(circle: Circle, browser: Browser, part: Part) -> None:
    assert set(browser.visit(circle, circle.held_by(part))) == {"subject"}


def test_a_shown_certificate_and_a_signed_challenge_are_the_same_subject(circle: Circle, browser: Browser) -> None:
    by_challenge = circle.configured()
    signed = done(circle.sign_in(Part.ORDINARY, by_challenge)).subject
    assert browser.visit(circle, circle.held_by(Part.ORDINARY)) == {"subject": signed}
    assert browser.visit(circle, circle.held_by(Part.ORDINARY, renew=True)) == {"subject": signed}


def test_whoever_shows_none_is_told_so(circle: Circle, browser: Browser) -> None:
    assert browser.visit(circle, None) == {"failure": Failure.NO_CERTIFICATE}


@pytest.mark.parametrize("name", [nginx.HEADER, nginx.HEADER.lower(), nginx.HEADER.replace("-", "_")])
def test_a_header_that_the_browser_sends_itself_counts_for_nothing(circle: Circle, browser: Browser, name: str) -> None:
    stolen = quote(circle.held_by(Part.ORDINARY)["certificate"])
    assert browser.visit(circle, None, **{name: stolen}) == {"failure": Failure.NO_CERTIFICATE}
    own = browser.visit(circle, circle.held_by(Part.ORDINARY_THIRD))
    assert browser.visit(circle, circle.held_by(Part.ORDINARY_THIRD), **{name: stolen}) == own


@pytest.mark.parametrize(
    "fault, failure",
    [
        ("expired", Failure.CERTIFICATE_UNTRUSTED),
        ("not_yet_valid", Failure.CERTIFICATE_UNTRUSTED),
        ("wrong_ca", Failure.CERTIFICATE_UNTRUSTED),
        ("wrong_purpose", Failure.CERTIFICATE_UNTRUSTED),
        ("not_for_signing", Failure.CERTIFICATE_UNTRUSTED),
        ("other_places", Failure.REVOCATION_UNKNOWN),
        ("seal", Failure.NOT_A_PERSON),
        ("contradictory_uids", Failure.BROKEN_ANSWER),
    ],
)
def test_nginx_lets_any_certificate_by_and_we_refuse_each_by_its_name(
    circle: Circle, browser: Browser, fault: str, failure: Failure
) -> None:
    circle.told(fault=fault, times=1)
    assert browser.visit(circle, circle.held_by(Part.ORDINARY)) == {"failure": failure}


def test_a_revoked_certificate_is_refused(circle: Circle, browser: Browser) -> None:
    circle.told(fault="revoked", citizen=0)
    assert browser.visit(circle, circle.held_by(Part.ORDINARY)) == {"failure": Failure.CERTIFICATE_REVOKED}


def test_certificates_of_the_old_and_of_the_new_authority_are_good_after_a_roll_over(
    circle: Circle, browser: Browser
) -> None:
    before = circle.held_by(Part.ORDINARY)
    circle.rolled_over()
    after = circle.held_by(Part.ORDINARY, renew=True)
    assert before["issuer"] != after["issuer"]
    assert browser.visit(circle, before) == browser.visit(circle, after)
    assert "subject" in browser.visit(circle, after)


@pytest.mark.parametrize(
    "pem, failure",
    [
        (None, Failure.NO_CERTIFICATE),
        ("", Failure.NO_CERTIFICATE),
        ("no certificate", Failure.BROKEN_ANSWER),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Failure.BROKEN_ANSWER),
        ("-----BEGIN CERTIFICATE-----\n" + "A" * 100_000 + "\n-----END CERTIFICATE-----\n", Failure.BROKEN_ANSWER),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Failure.BROKEN_ANSWER),
    ],
)
def test_what_is_no_certificate_is_refused(circle: Circle, pem: str | None, failure: Failure) -> None:
    step = circle.door.begin(circle.connector)
    assert isinstance(step, NeedClientCertificate)
    answer = Input(method="GET", client_certificate_pem=pem)
    assert failure_of(circle.connector.resume(circle.door.context, step.state, answer)) == failure


def test_two_certificates_at_once_are_none(circle: Circle) -> None:
    step = circle.door.begin(circle.connector)
    assert isinstance(step, NeedClientCertificate)
    both = circle.held_by(Part.ORDINARY)["certificate"] + circle.held_by(Part.ORDINARY_THIRD)["certificate"]
    answer = Input(method="GET", client_certificate_pem=both)
    assert failure_of(circle.connector.resume(circle.door.context, step.state, answer)) == Failure.BROKEN_ANSWER
    assert CAST[Part.ORDINARY].personal_number not in str(answer.raw_query)
