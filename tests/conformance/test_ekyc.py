"""eKYC and Identity Assurance: verified claims in id_token and userinfo (OpenID Connect for Identity Assurance 1.0)."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.conformance.conftest import NewClient
from tests.conformance.deployment import Deployment
from tests.conformance.suite_client import SuiteClient, random_word

ANYHOW = {"trust_framework": None}


@pytest.fixture
def known(deployment: Deployment) -> str:
    """The claim that the suite takes: the first that discovery names and that its user has."""
    document = deployment.discovery()
    for name in ("trust_frameworks_supported", "evidence_supported", "electronic_records_supported"):
        assert document[name] and all(isinstance(one, str) for one in document[name])
    names: list[str] = document["claims_in_verified_claims_supported"]
    return names[0]


def asked(first: SuiteClient, element: Any, *parts: str) -> dict[str, Any]:
    """What both answers tell, after a sign-in that asked for this in these parts; without it where it is missing."""
    wish = {part: {"verified_claims": element} for part in parts or ("userinfo", "id_token")}
    tokens = first.sign_in(scope="openid", claims=json.dumps(wish))
    answer = first.userinfo(tokens.access_token)
    assert answer.status_code == 200
    told = {"userinfo": answer.json(), "id_token": tokens.claims}
    return {part: said["verified_claims"] for part, said in told.items() if "verified_claims" in said}


def element(claims: dict[str, Any]) -> dict[str, Any]:
    return {"verification": ANYHOW, "claims": claims}


def only(deployment: Deployment, found: dict[str, Any], name: str) -> None:
    """In both answers this claim and no other, verified by the one trust framework that there is."""
    [framework] = deployment.discovery()["trust_frameworks_supported"]
    assert found.keys() == {"userinfo", "id_token"}
    for told in found.values():
        assert told["verification"] == {"trust_framework": framework}
        assert told["claims"].keys() == {name} and told["claims"][name]


def test_ekyc_server_happypath(deployment: Deployment, client: NewClient, known: str) -> None:
    only(deployment, asked(client("basic"), element({known: None})), known)


def test_ekyc_server_happypath_emptyobject(deployment: Deployment, client: NewClient, known: str) -> None:
    only(deployment, asked(client("basic"), element({known: {}})), known)


def test_ekyc_server_happypath_essentialfalse(deployment: Deployment, client: NewClient, known: str) -> None:
    only(deployment, asked(client("basic"), element({known: {"essential": False}})), known)


def test_ekyc_server_unknown_claim_omitted(deployment: Deployment, client: NewClient, known: str) -> None:
    only(deployment, asked(client("basic"), element({known: None, random_word(): None})), known)


def test_ekyc_server_unknown_essential_claim_omitted(deployment: Deployment, client: NewClient, known: str) -> None:
    only(deployment, asked(client("basic"), element({known: None, random_word(): {"essential": True}})), known)


def test_ekyc_server_unknown_claim_specialchars_omitted(deployment: Deployment, client: NewClient, known: str) -> None:
    special = f"{random_word()}-_.~!*'();:@&=+$,/?%#[]\"\\ żółć"
    only(deployment, asked(client("basic"), element({known: None, special: None})), known)


def test_ekyc_server_one_claim_with_random_value_omitted(client: NewClient, known: str) -> None:
    """Section 5.6.4: the claim is left out, and what is then no valid answer with it (section 5.6.5); no error."""
    assert asked(client("basic"), element({known: {"value": str(uuid.uuid4())}})) == {}


def test_ekyc_server_request_only_in_idtoken(client: NewClient, known: str) -> None:
    assert asked(client("basic"), element({known: None}), "id_token").keys() == {"id_token"}


def test_ekyc_server_request_only_in_userinfo(client: NewClient, known: str) -> None:
    assert asked(client("basic"), element({known: None}), "userinfo").keys() == {"userinfo"}


def test_ekyc_server_testuserprovidedrequest(deployment: Deployment, client: NewClient) -> None:
    """A request as an operator would put into the suite's configuration."""
    [framework] = deployment.discovery()["trust_frameworks_supported"]
    verification = {
        "trust_framework": {"value": framework}, "assurance_level": None, "time": {"max_age": 86_400},
        "evidence": [{
            "type": {"value": "electronic_record"}, "record": {"type": None, "source": {"name": None}},
            "check_details": [{"check_method": None, "organization": None, "time": None}],
        }],
    }  # fmt: skip
    wish = [{"verification": verification, "claims": dict.fromkeys(["name", "birthdate"])}, element({"gender": None})]
    for told in asked(client("basic"), wish).values():
        assert [set(each["claims"]) for each in told] == [{"name", "birthdate"}, {"gender"}]
        assert told[0]["verification"].keys() == verification.keys()


def test_ekyc_server_testbasedonuserinfo_defaults(deployment: Deployment, client: NewClient) -> None:
    """What the operator says that the user is told, is asked for value by value, and told."""
    expected = asked(client("basic"), element(dict.fromkeys(["name", "given_name", "birthdate"])), "userinfo")
    provided = expected["userinfo"]
    verification = {name: {"value": value} for name, value in provided["verification"].items()}
    wish = {"verification": verification, "claims": {name: {"value": v} for name, v in provided["claims"].items()}}
    assert asked(client("basic"), wish, "userinfo") == expected


def test_ekyc_server_test_userinfo_notfoundinop(client: NewClient) -> None:
    """As before, of somebody who is another: nothing of them is told."""
    wish = {"verification": {"trust_framework": {"value": f"https://{random_word()}.example/"}},
            "claims": {"given_name": {"value": random_word()}}}  # fmt: skip
    assert asked(client("basic"), wish) == {}
