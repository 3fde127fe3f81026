"""The tax connector at npm's samlp: an identity provider written by others, to the same specifications."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.base import AutoPost, Failure, IdentifierType, Input, Redirect, Step
from connectors.sandbox.tax.keys import make_pair
from connectors.tax import TWO_FACTOR_CLASS, Tax, TaxConfiguration
from idp.egress import Egress
from tests.connectors.door import Door, done, failure_of
from tests.connectors.saml.office import ENTITY_ID, OUR_PAIR, certificate_pem, pem_of
from tests.peers.saml_idp import saml_idp
from tests.peers.visitor import Visitor

THEIR_PAIR = make_pair("npm samlp")
ACCOUNTS = {
    "nnt-ha": {
        **{"maSoThue": "001190000101", "soDinhDanh": "001190000101", "soCmnd": "010000101"},
        **{"hoTen": "TRẦN THỊ THU HÀ", "ngaySinh": "03/1990", "gioiTinh": "Nữ", "email": "ha@thu.example"},
    },
    "nnt-my": {"maSoThue": "8000000707", "soDinhDanh": "002152000707", "hoTen": "Giàng Thị Mỷ", "ngaySinh": "1952"},
}


@contextlib.contextmanager
def running(**environment: str) -> Iterator[str]:
    key = THEIR_PAIR.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with saml_idp(
        accounts=ACCOUNTS, key=key, cert=certificate_pem(THEIR_PAIR), callback_url=Door.callback_url,
        CLIENT_CERT=certificate_pem(OUR_PAIR), CONTEXT=TWO_FACTOR_CLASS, **environment,
    ) as issuer:  # fmt: skip
        yield issuer


@pytest.fixture(scope="module", params=["assertion", "response", "both", "encrypted"])
def issuer(request: pytest.FixtureRequest) -> Iterator[str]:
    sign = {"encrypted": "assertion"}.get(request.param, request.param)
    with running(SIGN=sign, ENCRYPT="yes" if request.param == "encrypted" else "no") as issuer:
        yield issuer


@pytest.fixture
def peer_door(_egress: Egress) -> Door:
    return Door(_egress, signing_key=pem_of(OUR_PAIR))


def connector_for(issuer: str, **changes: Any) -> Tax:
    values = {
        **{"idp_entity_id": issuer, "entity_id": ENTITY_ID, "callback_url": Door.callback_url},
        **{"metadata_url": f"{issuer}/metadata", **changes},
    }
    return Tax(TaxConfiguration.model_validate(values))


def answer_of(step: Step, account: str = "nnt-ha", decision: str = "sign-in") -> Input:
    visitor = Visitor()
    with contextlib.closing(visitor._session):
        assert isinstance(step, Redirect | AutoPost), step
        post = isinstance(step, AutoPost)
        page = visitor.request("POST" if post else "GET", step.url, data=dict(step.fields) if post else None)
        page = visitor.submit(page, {"account": account, "decision": decision})
        assert page.status == 200, page.html
        assert page.forms[0].action == Door.callback_url
        return Input(method="POST", form=tuple(page.forms[0].fields.items()))


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_sign_in_at_a_provider_that_is_not_ours(peer_door: Door, issuer: str, binding: str) -> None:
    """It checks the signature of our request, and we the one of its response, however it signs."""
    connector = connector_for(issuer, binding=binding)
    step = peer_door.begin(connector, force=True)
    assertion = done(connector.resume(peer_door.context, getattr(step, "state"), answer_of(step)))  # noqa: B009
    assert (assertion.issuer, assertion.subject, assertion.name.full) == (issuer, "nnt-ha", "TRẦN THỊ THU HÀ")
    assert {one.type: one.value for one in assertion.identifiers} == {
        IdentifierType.TAX_CODE: "001190000101",
        IdentifierType.PERSONAL_NUMBER: "001190000101",
        IdentifierType.FORMER_NUMBER: "010000101",
    }
    assert (assertion.birth_date.year, assertion.birth_date.month, assertion.birth_date.day) == (1990, 3, None)
    assert (assertion.authentication, assertion.upstream_session) == (2, "_a-session")


def tampered(answer: Input) -> tuple[Input, Failure]:
    """The same with another number in it, or other ciphertext, and what is to be said of that."""
    fields = dict(answer.form)
    document = base64.b64decode(fields["SAMLResponse"])
    changed, failure = document.replace(b"001190000101", b"001190000102"), Failure.WRONG_SIGNATURE
    if changed == document:
        head, _, tail = document.rpartition(b"CipherValue></")
        place = len(head) - 40
        other = b"B" if head[place : place + 1] == b"A" else b"A"
        changed = head[:place] + other + head[place + 1 :] + b"CipherValue></" + tail
        failure = Failure.BROKEN_ANSWER
    fields["SAMLResponse"] = base64.b64encode(changed).decode()
    return Input(method="POST", form=tuple(fields.items())), failure


def test_a_response_that_was_changed_on_the_way_is_refused(peer_door: Door, issuer: str) -> None:
    connector = connector_for(issuer)
    step = peer_door.begun(connector)
    answer = answer_of(step)
    changed, failure = tampered(answer)
    assert failure_of(connector.resume(peer_door.context, step.state, changed)) is failure
    done(connector.resume(peer_door.context, step.state, answer))
    assert failure_of(connector.resume(peer_door.context, step.state, answer)) is Failure.REPLAYED


def test_going_back_is_told(peer_door: Door, issuer: str) -> None:
    connector = connector_for(issuer)
    step = peer_door.begun(connector)
    answer = answer_of(step, decision="cancel")
    assert failure_of(connector.resume(peer_door.context, step.state, answer)) is Failure.REFUSED


def test_every_check_passes_and_signing_out_is_offered(peer_door: Door, issuer: str) -> None:
    connector = connector_for(issuer)
    assert [check for check in connector.checks(peer_door.context) if not check.passed] == []
    hint = '{"id":"nnt-ha"}'
    url = connector.sign_out(peer_door.context, logout_hint=hint, return_url="", handle="handle")
    assert url is not None and url.startswith(f"{issuer}/slo?SAMLRequest=")


def test_it_refuses_a_request_that_is_not_ours(peer_door: Door, issuer: str) -> None:
    peer_door.credentials["signing_key"] = pem_of(make_pair("a stranger"))
    for binding in ("redirect", "post"):
        step = peer_door.begin(connector_for(issuer, binding=binding))
        with pytest.raises(AssertionError, match="refused"):
            answer_of(step)
