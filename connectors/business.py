"""The business register, behind X-Road in its REST flavour: for whom may the holder of this number act today?

It asserts nothing of the person, who has signed in elsewhere. An answer is taken whole or not at all: one entry that
cannot be right means that the register, or what stands between, is not to be believed today. What has ended, or
begins later, or belongs to a business that is no longer active, is well formed and does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import Field, field_validator

from connectors.answers import Refusal
from connectors.base import Check, Context, Failed, Failure, Kind, Organisation, OutboundError
from connectors.claims import Claims
from connectors.registers import VIET_NAM, KnowsOrganisations
from connectors.xroad.checks import run_checks
from connectors.xroad.messages import XRoadConfiguration, ask_rest, pseudonym

CEILING = 4  # of nothing: it asserts no sign-in, and an operator must not have to think of a level for it
ENTRIES_LIMIT = 1000  # of one person; a chain's director may have some hundreds of branches
ALL_PAGES_WITHIN = timedelta(seconds=15)
AUTHORITIES = ("legal_representative", "authorised")
STATUSES = ("active", "suspended", "dissolved")

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_TAX_CODE = re.compile(r"[0-9]{10}(-[0-9]{3})?")
_PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PATH = "v1/representatives/search"
_NOBODY = "000000000000"  # no province has 000


class BusinessConfiguration(XRoadConfiguration):
    service: str = Field("representation", description="X-Road's code of the service")
    page_size: int = Field(100, ge=20, le=200, description="entries asked for at a time")

    @field_validator("service")
    @classmethod
    def _is_code(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", value):
            raise ValueError("must be a service code, in plain letters and digits")
        return value


@dataclass(frozen=True, kw_only=True)
class _Page:
    entries: list[Any]
    total: int


def is_tax_code(text: str) -> bool:
    """Whether this is ten digits of which the last checks the others, with -001 to -999 behind for a branch.

    The check is 10 less the weighted sum modulo 11; where that is 10, no code was ever given out.
    """
    if not _TAX_CODE.fullmatch(text) or text.endswith("-000") or text[2:9] == "0000000":
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:9], strict=True))
    return 10 - total % 11 == int(text[9])


class Business(KnowsOrganisations):
    def __init__(self, configuration: BusinessConfiguration) -> None:
        self.configuration = configuration

    def organisations(self, context: Context, personal_number: str) -> tuple[Organisation, ...] | Failed:
        """Every organisation that the holder may act for today, by tax code; none is an answer too.

        Where several mandates name one organisation, the legal representative's wins, then the longest.
        """
        try:
            if not _PERSONAL_NUMBER.fullmatch(personal_number):
                raise Refusal(Failure.INCOMPLETE, "the register is asked with a personal number of 12 digits")
            entries = self._entries(context, personal_number)
            today = context.now().astimezone(VIET_NAM).date()
            found = [mandate for entry in entries if (mandate := _mandate(context, entry, today)) is not None]
        except (Refusal, OutboundError) as problem:
            return problem.as_failed()
        best: dict[str, Organisation] = {}
        for one in sorted(found, key=_preference):
            best.setdefault(one.tax_code, one)
        return tuple(best[code] for code in sorted(best))

    def checks(self, context: Context) -> list[Check]:
        """Our credentials, its clock and its speed, tried with a number that nobody has."""

        def about_nobody(watched: Context) -> str | None:
            found = self.organisations(watched, _NOBODY)
            if isinstance(found, Failed):
                return f"{found.failure.value}: {found.detail}"
            return "it knows somebody by a number that nobody has" if found else None

        return run_checks(context, self.configuration.address, {"answers": about_nobody})

    def _entries(self, context: Context, personal_number: str) -> list[Any]:
        """All pages' entries; raises Refusal for pages that do not fit together, or lead on for ever."""
        started_at, first = context.now(), self._page(context, personal_number, 1)
        if first.total > ENTRIES_LIMIT:
            raise _broken("has more entries than one person can have")
        entries, page = list(first.entries), 1
        while len(entries) < first.total:
            if len(entries) != page * self.configuration.page_size:
                raise _broken("has a page that is not full, with more behind it")
            if context.now() - started_at > ALL_PAGES_WITHIN:
                raise Refusal(Failure.TIMED_OUT, "the register takes too long over its pages")
            page += 1
            more = self._page(context, personal_number, page)
            if more.total != first.total:
                raise _broken("has pages that do not fit together")
            entries += more.entries
        if len(entries) != first.total:
            raise _broken("has another number of entries than it says")
        return entries

    def _page(self, context: Context, personal_number: str, page: int) -> _Page:
        configuration = self.configuration
        # By POST, since addresses are logged by every server on the way.
        payload = {"personalNumber": personal_number, "page": page, "limit": configuration.page_size}
        user = pseudonym(context, f"personal_number {personal_number}")
        answer, _ = ask_rest(context, configuration, configuration.service, _PATH, payload, user)
        if "error" in answer:
            raise Refusal(Failure.REFUSED, "the register answered with an error")
        if answer.get("personalNumber") != personal_number:
            raise Refusal(Failure.WRONG_NONCE, "the register's answer is about another number")
        entries, total = answer.get("representatives"), answer.get("total")
        if not isinstance(entries, list) or type(total) is not int or total < 0 or answer.get("page") != page:
            raise _broken("has no list of representatives, or is another page")
        if len(entries) > configuration.page_size:
            raise _broken("has more entries than were asked for")
        return _Page(entries=entries, total=total)


def _broken(why: str) -> Refusal:
    return Refusal(Failure.BROKEN_ANSWER, f"the register's answer {why}")


def _preference(organisation: Organisation) -> tuple[bool, bool, int]:
    ends = organisation.until
    return organisation.authority != AUTHORITIES[0], ends is not None, -(ends.toordinal() if ends else 0)


def _mandate(context: Context, entry: Any, today: date) -> Organisation | None:
    """The organisation of one entry, None where it does not count today; raises Refusal for one that is malformed."""
    if not isinstance(entry, dict):
        raise _broken("has an entry that is no object")
    told = Claims(entry, context)
    code, name, role = (told.text(claim) for claim in ("taxCode", "name", "role"))
    authority, status = entry.get("authority"), entry.get("status")
    if code is None or not is_tax_code(code) or name is None or role is None:
        raise _broken("has an entry without a tax code that can be, a name or a role")
    if authority not in AUTHORITIES or status not in STATUSES:
        raise _broken("has an entry with an authority or a status that was not agreed")
    since, until = _day(entry, "from"), _day(entry, "until")
    if since is None or (until is not None and until < since):
        raise _broken("has an entry that ends before it begins, or has no beginning")
    if status != "active" or since > today or (until is not None and until < today):
        return None
    return Organisation(tax_code=code, name=name, role=role, authority=authority, until=until)


def _day(entry: Mapping[str, Any], name: str) -> date | None:
    """The day; None where it is null. A name that is missing is another thing than a mandate without an end."""
    if name not in entry:
        raise _broken(f"has an entry without {name}")
    value = entry[name]
    if value is None:
        return None
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _broken(f"has an entry whose {name} is no day")


KIND = Kind(name="business", configuration=BusinessConfiguration, connector=Business, ceiling=CEILING)
