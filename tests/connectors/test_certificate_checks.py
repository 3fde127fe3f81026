"""`sources check` of a circle of authorities, and configurations that are none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import KINDS
from connectors.base import Check, Checkable, Connector
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.anchors import main as write_anchors
from connectors.sandbox.population import DEFAULT_SEED
from tests.connectors.circle import Circle


def checks(circle: Circle, **changes: Any) -> list[Check]:
    usual = {
        "intermediates": [hierarchy.issuing(DEFAULT_SEED, circle.issuer, 1).pem],
        "known_crls": [f"{circle.issuer}/crl/issuing-1.crl"],
        "known_responders": [f"{circle.issuer}/ocsp"],
    }
    return circle.configured(**(usual | changes)).checks(circle.door.context)


def failed(found: list[Check]) -> set[str]:
    """The names of the lines that failed, without addresses."""
    return {check.name.partition(" http")[0] for check in found if not check.passed}


def test_a_circle_that_is_well_passes_every_line(circle: Circle) -> None:
    found = checks(circle)
    assert failed(found) == set()
    assert [check.name for check in found] == [
        "anchor 1", "intermediate 1", "intermediate 1 ocsp", "intermediate 1 crl", "CRL issuing-1.crl",
        f"OCSP {circle.issuer}/ocsp", "signing page", "latency",
    ]  # fmt: skip
    assert all(check.detail for check in found) and found[3].milliseconds > 0


def test_an_authority_that_ends_soon_raises_the_alarm_in_time(circle: Circle) -> None:
    end = hierarchy.root(DEFAULT_SEED).certificate.not_valid_after_utc
    circle.door.shift = end - circle.door.context.now() - timedelta(days=59)
    assert {"anchor 1", "intermediate 1"} <= failed(checks(circle))


@pytest.mark.parametrize(
    "fault, changes, expected",
    [
        ({"fault": "crl_stale"}, {}, {"intermediate 1 crl", "CRL issuing-1.crl"}),
        ({"fault": "crl_wrong_signer"}, {}, {"intermediate 1 crl", "CRL issuing-1.crl"}),
        ({"fault": "crl_unreachable"}, {}, {"intermediate 1 crl", "CRL issuing-1.crl"}),
        ({"fault": "down", "endpoint": "sign"}, {}, {"signing page"}),
        ({"fault": "ocsp_unreachable"}, {}, {"OCSP"}),
        ({"fault": "huge_answer", "endpoint": "ocsp"}, {}, {"OCSP"}),
        ({"fault": "down", "endpoint": "ocsp", "close": True}, {}, {"OCSP"}),
        ({"fault": "slow", "endpoint": "sign", "seconds": 1.2}, {}, {"latency"}),
        (None, {"revocation_urls": {"http://else.example/": "https://else.example/"}},
         {"intermediate 1 crl", "CRL issuing-1.crl", "OCSP"}),
        (None, {"revocation_order": ["ocsp"]}, {"intermediate 1 ocsp"}),
        (None, {"anchors": [hierarchy.root(DEFAULT_SEED, stranger=True).pem]},
         {"intermediate 1 issuer"}),
    ],
)  # fmt: skip
def test_each_fault_has_its_line(
    circle: Circle, fault: dict[str, Any] | None, changes: dict[str, Any], expected: set[str]
) -> None:
    if fault is not None:
        circle.told(**fault)
    assert failed(checks(circle, **changes)) == expected


def test_the_kind_is_registered_and_can_sign_in_and_be_checked(circle: Circle) -> None:
    kind = KINDS["certificate"]
    connector = kind.connector(circle.configuration())
    assert kind.ceiling == 3 and isinstance(connector, Connector) and isinstance(connector, Checkable)


@pytest.mark.parametrize(
    "changes, about",
    [
        ({"mode": "tls"}, "signing_url"),
        ({"signing_url": ""}, "signing_url"),
        ({"signing_url": "http://ca.example/sign"}, "signing_url"),
        ({"signing_url": "javascript:alert(1)"}, "signing_url"),
        ({"anchors": []}, "anchors"),
        ({"anchors": ["no certificate"]}, "anchors"),
        ({"anchors": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]}, "anchors"),
        ({"anchors": [hierarchy.root(DEFAULT_SEED).pem * 51]}, "anchors"),
        ({"revocation_urls": {}}, "revocation_urls"),
        ({"revocation_urls": {"http://ca.example": "https://ca.example/"}}, "revocation_urls"),
        ({"revocation_urls": {"http://ca.example/": "http://ca.example/"}}, "revocation_urls"),
        ({"revocation_urls": {"http://ca.example/a?b=/": "https://ca.example/"}}, "revocation_urls"),
        ({"revocation_order": []}, "revocation_order"),
        ({"revocation_order": ["crl", "crl"]}, "revocation_order"),
        ({"purposes": ["clientAuth"]}, "purposes"),
        ({"hardware_policies": ["1.2.x"]}, "hardware_policies"),
        ({"issuer": ""}, "issuer"),
        ({"trust_system_store": True}, "trust_system_store"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(circle: Circle, changes: dict[str, Any], about: str) -> None:
    with pytest.raises(ValidationError, match=about):
        circle.configuration(**changes)


def test_the_sandboxs_authorities_are_known_before_it_runs(circle: Circle, tmp_path: Any) -> None:
    anchors, intermediates = tmp_path / "anchors.pem", tmp_path / "intermediates.pem"
    write_anchors([str(anchors), str(intermediates), "--issuer", circle.issuer])
    found = checks(circle, anchors=[anchors.read_text()], intermediates=[intermediates.read_text()])
    assert failed(found) == set()
    response = circle.egress.request("GET", f"{circle.issuer}/anchors.pem")
    assert response.body.decode() == anchors.read_text()
