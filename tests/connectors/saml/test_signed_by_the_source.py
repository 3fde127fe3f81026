"""What the source itself has signed, rightly, and what is refused all the same: each check stands for itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from connectors.base import Done, Failure, Input, Step
from connectors.saml.documents import NAMESPACES
from connectors.sandbox.shelf import now
from connectors.sandbox.tax.keys import make_pair
from connectors.sandbox.tax.responses import Facts, assertion_of, response_of
from connectors.sandbox.tax.signing import signed
from connectors.tax import Tax, TaxConfiguration
from tests.connectors.door import Door, failure_of
from tests.connectors.saml.office import ENTITY_ID, OUR_PAIR, pem_of

THEIRS, ISSUER = make_pair("a source"), "https://source.example/saml"
METADATA = f"""<md:EntityDescriptor xmlns:md="{NAMESPACES["md"]}" xmlns:ds="{NAMESPACES["ds"]}" entityID="{ISSUER}">
<md:IDPSSODescriptor protocolSupportEnumeration="{NAMESPACES["samlp"]}"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>{THEIRS.encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="https://source.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"""
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
CONNECTOR = Tax(
    TaxConfiguration(
        idp_entity_id=ISSUER, entity_id=ENTITY_ID, callback_url=Door.callback_url, metadata_xml=METADATA
    )
)  # fmt: skip
Change = Callable[[etree._Element], object]


@pytest.fixture
def door(_egress: Any) -> Door:
    return Door(_egress, signing_key=pem_of(OUR_PAIR))


def facts(request_id: str) -> Facts:
    return Facts(
        issuer=ISSUER, destination=Door.callback_url, recipient=Door.callback_url, audience=ENTITY_ID,
        in_response_to=request_id, issued_at=now(), auth_time=now(), level=2, session_index="_s", name_id="NNT-1",
        attributes={"maSoThue": "001090000101", "soDinhDanh": "001090000101", "hoTen": "Trần Minh Quân"},
    )  # fmt: skip


def answered(
    door: Door, change: Change = lambda _: None, sign: Callable[[Any], Any] | None = None, **told: Any
) -> Step:
    """The step after a response whose assertion was changed before it was signed; `told` are other facts."""
    step = door.begun(CONNECTOR)
    state = json.loads(step.state)
    honest = facts(state["request_id"])
    assertion = assertion_of(replace(honest, **told))
    change(assertion)
    around = response_of(honest, SUCCESS)
    around.append((sign or by_them)(assertion))
    encoded = base64.b64encode(etree.tostring(around)).decode()
    form = (("SAMLResponse", encoded), ("RelayState", state["handle"]))
    return CONNECTOR.resume(door.context, step.state, Input(method="POST", form=form))


def by_them(assertion: etree._Element) -> etree._Element:
    return signed(assertion, THEIRS)


def found(root: etree._Element, path: str) -> Any:
    return root.find(path, NAMESPACES)


CONDITIONS, CONFIRMED = "saml:Conditions", "saml:Subject/saml:SubjectConfirmation"
DATA, TOLD = f"{CONFIRMED}/saml:SubjectConfirmationData", "saml:AuthnStatement"


def setting(path: str, **attributes: str | None) -> Change:
    def change(root: etree._Element) -> None:
        element = found(root, path) if path else root
        for name, value in attributes.items():
            element.attrib.pop(name, None)
            if value is not None:
                element.set(name, value)

    return change


def without(path: str) -> Change:
    return lambda root: found(root, path).getparent().remove(found(root, path))


def twice(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = found(root, path)
        element.addnext(etree.fromstring(etree.tostring(element)))

    return change


def text(path: str, value: str) -> Change:
    return lambda root: setattr(found(root, path), "text", value)


def _strange_condition(root: etree._Element) -> None:
    etree.SubElement(found(root, CONDITIONS), "{urn:example}OnlyOnSundays")


def _second_restriction(root: etree._Element) -> None:
    twice("saml:Conditions/saml:AudienceRestriction")(root)
    found(root, "saml:Conditions/saml:AudienceRestriction/saml:Audience").text = "https://another.example"


def _attribute_of_elements(root: etree._Element) -> None:
    value = found(root, "saml:AttributeStatement/saml:Attribute/saml:AttributeValue")
    etree.SubElement(value, "x").text = "001090000101"


CASES: dict[str, tuple[Change, Failure]] = {
    "another version": (setting("", Version="1.1"), Failure.BROKEN_ANSWER),
    "another issuer inside": (text("saml:Issuer", "https://another.example"), Failure.WRONG_ISSUER),
    "no audience": (without("saml:Conditions/saml:AudienceRestriction"), Failure.WRONG_AUDIENCE),
    "no conditions": (without(CONDITIONS), Failure.WRONG_AUDIENCE),
    "two restrictions, one without us": (_second_restriction, Failure.WRONG_AUDIENCE),
    "a condition that nobody knows": (_strange_condition, Failure.BROKEN_ANSWER),
    "no subject": (without("saml:Subject"), Failure.INCOMPLETE),
    "no NameID": (without("saml:Subject/saml:NameID"), Failure.INCOMPLETE),
    "an empty NameID": (text("saml:Subject/saml:NameID", " "), Failure.INCOMPLETE),
    "a long NameID": (text("saml:Subject/saml:NameID", "x" * 256), Failure.INCOMPLETE),
    "a NameID for one visit": (
        setting("saml:Subject/saml:NameID", Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
        Failure.INCOMPLETE,
    ),
    "holder of key": (
        setting(CONFIRMED, Method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), Failure.BROKEN_ANSWER
    ),
    "two confirmations": (twice(CONFIRMED), Failure.BROKEN_ANSWER),
    "no recipient": (setting(DATA, Recipient=None), Failure.WRONG_RECIPIENT),
    "no end": (setting(DATA, NotOnOrAfter=None), Failure.WRONG_TIME),
    "the confirmation is over": (setting(DATA, NotOnOrAfter="2020-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "the conditions are over": (setting(CONDITIONS, NotOnOrAfter="2020-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "not yet": (setting(DATA, NotBefore="2100-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "local time": (setting(DATA, NotOnOrAfter="2100-01-01T00:00:00+07:00"), Failure.WRONG_TIME),
    "no such day": (setting(DATA, NotOnOrAfter="2100-02-30T00:00:00Z"), Failure.WRONG_TIME),
    "nobody's answer": (setting(DATA, InResponseTo=None), Failure.WRONG_NONCE),
    "made long before": (setting("", IssueInstant="2020-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "made later": (setting("", IssueInstant="2100-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "signed in later": (setting(TOLD, AuthnInstant="2100-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "the session is over": (setting(TOLD, SessionNotOnOrAfter="2020-01-01T00:00:00Z"), Failure.WRONG_TIME),
    "nobody signed in": (without(TOLD), Failure.BROKEN_ANSWER),
    "an attribute twice": (twice("saml:AttributeStatement/saml:Attribute"), Failure.BROKEN_ANSWER),
    "an attribute of elements": (_attribute_of_elements, Failure.INCOMPLETE),
    "a tax code of letters": (
        text("saml:AttributeStatement/saml:Attribute/saml:AttributeValue", "001O90000101"), Failure.INCOMPLETE
    ),
}  # fmt: skip


def test_an_honest_one_is_taken(door: Door) -> None:
    assert isinstance(answered(door), Done)


@pytest.mark.parametrize("case", CASES)
def test_what_it_must_not_say_is_refused_by_name(door: Door, case: str) -> None:
    change, failure = CASES[case]
    assert failure_of(answered(door, change)) is failure


def test_an_unknown_class_of_sign_in_is_worth_the_least(door: Door) -> None:
    step = answered(door, text("saml:AuthnStatement/saml:AuthnContext/saml:AuthnContextClassRef", "urn:example:new"))
    assert isinstance(step, Done)
    assert (step.assertion.authentication, step.assertion.means) == (1, ())


def by_signxml(**options: Any) -> Callable[[etree._Element], etree._Element]:
    def sign(assertion: etree._Element) -> etree._Element:
        if options.get("reference_uri") == "":  # the whole document, whatever that will be
            del assertion.attrib["ID"]
        own_id, form = assertion.get("ID"), {name: value for name, value in options.items() if name != "reference_uri"}
        signer = XMLSigner(**{"c14n_algorithm": CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0, **form})
        made: etree._Element = signer.sign(
            assertion, key=THEIRS.private, cert=[THEIRS.certificate], id_attribute="ID",
            reference_uri=f"#{own_id}" if own_id else None,
        )  # fmt: skip
        return made

    return sign


@pytest.mark.parametrize(
    "options",
    [
        {"c14n_algorithm": CanonicalizationMethod.CANONICAL_XML_1_0},
        {"c14n_algorithm": CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0_WITH_COMMENTS},
        {"signature_algorithm": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"},
        {"digest_algorithm": "http://www.w3.org/2001/04/xmldsig-more#sha224"},
        {"method": SignatureConstructionMethod.detached},
        {"reference_uri": ""},
    ],
    ids=["inclusive", "with comments", "PSS", "SHA-224", "detached", "whole document"],
)
def test_a_signature_in_another_form_than_agreed_is_refused(door: Door, options: dict[str, Any]) -> None:
    """SAML core section 5.4, and the algorithms that we allow; the key is the right one in each."""
    sign = by_signxml(**options)

    def placed(assertion: etree._Element) -> etree._Element:
        made = sign(assertion)
        if made.tag.endswith("}Signature"):  # detached: put where it would be looked for
            assertion.insert(1, made)
            return assertion
        return made

    assert isinstance(answered(door, sign=by_signxml()), Done)
    assert failure_of(answered(door, sign=placed)) is Failure.WRONG_SIGNATURE
