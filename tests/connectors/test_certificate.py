"""Signing in with a USB token by a signed challenge: who it is then, and every lie of the token's, by its name."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from connectors.base import Done, Failure, Identifier, IdentifierType, Input, Organisation
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.population import DEFAULT_SEED
from tests.connectors.circle import Circle
from tests.connectors.door import done, failure_of


def personal(part: Part) -> Identifier:
    return Identifier(type=IdentifierType.PERSONAL_NUMBER, value=CAST[part].personal_number)


# Keys on P-256 and P-384, RSA with PKCS #1 v1.5 and with PSS; names as UTF8String and BMPString; RDNs of both sorts.
@pytest.mark.parametrize("part", [Part.ORDINARY, Part.ORDINARY_THIRD, Part.LOW_LEVEL, Part.ONE_WORD, Part.WRONG_NUMBER])
def test_a_person_signs_in_with_their_token(circle: Circle, part: Part) -> None:
    assertion = done(circle.sign_in(part))
    assert assertion.identifiers == (personal(part),)
    assert assertion.name.full == CAST[part].full_name
    assert (assertion.proofing, assertion.authentication, assertion.means) == (3, 3, ("hwk", "pin"))
    assert (assertion.issuer, assertion.birth_date, assertion.organisation) == ("sandbox", None, None)
    assert abs(assertion.auth_time - circle.door.context.now()) < timedelta(minutes=1)


def test_a_key_that_no_policy_places_in_a_token_is_worth_less(circle: Circle) -> None:
    assertion = done(circle.sign_in(Part.NOT_IN_REGISTER))
    assert (assertion.authentication, assertion.means) == (2, ("swk",))
    nothing_said = circle.configured(hardware_policies=[])
    assert done(circle.sign_in(Part.ORDINARY, nothing_said)).authentication == 2


def test_a_certificate_from_an_employer_names_the_person_and_what_they_may_be_asked_to_act_for(circle: Circle) -> None:
    assertion = done(circle.sign_in(Part.ORDINARY_SECOND))
    assert assertion.identifiers == (personal(Part.ORDINARY_SECOND),)
    assert assertion.organisation == Organisation(
        tax_code="9900000030", name="Doanh nghiệp tư nhân Dệt may Mây Tre", role="Chủ doanh nghiệp"
    )


def test_a_former_number_is_told_as_one(circle: Circle) -> None:
    (number,) = done(circle.sign_in(Part.FORMER_NUMBER)).identifiers
    assert number == Identifier(type=IdentifierType.FORMER_NUMBER, value="350001010", state="former")


def test_twelve_digits_in_a_cmnd_are_a_personal_number(circle: Circle) -> None:
    circle.told(fault="cmnd12", times=1)
    assertion = done(circle.sign_in())
    former = Identifier(type=IdentifierType.FORMER_NUMBER, value="010000101", state="former")
    assert assertion.identifiers == (personal(Part.ORDINARY), former)


def test_a_company_seal_is_not_a_person_and_a_person_with_a_tax_code_is(circle: Circle) -> None:
    assert failure_of(circle.sign_in(seal="9900000016")) == Failure.NOT_A_PERSON
    circle.told(fault="seal", times=1)
    assert failure_of(circle.sign_in()) == Failure.NOT_A_PERSON
    circle.told(fault="seal_and_person", times=1)
    organisation = done(circle.sign_in()).organisation
    assert organisation == Organisation(tax_code="9900000016", name="Công ty TNHH Gốm sứ Sao Biếc", role="Giám đốc")


def test_whoever_comes_by_another_certificate_is_the_same_subject(circle: Circle) -> None:
    first = done(circle.sign_in())
    circle.held_by(Part.ORDINARY, renew=True)
    renewed = done(circle.sign_in())
    circle.told(fault="seal_and_person", times=1)
    employed = done(circle.sign_in())
    assert first.subject == renewed.subject == employed.subject
    assert len({first.evidence, renewed.evidence, employed.evidence}) == 3
    assert first.subject != done(circle.sign_in(Part.ORDINARY_THIRD)).subject
    assert CAST[Part.ORDINARY].personal_number not in first.subject
    elsewhere = circle.configured(issuer="another circle")
    assert first.subject != done(circle.sign_in(Part.ORDINARY, elsewhere)).subject


@pytest.mark.parametrize(
    "fault, failure",
    [
        ("expired", Failure.CERTIFICATE_UNTRUSTED),
        ("not_yet_valid", Failure.CERTIFICATE_UNTRUSTED),
        ("wrong_ca", Failure.CERTIFICATE_UNTRUSTED),
        ("wrong_purpose", Failure.CERTIFICATE_UNTRUSTED),
        ("not_for_signing", Failure.CERTIFICATE_UNTRUSTED),
        ("weak_key", Failure.CERTIFICATE_UNTRUSTED),
        ("other_places", Failure.REVOCATION_UNKNOWN),
        ("seal", Failure.NOT_A_PERSON),
        ("no_uid", Failure.INCOMPLETE),
        ("malformed_uid", Failure.BROKEN_ANSWER),
        ("contradictory_uids", Failure.BROKEN_ANSWER),
        ("wrong_challenge", Failure.WRONG_NONCE),
        ("wrong_relay_state", Failure.WRONG_NONCE),
        ("tampered", Failure.WRONG_SIGNATURE),
        ("weak_digest", Failure.WRONG_SIGNATURE),
        ("no_signed_attributes", Failure.WRONG_SIGNATURE),
        ("other_certificate", Failure.WRONG_SIGNATURE),
        ("two_signers", Failure.BROKEN_ANSWER),
        ("garbage", Failure.BROKEN_ANSWER),
        ("huge_answer", Failure.BROKEN_ANSWER),
        ("revoked", Failure.CERTIFICATE_REVOKED),
        ("revoked_authority", Failure.CERTIFICATE_REVOKED),
    ],
)
def test_every_lie_is_refused_by_its_name(circle: Circle, fault: str, failure: Failure) -> None:
    endpoint = {"huge_answer": {"endpoint": "sign"}}.get(fault, {})
    circle.told(fault=fault, **endpoint)
    step = circle.sign_in()
    assert failure_of(step) == failure
    assert not isinstance(step, Done) and CAST[Part.ORDINARY].personal_number not in step.detail  # type: ignore[union-attr]
    circle.honest()
    circle.door.documents.forget()
    assert done(circle.sign_in())


def test_a_signature_of_an_earlier_sign_in_is_a_replay(circle: Circle) -> None:
    done(circle.sign_in())
    circle.told(fault="replayed", times=1)
    assert failure_of(circle.sign_in()) == Failure.REPLAYED


def test_an_answer_counts_once_and_so_does_a_challenge(circle: Circle) -> None:
    step = circle.begun()
    answer, another = circle.signed(step), circle.signed(step, Part.ORDINARY_THIRD)
    assert done(circle.resumed(step, answer))
    assert failure_of(circle.resumed(step, answer)) == Failure.REPLAYED
    assert failure_of(circle.resumed(step, another)) == Failure.REPLAYED


def test_a_signature_is_good_for_the_sign_in_that_it_was_made_for_alone(circle: Circle) -> None:
    mine, theirs = circle.begun(), circle.begun()
    answer = dict(circle.signed(mine).form) | {"RelayState": dict(theirs.fields)["RelayState"]}
    assert failure_of(circle.resumed(theirs, Input(method="POST", form=tuple(answer.items())))) == Failure.WRONG_NONCE


def test_a_challenge_names_us_and_the_sign_in_and_ends(circle: Circle) -> None:
    step = circle.begun()
    lines = base64.b64decode(dict(step.fields)["challenge"]).decode().splitlines()
    assert lines[0] == "MotCua sign-in challenge 1"
    assert lines[1] == f"for: {circle.door.callback_url}"
    assert lines[2] == f"sign-in: {dict(step.fields)['RelayState']}"
    assert lines[3] != base64.b64decode(dict(circle.begun().fields)["challenge"]).decode().splitlines()[3]
    answer = circle.signed(step)
    circle.door.shift = timedelta(seconds=301)
    assert failure_of(circle.resumed(step, answer)) == Failure.WRONG_TIME


@pytest.mark.parametrize(
    "fields, failure",
    [
        ({"error": "cancelled"}, Failure.CANCELLED),
        ({"error": "locked"}, Failure.ACCOUNT_LOCKED),
        ({"error": "no_certificate"}, Failure.NO_CERTIFICATE),
        ({"error": "driver_missing"}, Failure.REFUSED),
        ({"error": "<b>" * 100}, Failure.REFUSED),
        ({}, Failure.BROKEN_ANSWER),
        ({"signature": ""}, Failure.BROKEN_ANSWER),
        ({"signature": "!"}, Failure.BROKEN_ANSWER),
        ({"signature": "AAAA"}, Failure.BROKEN_ANSWER),
    ],
)
def test_what_is_no_signature_says_why(circle: Circle, fields: dict[str, str], failure: Failure) -> None:
    step = circle.begun()
    answer = {"RelayState": dict(step.fields)["RelayState"], **fields}
    found = circle.resumed(step, Input(method="POST", form=tuple(answer.items())))
    assert failure_of(found) == failure and "<b>" not in found.detail  # type: ignore[union-attr]


def test_a_person_can_cancel_and_a_locked_token_says_so(circle: Circle) -> None:
    assert failure_of(circle.sign_in(cancel="1")) == Failure.CANCELLED
    assert failure_of(circle.sign_in(Part.LOCKED)) == Failure.ACCOUNT_LOCKED


def test_an_authority_takes_new_keys_while_people_sign_in(circle: Circle) -> None:
    under_way = circle.begun()
    before = circle.held_by(Part.ORDINARY)
    circle.rolled_over()
    after = circle.held_by(Part.ORDINARY_FOURTH, renew=True)
    assert before["issuer"] != after["issuer"]
    assert done(circle.resumed(under_way, circle.signed(under_way)))
    assert done(circle.sign_in(Part.ORDINARY_FOURTH))
    old = done(circle.sign_in())
    circle.held_by(Part.ORDINARY, renew=True)
    assert done(circle.sign_in()).subject == old.subject


def test_an_anchor_that_has_run_out_is_none_and_its_successor_serves(circle: Circle) -> None:
    key, current = hierarchy.root(DEFAULT_SEED).key, hierarchy.root(DEFAULT_SEED).certificate
    ended = x509.CertificateBuilder(
        current.subject, current.subject, key.public_key(), 7, datetime(2019, 1, 1, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC), list(current.extensions),
    ).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()  # fmt: skip
    alone = circle.configured(anchors=[ended])
    assert failure_of(circle.sign_in(Part.ORDINARY, alone)) == Failure.CERTIFICATE_UNTRUSTED
    assert done(circle.sign_in(Part.ORDINARY, circle.configured(anchors=[ended, hierarchy.root(DEFAULT_SEED).pem])))


def test_many_certificates_of_one_name_lead_nobody_astray(circle: Circle) -> None:
    """All orders of ten strangers that name each other as issuers are millions of paths."""
    step, held = circle.begun(), circle.held_by(Part.ORDINARY)
    certificate, key = (
        x509.load_pem_x509_certificate(held["certificate"].encode()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    begin, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    strangers = [
        x509.CertificateBuilder(certificate.issuer, certificate.issuer, key.public_key(), number, begin, end)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
        for number in range(1, 10)
    ]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(base64.b64decode(dict(step.fields)["challenge"]))
    builder = builder.add_signer(certificate, load_pem_private_key(held["key"].encode(), None), hashes.SHA256())
    for stranger in strangers:
        builder = builder.add_certificate(stranger)
    signature = base64.b64encode(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])).decode()
    form = (("RelayState", dict(step.fields)["RelayState"]), ("signature", signature))
    found = circle.resumed(step, Input(method="POST", form=form))
    assert failure_of(found) == Failure.CERTIFICATE_UNTRUSTED


def test_a_required_policy_must_hold_for_the_whole_path(circle: Circle) -> None:
    assert done(circle.sign_in(Part.ORDINARY, circle.configured(policies=["2.999.1.1"])))
    other = circle.configured(policies=["2.999.7.7"])
    assert failure_of(circle.sign_in(Part.ORDINARY, other)) == Failure.CERTIFICATE_UNTRUSTED
