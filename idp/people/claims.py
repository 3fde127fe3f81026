"""Scopes and claims: the one table. Portals read it on a page, discovery and the release of claims follow it.

A claim without a value is left out, never null. VNConnect's names stand beside the standard ones for portals that
were written for it. The personal number is a claim of its own, in a scope that an operator must grant by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from connectors.base import Organisation
from idp.people.person import Person

ClaimValue = str | bool | int | dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a claim may be computed from: the person, and how they came."""

    person: Person
    sub: str
    level: int
    source_kind: str
    organisation: Organisation | None = None  # for whom the person acts


@dataclass(frozen=True)
class Claim:
    """`position` in CLAIMS is kept in codes and grants, so rows are only ever added at the end."""

    name: str
    scopes: tuple[str, ...]  # one of these must be granted; without any it is told to people, and to no portal
    value: Callable[[Release], ClaimValue | None]
    also_needs: str | None = None  # a further scope that must be granted, for claims that are more than their bundle
    attribute: str | None = None  # of the person, out of which it is taken, if whoever proofs people vouches for that


def _birthdate(release: Release) -> str | None:
    """OpenID Connect Core section 5.1: a full date, or the year alone; a month without a day is not representable."""
    born = release.person.birth_date
    if born is None:
        return None
    if born.month is None or born.day is None:
        return f"{born.year:04d}"
    return f"{born.year:04d}-{born.month:02d}-{born.day:02d}"


def _vnconnect_birthdate(release: Release) -> str | None:
    """`yyyyMMdd`, as VNConnect has it, cut to what is known: `yyyyMM` or `yyyy`."""
    born = release.person.birth_date
    if born is None:
        return None
    parts = [f"{born.year:04d}", *(f"{part:02d}" for part in (born.month, born.day) if part is not None)]
    return "".join(parts)


def _text(name: str) -> Callable[[Release], ClaimValue | None]:
    return lambda release: release.person.text(name)


def _of_organisation(read: Callable[[Organisation], str | None]) -> Callable[[Release], ClaimValue | None]:
    """A claim that only somebody has who acts for an organisation."""
    return lambda release: None if release.organisation is None else read(release.organisation)


def _who_vouched(release: Release) -> str | None:
    """The sources, by their ids, that stand behind what can be told as verified."""
    named = (release.person.attributes.get(claim.attribute) for claim in CLAIMS if claim.attribute is not None)
    return " ".join(sorted({attribute.source_id for attribute in named if attribute is not None}))


def _until(organisation: Organisation) -> str | None:
    """The last day, as `yyyy-mm-dd`; no claim where no end is known."""
    return None if organisation.until is None else organisation.until.isoformat()


CLAIMS: tuple[Claim, ...] = (
    Claim("name", ("profile", "name"), lambda r: r.person.name, attribute="name"),
    Claim("family_name", ("profile",), lambda r: r.person.family_name, attribute="family_name"),
    Claim("middle_name", ("profile",), lambda r: r.person.middle_name, attribute="middle_name"),
    Claim("given_name", ("profile",), lambda r: r.person.given_name, attribute="given_name"),
    Claim("birthdate", ("profile", "birthdate"), _birthdate, attribute="birth_date"),
    Claim("gender", ("profile",), lambda r: r.person.sex, attribute="sex"),
    Claim("updated_at", ("profile",), lambda r: r.person.updated_at),
    Claim("email", ("email",), lambda r: r.person.email),
    Claim("email_verified", ("email",), lambda r: r.person.email_verified if r.person.email else None),
    Claim("phone_number", ("phone",), lambda r: r.person.phone),
    Claim("phone_number_verified", ("phone",), lambda r: r.person.phone_verified if r.person.phone else None),
    Claim("personal_number", ("personal_number",), lambda r: r.person.personal_number, attribute="personal_number"),
    Claim("HoVaTen", ("vnconnect",), lambda r: r.person.name, attribute="name"),
    Claim("SoDinhDanh", ("vnconnect",), lambda r: r.person.personal_number, "personal_number", "personal_number"),
    Claim("SoCMND", ("vnconnect",), lambda r: r.person.former_number, "personal_number", "former_number"),
    Claim("NgayThangNamSinh", ("vnconnect",), _vnconnect_birthdate, attribute="birth_date"),
    Claim("ThuDienTu", ("vnconnect",), lambda r: r.person.email),
    Claim("SoDienThoai", ("vnconnect",), lambda r: r.person.phone),
    Claim("LoaiTaiKhoan", ("vnconnect",), lambda _: "1"),  # "1" is a citizen
    Claim("TechID", ("vnconnect",), lambda r: r.sub),
    Claim("loAs", ("vnconnect",), lambda r: f"LoA{r.level}"),
    Claim("loginIdp", ("vnconnect",), lambda r: r.source_kind),
    Claim("org_tax_code", ("organisation",), _of_organisation(lambda o: o.tax_code)),
    Claim("org_name", ("organisation",), _of_organisation(lambda o: o.name)),
    Claim("org_role", ("organisation",), _of_organisation(lambda o: o.role)),
    Claim("org_authority", ("organisation",), _of_organisation(lambda o: o.authority)),
    Claim("org_until", ("organisation",), _of_organisation(_until)),
    Claim("nickname", ("profile",), _text("nickname")),
    Claim("preferred_username", ("profile",), _text("preferred_username")),
    Claim("profile", ("profile",), _text("profile")),
    Claim("picture", ("profile",), _text("picture")),
    Claim("website", ("profile",), _text("website")),
    Claim("zoneinfo", ("profile",), _text("zoneinfo")),
    Claim("locale", ("profile",), _text("locale")),
    Claim("address", ("address",), lambda r: r.person.address),
    Claim("verified_by", (), _who_vouched),
)

