"""A source's SAML metadata, read strictly; `sources check`; and what an operator may configure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from pydantic import ValidationError

from connectors.base import Check, Failure
from connectors.saml.documents import NAMESPACES
from connectors.sandbox.tax.keys import Pair, make_pair
from connectors.sandbox.tax.signing import signed
from connectors.tax import TaxConfiguration
from tests.connectors.door import done, failure_of
from tests.connectors.saml.office import OUR_PAIR, Office, certificate_pem, pem_of

SIGNER = make_pair("who signs the metadata")


def published(office: Office) -> etree._Element:
    """The office's metadata, not signed."""
    root = etree.fromstring(office.control("GET", "/metadata").content)
    for signature in root.findall("ds:Signature", NAMESPACES):
        root.remove(signature)
    return root


def text(root: etree._Element) -> str:
    return etree.tostring(root, encoding="unicode")


def changed(office: Office, change: Callable[[etree._Element], object]) -> str:
    root = published(office)
    change(root)
    return text(root)


def begin(office: Office, **changes: Any) -> Any:
    return office.door.begin(office.connector(**changes))


def pasted(office: Office, document: str, **changes: Any) -> dict[str, Any]:
    return {"metadata_url": "", "metadata_xml": document, **changes}


def _certificates(root: etree._Element) -> list[Any]:
    return list(root.iter(f"{{{NAMESPACES['ds']}}}X509Certificate"))


def _role(root: etree._Element) -> Any:
    return root.find("md:IDPSSODescriptor", NAMESPACES)


