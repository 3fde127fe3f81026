"""The sandbox's certification authority: what OpenSSL, which is nobody's of ours, makes of all that it issues."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509

from connectors.sandbox.authority.faults import CATALOGUE, PATHS, FaultName
from connectors.sandbox.cast import ONE_TIME_CODE, Part
from tests.peers.visitor import Page, Visitor
from tests.sandbox.conftest import running

CHALLENGE = "một thử thách\nfor: http://idp.localhost/callback/ca\n".encode()
RETURN_URL = "http://idp.localhost:8400/callback/ca"
TIMEOUT_SECONDS = 20


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("authority", tmp_path_factory.mktemp("authority") / "none.json") as issuer:
        yield issuer


@pytest.fixture
def person(issuer: str) -> Iterator[Visitor]:
    """A person's browser, at an authority that tells the truth."""
    requests.delete(f"{issuer}/_sandbox/faults", timeout=TIMEOUT_SECONDS)
    visitor = Visitor()
    yield visitor
    visitor._session.close()


def order(issuer: str, fault: str, **more: object) -> None:
    answer = requests.post(f"{issuer}/_sandbox/faults", json={"fault": fault, **more}, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 201, answer.text


def asked(issuer: str, person: Visitor, **changes: str) -> Page:
    fields = {"challenge": base64.b64encode(CHALLENGE).decode(), "return_url": RETURN_URL, "RelayState": "handle"}
    return person.request("POST", f"{issuer}/sign", data=fields | changes)


def decided(issuer: str, person: Visitor, page: Page, **fields: str) -> Page:
    interaction = page.forms[0].fields["interaction"]
    return person.request("POST", f"{issuer}/sign/decide", data={"interaction": interaction, **fields})


def held(issuer: str, part: Part, **query: str) -> dict[str, str]:
    answer = requests.get(f"{issuer}/_sandbox/certificates/{int(part)}", params=query, timeout=TIMEOUT_SECONDS)
    found: dict[str, str] = answer.json()
    return found


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(issuer: str, tmp_path: Path) -> Path:
    """What OpenSSL needs: the root, a person's certificate with its issuer, and both lists."""
    mine = held(issuer, Part.ORDINARY)
    (tmp_path / "root.pem").write_bytes(requests.get(f"{issuer}/anchors.pem", timeout=TIMEOUT_SECONDS).content)
    (tmp_path / "person.pem").write_text(mine["certificate"])
    (tmp_path / "issuer.pem").write_text(mine["issuer"])
    return tmp_path


def with_lists(issuer: str, folder: Path) -> None:
    for name in ("root", "issuing-1"):
        body = requests.get(f"{issuer}/crl/{name}.crl", timeout=TIMEOUT_SECONDS).content
        (folder / f"{name}.crl").write_bytes(body)


VERIFY = ("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuer.pem", "-purpose", "sslclient")
LISTS = ("-crl_check_all", "-CRLfile", "root.crl", "-CRLfile", "issuing-1.crl")


def test_a_persons_certificate_leads_to_the_root(issuer: str, person: Visitor, folder: Path) -> None:
    with_lists(issuer, folder)
    told = openssl(folder, *VERIFY, *LISTS, "person.pem")
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    "fault, said",
    [
        ("revoked", "certificate revoked"),
        ("revoked_authority", "certificate revoked"),
        ("crl_stale", "CRL has expired"),
        ("crl_wrong_signer", "CRL signature failure"),
    ],
)
def test_a_list_says_what_it_is_told_to(issuer: str, person: Visitor, folder: Path, fault: str, said: str) -> None:
    order(issuer, fault, endpoint="crl")
    with_lists(issuer, folder)
    assert said in openssl(folder, *VERIFY, *LISTS, "person.pem").stderr


@pytest.mark.parametrize(
    "fault, said",
    [
        (None, "person.pem: good"),
        ("revoked", "person.pem: revoked"),
        ("ocsp_unknown", "person.pem: unknown"),
        ("ocsp_stale", "Status times invalid"),
        ("ocsp_wrong_signer", "Response Verify Failure"),
        ("ocsp_other_nonce", "Nonce Verify error"),
        ("ocsp_unreachable", "Error querying OCSP responder"),
    ],
)
def test_the_responder_says_what_it_is_told_to(
    issuer: str, person: Visitor, folder: Path, fault: str | None, said: str
) -> None:
    if fault is not None:
        order(issuer, fault, endpoint="ocsp")
    told = openssl(folder, "ocsp", "-issuer", "issuer.pem", "-cert", "person.pem", "-url", f"{issuer}/ocsp",
                   "-CAfile", "root.pem", "-verify_other", "issuer.pem", "-no_proxy", "127.0.0.1")  # fmt: skip
    assert said in told.stdout + told.stderr