REMEMBERED = 1024  # answers about sets of claims: portals ask for the same few again and again

BY_NAME = {claim.name: claim for claim in CLAIMS}
POSITIONS = {claim.name: position for position, claim in enumerate(CLAIMS)}
RELEASABLE = tuple(claim.name for claim in CLAIMS if claim.scopes)
# What can stand in `verified_claims`: nobody who proofs people looks at their addresses, telephones or nicknames.
VERIFIABLE = frozenset(claim.name for claim in CLAIMS if claim.attribute is not None)
# What people are told where a portal asks not only what is verified, but also by whom and when.
VERIFIED_BY = "verified_by"
# Tokens that go on being renewed when the person is not there (OpenID Connect Core section 11).
OFFLINE_ACCESS = "offline_access"
# Kept as bits in codes and grants, so a scope is only ever added at the end. openid is the one that every request
# holds, and releases the sub alone.
SCOPES = (
    "openid", "profile", "name", "birthdate", "email", "phone", "personal_number", "vnconnect", "organisation",
    OFFLINE_ACCESS, "address",
)  # fmt: skip
SCOPE_POSITIONS = {scope: position for position, scope in enumerate(SCOPES)}
# The scope by which a portal says that it serves organisations too: its person is asked for whom they act.
ORGANISATION = "organisation"
# Scopes that an operator grants by name, one portal at a time; the command line asks for the reason.
GUARDED_SCOPES = frozenset({"personal_number"})


# Facts about the sign-in or about other claims: they tell nothing of the person, so nobody is told of them or asked.
FACTS = frozenset(
    {"updated_at", "email_verified", "phone_number_verified", "LoaiTaiKhoan", "TechID", "loAs", "loginIdp"}
)


def personal(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named claims that tell something of the person."""
    return tuple(name for name in names if name not in FACTS)


def of_organisation(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named claims that tell something of an organisation."""
    return tuple(name for name in names if ORGANISATION in BY_NAME[name].scopes)


def without_organisation(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if ORGANISATION not in BY_NAME[name].scopes)


def allowed(names: Iterable[str], granted_scopes: Iterable[str]) -> tuple[str, ...]:
    """Those of the named claims that the granted scopes let a portal see, in the table's order."""
    return _allowed(frozenset(names), frozenset(granted_scopes))


@lru_cache(REMEMBERED)
def _allowed(wanted: frozenset[str], granted: frozenset[str]) -> tuple[str, ...]:
    return tuple(
        claim.name
        for claim in CLAIMS
        if claim.name in wanted
        and granted.intersection(claim.scopes)
        and (claim.also_needs is None or claim.also_needs in granted)
    )


def of_scopes(requested: Iterable[str], granted_scopes: Iterable[str]) -> tuple[str, ...]:
    """The claims that these requested scopes stand for, of those granted (OpenID Connect Core section 5.4)."""
    return allowed(_behind(frozenset(requested)), granted_scopes)


@lru_cache(REMEMBERED)
def _behind(scopes: frozenset[str]) -> frozenset[str]:
    return frozenset(claim.name for claim in CLAIMS if scopes.intersection(claim.scopes))


def narrowed(names: Iterable[str], granted_scopes: Iterable[str], kept_scopes: Iterable[str]) -> tuple[str, ...]:
    """The named claims without those for which only a scope stood that was granted and is not kept."""
    kept = frozenset(kept_scopes)
    dropped = frozenset(granted_scopes) - kept
    if not dropped:
        return tuple(names)
    gone = {
        claim.name for claim in CLAIMS if dropped.intersection(claim.scopes) and not kept.intersection(claim.scopes)
    }
    return tuple(name for name in names if name not in gone)


def released(names: Iterable[str], release: Release) -> dict[str, ClaimValue]:
    """The named claims with their values; one that has no value is left out."""
    values = ((name, BY_NAME[name].value(release)) for name in names)
    return {name: value for name, value in values if value is not None and value != ""}


def to_bits(names: Iterable[str]) -> int:
    """A set of claims as one number, for sealed codes and rows."""
    return sum(1 << POSITIONS[name] for name in set(names))


@lru_cache(REMEMBERED)
def from_bits(bits: int) -> tuple[str, ...]:
    return tuple(name for name, position in POSITIONS.items() if bits >> position & 1)


def scopes_to_bits(scopes: Iterable[str]) -> int:
    return sum(1 << SCOPE_POSITIONS[scope] for scope in set(scopes))


@lru_cache(REMEMBERED)
def scopes_from_bits(bits: int) -> tuple[str, ...]:
    return tuple(scope for scope, position in SCOPE_POSITIONS.items() if bits >> position & 1)
