"""What a person is shown before a portal may read it: every claim by a name that people use, each once; and of the
portal itself, what they have to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from connectors.base import BirthDate
from idp.broker.steps import Need
from idp.clients import Client
from idp.clients.urls import is_of_native_app
from idp.people import claims
from idp.people.claims import ClaimValue
from idp.sources import Source
from idp.web.language import Language, format_birth_date, format_date, text
from idp.web.pages import ClaimLine, OfPortal
from idp.web.words import AUTHORITIES, ClaimLabel, NamedItself

_LABELS: dict[str, ClaimLabel] = {
    "name": ClaimLabel.NAME,
    "family_name": ClaimLabel.FAMILY_NAME,
    "middle_name": ClaimLabel.MIDDLE_NAME,
    "given_name": ClaimLabel.GIVEN_NAME,
    "birthdate": ClaimLabel.BIRTHDATE,
    "gender": ClaimLabel.GENDER,
    "email": ClaimLabel.EMAIL,
    "phone_number": ClaimLabel.PHONE_NUMBER,
    "nickname": ClaimLabel.NICKNAME,
    "preferred_username": ClaimLabel.PREFERRED_USERNAME,
    "profile": ClaimLabel.PROFILE,
    "picture": ClaimLabel.PICTURE,
    "website": ClaimLabel.WEBSITE,
    "zoneinfo": ClaimLabel.ZONEINFO,
    "locale": ClaimLabel.LOCALE,
    "address": ClaimLabel.ADDRESS,
    "personal_number": ClaimLabel.PERSONAL_NUMBER,
    "HoVaTen": ClaimLabel.NAME,
    "SoDinhDanh": ClaimLabel.PERSONAL_NUMBER,
    "SoCMND": ClaimLabel.FORMER_NUMBER,
    "NgayThangNamSinh": ClaimLabel.BIRTHDATE,
    "ThuDienTu": ClaimLabel.EMAIL,
    "SoDienThoai": ClaimLabel.PHONE_NUMBER,
    "org_tax_code": ClaimLabel.ORG_TAX_CODE,
    "org_name": ClaimLabel.ORG_NAME,
    "org_role": ClaimLabel.ORG_ROLE,
    "org_authority": ClaimLabel.ORG_AUTHORITY,
    "org_until": ClaimLabel.ORG_UNTIL,
    claims.VERIFIED_BY: ClaimLabel.VERIFIED_BY,
}
_LEFT_OUT_IF_UNKNOWN = frozenset({ClaimLabel.ORG_ROLE, ClaimLabel.ORG_AUTHORITY, ClaimLabel.ORG_UNTIL})
# What few sources know: told in one line together as long as nobody has brought it.
_DETAILS = frozenset(
    {
        ClaimLabel.NICKNAME, ClaimLabel.PREFERRED_USERNAME, ClaimLabel.PROFILE, ClaimLabel.PICTURE, ClaimLabel.WEBSITE,
        ClaimLabel.ZONEINFO, ClaimLabel.LOCALE,
    }
)  # fmt: skip
_MASKED = frozenset({ClaimLabel.PERSONAL_NUMBER, ClaimLabel.FORMER_NUMBER})


def lines_to_tell(names: Sequence[str], values: Mapping[str, ClaimValue], language: Language) -> tuple[ClaimLine, ...]:
    """A line for each thing that the portal may read; a claim under two names is one line.

    What is not known yet is told too: once a source brings it, the portal may read it.
    """
    lines: dict[ClaimLabel, ClaimLine] = {}
    for name in claims.personal(names):
        label, value = _LABELS[name], values.get(name)
        worded = "" if value is None else _worded(label, _plain(value), language)
        label = ClaimLabel.DETAILS if label in _DETAILS and not worded else label
        line = ClaimLine(label_id=label, value=worded, masked=label in _MASKED)
        if not worded and label in _LEFT_OUT_IF_UNKNOWN:
            continue  # the register names none, and will not within this sign-in
        if label not in lines or not lines[label].value:
            lines[label] = line
    return tuple(lines.values())


def labels_of(names: Sequence[str]) -> tuple[ClaimLabel, ...]:
    """What these claims are called to the person, each once; what few sources know is called by one name together."""
    labels = (_LABELS[name] for name in claims.personal(names))
    return tuple(dict.fromkeys(ClaimLabel.DETAILS if label in _DETAILS else label for label in labels))


def with_names_of_sources(
    values: Mapping[str, ClaimValue], sources: Iterable[Source], language: Language
) -> dict[str, ClaimValue]:
    """The values with the names of those who vouched, by which people know them, in place of our ids."""
    if claims.VERIFIED_BY not in values:
        return dict(values)
    named = {source.id: source.name(language) for source in sources}
    vouched = str(values[claims.VERIFIED_BY]).split()
    return {**values, claims.VERIFIED_BY: ", ".join(named.get(each, each) for each in vouched)}


def of_portal(client: Client, need: Need) -> OfPortal:
    """What the portal registered to be shown of itself; if nobody else vouches for its name, where its answer goes."""
    named_itself, place = _real_place(need.answered_at) if client.registered_itself else (None, "")
    return OfPortal(
        logo_url=client.own_logo, policy_url=client.policy_uri, terms_url=client.tos_uri, named_itself=named_itself,
        place=place,
    )  # fmt: skip


def place_of(need: Need) -> str:
    """The site or app that the answer goes to, whatever the portal calls itself; empty for a device."""
    return "" if need.is_our_own else _real_place(need.answered_at)[1]


def _real_place(answered_at: str) -> tuple[NamedItself, str]:
    """What the answer goes to, and its name: for an app the part of its scheme or address that tells it from others."""
    parts = urlsplit(answered_at)
    if is_of_native_app(answered_at):
        return NamedItself.APP, parts.hostname or parts.scheme
    return (NamedItself.SITE, parts.netloc) if parts.netloc else (NamedItself.DEVICE, "")


def _plain(value: ClaimValue) -> str:
    """An address as one line, anything else as it is."""
    return ", ".join(value["formatted"].splitlines()) if isinstance(value, dict) else str(value)


def _worded(label: ClaimLabel, value: str, language: Language) -> str:
    """The value as people write it; portals get it as the standard has it."""
    if label is ClaimLabel.GENDER:
        return text(language, f"sex.{value}")
    if label is ClaimLabel.ORG_AUTHORITY and value in AUTHORITIES:
        return text(language, f"authority.{value}")
    if label is ClaimLabel.ORG_UNTIL:
        return format_date(language, date.fromisoformat(value))
    if label is not ClaimLabel.BIRTHDATE:
        return value
    digits = value.replace("-", "")  # yyyy, yyyyMM or yyyyMMdd
    month, day = (int(part) if part else None for part in (digits[4:6], digits[6:8]))
    return format_birth_date(language, BirthDate(year=int(digits[:4]), month=month, day=day, as_sent=value))