@pytest.mark.parametrize("part", [Part.ORDINARY, Part.ORDINARY_SECOND, Part.ORDINARY_THIRD, Part.LOW_LEVEL])
def test_a_signature_of_the_page_is_over_the_challenge(issuer: str, person: Visitor, folder: Path, part: Part) -> None:
    page = decided(issuer, person, asked(issuer, person), citizen=str(int(part)))
    (form,) = page.forms
    assert (form.action, form.fields["RelayState"]) == (RETURN_URL, "handle")
    (folder / "signature").write_bytes(base64.b64decode(form.fields["signature"]))
    (folder / "challenge").write_bytes(CHALLENGE)
    verify = (
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "signature",
        "-CAfile",
        "root.pem",
        "-purpose",
        "any",
    )
    content = () if part == Part.ORDINARY_THIRD else ("-content", "challenge")  # hers is inside
    told = openssl(folder, *verify, *content, "-out", "read")
    assert told.returncode == 0, told.stderr
    assert (folder / "read").read_bytes() == CHALLENGE


def test_the_page_shows_who_asks_and_what_for_and_needs_no_script(issuer: str, person: Visitor) -> None:
    page = asked(issuer, person)
    assert page.status == 200
    assert page.text("asking") == "idp.localhost:8400"
    assert "một thử thách" in page.text("challenge")
    assert "form-action" not in page.headers["Content-Security-Policy"]
    last = decided(issuer, person, page, number="001090000101", pin=ONE_TIME_CODE)
    assert "script-src 'self'" in last.headers["Content-Security-Policy"]
    assert '<button type="submit"' in last.html and "signature" in last.forms[0].fields
    assert requests.get(f"{issuer}/static/onward.js", timeout=TIMEOUT_SECONDS).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [{"number": "001090000101", "pin": "000000"}, {"number": "001090000101"}, {"number": "999", "pin": ONE_TIME_CODE},
     {"citizen": "999999"}],
)  # fmt: skip
def test_a_wrong_pin_or_nobodys_number_is_told_on_the_page(
    issuer: str, person: Visitor, fields: dict[str, str]
) -> None:
    page = asked(issuer, person)
    again = decided(issuer, person, page, **fields)
    assert again.status == 422 and again.has("problem")
    assert "signature" in decided(issuer, person, again, citizen="0").forms[0].fields


def test_a_page_serves_once(issuer: str, person: Visitor) -> None:
    page = asked(issuer, person)
    assert decided(issuer, person, page, cancel="1").forms[0].fields == {"RelayState": "handle", "error": "cancelled"}
    assert decided(issuer, person, page, citizen="0").status == 400


def test_a_locked_token_says_so_to_whoever_asked(issuer: str, person: Visitor) -> None:
    page = decided(issuer, person, asked(issuer, person), citizen=str(int(Part.LOCKED)))
    assert page.forms[0].fields == {"RelayState": "handle", "error": "locked"}


@pytest.mark.parametrize(
    "changes", [{"challenge": ""}, {"challenge": "!"}, {"challenge": "/w=="}, {"challenge": "QUFB" * 2000},
                {"return_url": ""}, {"return_url": "javascript:alert(1)"}, {"return_url": "/callback"}],
)  # fmt: skip
def test_a_request_that_is_none_is_refused(issuer: str, person: Visitor, changes: dict[str, str]) -> None:
    assert asked(issuer, person, **changes).status == 400


def test_another_site_cannot_fetch_keys_through_a_developers_browser(issuer: str, person: Visitor) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    url = f"{issuer}/_sandbox/certificates/0"
    assert requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS).status_code == 403
    assert requests.get(f"{issuer}/_sandbox/certificates/999999", timeout=TIMEOUT_SECONDS).status_code == 404


def test_a_token_is_kept_until_it_is_renewed(issuer: str, person: Visitor) -> None:
    first, second, renewed = (held(issuer, Part.ORDINARY_FOURTH, **query) for query in ({}, {}, {"renew": "1"}))
    assert first == second and first["key"] != renewed["key"]
    numbers = {x509.load_pem_x509_certificate(one["certificate"].encode()).serial_number for one in (first, renewed)}
    assert len(numbers) == 2


def test_every_fault_makes_sense_somewhere_and_is_down_everywhere(issuer: str, person: Visitor) -> None:
    assert all(CATALOGUE[name] for name in FaultName)
    order(issuer, "down")
    for path in PATHS:
        method: Any = requests.get if path.startswith(("/crl", "/anchors")) else requests.post
        assert method(f"{issuer}{path}", timeout=TIMEOUT_SECONDS).status_code == 503