def _lead_to(url: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        for service in root.iter(f"{{{NAMESPACES['md']}}}SingleSignOnService"):
            service.set("Location", url)

    return change


def _weak_key(root: etree._Element) -> None:
    for certificate in _certificates(root):
        certificate.text = "bm90IGEgY2VydGlmaWNhdGU="


BAD: dict[str, tuple[Callable[[etree._Element], Any], Failure]] = {
    "another entity": (lambda root: root.set("entityID", "https://another.example"), Failure.WRONG_ISSUER),
    "over": (lambda root: root.set("validUntil", "2020-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "role over": (lambda root: _role(root).set("validUntil", "2020-01-01T00:00:00.123Z"), Failure.WRONG_TIME),
    "no instant": (lambda root: root.set("validUntil", "soon"), Failure.WRONG_TIME),
    "SAML 1.1": (lambda root: _role(root).set("protocolSupportEnumeration", "urn:x"), Failure.BROKEN_ANSWER),
    "no role": (lambda root: root.remove(_role(root)), Failure.BROKEN_ANSWER),
    "no key": (_weak_key, Failure.BROKEN_ANSWER),
    "plain http": (_lead_to("http://tax.example/sso"), Failure.MISCONFIGURED),
    "script": (_lead_to("javascript:alert(1)"), Failure.MISCONFIGURED),
}


@pytest.mark.parametrize("case", BAD)
def test_metadata_that_cannot_be_relied_upon_is_refused(office: Office, case: str) -> None:
    change, failure = BAD[case]
    assert failure_of(begin(office, **pasted(office, changed(office, change)))) is failure


@pytest.mark.parametrize(
    "document,failure",
    [
        ("no XML", Failure.BROKEN_ANSWER),
        ("<a/>", Failure.BROKEN_ANSWER),
        ("<!DOCTYPE a><a/>", Failure.UNSAFE_DOCUMENT),
        ("<a>" * 100 + "</a>" * 100, Failure.UNSAFE_DOCUMENT),
    ],
)
def test_what_is_no_metadata_is_refused(office: Office, document: str, failure: Failure) -> None:
    assert failure_of(begin(office, **pasted(office, document))) is failure


def test_pasted_metadata_serves_with_a_comment_in_it(office: Office) -> None:
    document = changed(office, lambda root: root.insert(0, etree.Comment("written by hand")))
    done(office.sign_in(connector=office.connector(**pasted(office, document))))


def test_metadata_that_leads_to_other_hosts_is_refused(office: Office) -> None:
    elsewhere = changed(office, _lead_to("https://attacker.example/sso"))
    assert failure_of(begin(office, **pasted(office, elsewhere, endpoint_origins=[office.issuer]))) is (
        Failure.MISCONFIGURED
    )
    from_url = office.connector(endpoint_origins=["https://attacker.example"])
    assert from_url.configuration.allowed_origins == {office.issuer, "https://attacker.example:443"}


def with_signature(office: Office, pair: Pair = SIGNER, root: etree._Element | None = None) -> str:
    return text(signed(published(office) if root is None else root, pair))


def test_signed_metadata_is_checked_where_its_signer_is_configured(office: Office) -> None:
    signers = {"metadata_certificates": [certificate_pem(make_pair("another")), certificate_pem(SIGNER)]}
    done(office.sign_in(connector=office.connector(**pasted(office, with_signature(office), **signers))))
    strangers = with_signature(office, make_pair("a stranger"))
    tampered = with_signature(office).replace("/sso", "/ssO")
    for document in (text(published(office)), strangers, tampered):
        assert failure_of(begin(office, **pasted(office, document, **signers))) is Failure.WRONG_SIGNATURE
    assert failure_of(begin(office, **signers)) is Failure.WRONG_SIGNATURE, "the office signs with its own key"


def test_a_signer_whose_certificate_has_ended_is_refused(office: Office) -> None:
    document, signers = with_signature(office), {"metadata_certificates": [certificate_pem(SIGNER)]}
    office.door.shift = timedelta(days=400)
    assert failure_of(begin(office, **pasted(office, document, **signers))) is Failure.WRONG_SIGNATURE


def test_a_source_whose_certificate_has_ended_is_refused(office: Office) -> None:
    short = make_pair("a day only", days=1)
    office.door.shift = timedelta(days=2)
    connector = office.connector(**pasted(office, _with_key(office, short), leeway_seconds=300))
    from connectors.saml.response import signed_assertion

    root = etree.fromstring(f'<samlp:Response xmlns:samlp="{NAMESPACES["samlp"]}" ID="_a"/>')
    response = signed(root, short)
    metadata = known_certificates(connector, office)
    with pytest.raises(ValueError, match="in force"):
        signed_assertion(response, connector.configuration, metadata, (), office.door.context.now())


def known_certificates(connector: Any, office: Office) -> Any:
    from connectors.saml.metadata import read_metadata

    return read_metadata(office.door.context, connector.configuration).certificates


def _with_key(office: Office, pair: Pair) -> str:
    def change(root: etree._Element) -> None:
        for certificate in _certificates(root):
            certificate.text = pair.encoded

    return changed(office, change)


def test_a_short_cache_is_respected(office: Office) -> None:
    """The sandbox says five minutes; one that says less is asked again sooner."""
    from connectors.saml.metadata import parse_for

    configuration = office.connector().configuration
    for stated, seconds in (("PT5M", 300), ("PT30S", 30), ("P1DT1H1M1.5S", 90_061), ("P1M", None), ("x", None)):
        root = published(office)
        root.set("cacheDuration", stated)
        assert parse_for(configuration, etree.tostring(root)).cache_seconds == seconds


# ---- sources check ----


def failed(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if not check.passed}


def test_a_good_source_passes_every_line(office: Office) -> None:
    checks = office.connector().checks(office.door.context)
    assert failed(checks) == set()
    assert [check.name for check in checks] == [
        "fetch", "tls", "clock", "metadata", "metadata signature", "metadata validity", "source's certificate",
        "algorithms", "sign-on binding", "sign-out", "our signing certificate", "our decryption certificate", "latency",
    ]  # fmt: skip
    assert all(check.detail for check in checks)
    (signature,) = [check for check in checks if check.name == "metadata signature"]
    assert "not checked" in signature.detail, "that nobody checks it is told"


def _soon(root: etree._Element) -> None:
    soon = datetime.now(UTC) + timedelta(hours=20)
    root.set("validUntil", soon.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _no_redirect(root: etree._Element) -> None:
    for service in list(root.iter(f"{{{NAMESPACES['md']}}}SingleSignOnService"))[:1]:
        _role(root).remove(service)


@pytest.mark.parametrize(
    "change,expected", [(_soon, "metadata validity"), (_no_redirect, "sign-on binding"), (_weak_key, "metadata")]
)
def test_each_fault_has_its_line(office: Office, change: Callable[[Any], None], expected: str) -> None:
    connector = office.connector(**pasted(office, changed(office, change)))
    assert failed(connector.checks(office.door.context)) == {expected}


def test_a_certificate_that_ends_soon_raises_an_alarm_before_it_does(office: Office) -> None:
    context, short = office.door.context, make_pair("three weeks", days=21)
    theirs = office.connector(**pasted(office, _with_key(office, short)))
    assert failed(theirs.checks(context)) == {"source's certificate"}
    assert failed(office.connector(certificate_alarm_days=20, **pasted(office, _with_key(office, short))).checks(
        context)) == set()  # fmt: skip
    followed = published(office)
    _role(followed).insert(0, etree.fromstring(text(_role(followed)[0])))
    _certificates(followed)[0].text = short.encoded
    assert failed(office.connector(**pasted(office, text(followed))).checks(context)) == set(), "another follows"
    office.door.credentials["signing_key"] = pem_of(short) + pem_of(OUR_PAIR)
    ours = {"our signing certificate", "our decryption certificate"}
    assert failed(office.connector().checks(context)) == ours, "the one in use counts"


def test_a_clock_that_is_off_shows(office: Office) -> None:
    office.door.shift = timedelta(seconds=40)
    assert failed(office.connector().checks(office.door.context)) == {"clock"}


def test_an_office_that_is_not_there_has_its_line(office: Office) -> None:
    office.told(fault="down", endpoint="metadata")
    assert failed(office.connector().checks(office.door.context)) == {"fetch"}
    assert failure_of(office.door.begin(office.connector())) is Failure.UNREACHABLE


@pytest.mark.parametrize(
    "secret", ["", "no PEM", certificate_pem(OUR_PAIR), pem_of(OUR_PAIR).partition("-----BEGIN CERT")[0]]
)
def test_a_key_of_ours_that_does_not_serve_is_told(office: Office, secret: str) -> None:
    office.door.credentials["signing_key"] = secret
    assert failure_of(office.door.begin(office.connector())) is Failure.MISCONFIGURED
    assert {"our signing certificate"} <= failed(office.connector().checks(office.door.context))
    with pytest.raises(ValueError, match="signing_key"):
        office.connector().metadata(office.door.context)


def test_a_key_that_was_never_set_is_told(office: Office) -> None:
    office.door.credentials.clear()
    assert failure_of(office.door.begin(office.connector())) is Failure.MISCONFIGURED


# ---- what may be configured ----

GOOD = {
    "idp_entity_id": "https://tax.example/metadata",
    "entity_id": "https://idp.example/saml",
    "callback_url": "https://idp.example/callback/tax",
    "metadata_url": "https://tax.example/metadata",
}


def test_a_plain_configuration_is_understood() -> None:
    configuration = TaxConfiguration.model_validate(GOOD)
    assert (configuration.binding, configuration.leeway_seconds, configuration.proofing) == ("redirect", 60, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata_url": "http://tax.example/metadata"},
        {"metadata_url": ""},
        {"metadata_xml": "<a/>"},
        {"callback_url": ""},
        {"callback_url": "javascript:alert(1)"},
        {"entity_id": ""},
        {"metadata_certificates": ["no PEM"]},
        {"endpoint_origins": ["tax.example"]},
        {"leeway_seconds": 301},
        {"proofing": 3},
        {"context_levels": {"urn:x": 5}},
        {"secret": "misplaced"},
        {"status_failures": {"urn:x": "no failure of ours"}},
    ],
)
def test_what_would_be_unsafe_or_misspelt_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TaxConfiguration.model_validate(GOOD | changes)


def test_another_callback_address_than_the_published_one_is_misconfigured(office: Office) -> None:
    connector = office.connector(callback_url="https://idp.example/callback/another")
    assert failure_of(office.door.begin(connector)) is Failure.MISCONFIGURED
