"""Revocation, over real sockets: lists, the responder, what each does wrong, and where we do not go to ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import Failed, Failure
from connectors.sandbox.cast import Part
from tests.connectors.circle import Circle
from tests.connectors.door import done, failure_of

LISTS, RESPONDER = ["crl"], ["ocsp", "crl"]


def test_the_responder_is_asked_first_and_lists_where_there_is_none(circle: Circle) -> None:
    assert done(circle.sign_in())
    assert [path for path in circle.asked() if not path.startswith("/sign")] == ["/crl/root.crl", "/ocsp"]


def test_the_order_is_the_operators(circle: Circle) -> None:
    assert done(circle.sign_in(Part.ORDINARY, circle.configured(revocation_order=["crl", "ocsp"])))
    assert [path for path in circle.asked() if "/sign" not in path] == ["/crl/root.crl", "/crl/issuing-1.crl"]


@pytest.mark.parametrize("order", [["crl"], ["crl", "ocsp"], ["ocsp", "crl"]])
@pytest.mark.parametrize("whose", [{}, {"citizen": 0}])
def test_a_revoked_certificate_is_refused_by_every_means(
    circle: Circle, order: list[str], whose: dict[str, int]
) -> None:
    circle.told(fault="revoked", **whose)
    connector = circle.configured(revocation_order=order)
    assert failure_of(circle.sign_in(Part.ORDINARY, connector)) == Failure.CERTIFICATE_REVOKED
    if whose:
        assert done(circle.sign_in(Part.ORDINARY_THIRD, connector))


@pytest.mark.parametrize("order", [["crl"], ["crl", "ocsp"], ["ocsp", "crl"]])
def test_a_revoked_authority_takes_its_certificates_with_it(circle: Circle, order: list[str]) -> None:
    circle.told(fault="revoked_authority")
    step = circle.sign_in(Part.ORDINARY, circle.configured(revocation_order=order))
    assert failure_of(step) == Failure.CERTIFICATE_REVOKED


@pytest.mark.parametrize("fault", ["crl_stale", "crl_unreachable", "crl_wrong_signer", "huge_answer", "down", "slow"])
def test_without_a_good_list_nothing_is_known(circle: Circle, fault: str) -> None:
    more = {"seconds": 4} if fault == "slow" else {}
    circle.told(fault=fault, endpoint="crl", **more)
    step = circle.sign_in(Part.ORDINARY, circle.configured(revocation_order=LISTS))
    assert failure_of(step) == Failure.REVOCATION_UNKNOWN


@pytest.mark.parametrize("fault", ["ocsp_stale", "ocsp_wrong_signer", "ocsp_unreachable", "ocsp_other_nonce",
                                   "huge_answer", "down"])  # fmt: skip
def test_a_responder_that_is_no_use_leaves_it_to_the_list(circle: Circle, fault: str) -> None:
    circle.told(fault=fault, endpoint="ocsp")
    assert done(circle.sign_in())
    assert "/crl/issuing-1.crl" in circle.asked()
    circle.door.documents.forget()
    circle.told(fault="crl_unreachable")
    assert failure_of(circle.sign_in()) == Failure.REVOCATION_UNKNOWN


def test_an_answer_without_our_nonce_must_be_young_enough(circle: Circle) -> None:
    circle.told(fault="ocsp_without_nonce")
    alone = {"revocation_order": ["ocsp", "crl"]}
    assert done(circle.sign_in(Part.ORDINARY, circle.configured(**alone)))
    assert "/crl/issuing-1.crl" in circle.asked()
    circle.honest()
    circle.told(fault="ocsp_without_nonce")
    assert done(circle.sign_in(Part.ORDINARY, circle.configured(**alone, ocsp_age_seconds=4 * 86_400)))
    assert "/crl/issuing-1.crl" not in circle.asked()


def test_a_list_that_says_revoked_is_heard_when_the_responder_is_not_there(circle: Circle) -> None:
    circle.told(fault="ocsp_unreachable")
    circle.told(fault="revoked", endpoint="crl")
    assert failure_of(circle.sign_in()) == Failure.CERTIFICATE_REVOKED


def test_an_authority_that_denies_a_certificate_is_not_overruled_by_its_list(circle: Circle) -> None:
    circle.told(fault="ocsp_unknown")
    assert failure_of(circle.sign_in()) == Failure.REVOCATION_UNKNOWN
    assert "/crl/issuing-1.crl" not in circle.asked()


def test_the_last_good_list_serves_until_its_next_update_and_no_longer(circle: Circle) -> None:
    connector = circle.configured(revocation_order=LISTS)
    assert done(circle.sign_in(Part.ORDINARY, connector))
    circle.told(fault="crl_wrong_signer")
    assert done(circle.sign_in(Part.ORDINARY, connector))
    circle.door.shift = timedelta(days=6)
    assert done(circle.sign_in(Part.ORDINARY, connector))
    circle.door.shift = timedelta(days=7)
    assert failure_of(circle.sign_in(Part.ORDINARY, connector)) == Failure.REVOCATION_UNKNOWN


def test_nobody_is_asked_at_a_place_that_only_the_certificate_names(circle: Circle) -> None:
    other = circle.configured(revocation_urls={"http://elsewhere.example/": f"{circle.issuer}/"})
    step = circle.sign_in(Part.ORDINARY, other)
    assert failure_of(step) == Failure.REVOCATION_UNKNOWN
    assert isinstance(step, Failed) and "does not name" in step.detail
    assert not [path for path in circle.asked() if "/sign" not in path]


def test_a_mirror_may_stand_for_the_place_that_the_certificate_names(circle: Circle) -> None:
    mirrored = circle.configured(revocation_urls={"http://elsewhere.localhost:1/": f"{circle.issuer}/"})
    both = mirrored.configuration.model_copy(
        update={"revocation_urls": {**mirrored.configuration.revocation_urls, f"{circle.issuer}/": f"{circle.issuer}/"}}
    )
    circle.told(fault="other_places", times=1)
    assert done(circle.sign_in(Part.ORDINARY, type(mirrored)(both)))


@pytest.mark.parametrize(
    "url",
    [
        "http://ca.example/lists/../admin", "http://ca.example/lists", "http://ca.example:80/lists/a.crl",
        "http://ca.example@evil.example/lists/a.crl", "http://ca.example.evil.example/lists/a.crl",
        "https://ca.example/lists/a.crl", "ldap://ca.example/lists/a.crl", "http://ca.example/lists/%2e%2e/admin",
        "http://ca.example/lists/a b", "http://ca.example/lists/" + "a" * 400, "",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_allowed_place_is_none(circle: Circle, url: str) -> None:
    configuration = circle.configuration(revocation_urls={"http://ca.example/lists/": "https://mirror.example/"})
    assert configuration.where_to_ask("http://ca.example/lists/a.crl") == "https://mirror.example/a.crl"
    assert configuration.where_to_ask(url) is None
