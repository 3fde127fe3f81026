"""Each way in which a SAML identity provider can lie, or be made to seem to, is refused by name."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from connectors.base import Failure, Identifier, IdentifierType, Input
from connectors.saml.documents import NAMESPACES, PROTOCOL
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.tax.encryption import encrypted
from connectors.sandbox.tax.faults import XSW, Lie
from tests.connectors.door import done, failure_of
from tests.connectors.saml.office import OUR_PAIR, Office, answer_of, form_of

LIES = {
    Lie.WRONG_RECIPIENT: Failure.WRONG_RECIPIENT,
    Lie.WRONG_DESTINATION: Failure.WRONG_RECIPIENT,
    Lie.WRONG_AUDIENCE: Failure.WRONG_AUDIENCE,
    Lie.WRONG_IN_RESPONSE_TO: Failure.WRONG_NONCE,
    Lie.WRONG_ISSUER: Failure.WRONG_ISSUER,
    Lie.EXPIRED: Failure.WRONG_TIME,
    Lie.NOT_YET_VALID: Failure.WRONG_TIME,
    Lie.MISSING_ATTRIBUTE: Failure.INCOMPLETE,
    Lie.TAMPERED: Failure.WRONG_SIGNATURE,
    Lie.UNSIGNED: Failure.WRONG_SIGNATURE,
    Lie.WRONG_KEY: Failure.WRONG_SIGNATURE,
    Lie.KEY_IN_KEYINFO: Failure.WRONG_SIGNATURE,
    Lie.SHA1: Failure.WRONG_SIGNATURE,
    Lie.ENCRYPTED_UNSIGNED: Failure.WRONG_SIGNATURE,
    Lie.RSA15: Failure.WRONG_SIGNATURE,
    Lie.COMMENT_IN_NAMEID: Failure.UNSAFE_DOCUMENT,
    Lie.TWO_ASSERTIONS: Failure.WRONG_SIGNATURE,
    Lie.REPLAYED: Failure.REPLAYED,
    Lie.XXE: Failure.UNSAFE_DOCUMENT,
    Lie.BILLION_LAUGHS: Failure.UNSAFE_DOCUMENT,
    Lie.HUGE_DOCUMENT: Failure.UNSAFE_DOCUMENT,
    Lie.DEEP_DOCUMENT: Failure.UNSAFE_DOCUMENT,
    **dict.fromkeys(XSW, Failure.WRONG_SIGNATURE),
    "locked": Failure.ACCOUNT_LOCKED,
    "deceased": Failure.DECEASED,
}


def test_every_lie_that_the_office_can_tell_has_a_row_here() -> None:
    told_elsewhere = {Lie.OLD_AUTH_TIME, Lie.LOWER_LEVEL}
    assert set(Lie) - told_elsewhere <= set(LIES)


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_each_lie_has_its_failure(office: Office, lie: str) -> None:
    connector = office.connector()
    done(office.sign_in(connector=connector))
    office.told(fault=lie)
    assert failure_of(office.sign_in(connector=connector)) is LIES[lie]
    office.honest()
    done(office.sign_in(connector=connector))


@pytest.mark.parametrize("lie", [Lie.TAMPERED, Lie.UNSIGNED, Lie.WRONG_KEY, Lie.KEY_IN_KEYINFO, Lie.SHA1])
@pytest.mark.parametrize("encrypt,sign", [(True, "assertion"), (False, "response"), (True, "both"), (True, "response")])
def test_a_broken_signature_is_refused_wherever_it_stands(office: Office, lie: str, encrypt: bool, sign: str) -> None:
    office.register(encrypt=encrypt, sign=sign)
    office.told(fault=lie)
    assert failure_of(office.sign_in()) is Failure.WRONG_SIGNATURE


def test_an_old_sign_in_is_not_enough_where_a_new_one_is_owed(office: Office) -> None:
    office.told(fault="old_auth_time")
    assert failure_of(office.sign_in(force=True)) is Failure.WRONG_TIME
    assert failure_of(office.sign_in(max_age_seconds=600)) is Failure.WRONG_TIME


def test_a_weaker_sign_in_than_was_asked_for_is_told_as_what_it_is(office: Office) -> None:
    office.told(fault="lower_level")
    assert done(office.sign_in(level=2)).authentication == 1


@pytest.mark.parametrize("attribute", ["hoTen", "maSoThue"])
def test_what_cannot_be_done_without_is_missed(office: Office, attribute: str) -> None:
    office.told(fault="missing_claim", claim=attribute)
    assert failure_of(office.sign_in(Part.ORDINARY_THIRD)) is Failure.INCOMPLETE


def test_where_the_tax_code_is_the_personal_number_nothing_else_is_missed(office: Office) -> None:
    office.told(fault="missing_claim", claim="soDinhDanh")
    said = done(office.sign_in(Part.ORDINARY_THIRD))
    number = CAST[Part.ORDINARY_THIRD].personal_number
    assert said.identifiers == (Identifier(type=IdentifierType.TAX_CODE, value=number),)


def test_where_the_tax_code_is_not_a_personal_number_is_missed(office: Office) -> None:
    office.told(fault="other_claims", claims={"soDinhDanh": None, "maSoThue": "8000000001"})
    assert failure_of(office.sign_in(Part.ORDINARY_THIRD)) is Failure.INCOMPLETE


def test_an_assertion_in_the_clear_is_refused_where_it_was_to_be_encrypted(office: Office) -> None:
    strict = office.connector(encryption_required=True)
    assert failure_of(office.sign_in(connector=strict)) is Failure.BROKEN_ANSWER


def test_an_assertion_encrypted_for_somebody_else_cannot_be_opened(office: Office) -> None:
    from connectors.sandbox.tax.keys import make_pair
    from tests.connectors.saml.office import pem_of

    office.register(encrypt=True)
    office.door.credentials["decryption_key"] = pem_of(make_pair("another key"))
    assert failure_of(office.sign_in()) is Failure.BROKEN_ANSWER


def test_the_clock_may_be_off_by_a_little(office: Office) -> None:
    for seconds, good in ((-50, True), (50, True), (-70, False), (420, False)):
        connector = office.connector()
        step = office.door.begun(connector)
        answer = answer_of(step)
        office.door.shift = timedelta(seconds=seconds)
        told = office.come_back(connector, step, answer)
        assert (type(told).__name__ == "Done") is good, (seconds, told)
        office.door.shift = timedelta()


# ---- what nobody at the office would do, and a forger might ----


def opened(answer: Input) -> etree._Element:
    return etree.fromstring(base64.b64decode(form_of(answer)["SAMLResponse"]))


def closed(answer: Input, root: etree._Element) -> Input:
    fields = form_of(answer) | {"SAMLResponse": base64.b64encode(etree.tostring(root)).decode()}
    return Input(method="POST", form=tuple(fields.items()))


def found(root: etree._Element, path: str) -> Any:
    element = root.find(path, NAMESPACES)
    assert element is not None
    return element


def _encrypted_forgery(root: etree._Element) -> None:
    """A forged assertion, without a signature, encrypted for us as anybody can."""
    assertion = found(root, "saml:Assertion")
    assertion.remove(found(assertion, "ds:Signature"))
    found(assertion, "saml:Subject/saml:NameID").text = "NNT-somebody-else"
    root.replace(assertion, encrypted(assertion, OUR_PAIR.certificate))


def _second_reference(root: etree._Element) -> None:
    info = found(root, "saml:Assertion/ds:Signature/ds:SignedInfo")
    info.append(etree.fromstring(etree.tostring(found(info, "ds:Reference"))))


def _xpath_transform(root: etree._Element) -> None:
    transform = found(root, "saml:Assertion/ds:Signature/ds:SignedInfo/ds:Reference/ds:Transforms/ds:Transform")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")


def _whole_document(root: etree._Element) -> None:
    found(root, "saml:Assertion/ds:Signature/ds:SignedInfo/ds:Reference").set("URI", "")


def _hmac(root: etree._Element) -> None:
    method = found(root, "saml:Assertion/ds:Signature/ds:SignedInfo/ds:SignatureMethod")
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


def _same_id_twice(root: etree._Element) -> None:
    status = found(root, "samlp:Status")
    status.set("ID", found(root, "saml:Assertion").get("ID"))


def _advice(root: etree._Element) -> None:
    copy = etree.fromstring(etree.tostring(found(root, "saml:Assertion")))
    for element in copy.iter():
        element.attrib.pop("ID", None)
    found(root, "samlp:Status").append(copy)


def _error_with_assertion(root: etree._Element) -> None:
    found(root, "samlp:Status/samlp:StatusCode").set("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")


def _encrypted_bomb(root: etree._Element) -> None:
    """What nobody can see before it is opened is read as carefully as the rest."""
    assertion = found(root, "saml:Assertion")
    place = assertion
    for _ in range(100):
        place = etree.SubElement(place, "deeper")
    root.replace(assertion, encrypted(assertion, OUR_PAIR.certificate))


def _encrypted_twice(root: etree._Element) -> None:
    assertion = found(root, "saml:Assertion")
    root.replace(assertion, encrypted(encrypted(assertion, OUR_PAIR.certificate), OUR_PAIR.certificate))


def _cipher_elsewhere(root: etree._Element) -> None:
    assertion = found(root, "saml:Assertion")
    sealed = encrypted(assertion, OUR_PAIR.certificate)
    data = sealed[0][-1]
    data.remove(data[0])
    etree.SubElement(data, "{http://www.w3.org/2001/04/xmlenc#}CipherReference", URI="file:///etc/passwd")
    root.replace(assertion, sealed)


FORGERIES: dict[Callable[[etree._Element], object], Failure] = {
    _encrypted_forgery: Failure.WRONG_SIGNATURE,
    _encrypted_bomb: Failure.UNSAFE_DOCUMENT,
    _encrypted_twice: Failure.BROKEN_ANSWER,
    _cipher_elsewhere: Failure.UNSAFE_DOCUMENT,
    _second_reference: Failure.WRONG_SIGNATURE,
    _xpath_transform: Failure.WRONG_SIGNATURE,
    _whole_document: Failure.WRONG_SIGNATURE,
    _hmac: Failure.WRONG_SIGNATURE,
    _same_id_twice: Failure.WRONG_SIGNATURE,
    _advice: Failure.WRONG_SIGNATURE,
    _error_with_assertion: Failure.REFUSED,
}


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__.strip("_"))
def test_each_forgery_has_its_failure(office: Office, forge: Callable[[etree._Element], object]) -> None:
    connector = office.connector()
    step = office.door.begun(connector)
    answer = answer_of(step)
    root = opened(answer)
    forge(root)
    assert failure_of(office.come_back(connector, step, closed(answer, root))) is FORGERIES[forge]
    done(office.come_back(connector, step, answer))


@pytest.mark.parametrize(
    "codes,failure",
    [
        (("Responder", "AuthnFailed"), Failure.REFUSED),
        (("Responder", "RequestDenied"), Failure.REFUSED),
        (("Responder", "NoPassive"), Failure.REFUSED),
        (("Requester", "NoAuthnContext"), Failure.LEVEL_TOO_LOW),
        (("Requester", "UnknownPrincipal"), Failure.UNKNOWN_THERE),
        (("Responder",), Failure.REFUSED),
        (("Requester",), Failure.MISCONFIGURED),
        (("VersionMismatch",), Failure.MISCONFIGURED),
        (("Requester", "nobody-knows-this"), Failure.MISCONFIGURED),
        (("nobody-knows-this",), Failure.REFUSED),
        (("Success", "AuthnFailed"), Failure.REFUSED),
    ],
)
def test_each_status_has_its_failure(office: Office, codes: tuple[str, ...], failure: Failure) -> None:
    """SAML core section 3.2.2.2."""
    connector = office.connector()
    step = office.door.begun(connector)
    answer = answer_of(step, Part.LOCKED)
    root = opened(answer)
    root.remove(found(root, "ds:Signature"))
    place = found(root, "samlp:Status")
    place.clear()
    for code in codes:
        value = f"urn:oasis:names:tc:SAML:2.0:status:{code}"
        place = etree.SubElement(place, f"{{{PROTOCOL}}}StatusCode", Value=value)
    assert failure_of(office.come_back(connector, step, closed(answer, root))) is failure
    root.set("InResponseTo", "_another")
    assert failure_of(office.come_back(connector, step, closed(answer, root))) is Failure.WRONG_NONCE


def test_a_harmful_document_costs_no_time(office: Office) -> None:
    for lie in (Lie.BILLION_LAUGHS, Lie.DEEP_DOCUMENT, Lie.HUGE_DOCUMENT):
        office.told(fault=lie, times=1)
        connector = office.connector()
        step = office.door.begun(connector)
        answer = answer_of(step)
        started = time.process_time()
        assert failure_of(office.come_back(connector, step, answer)) is Failure.UNSAFE_DOCUMENT
        assert time.process_time() - started < 0.5


def test_nothing_personal_is_told_of_a_failure(office: Office) -> None:
    citizen = CAST[Part.ORDINARY]
    for lie in (Lie.TAMPERED, Lie.COMMENT_IN_NAMEID, Lie.MISSING_ATTRIBUTE, "xsw3", Lie.WRONG_AUDIENCE):
        office.told(fault=lie, times=1)
        step = office.sign_in()
        text = f"{step} {office.door.notes}"
        assert citizen.personal_number not in text and citizen.given not in text


def test_the_forger_of_a_wrapped_signature_would_have_been_somebody_else(office: Office) -> None:
    """What each wrapping would have gained, had the first assertion been read instead of the signed one."""
    victim = CAST[Part.ORDINARY_SECOND].personal_number
    for lie in XSW:
        office.told(fault=lie, times=1)
        root = opened(answer_of(office.door.begun(office.connector())))
        values = {value.text for value in root.iter(f"{{{NAMESPACES['saml']}}}AttributeValue")}
        assert victim in values, lie
