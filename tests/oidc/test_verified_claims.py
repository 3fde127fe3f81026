"""What `verified_claims` tell (OpenID Connect for Identity Assurance 1.0, IDA; OpenID Identity Assurance Schema
Definition 1.0): which claims, verified how well, when, and by whom.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Sex
from idp import clock
from idp.people import claims
from idp.sources import SourceDraft
from tests.oidc.assured import (
    EVERYTHING,
    FRAMEWORK,
    LEVELS,
    RECORD,
    Residents,
    asked,
    assured_country,
    checked,
    country,
    portal,
    residents,
    speaks,
    told,
    wanted,
)
from tests.oidc.residents import fresh_name, seconds_later
from tests.oidc.shape_of_verified_claims import assert_well_formed
from tests.registers.party import REGISTER
from tests.world import Portal, World, add_source

__all__ = ["assured_country", "country", "portal", "residents"]

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "portals.md").read_text("utf-8")
AT_BANK: dict[str, Any] = {"source": "bank", "level": 2, "proofing": 2, "authentication": 2}
NAMES = ("name", "birthdate")


@pytest.fixture
def document(country: World) -> dict[str, Any]:
    found: dict[str, Any] = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
    return found


def said_of(evidence: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["record"]["type"], each["check_details"][0]["check_method"]) for each in evidence}


# ---- claims and verification (Schema Definition section 5) ----


def test_claims_that_a_source_proofed_are_told_with_the_trust_framework(portal: Portal, residents: Residents) -> None:
    assert told(residents(portal), portal, wanted("given_name", "family_name")) == {
        "verification": {"trust_framework": FRAMEWORK},
        "claims": {"given_name": "Anh", "family_name": "Nguyễn"},
    }


def test_who_said_so_and_when_is_told_where_it_is_asked(portal: Portal, residents: Residents) -> None:
    before = clock.seconds()
    found = told(residents(portal), portal, wanted("birthdate", verification=EVERYTHING))
    assert_well_formed(found)
    verification = found["verification"]
    assert verification["assurance_level"] == "substantial"
    [evidence] = verification["evidence"]
    assert evidence["record"] == {"type": "population_register", "source": {"name": "Nguồn population"}}
    [check] = evidence["check_details"]
    assert (check["check_method"], check["organization"]) == ("auth", "Nguồn population")
    assert check["time"] == verification["time"]
    assert before <= datetime.fromisoformat(check["time"]).timestamp() <= clock.seconds()


def test_that_the_register_agreed_is_evidence_of_name_and_number_and_of_nothing_else(
    portal: Portal, residents: Residents
) -> None:
    """Of a birth date the register is at times asked the year alone; of the rest of the person it is asked nothing."""
    resident = residents(portal, **AT_BANK)
    both = {("bank_account", "auth"), ("population_register", "data")}
    for name, expected in {
        "name": both, "personal_number": both, "birthdate": {("bank_account", "auth")},
        "gender": {("bank_account", "auth")}, "family_name": {("bank_account", "auth")},
    }.items():  # fmt: skip
        found = told(resident, portal, wanted(name, verification=EVERYTHING))
        assert said_of(found["verification"]["evidence"]) == expected, name
        assert_well_formed(found)


def test_what_the_register_said_of_before_is_no_evidence_of_what_came_later(
    country: World, portal: Portal, residents: Residents
) -> None:
    resident = residents(portal, **AT_BANK)
    with seconds_later(600):
        speaks(country, resident, "population", proofing=3)  # which vouches for the name from now on
    with seconds_later(601):
        found = told(resident, portal, wanted("name", verification=EVERYTHING))
    assert said_of(found["verification"]["evidence"]) == {("population_register", "auth")}


def test_what_the_register_itself_told_is_its_own_word(country: World, portal: Portal, residents: Residents) -> None:
    resident = residents(portal, **AT_BANK)
    with country.house.database.write() as tx:
        person = country.house.people.find(resident.person_id)
        assert person is not None
        country.house.people.renumber(tx, person, "079100000001", REGISTER)
    found = told(resident, portal, wanted("personal_number", verification=EVERYTHING))
    assert found["verification"]["assurance_level"] == "high"
    assert said_of(found["verification"]["evidence"]) == {("population_register", "data")}


def test_who_said_what_is_told_where_derived_claims_are_asked(
    country: World, portal: Portal, residents: Residents
) -> None:
    """Schema Definition section 5.4.4.3: each with the evidence out of which it came, and never empty."""
    of_these = {"type": {"value": RECORD}, "record": {"type": None}, "derived_claims": {"name": None, "gender": None}}
    verification = {"trust_framework": None, "evidence": [of_these]}
    found = told(residents(portal, **AT_BANK), portal, wanted("name", "gender", "birthdate", verification=verification))
    derived = {each["record"]["type"]: each["derived_claims"] for each in found["verification"]["evidence"]}
    assert derived == {
        "bank_account": {"name": "Nguyễn Thị Mai Anh", "gender": "female"},
        "population_register": {"name": "Nguyễn Thị Mai Anh"},
    }
    assert_well_formed(found)


def test_an_element_is_described_by_the_weakest_and_oldest_of_its_claims(
    country: World, portal: Portal, residents: Residents
) -> None:
    """So that no claim seems better verified than it is."""
    resident = residents(portal, **AT_BANK)
    with seconds_later(600):
        speaks(country, resident, "population", proofing=3)  # of all but the sex
    of_bank, of_population = (
        told(resident, portal, wanted(name, verification=EVERYTHING))["verification"]
        for name in ("gender", "birthdate")
    )
    assert (of_bank["assurance_level"], of_population["assurance_level"]) == ("LoA2", "substantial")
    both = told(resident, portal, wanted("gender", "birthdate", verification=EVERYTHING))["verification"]
    assert (both["assurance_level"], both["time"]) == ("LoA2", of_bank["time"])
    assert of_bank["time"] < of_population["time"]
    assert said_of(both["evidence"]) == {("bank_account", "auth"), ("population_register", "auth")}


# ---- what is not verified is not told ----


def test_a_claim_that_was_proofed_too_weakly_is_left_out_and_with_the_last_one_everything(
    portal: Portal, residents: Residents
) -> None:
    weak = {"source": "bank", "level": 1, "proofing": 1, "authentication": 1}
    resident = residents(portal, **weak)
    tokens = resident.tokens(portal, scope="openid profile", claims=asked(userinfo=wanted(*NAMES)))
    assert tokens.userinfo["name"] == "Nguyễn Thị Mai Anh"  # as an ordinary claim, for what that is worth
    assert "verified_claims" not in tokens.userinfo


def test_claims_of_which_nobody_proofs_people_are_never_verified(
    portal: Portal, residents: Residents, document: dict[str, Any]
) -> None:
    """Section 8: what does not stand in claims_in_verified_claims_supported is not told there."""
    found = told(residents(portal), portal, wanted(*claims.BY_NAME, "sub", "acr", "unheard_of"))
    assert set(found["claims"]) <= set(document["claims_in_verified_claims_supported"])
    assert not {"email", "phone_number", "address", "nickname", "updated_at", "org_name"} & set(found["claims"])


@pytest.mark.parametrize("end", ["switched off", "believed less"])
def test_what_a_source_said_counts_as_far_as_the_source_does_today(
    country: World, portal: Portal, residents: Residents, end: str
) -> None:
    source = SourceDraft(
        id=fresh_name("bank"), kind="population", name_vi="Nguồn cũ", name_en="Old source", ceiling=2,
        configuration={"issuer": "http://old.localhost", "client_id": "motcua"}, secrets={"client_secret": "x" * 40},
    )  # fmt: skip
    add_source(country.house, source)
    only_there = residents(portal, sex=None)
    speaks(country, only_there, source.id, proofing=2, sex=Sex.FEMALE)
    tokens = only_there.tokens(portal, scope="openid", claims=asked(userinfo=wanted("gender")))
    assert tokens.userinfo["verified_claims"]["claims"] == {"gender": "female"}
    with country.house.database.write() as tx:
        if end == "switched off":
            country.house.sources.set_enabled(tx, source.id, False)
        else:
            country.house.sources.save(tx, replace(source, ceiling=1))
    assert "verified_claims" not in portal.userinfo(tokens.access_token).json()


def test_no_more_is_told_than_was_asked(portal: Portal, residents: Residents) -> None:
    """Section 7; section 5.4: the portal names all it wants of `verification`."""
    resident = residents(portal)
    level = told(resident, portal, wanted("name", verification={"assurance_level": None}))["verification"]
    assert level == {"trust_framework": FRAMEWORK, "assurance_level": "substantial"}  # without it there is no answer
    kind = {"trust_framework": None, "evidence": [{"type": {"value": RECORD}, "record": {"type": None}}]}
    [evidence] = told(resident, portal, wanted("gender", verification=kind))["verification"]["evidence"]
    assert evidence == {"type": RECORD, "record": {"type": "population_register"}}  # and not by which source
    bare = {"trust_framework": None, "evidence": [{"type": {"value": RECORD}}]}
    [evidence] = told(resident, portal, wanted("gender", verification=bare))["verification"]["evidence"]
    assert evidence == {"type": RECORD}


# ---- where it is told ----


def test_it_is_told_where_it_was_asked_for_and_nowhere_else(portal: Portal, residents: Residents) -> None:
    resident = residents(portal)
    for part in ("userinfo", "id_token"):
        tokens = resident.tokens(portal, scope="openid", claims=asked(**{part: wanted(*NAMES)}))
        told_at = {"userinfo": tokens.userinfo, "id_token": tokens.claims}
        assert told_at.pop(part)["verified_claims"]["claims"].keys() == set(NAMES)
        [elsewhere] = told_at.values()
        assert not {"verified_claims", *NAMES} & elsewhere.keys()


def test_it_stands_beside_ordinary_claims(portal: Portal, residents: Residents) -> None:
    """Section 4: in the same answer; and a claim asked for only there is no ordinary one."""
    claims_asked = asked(userinfo=wanted("birthdate"), id_token=wanted("name"))
    tokens = residents(portal).tokens(portal, scope="openid email", claims=claims_asked)
    assert tokens.userinfo.keys() == {"sub", "email", "email_verified", "verified_claims"}
    assert "name" not in tokens.claims


def test_a_request_for_several_is_answered_by_as_many_as_can_be_had(portal: Portal, residents: Residents) -> None:
    """Section 5.5.3: each is answered by itself, also where a claim is in two of them."""
    high = {"trust_framework": None, "assurance_level": {"value": "high"}}
    several = [wanted("name"), wanted("birthdate", verification=high), wanted("name", "gender")]
    found = told(residents(portal), portal, several)
    assert [list(each["claims"]) for each in found] == [["name"], ["name", "gender"]]
    assert_well_formed(found)
    assert told(residents(portal), portal, several[1:2]) is None


def test_what_portals_are_shown_in_the_documents_is_what_they_get(portal: Portal, residents: Residents) -> None:
    _, request, answer = (json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.S | re.M))
    own_levels = json.dumps(request).replace("LoA3", "substantial").replace("LoA4", "high")
    found = residents(portal).tokens(portal, scope="openid", claims=own_levels).userinfo
    shown = [sorted(members(each)) for each in (answer, found)]
    assert shown[0] == shown[1]


def members(part: Any, path: str = "") -> Iterator[str]:
    """Where there is something to read."""
    if isinstance(part, dict):
        for name, below in part.items():
            yield from members(below, f"{path}/{name}")
    elif isinstance(part, list):
        for below in part[:1]:
            yield from members(below, f"{path}/0")
    else:
        yield path


# ---- discovery (section 8) ----


def test_discovery_says_what_can_be_had(country: World, document: dict[str, Any]) -> None:
    assert document["verified_claims_supported"] is True
    assert document["trust_frameworks_supported"] == [FRAMEWORK]
    assert document["evidence_supported"] == [RECORD]
    assert {"bank_account", "population_register", "tax", "social_security"} <= set(
        document["electronic_records_supported"]
    )
    assert "documents_supported" not in document  # nobody shows us any
    assert {"name", "family_name", "given_name", "birthdate", "personal_number"} <= set(
        document["claims_in_verified_claims_supported"]
    )


def test_every_claim_in_discovery_can_be_had(country: World, residents: Residents, document: dict[str, Any]) -> None:
    able = country.portal("able", scopes=["openid", "profile", "personal_number", "vnconnect"])
    names = document["claims_in_verified_claims_supported"]
    found = told(residents(able), able, wanted(*names))
    assert sorted(found["claims"]) == sorted(names)


def test_every_record_type_of_our_own_is_an_address_of_ours(country: World, document: dict[str, Any]) -> None:
    """Section 12: so that it is nobody else's word."""
    own = [word for word in document["electronic_records_supported"] if ":" in word]
    assert own and all(word.startswith(f"{country.issuer}/records/") for word in own)


def test_every_level_is_named_as_the_operator_has_it(portal: Portal, residents: Residents) -> None:
    level = {"trust_framework": None, "assurance_level": None}
    said = [
        told(residents(portal, **how), portal, wanted("name", verification=level))["verification"]["assurance_level"]
        for how in (AT_BANK, {})
    ]
    assert said == list(LEVELS[1:3])


def test_the_register_is_asked_again_and_the_time_moves(country: World, portal: Portal, residents: Residents) -> None:
    resident = residents(portal, **AT_BANK)
    first = told(resident, portal, wanted("name", verification=EVERYTHING))["verification"]["time"]
    with seconds_later(900):
        checked(country, resident)
        assert told(resident, portal, wanted("name", verification=EVERYTHING))["verification"]["time"] > first
