"""The sandbox's tax office: what it asks of whom it answers, what it has on file, and that its lies are good ones."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.sandbox.cast import CAST, ONE_TIME_CODE, PASSWORD, Part
from connectors.sandbox.population import Population
from connectors.sandbox.tax.faults import XSW, Lie
from connectors.sandbox.tax.keys import make_pair
from connectors.sandbox.tax.records import TAX_RATES, tax_record
from tests.sandbox.conftest import running
from tests.sandbox.tax_peer import (
    CLASSES,
    NS,
    PAIR,
    SIGNED_OUT_URL,
    ServiceProvider,
    attributes,
    codes,
    document_in,
    field,
    response_in,
)


@pytest.fixture(scope="module")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProvider]:
    clients_file = tmp_path_factory.mktemp("tax") / "clients.json"
    with running("tax", clients_file) as issuer:
        provider = ServiceProvider(issuer, clients_file)
        with contextlib.closing(provider.browser):
            yield provider


@pytest.fixture
def provider(_provider: ServiceProvider) -> ServiceProvider:
    """A service provider in a new browser, at an office that tells the truth."""
    _provider.control("DELETE", "/faults")
    _provider.browser.cookies.clear()
    _provider.register()
    return _provider


# ---- how it is asked ----


def test_a_signed_request_is_answered_once(provider: ServiceProvider) -> None:
    query = provider.query(provider.message())
    assert provider.get(f"/sso?{query}").status_code == 303
    assert provider.get(f"/sso?{query}").status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://somebody-else.example"},
        {"AssertionConsumerServiceURL": "https://somebody-else.example/acs"},
        {"Destination": "https://another-source.example/sso"},
        {"IssueInstant": (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")},
        {"IssueInstant": "now"},
        {"Version": "1.1"},
        {"ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"},
    ],
)
def test_a_bad_request_is_refused(provider: ServiceProvider, changes: dict[str, str]) -> None:
    assert provider.ask(**changes).status_code == 400


def test_a_request_that_nobody_registered_signed_is_refused(provider: ServiceProvider) -> None:
    strangers = provider.query(provider.message(), make_pair("a stranger"))
    assert provider.get(f"/sso?{strangers}").status_code == 400
    right = provider.query(provider.message())
    assert provider.get(f"/sso?{right.partition('&SigAlg')[0]}").status_code == 400
    assert provider.get(f"/sso?{right.replace('RelayState=h', 'RelayState=H')}").status_code == 400
    assert provider.get(f"/sso?{provider.query(provider.message(), relay_state='x' * 81)}").status_code == 400
    assert provider.get("/sso?SAMLRequest=no").status_code == 400


def test_a_service_provider_may_be_known_by_its_metadata(provider: ServiceProvider) -> None:
    """Its keys are then what it publishes, also after they have changed."""
    with publishing(PAIR.certificate) as url:
        provider.register(certificates=[], metadata_url=url)
        assert provider.ask().status_code == 303
    with publishing(make_pair("another").certificate) as url:
        provider.register(certificates=[], metadata_url=url)
        assert provider.ask().status_code == 400
    provider.register(certificates=[], metadata_url=url)
    assert provider.ask().status_code == 400, "nobody answers there any more"


@contextlib.contextmanager
def publishing(certificate: x509.Certificate) -> Iterator[str]:
    encoded = certificate.public_bytes(Encoding.PEM).decode().split("-----")[2]
    body = (
        f'<md:EntityDescriptor xmlns:md="{NS["md"]}" xmlns:ds="{NS["ds"]}"><md:SPSSODescriptor><md:KeyDescriptor>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        "</md:KeyDescriptor></md:SPSSODescriptor></md:EntityDescriptor>"
    ).encode()

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read answers, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://door.localhost:{server.server_port}/metadata"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- how the person signs in ----


def context(*classes: str) -> str:
    named = "".join(f"<saml:AuthnContextClassRef>{CLASSES}{one}</saml:AuthnContextClassRef>" for one in classes)
    return f'<samlp:RequestedAuthnContext Comparison="exact">{named}</samlp:RequestedAuthnContext>'


def class_of(response: etree._Element) -> str:
    path = "saml:Assertion/saml:AuthnStatement/saml:AuthnContext/saml:AuthnContextClassRef"
    return response.findtext(path, "", NS).removeprefix(CLASSES)


def test_the_level_that_was_asked_for_is_given(provider: ServiceProvider) -> None:
    assert class_of(provider.response()) == "MobileTwoFactorContract"
    weak = provider.response(inside=context("PasswordProtectedTransport", "MobileTwoFactorContract"))
    assert class_of(weak) == "PasswordProtectedTransport"
    assert codes(response_in(provider.ask(context("Smartcard")))) == ["Requester", "NoAuthnContext"]
    provider.browser.cookies.clear()
    assert codes(response_in(provider.ask(IsPassive="true"))) == ["Responder", "NoPassive"]


def test_a_number_and_a_password_are_enough_for_the_level_of_a_password(provider: ServiceProvider) -> None:
    page = provider.login_page(context("MobileTwoFactorContract"))
    form = {"number": CAST[0].personal_number, "password": PASSWORD}
    assert provider.press(page, **form | {"password": "wrong"}).status_code == 422
    page = provider.press(page, **form)
    assert page.status_code == 422, "this level owes a code"
    told = response_in(provider.press(page, **form, otp=ONE_TIME_CODE))
    assert attributes(told)["soDinhDanh"] == CAST[0].personal_number
    used = provider.press(page, citizen="0")
    assert used.status_code == 400, "the page was used"
    assert class_of(response_in(provider.press(provider.login_page(), **form))) == "PasswordProtectedTransport"


def test_the_office_knows_who_signed_in_before_unless_it_is_told_to_ask(provider: ServiceProvider) -> None:
    provider.response(2)
    assert attributes(response_in(provider.ask()))["hoTen"] == CAST[2].full_name
    assert provider.ask(ForceAuthn="true").status_code == 303


def test_who_goes_back_or_is_locked_is_told_as_a_status(provider: ServiceProvider) -> None:
    assert codes(response_in(provider.press(provider.login_page(), cancel="1"))) == [
        "Responder", "AuthnFailed", "cancelled",
    ]  # fmt: skip
    assert codes(provider.response(Part.LOCKED)) == ["Responder", "AuthnFailed", "locked"]
    assert codes(provider.response(Part.DECEASED)) == ["Success"], "the office has not heard"


def test_signing_out_needs_the_right_name(provider: ServiceProvider) -> None:
    provider.register(signed_out_urls=[SIGNED_OUT_URL])
    told = provider.response()
    subject = told.findtext("saml:Assertion/saml:Subject/saml:NameID", "", NS)
    for name, still_known in (("NNT-somebody-else", True), (subject, False)):
        message = provider.message("LogoutRequest", f"<saml:NameID>{name}</saml:NameID>")
        answer = provider.get(f"/slo?{provider.query(message)}")
        assert answer.headers["Location"].startswith(f"{SIGNED_OUT_URL}?SAMLResponse=")
        assert (provider.ask().status_code == 200) is still_known


# ---- what it has on file ----


def test_an_ordinary_taxpayers_code_is_the_personal_number(provider: ServiceProvider) -> None:
    told, citizen = attributes(provider.response()), CAST[Part.ORDINARY]
    assert told == {
        "maSoThue": citizen.personal_number, "soDinhDanh": citizen.personal_number, "soCmnd": citizen.former_number,
        "hoTen": citizen.full_name, "ngaySinh": "14/03/1990", "gioiTinh": "Nam", "dienThoai": citizen.phone,
        "email": citizen.email,
    }  # fmt: skip


def test_some_are_known_otherwise(provider: ServiceProvider) -> None:
    former = attributes(provider.response(Part.FORMER_NUMBER))
    assert "soDinhDanh" not in former and former["soCmnd"] == CAST[Part.FORMER_NUMBER].former_number
    assert len(former["maSoThue"]) == 10
    assert attributes(provider.response(Part.YEAR_ONLY))["ngaySinh"] == "1952"
    assert attributes(provider.response(Part.ORDINARY_SECOND))["hoTen"] == "NGUYỄN THỊ THU HÀ"
    assert attributes(provider.response(Part.LOST_MARKS))["hoTen"] == "HOANG THUY DAO"


def test_every_citizen_has_a_record_with_the_errors_of_such_a_file() -> None:
    population = Population(count=4000)
    records = [tax_record(citizen, seed=7) for citizen in population]
    assert records == [tax_record(citizen, seed=7) for citizen in population], "the same every time"
    assert all(record.personal_number or record.former_number for record in records)
    told = Counter(error for record in records for error in record.errors)
    assert set(told) == set(TAX_RATES)
    for error in ("upper_case", "year_only"):
        assert abs(told[error] / len(records) - TAX_RATES[error]) < 0.03, error
    codes_of = Counter(len(record.tax_code) for record in records)
    assert codes_of[12] > 3 * codes_of[10] > 0 and set(codes_of) == {10, 12}
    assert len({record.tax_code for record in records}) == len(records)


# ---- keys and faults ----


def test_a_rotation_with_overlap_publishes_both_keys(provider: ServiceProvider) -> None:
    before = provider.certificates()
    assert len(provider.control("POST", "/rotate-keys").json()["kids"]) == len(before) + 1
    after = provider.certificates()
    assert after[1:] == before
    provider.control("POST", "/rotate-keys", json={"keep_old": False})
    assert len(provider.certificates()) == 1 and provider.certificates()[0] not in after


def naively_verified(document: bytes, certificate: str) -> bool:
    """As a careless reader would: any signature, wherever it stands, is good."""
    pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----"
    config = SignatureConfiguration(location=".//", expect_references=1)
    try:
        XMLVerifier().verify(document, x509_cert=pem, id_attribute="ID", expect_config=config, validate_schema=False)
    except SignXMLException:
        return False
    return True


@pytest.mark.parametrize("fault", XSW)
def test_a_wrapped_signature_is_whole_and_what_is_read_is_forged(provider: ServiceProvider, fault: str) -> None:
    """Who only asks whether the signature is valid, and then reads the first or the outermost one, is taken in."""
    provider.control("POST", "/faults", json={"fault": fault})
    document = document_in(provider.press(provider.login_page(), citizen="0"))
    assert naively_verified(document, provider.certificates()[0])
    root = etree.fromstring(document)
    anywhere, outermost = next(root.iter(f"{{{NS['saml']}}}Assertion")), root.find("saml:Assertion", NS)
    assert outermost is not None
    read = {attributes(assertion, ".")["soDinhDanh"] for assertion in (anywhere, outermost)}
    assert CAST[1].personal_number in read


@pytest.mark.parametrize("fault,valid", [(Lie.UNSIGNED, False), (Lie.WRONG_KEY, False), (Lie.TAMPERED, False),
                                         (Lie.COMMENT_IN_NAMEID, True), (Lie.EXPIRED, True)])  # fmt: skip
def test_a_lie_is_signed_or_not_as_its_name_says(provider: ServiceProvider, fault: str, valid: bool) -> None:
    provider.control("POST", "/faults", json={"fault": fault})
    document = document_in(provider.press(provider.login_page(), citizen="0"))
    assert naively_verified(document, provider.certificates()[0]) is valid


def test_a_fault_may_be_one_persons_and_for_a_while(provider: ServiceProvider) -> None:
    assert provider.control("POST", "/faults", json={"fault": "no such"}).status_code == 400
    assert provider.control("POST", "/faults", json={"fault": "expired", "endpoint": "slo"}).status_code == 400
    provider.control("POST", "/faults", json={"fault": "missing_attribute", "citizen": 1, "times": 1})
    assert "maSoThue" in attributes(provider.response(0))
    assert "maSoThue" not in attributes(provider.response(1))
    assert "maSoThue" in attributes(provider.response(1))
    provider.control("POST", "/faults", json={"fault": "down", "endpoint": "metadata"})
    assert provider.get("/metadata").status_code == 503
    assert provider.get("/").status_code == 200


def test_what_is_on_file_of_one_taxpayer_can_be_something_else(provider: ServiceProvider) -> None:
    claims = {"hoTen": "TRAN MINH QUAN", "soDinhDanh": None}
    provider.control("POST", "/faults", json={"fault": "other_claims", "citizen": 0, "claims": claims, "times": 1})
    said = attributes(provider.response(0))
    assert said["hoTen"] == "TRAN MINH QUAN" and "soDinhDanh" not in said and "maSoThue" in said
    assert attributes(provider.response(0))["hoTen"] != "TRAN MINH QUAN"


def test_the_page_that_leads_back_works_without_script(provider: ServiceProvider) -> None:
    page = provider.press(provider.login_page(), citizen="0")
    assert field(page.text, "RelayState") == "handle"
    assert 'type="submit"' in page.text and "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_an_office_reads_its_clients_again_when_they_change(tmp_path: Path) -> None:
    clients_file = tmp_path / "clients.json"
    with running("tax", clients_file) as issuer:
        provider = ServiceProvider(issuer, clients_file)
        with contextlib.closing(provider.browser):
            assert provider.ask().status_code == 303
            clients_file.write_text("[{", "utf-8")
            assert provider.ask().status_code == 303, "a half-written file changes nothing"
            provider.register(certificates=["no certificate"])
            assert provider.ask().status_code == 303, "nor does one that cannot be used"
            clients_file.write_text("[]", "utf-8")
            assert provider.ask().status_code == 400
