"""Signing in at the tax office by SAML 2.0, over real sockets, by people of the fixed cast."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import zlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from connectors.base import AutoPost, Failure, IdentifierType, Input, Redirect, Sex
from connectors.saml.documents import NAMESPACES
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.tax.keys import make_pair
from connectors.tax import PASSWORD_CLASS, TWO_FACTOR_CLASS
from tests.connectors.door import Door, done, failure_of
from tests.connectors.saml.office import (
    ENTITY_ID,
    SIGNED_OUT_URL,
    Office,
    answer_of,
    certificate_pem,
    form_of,
    walked,
)
from tests.peers.visitor import Visitor

HANDLE = "a-short-handle"


def numbers(assertion: Any) -> dict[IdentifierType, str]:
    return {one.type: one.value for one in assertion.identifiers}


@pytest.mark.parametrize("binding", ["redirect", "post"])
@pytest.mark.parametrize("encrypt", [False, True])
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_a_sign_in_by_either_binding_signed_and_encrypted_as_agreed(
    office: Office, binding: str, encrypt: bool, sign: str
) -> None:
    office.register(encrypt=encrypt, sign=sign)
    connector = office.connector(binding=binding, encryption_required=encrypt)
    assertion, citizen = done(office.sign_in(connector=connector)), CAST[Part.ORDINARY]
    assert assertion.issuer == f"{office.issuer}/metadata" and assertion.subject.startswith("NNT-")
    assert numbers(assertion) == {
        IdentifierType.TAX_CODE: citizen.personal_number,
        IdentifierType.PERSONAL_NUMBER: citizen.personal_number,
        IdentifierType.FORMER_NUMBER: citizen.former_number,
    }
    assert (assertion.name.full, assertion.birth_date.as_sent) == (citizen.full_name, "14/03/1990")
    assert (assertion.proofing, assertion.authentication, assertion.means) == (2, 2, ("pwd", "otp"))
    assert (assertion.sex, assertion.phone, assertion.email) == (Sex.MALE, citizen.phone, citizen.email)
    assert abs((assertion.auth_time - datetime.now(UTC)).total_seconds()) < 60


def test_the_evidence_is_the_response_as_it_came(office: Office) -> None:
    connector = office.connector()
    step = office.door.begun(connector)
    answer = answer_of(step)
    assertion = done(office.come_back(connector, step, answer))
    assert assertion.evidence == hashlib.sha256(base64.b64decode(form_of(answer)["SAMLResponse"])).digest()


def test_people_are_told_as_the_office_has_them(office: Office) -> None:
    year_only = done(office.sign_in(Part.YEAR_ONLY)).birth_date
    assert (year_only.year, year_only.month, year_only.as_sent) == (1952, None, "1952")
    assert done(office.sign_in(Part.ORDINARY_SECOND)).name.full == "NGUYỄN THỊ THU HÀ"
    former = numbers(done(office.sign_in(Part.FORMER_NUMBER)))
    assert former[IdentifierType.FORMER_NUMBER] == CAST[Part.FORMER_NUMBER].former_number
    assert IdentifierType.PERSONAL_NUMBER not in former and len(former[IdentifierType.TAX_CODE]) == 10
    both = numbers(done(office.sign_in(Part.LOW_LEVEL)))
    assert both[IdentifierType.PERSONAL_NUMBER] == CAST[Part.LOW_LEVEL].personal_number
    assert len(both[IdentifierType.TAX_CODE]) == 10
    again = done(office.sign_in(Part.YEAR_ONLY)).subject
    assert again == done(office.sign_in(Part.YEAR_ONLY)).subject != done(office.sign_in(Part.ORDINARY)).subject


@pytest.mark.parametrize("sent,month,day", [("02/1979", 2, None), ("20/02/1979", 2, 20), ("1979-02-20", 2, 20)])
def test_birth_dates_are_read_in_every_form_that_the_office_uses(
    office: Office, sent: str, month: int, day: int | None
) -> None:
    from connectors.claims import Claims

    values = {"maSoThue": "8000000001", "soDinhDanh": "001079000101", "hoTen": "Lê An", "ngaySinh": sent}
    birth_date = office.connector().person(Claims(values, office.door.context), 1).birth_date
    assert birth_date is not None
    assert (birth_date.year, birth_date.month, birth_date.day) == (1979, month, day)


def test_the_level_that_is_owed_is_asked_for_and_told(office: Office) -> None:
    weak = done(office.sign_in(level=1))
    assert (weak.authentication, weak.means) == (1, ("pwd",))
    assert failure_of(office.door.begin(office.connector(), level=3)) is Failure.LEVEL_TOO_LOW
    unheard_of = office.connector(context_classes={2: "urn:example:unheard-of"})
    assert failure_of(office.sign_in(connector=unheard_of)) is Failure.LEVEL_TOO_LOW


def test_who_is_locked_or_goes_back_is_told_as_that(office: Office) -> None:
    connector = office.connector()
    assert failure_of(office.sign_in(Part.LOCKED)) is Failure.ACCOUNT_LOCKED
    step = office.door.begun(connector)
    answer = answer_of(step, button="cancel")
    assert failure_of(office.come_back(connector, step, answer)) is Failure.CANCELLED


# ---- the request ----


def query_of(step: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(step.url).query).items()}


def test_a_request_says_what_the_profile_wants(office: Office) -> None:
    step = office.door.begun(office.connector(), force=True, level=1)
    query = query_of(step)
    message = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), wbits=-15))
    assert message.get("AssertionConsumerServiceURL") == Door.callback_url
    assert (message.get("ForceAuthn"), message.get("Destination")) == ("true", f"{office.issuer}/sso")
    assert message.findtext("saml:Issuer", None, NAMESPACES) == ENTITY_ID
    classes = [one.text for one in message.iterfind(".//saml:AuthnContextClassRef", NAMESPACES)]
    assert classes == [PASSWORD_CLASS, TWO_FACTOR_CLASS], "everything that suffices, weakest first"
    assert len(query["RelayState"].encode()) <= 80
    assert query["SigAlg"].endswith("rsa-sha256") and query["Signature"]
    assert json.loads(step.state)["request_id"] == message.get("ID")


def test_a_request_by_post_carries_its_signature_in_itself(office: Office) -> None:
    step = office.door.begin(office.connector(binding="post"))
    assert isinstance(step, AutoPost) and step.url == f"{office.issuer}/sso"
    message = etree.fromstring(base64.b64decode(dict(step.fields)["SAMLRequest"]))
    assert [etree.QName(child).localname for child in message][:3] == ["Issuer", "Signature", "NameIDPolicy"]


def test_the_office_refuses_a_request_that_was_changed_or_that_a_stranger_signed(office: Office) -> None:
    visitor = Visitor()
    with contextlib.closing(visitor._session):
        url = office.door.begun(office.connector()).url
        assert visitor.get(url.replace("RelayState=", "RelayState=x")).status == 400
        assert visitor.get(url).status == 303
        office.register(certificates=[certificate_pem(make_pair("somebody else"))])
        for binding in ("redirect", "post"):
            step: Any = office.door.begin(office.connector(binding=binding))
            fields = dict(step.fields) if isinstance(step, AutoPost) else None
            page = visitor.request("POST" if fields else "GET", step.url, data=fields)
            assert page.status == 400, page.html


def test_the_offices_own_session_is_not_the_last_persons(office: Office) -> None:
    connector, visitor = office.connector(), Visitor()
    with contextlib.closing(visitor._session):
        for force, part, expected in ((True, 0, 0), (False, 1, 0), (True, 1, 1)):
            step = office.door.begun(connector, force=force)
            answer = walked(visitor, step, Part(part))
            told = numbers(done(office.come_back(connector, step, answer)))
            assert told[IdentifierType.PERSONAL_NUMBER] == CAST[expected].personal_number


# ---- what comes back ----


@pytest.mark.parametrize(
    "answer,failure",
    [
        (Input(method="GET", raw_query="SAMLResponse=x&RelayState={handle}"), Failure.BROKEN_ANSWER),
        (Input(method="POST", form=(("RelayState", "{handle}"),)), Failure.BROKEN_ANSWER),
        (Input(method="POST", form=(("SAMLResponse", "x"), ("RelayState", "other"))), Failure.WRONG_NONCE),
        (Input(method="POST", form=(("SAMLResponse", "x"),)), Failure.WRONG_NONCE),
        (Input(method="POST", form=(("SAMLResponse", "*"), ("RelayState", "{handle}"))), Failure.BROKEN_ANSWER),
        (Input(method="POST", form=(("SAMLResponse", "PGEvPg=="), ("RelayState", "{handle}"))), Failure.BROKEN_ANSWER),
        (Input(method="POST", form=(("SAMLResponse", "PGE+"), ("RelayState", "{handle}"))), Failure.BROKEN_ANSWER),
        (Input(method="POST", form=(("SAMLResponse", "x"),) * 2), Failure.BROKEN_ANSWER),
    ],
)
def test_what_is_no_response_of_this_sign_in_has_its_failure(office: Office, answer: Input, failure: Failure) -> None:
    connector = office.connector()
    step = office.door.begun(connector)
    handle = query_of(step)["RelayState"]
    form = tuple((name, value.replace("{handle}", handle)) for name, value in answer.form)
    came = Input(method=answer.method, raw_query=answer.raw_query.replace("{handle}", handle), form=form)
    assert failure_of(office.come_back(connector, step, came)) is failure


def test_a_response_to_another_sign_in_is_refused(office: Office) -> None:
    """Also one that nobody had asked for: it answers no request of ours."""
    connector = office.connector()
    mine, anothers = office.door.begun(connector), office.door.begun(connector)
    stolen = form_of(answer_of(anothers, Part.ORDINARY_SECOND)) | {"RelayState": query_of(mine)["RelayState"]}
    step = office.come_back(connector, mine, Input(method="POST", form=tuple(stolen.items())))
    assert failure_of(step) is Failure.WRONG_NONCE


# ---- signing out, and what we publish ----


def test_signing_out_ends_the_offices_session(office: Office) -> None:
    connector, visitor = office.connector(), Visitor()
    with contextlib.closing(visitor._session):
        step = office.door.begun(connector)
        assertion = done(office.come_back(connector, step, walked(visitor, step, Part.ORDINARY)))
        assert assertion.upstream_session and len(assertion.logout_hint) < 400
        url = connector.sign_out(
            office.door.context, logout_hint=assertion.logout_hint, return_url="https://idp.example/", handle=HANDLE
        )
        assert url is not None
        answer = visitor.get(url)
        assert answer.location.startswith(f"{SIGNED_OUT_URL}?SAMLResponse=")
        assert query_of(Redirect(url=answer.location, state=b""))["RelayState"] == HANDLE
        unforced = visitor.open(office.door.begun(connector).url)
        assert any("interaction" in form.fields for form in unforced.forms), "the office asks again"


@pytest.mark.parametrize("hint", [None, "", "no JSON", "[]", "{}", "null"])
def test_without_a_name_there_is_nobody_to_sign_out(office: Office, hint: str | None) -> None:
    context = office.door.context
    assert office.connector().sign_out(context, logout_hint=hint, return_url="", handle=HANDLE) is None


def test_what_we_publish_is_enough_to_register_us(office: Office) -> None:
    media_type, document = office.connector().metadata(office.door.context)
    assert media_type == "application/samlmetadata+xml"
    root = etree.fromstring(document)
    assert root.get("entityID") == ENTITY_ID
    (service,) = root.iterfind("md:SPSSODescriptor/md:AssertionConsumerService", NAMESPACES)
    assert service.get("Location") == Door.callback_url
    uses = [one.get("use") for one in root.iterfind("md:SPSSODescriptor/md:KeyDescriptor", NAMESPACES)]
    assert uses == ["signing", "encryption"]
    assert root.find("ds:Signature", NAMESPACES) is not None
