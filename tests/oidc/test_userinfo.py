"""What `/userinfo` tells (OpenID Connect Core section 5.3), and to whom (RFC 6750)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from connectors.base import BirthDate
from connectors.sandbox.cast import CAST, Part
from idp.oidc.sealed import open_access_token, seal_access_token
from idp.people import claims
from tests.oidc.residents import Resident, assertion, seconds_later
from tests.world import Browser, Portal, Tokens, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROFILE = {
    "name", "family_name", "middle_name", "given_name", "birthdate", "gender", "updated_at", "nickname",
    "preferred_username", "profile", "picture", "website", "zoneinfo", "locale",
}  # fmt: skip


def ask(world: World, method: str, *, query: str = "", **options: object) -> requests.Response:
    return world.http.request(method, f"{world.issuer}/userinfo{query}", timeout=30, **options)  # type: ignore[arg-type]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refused(answer: requests.Response, error: str | None, status: int) -> None:
    """RFC 6750 section 3: the challenge says why, unless nothing was tried."""
    assert answer.status_code == status, answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="userinfo"')
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json().keys() == {"error", "error_description"}


# ---- how the token comes (RFC 6750 section 2) ----


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_comes_in_the_header(resident: Resident, portal: Portal, method: str, scheme: str) -> None:
    tokens = resident.tokens(portal)
    answer = ask(portal.world, method, headers={"Authorization": scheme + tokens.access_token})
    assert (answer.status_code, answer.json()["sub"]) == (200, tokens.claims["sub"])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_comes_in_a_posted_form(resident: Resident, portal: Portal) -> None:
    tokens = resident.tokens(portal)
    answer = ask(portal.world, "POST", data={"access_token": tokens.access_token, "unheard_of": "1"})
    assert (answer.status_code, answer.json()) == (200, tokens.userinfo)


def test_the_token_comes_once(resident: Resident, portal: Portal) -> None:
    token, world = resident.tokens(portal).access_token, portal.world
    refused(ask(world, "POST", headers=bearer(token), data={"access_token": token}), "invalid_request", 400)
    twice = f"access_token={token}&access_token={token}"
    refused(ask(world, "POST", headers=FORM, data=twice), "invalid_request", 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("also_in_header", [False, True])
def test_the_token_never_comes_in_the_query(
    resident: Resident, portal: Portal, method: str, also_in_header: bool
) -> None:
    """RFC 9700 section 4.3.2."""
    token = resident.tokens(portal).access_token
    headers = bearer(token) if also_in_header else {}
    refused(ask(portal.world, method, query=f"?access_token={token}", headers=headers), "invalid_request", 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("authorization", [None, "", "Basic dTpw", "Bearer", "mc_at_x", "Digest a=b"])
def test_without_a_token_only_the_way_to_ask_is_told(country: World, method: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    refused(ask(country, method, headers=headers), None, 401)


def test_a_form_in_a_get_is_not_read(resident: Resident, portal: Portal) -> None:
    token = resident.tokens(portal).access_token
    refused(ask(portal.world, "GET", headers=FORM, data=f"access_token={token}"), None, 401)


def test_a_body_that_is_no_form_is_refused(resident: Resident, portal: Portal) -> None:
    token = resident.tokens(portal).access_token
    refused(ask(portal.world, "POST", json={"access_token": token}), "invalid_request", 415)


# ---- whether it still stands ----


def _changed(token: str) -> dict[str, str]:
    return {
        "one letter": token[:60] + ("A" if token[60] != "A" else "B") + token[61:],
        "cut": token[:-3],
        "longer": token + "AAAA",
        "without its prefix": token.removeprefix("mc_at_"),
        "another prefix": token.replace("mc_at_", "mc_rt_"),
        "a word": "mc_at_token",
        "not ASCII": "mc_at_\xe9\xe9",
        "beyond all measure": "mc_at_" + "A" * 5000,
        "a JWT": "eyJhbGciOiJub25lIn0.e30.",
    }


@pytest.mark.parametrize("kind", _changed("x" * 80))
def test_a_token_that_is_none_of_ours_is_refused(resident: Resident, portal: Portal, kind: str) -> None:
    token = _changed(resident.tokens(portal).access_token)[kind]
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    refused(ask(portal.world, "GET", headers=headers), "invalid_token", 401)


def test_a_code_is_no_token(resident: Resident, portal: Portal) -> None:
    code, _ = resident.code(portal)
    refused(portal.userinfo(f"mc_at_{code}"), "invalid_token", 401)


def test_a_token_that_names_another_portal_than_its_grant_does_is_refused(
    portals: Portals, resident: Resident, portal: Portal
) -> None:
    """None is ever made; were there one, somebody would read what was granted to somebody else."""
    sealer = portal.world.house.sealer
    token = open_access_token(sealer, resident.tokens(portal).access_token)
    assert portal.userinfo(seal_access_token(sealer, token)).status_code == 200
    refused(portal.userinfo(seal_access_token(sealer, replace(token, client_id=portals().id))), "invalid_token", 401)


def test_a_token_lives_for_its_lifetime(resident: Resident, portal: Portal) -> None:
    tokens, lifetime = resident.tokens(portal), portal.world.settings.lifetimes.access_token_seconds
    with seconds_later(lifetime - 5):
        assert portal.userinfo(tokens.access_token).status_code == 200
    with seconds_later(lifetime + 1):
        refused(portal.userinfo(tokens.access_token), "invalid_token", 401)


@pytest.mark.parametrize("what", ["grant", "session", "barred", "deceased", "client"])
def test_a_token_falls_with_whatever_it_names(resident: Resident, portal: Portal, what: str) -> None:
    """Design, decision 4: grant, session, person and client, all in the one read; so it takes effect at once."""
    first, second = resident.code(portal), resident.code(portal)
    token = portal.redeem(first[0], first[1].verifier).json()["access_token"]
    other = portal.redeem(second[0], second[1].verifier).json()["access_token"]
    assert portal.userinfo(token).status_code == 200
    house = portal.world.house
    if what == "grant":
        portal.redeem(first[0], first[1].verifier)
    else:
        with house.database.write() as tx:
            if what == "session":
                house.sessions.end(tx, resident.session_id, "in a test")
            elif what == "client":
                house.clients.set_enabled(tx, portal.id, enabled=False)
            else:
                house.people.set_status(tx, resident.person_id, what, "in a test")
    refused(portal.userinfo(token), "invalid_token", 401)
    assert portal.userinfo(other).status_code == (200 if what == "grant" else 401)


# ---- what it tells (sections 5.1 to 5.4) ----


def userinfo(portals: Portals, residents: Residents, scope: str, **said: object) -> Tokens:
    portal = portals(scopes=list(claims.SCOPES), grant_types=["authorization_code", "refresh_token"])
    tokens = residents(portal, **said).tokens(portal, scope=scope)
    assert tokens.userinfo["sub"] == tokens.claims["sub"]  # section 5.3.2: or the portal must not use it
    assert None not in tokens.userinfo.values()
    assert "" not in tokens.userinfo.values()
    return tokens


@pytest.mark.parametrize(
    "scope, told",
    [
        ("openid", set()), ("openid profile", PROFILE), ("openid name", {"name"}), ("openid birthdate", {"birthdate"}),
        ("openid email", {"email", "email_verified"}), ("openid phone", {"phone_number", "phone_number_verified"}),
        ("openid personal_number", {"personal_number"}), ("openid unheard_of", set()),
        ("openid name email", {"name", "email", "email_verified"}), ("openid address", {"address"}),
        ("openid offline_access", set()),
    ],
)  # fmt: skip
def test_a_scope_opens_its_claims_and_no_others(
    portals: Portals, residents: Residents, scope: str, told: set[str]
) -> None:
    assert userinfo(portals, residents, scope).userinfo.keys() == told | {"sub"}


def test_every_claim_has_its_format(portals: Portals, residents: Residents) -> None:
    told = userinfo(portals, residents, "openid profile email phone").userinfo
    assert (told["name"], told["family_name"]) == ("Nguyễn Thị Mai Anh", "Nguyễn")
    assert (told["middle_name"], told["given_name"]) == ("Thị Mai", "Anh")
    assert (told["birthdate"], told["gender"]) == ("1992-08-05", "female")
    assert (told["email"], told["phone_number"]) == ("mai.anh@example.vn", "0912345678")
    assert told["email_verified"] is told["phone_number_verified"] is False  # nobody has told us that they are
    assert type(told["updated_at"]) is int
    assert 1_700_000_000 < told["updated_at"] < 10_000_000_000  # seconds, not milliseconds


def test_the_personal_number_is_told_where_an_operator_granted_it(portals: Portals, residents: Residents) -> None:
    plain = portals(scopes=["openid", "profile", "vnconnect"])
    resident = residents(plain)
    told = resident.tokens(plain, scope="openid profile vnconnect").userinfo
    assert not {"personal_number", "SoDinhDanh", "SoCMND"} & told.keys()
    granted = userinfo(portals, residents, "openid personal_number vnconnect").userinfo
    assert granted["personal_number"] == granted["SoDinhDanh"]
    assert len(granted["personal_number"]) == 12
    assert granted["SoCMND"] == granted["personal_number"][3:]


def test_vnconnect_names_and_formats(portals: Portals, residents: Residents) -> None:
    tokens = userinfo(portals, residents, "openid vnconnect", level=2)
    told = dict(tokens.userinfo)
    number = told.pop("SoDinhDanh")
    assert told == {
        "sub": tokens.claims["sub"], "TechID": tokens.claims["sub"], "HoVaTen": "Nguyễn Thị Mai Anh",
        "SoCMND": number[3:], "NgayThangNamSinh": "19920805", "ThuDienTu": "mai.anh@example.vn",
        "SoDienThoai": "0912345678", "LoaiTaiKhoan": "1", "loAs": "LoA2", "loginIdp": "population",
    }  # fmt: skip


@pytest.mark.parametrize(
    "born, birthdate, vnconnect",
    [
        (BirthDate(year=1952, as_sent="1952"), "1952", "1952"),
        (BirthDate(year=1952, month=7, as_sent="07/1952"), "1952", "195207"),
        (BirthDate(year=1952, month=7, day=1, as_sent="01/07/1952"), "1952-07-01", "19520701"),
        (None, None, None),
    ],
)  # fmt: skip
def test_a_birth_date_is_told_as_far_as_it_is_known(
    portals: Portals, residents: Residents, born: BirthDate | None, birthdate: str | None, vnconnect: str | None
) -> None:
    """Section 5.1: YYYY-MM-DD or YYYY, and no day is invented."""
    proofing = 3 if born else 1  # who proofed somebody knows when they were born
    told = userinfo(portals, residents, "openid profile vnconnect", birth_date=born, proofing=proofing).userinfo
    assert (told.get("birthdate"), told.get("NgayThangNamSinh")) == (birthdate, vnconnect)


def test_a_citizen_of_whom_only_the_year_is_known_signs_in(country: World, browser: Browser, portals: Portals) -> None:
    portal, citizen = portals(scopes=["openid", "profile", "vnconnect"]), CAST[Part.YEAR_ONLY]
    tokens = country.sign_in(browser, portal, citizen=citizen.personal_number, scope="openid profile vnconnect")
    assert (tokens.userinfo["birthdate"], tokens.userinfo["NgayThangNamSinh"]) == ("1952", "1952")


def test_what_is_told_is_what_is_known_now(portals: Portals, residents: Residents) -> None:
    """And not what was known when the token was made."""
    portal = portals(scopes=["openid", "phone"])
    mai_anh, house = assertion(), portal.world.house
    resident = residents(portal, identifiers=mai_anh.identifiers)
    tokens = resident.tokens(portal, scope="openid phone")
    with house.database.write() as tx:
        house.people.recognise(tx, replace(mai_anh, phone="0987654321"), "bank", 3)
    assert tokens.userinfo["phone_number"] == "0912345678"
    assert portal.userinfo(tokens.access_token).json()["phone_number"] == "0987654321"
