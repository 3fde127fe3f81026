"""Around every request: an id, a line of log, and an answer; what programs call gets no page, what people see does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import seal
from idp.app import create_app
from idp.oidc.http import Response
from idp.oidc.wsgi import Headers, send
from idp.settings import load
from idp.storage import schema
from tests.servers import database_url, postgresql_url

__all__ = ["database_url", "postgresql_url"]


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> FlaskClient:
    seal.add_master_key(str(tmp_path / "master.keys"))
    schema.upgrade(database_url)
    app = create_app(
        load(
            mode="test", issuer="http://idp.localhost:8400", database_url=database_url, limits={"request_bytes": 4096},
            master_keys_file=str(tmp_path / "master.keys"),
        )
    )  # fmt: skip
    app.extensions["motcua"].keys.ensure()
    return app.test_client()


@pytest.mark.parametrize("path", ["/jwks", "/", "/token", "/nowhere", "/authorize"])
def test_every_answer_names_its_request_and_so_does_its_line_of_log(
    capsys: pytest.CaptureFixture[str], client: FlaskClient, path: str
) -> None:
    answer = client.get(path)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"request"' in line]
    told = next(line for line in lines if line["request_id"] == answer.headers["X-Request-Id"])
    assert (told["event"], told["method"], told["status"]) == ("request", "GET", answer.status_code)
    assert told["milliseconds"] >= 0
    assert told["timestamp"].endswith("Z")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_whatever_a_method_is_called_the_log_stays_whole(
    capsys: pytest.CaptureFixture[str], client: FlaskClient
) -> None:
    assert client.open("/token", method='GE"T').status_code == 405
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["method"] == "other"


@pytest.mark.parametrize("path, allowed", [("/token", "POST"), ("/jwks", "GET"), ("/userinfo", "GET, POST")])
def test_a_program_that_uses_another_method_hears_which_will_do(client: FlaskClient, path: str, allowed: str) -> None:
    answer = client.delete(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.get_json()["error"] == "invalid_request"


def test_a_person_who_does_gets_a_page(client: FlaskClient) -> None:
    answer = client.delete("/authorize")
    assert (answer.status_code, answer.mimetype) == (405, "text/html")


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration", "/health/live"])
def test_head_is_get_without_a_body(client: FlaskClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.data))


def test_a_body_that_is_too_long_is_refused_before_it_is_read(client: FlaskClient) -> None:
    answer = client.post("/token", data={"grant_type": "x" * 5000})
    assert (answer.status_code, answer.get_json()["error"]) == (413, "invalid_request")
    page = client.post("/authorize", data={"client_id": "x" * 5000})
    assert (page.status_code, page.mimetype) == (413, "text/html")


def test_a_query_that_is_no_text_is_refused_to_each_in_their_way(client: FlaskClient) -> None:
    wild = {"QUERY_STRING": "state=\xff"}
    assert client.get("/userinfo", environ_overrides=wild).get_json()["error"] == "invalid_request"
    for path in ("/authorize", "/claims"):
        assert client.get(path, environ_overrides=wild).mimetype == "text/html"


def test_a_tidier_address_is_another_one(client: FlaskClient) -> None:
    for path in ("/token/", "/jwks/x", "/health/live/"):
        assert client.get(path).status_code == 404


def test_no_header_of_ours_can_become_two() -> None:
    for value in ("a\r\nSet-Cookie: x=y", "a\nb", "a\x00", "\u1ea1"):
        with pytest.raises(ValueError, match="header"):
            send(Response(status=303, headers=(("Location", value),)), {"REQUEST_METHOD": "GET"}, lambda *_: None)


def test_headers_are_known_by_their_names_in_small_letters() -> None:
    headers = Headers({"HTTP_AUTHORIZATION": "Basic x", "CONTENT_TYPE": "text/plain", "REQUEST_METHOD": "GET"})
    assert dict(headers) == {"authorization": "Basic x", "content-type": "text/plain"}
    assert "cookie" not in headers
    assert len(headers) == 2
