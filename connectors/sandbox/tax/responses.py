"""Responses: the honest one, from plain facts to a signed document, and every dishonest one that a fault asks for."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.fault_book import MISSING_CLAIM, OTHER_CLAIMS, Fault
from connectors.sandbox.shelf import now
from connectors.sandbox.source import SignIn
from connectors.sandbox.tax import documents, wrapping
from connectors.sandbox.tax.encryption import encrypted
from connectors.sandbox.tax.faults import XSW, Lie
from connectors.sandbox.tax.records import subject, tax_record
from connectors.sandbox.tax.signing import signed
from connectors.sandbox.tax.state import CONTEXT_CLASSES, TaxOffice, Wanted
from connectors.sandbox.tax.xml import PERSISTENT, PREFIXES, STATUS, Element, add, element, instant, new_id

LIFETIME_SECONDS = 300
HOUR_SECONDS, DAY_SECONDS = 3600, 86_400


@dataclass(kw_only=True)
class Facts:
    """What a response says; a lie is a change of one of these. Instants are seconds since 1970."""

    issuer: str
    destination: str
    recipient: str
    audience: str
    in_response_to: str
    issued_at: int
    auth_time: int
    level: int
    session_index: str
    name_id: str
    attributes: dict[str, str]


def _facts(office: TaxOffice, wanted: Wanted, session: SignIn) -> Facts:
    seed = office.settings.seed
    return Facts(
        issuer=office.entity_id,
        destination=wanted.acs_url,
        recipient=wanted.acs_url,
        audience=wanted.client.entity_id,
        in_response_to=wanted.request_id,
        issued_at=now(),
        auth_time=session.auth_time,
        level=session.level,
        session_index=session.session_id,
        name_id=subject(session.citizen, seed=seed),
        attributes=tax_record(session.citizen, seed=seed).attributes(),
    )


LIES: dict[str, Callable[[Facts], object]] = {
    Lie.WRONG_ISSUER: lambda facts: setattr(facts, "issuer", "https://another-source.example/metadata"),
    Lie.WRONG_DESTINATION: lambda facts: setattr(facts, "destination", "https://another-door.example/callback"),
    Lie.WRONG_RECIPIENT: lambda facts: setattr(facts, "recipient", "https://another-door.example/callback"),
    Lie.WRONG_AUDIENCE: lambda facts: setattr(facts, "audience", "https://another-door.example/saml"),
    Lie.WRONG_IN_RESPONSE_TO: lambda facts: setattr(facts, "in_response_to", new_id()),
    Lie.EXPIRED: lambda facts: setattr(facts, "issued_at", facts.issued_at - HOUR_SECONDS),
    Lie.NOT_YET_VALID: lambda facts: setattr(facts, "issued_at", facts.issued_at + HOUR_SECONDS),
    Lie.OLD_AUTH_TIME: lambda facts: setattr(facts, "auth_time", facts.auth_time - DAY_SECONDS),
    Lie.LOWER_LEVEL: lambda facts: setattr(facts, "level", 1),
    Lie.MISSING_ATTRIBUTE: lambda facts: facts.attributes.pop("maSoThue", None),
}


def assertion_of(facts: Facts) -> Element:
    """SAML core section 2 and profiles section 4.1.4.2."""
    issued, ends = instant(facts.issued_at), instant(facts.issued_at + LIFETIME_SECONDS)
    root = element("saml:Assertion", ID=new_id(), Version="2.0", IssueInstant=issued)
    add(root, "saml:Issuer", facts.issuer)
    person = add(root, "saml:Subject")
    add(person, "saml:NameID", facts.name_id, Format=PERSISTENT, SPNameQualifier=facts.audience)
    confirmed = add(person, "saml:SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer")
    add(
        confirmed, "saml:SubjectConfirmationData",
        Recipient=facts.recipient, InResponseTo=facts.in_response_to, NotOnOrAfter=ends,
    )  # fmt: skip
    conditions = add(root, "saml:Conditions", NotBefore=issued, NotOnOrAfter=ends)
    add(add(conditions, "saml:AudienceRestriction"), "saml:Audience", facts.audience)
    signed_in = add(
        root, "saml:AuthnStatement", AuthnInstant=instant(facts.auth_time), SessionIndex=facts.session_index
    )
    context = add(signed_in, "saml:AuthnContext")
    add(context, "saml:AuthnContextClassRef", CONTEXT_CLASSES[facts.level])
    told = add(root, "saml:AttributeStatement")
    for name, value in facts.attributes.items():
        add(add(told, "saml:Attribute", Name=name), "saml:AttributeValue", value)
    return root


def response_of(facts: Facts, *codes: str) -> Element:
    root = element(
        "samlp:Response", ID=new_id(), Version="2.0", IssueInstant=instant(facts.issued_at),
        Destination=facts.destination, InResponseTo=facts.in_response_to,
    )  # fmt: skip
    add(root, "saml:Issuer", facts.issuer)
    place = add(root, "samlp:Status")
    for code in codes:
        place = add(place, "samlp:StatusCode", Value=code)
    return root


def refusal(office: TaxOffice, wanted: Wanted, *codes: str) -> bytes:
    """A signed response that signs nobody in, and says why: the codes, outermost first."""
    facts = Facts(
        issuer=office.entity_id, destination=wanted.acs_url, recipient=wanted.acs_url, level=1, auth_time=0,
        audience=wanted.client.entity_id, in_response_to=wanted.request_id, issued_at=now(), session_index="",
        name_id="", attributes={},
    )  # fmt: skip
    return etree.tostring(signed(response_of(facts, *codes), office.keys.current))


def response(office: TaxOffice, wanted: Wanted, session: SignIn, lie: Fault | None) -> bytes:
    """The response about this sign-in, as true as the lie leaves it."""
    told = lie.fault if lie else ""
    facts = _facts(office, wanted, session)
    if told in LIES:
        LIES[told](facts)
    if lie is not None and told == MISSING_CLAIM:
        facts.attributes.pop(lie.claim, None)
    if lie is not None and told == OTHER_CLAIMS:
        facts.attributes = lie.changed(facts.attributes)
    earlier = office.last_response(wanted.client)
    if told == Lie.REPLAYED and earlier is not None:
        return earlier
    document = _document(office, wanted, facts, told, _somebody_else(office, session.citizen))
    if not told:
        office.remember(wanted.client, document)
    return documents.BODIES[told](document) if told in documents.BODIES else document


def _somebody_else(office: TaxOffice, citizen: Citizen) -> Callable[[Element], None]:
    """What a forger does to an assertion: it now speaks of another person."""
    seed, index = office.settings.seed, 0 if citizen.index else 1
    other = office.population.citizens[index]
    values = tax_record(other, seed=seed).attributes()

    def change(assertion: Element) -> None:
        for name_id in assertion.iterfind("saml:Subject/saml:NameID", PREFIXES):
            name_id.text = subject(other, seed=seed)
        for attribute in assertion.iterfind("saml:AttributeStatement/saml:Attribute", PREFIXES):
            for value in attribute:
                value.text = values.get(attribute.get("Name", ""), value.text)

    return change


def _document(
    office: TaxOffice, wanted: Wanted, facts: Facts, told: str, swap: Callable[[Element], None]
) -> bytes:  # fmt: skip
    around, assertion = response_of(facts, f"{STATUS}Success"), assertion_of(facts)
    key, strangers = office.keys.current, office.keys.strangers
    signer, shown = {
        Lie.WRONG_KEY: (strangers, key), Lie.KEY_IN_KEYINFO: (strangers, strangers),
    }.get(told, (key, key))  # type: ignore[call-overload]  # fmt: skip
    signs = {"xsw1": "response", "xsw2": "response"}.get(told, "assertion" if told in XSW else wanted.client.sign)
    if told not in (Lie.UNSIGNED, Lie.ENCRYPTED_UNSIGNED) and signs in ("assertion", "both"):
        assertion = signed(assertion, signer, shown=shown, sha1=told == Lie.SHA1)
    if told == Lie.COMMENT_IN_NAMEID:
        documents.put_comment(assertion)
    if told == Lie.TAMPERED:
        swap(assertion)
    certificates = office.clients.certificates(wanted.client, "encryption")
    must_encrypt = wanted.client.encrypt or told in (Lie.ENCRYPTED_UNSIGNED, Lie.RSA15)
    if must_encrypt and told not in XSW and certificates:
        around.append(encrypted(assertion, certificates[0], rsa15=told == Lie.RSA15))
    else:
        around.append(assertion)
    if told == Lie.TWO_ASSERTIONS:
        second = assertion_of(facts)
        swap(second)
        around.append(signed(second, key))
    if signs in ("response", "both") and told not in (Lie.UNSIGNED, Lie.ENCRYPTED_UNSIGNED):
        around = signed(around, signer, shown=shown, sha1=told == Lie.SHA1)
    if told == Lie.TAMPERED and signs == "response":
        around.set("IssueInstant", instant(facts.issued_at + 1))
    if told in XSW:
        around = wrapping.WRAPPED[told](deepcopy(around), swap)
    return etree.tostring(around)
