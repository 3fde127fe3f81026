"""The table of claims: what portals build on, so it may grow and never move."""

from __future__ import annotations

from typing import Any

import pytest

from idp.people import claims
from idp.people.claims import BY_NAME, CLAIMS, GUARDED_SCOPES, POSITIONS, SCOPE_POSITIONS, SCOPES, Release
from idp.people.person import Person
from tests.oidc.residents import assertion

# Kept in codes and in grants: a name that moves would open another claim. New ones are added at the end.
KEPT_CLAIMS = (
    "name", "family_name", "middle_name", "given_name", "birthdate", "gender", "updated_at", "email", "email_verified",
    "phone_number", "phone_number_verified", "personal_number", "HoVaTen", "SoDinhDanh", "SoCMND", "NgayThangNamSinh",
    "ThuDienTu", "SoDienThoai", "LoaiTaiKhoan", "TechID", "loAs", "loginIdp",
)  # fmt: skip
KEPT_SCOPES = ("openid", "profile", "name", "birthdate", "email", "phone", "personal_number", "vnconnect")


def release(**said: Any) -> Release:
    person, _ = Person(id=b"mai", status="active", version=0).told_by(assertion(**said), "population", 3, 1_700_000_000)
    return Release(person=person, sub="sub", level=3, source_kind="population")


def test_positions_never_move() -> None:
    assert tuple(POSITIONS)[: len(KEPT_CLAIMS)] == KEPT_CLAIMS
    assert tuple(SCOPE_POSITIONS)[: len(KEPT_SCOPES)] == KEPT_SCOPES
    assert list(POSITIONS.values()) == list(range(len(CLAIMS)))
    assert len(CLAIMS) <= 63  # a signed 64-bit column
    assert len(SCOPES) <= 63


@pytest.mark.parametrize("names", [(), ("name",), ("loginIdp",), KEPT_CLAIMS, ("email", "name", "email")])
def test_a_set_of_claims_is_a_number_and_back(names: tuple[str, ...]) -> None:
    bits = claims.to_bits(names)
    assert set(claims.from_bits(bits)) == set(names)
    assert bits == sum(1 << KEPT_CLAIMS.index(name) for name in set(names))


def test_an_unknown_claim_has_no_number() -> None:
    with pytest.raises(KeyError):
        claims.to_bits(["unheard_of"])


GRANTED = [
    # asked for, granted, opened
    (KEPT_CLAIMS, ("openid",), ()),
    (KEPT_CLAIMS, ("openid", "name"), ("name",)),
    (KEPT_CLAIMS, ("openid", "birthdate"), ("birthdate",)),
    (KEPT_CLAIMS, ("openid", "email"), ("email", "email_verified")),
    (KEPT_CLAIMS, ("openid", "personal_number"), ("personal_number",)),
    (("name", "email"), ("openid", "profile"), ("name",)),
    (("unheard_of", "sub", "iss"), ("openid", "profile"), ()),
    (("email", "name"), ("openid", "profile", "email"), ("name", "email")),
    (("SoDinhDanh", "SoCMND"), ("openid", "vnconnect"), ()),
    (("SoDinhDanh", "SoCMND"), ("openid", "personal_number"), ()),
    (("SoDinhDanh", "SoCMND"), ("openid", "personal_number", "vnconnect"), ("SoDinhDanh", "SoCMND")),
]


@pytest.mark.parametrize("names, granted, opened", GRANTED)
def test_only_what_was_granted_is_opened(
    names: tuple[str, ...], granted: tuple[str, ...], opened: tuple[str, ...]
) -> None:
    assert claims.allowed(names, granted) == opened


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_that_is_asked_for_opens_nothing_unless_it_is_granted(scope: str) -> None:
    assert claims.of_scopes(["openid", scope], ["openid"]) == ()
    opened = claims.of_scopes(["openid", scope], SCOPES)
    assert opened == tuple(claim.name for claim in CLAIMS if scope in claim.scopes)


def test_the_personal_number_is_behind_a_guarded_scope_whatever_it_is_called() -> None:
    told = release()
    number, former = told.person.personal_number, told.person.former_number
    carriers = {claim.name for claim in CLAIMS if claim.value(told) in (number, former)}
    assert carriers == {"personal_number", "SoDinhDanh", "SoCMND"}
    for name in carriers:
        needed = {*BY_NAME[name].scopes, BY_NAME[name].also_needs}
        assert needed & GUARDED_SCOPES, name
    assert claims.allowed(carriers, set(SCOPES) - GUARDED_SCOPES) == ()


def test_no_claim_is_ever_null_or_empty() -> None:
    silent = release(email=None, phone=None, birth_date=None, sex=None, identifiers=())
    told = claims.released(KEPT_CLAIMS, silent)
    assert None not in told.values()
    assert "" not in told.values()
    assert not {"email", "email_verified", "phone_number", "birthdate", "gender", "SoDinhDanh"} & told.keys()


def test_every_claim_has_a_value_for_somebody_of_whom_all_is_known() -> None:
    assert claims.released(KEPT_CLAIMS, release()).keys() == set(KEPT_CLAIMS)


def test_what_is_personal_and_what_is_true_of_everybody() -> None:
    one, other = (claims.released(KEPT_CLAIMS, told) for told in (release(), release(email="lan@example.vn")))
    assert set(claims.personal(KEPT_CLAIMS)) >= {"name", "email", "personal_number", "SoDienThoai"}
    for name in set(KEPT_CLAIMS) - set(claims.personal(KEPT_CLAIMS)):
        assert one[name] == other[name]
