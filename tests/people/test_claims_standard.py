"""The standard claims (OpenID Connect Core sections 5.1 and 5.4): whose scope, from whom, of which type, and since when
they are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.profile import PAGES, Address, Profile
from idp.broker.telling import lines_to_tell
from idp.people import claims
from idp.people.claims import CLAIMS, SCOPES, ClaimValue, Release
from idp.people.person import Person
from tests.oidc.residents import PROFILE, assertion
from tests.people.test_claims import KEPT_CLAIMS, KEPT_SCOPES, release

STANDARD = {
    "profile": {
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}  # fmt: skip
ADDED = (
    "org_tax_code", "org_name", "org_role", "org_authority", "org_until",
    "nickname", "preferred_username", "profile", "picture", "website", "zoneinfo", "locale", "address",
)  # fmt: skip
NOBODY = Person(id=b"mai", status="active", version=0)


def told(person: Person, source: str, proofing: int, **said: Any) -> Person:
    return person.told_by(assertion(**said), source, proofing, 1_700_000_000)[0]


def read(person: Person) -> Mapping[str, ClaimValue]:
    release = Release(person=person, sub="sub", level=3, source_kind="banking")
    return claims.released([claim.name for claim in CLAIMS], release)


def test_what_was_added_keeps_its_place_too() -> None:
    assert tuple(claim.name for claim in CLAIMS)[: len(KEPT_CLAIMS) + len(ADDED)] == (*KEPT_CLAIMS, *ADDED)
    assert (*KEPT_SCOPES, "organisation", "offline_access", "address") == SCOPES


@pytest.mark.parametrize("scope", STANDARD)
def test_a_standard_scope_opens_its_standard_claims(scope: str) -> None:
    """Section 5.4, and nothing else."""
    assert set(claims.of_scopes(["openid", scope], ["openid", scope])) == STANDARD[scope]


def test_a_person_of_whom_all_is_known_has_every_standard_claim() -> None:
    values = claims.released([claim.name for claim in CLAIMS], release())
    assert set().union(*STANDARD.values()) <= values.keys()
    assert isinstance(values["updated_at"], int)
    assert values["updated_at"] == 1_700_000_000, "in seconds"
    assert re.fullmatch(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?", str(values["birthdate"]))
    assert (values["email_verified"], values["phone_number_verified"]) == (False, False)
    assert values["website"] == PROFILE.website


def test_an_address_is_an_object_without_empty_members() -> None:
    """Section 5.1.1."""
    assert read(told(NOBODY, "bank", 2))["address"] == {
        "formatted": "12 ngõ Sen\nXã Hoa\nVIỆT NAM", "street_address": "12 ngõ Sen", "locality": "Xã Hoa",
        "country": "VIỆT NAM",
    }  # fmt: skip
    nowhere = told(NOBODY, "bank", 2, profile=Profile(address=Address(formatted="")))
    assert "address" not in read(nowhere)


@pytest.mark.parametrize("profile", [None, Profile()], ids=["none", "an empty one"])
def test_a_source_that_knows_no_details_leaves_no_claims(profile: Profile | None) -> None:
    assert not set(ADDED) & read(told(NOBODY, "bank", 2, profile=profile)).keys()


def test_an_attribute_outlives_being_kept() -> None:
    before = told(NOBODY, "bank", 2)
    again = Person(id=b"mai", status="active", version=1, attributes=Person.attributes_from(before.to_json()))
    assert read(again) == read(before)


def test_a_stronger_source_has_the_last_word_on_details_too() -> None:
    person = told(NOBODY, "register", 3)
    assert read(told(person, "bank", 2, profile=Profile(nickname="Bông")))["nickname"] == "Mai"
    assert read(told(person, "office", 3, profile=Profile(nickname="Bông")))["nickname"] == "Bông"
    assert read(told(person, "office", 3, profile=None))["nickname"] == "Mai"


# ---- verified: a source's word on one address, not on whatever comes later ----

VERIFIED = Profile(email_verified=True, phone_verified=True)


def verified(person: Person) -> tuple[ClaimValue | None, ClaimValue | None]:
    values = read(person)
    return values.get("email_verified"), values.get("phone_number_verified")


def test_verified_is_what_a_source_says_is() -> None:
    assert verified(told(NOBODY, "bank", 2)) == (False, False)
    assert verified(told(NOBODY, "bank", 2, profile=VERIFIED)) == (True, True)
    assert verified(told(NOBODY, "bank", 2, profile=Profile(phone_verified=True))) == (False, True)


def test_verified_ends_with_the_address_that_was() -> None:
    person = told(NOBODY, "bank", 2, profile=VERIFIED)
    assert verified(told(person, "tax", 2, email="lan@example.vn", phone="0987654321", profile=None)) == (False, False)
    assert verified(told(person, "tax", 2, profile=None)) == (True, True), "the same addresses, once more"
    assert verified(told(person, "insurance", 1, email="lan@example.vn")) == (True, True), "a weaker word changes none"


def test_nothing_that_is_not_there_is_verified() -> None:
    assert verified(told(NOBODY, "bank", 2, email=None, phone=None, profile=VERIFIED)) == (None, None)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://blog.example/", "https://", "blog", "data:,x"])
def test_a_page_of_a_person_is_an_https_address(name: str, address: str) -> None:
    with pytest.raises(ValueError, match=name):
        Profile(**{name: address})


# ---- told: what goes to a portal has a word that people know ----


def test_every_personal_claim_is_told_with_its_value() -> None:
    names = [*STANDARD["profile"], *STANDARD["email"], "address", "phone_number"]
    lines = {str(line.label_id): line.value for line in lines_to_tell(names, read(told(NOBODY, "bank", 2)), "vi")}
    assert lines["claim.nickname"] == "Mai"
    assert lines["claim.address"] == "12 ngõ Sen, Xã Hoa, VIỆT NAM"
    assert lines["claim.picture"] == PROFILE.picture
    assert "claim.details" not in lines
    assert "" not in lines.values()


def test_details_that_nobody_has_brought_are_one_line() -> None:
    lines = lines_to_tell(list(STANDARD["profile"]), read(told(NOBODY, "bank", 2, profile=None)), "vi")
    assert [str(line.label_id) for line in lines if not line.value] == ["claim.details"]
