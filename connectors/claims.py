"""What claims say of a person: texts, numbers, names and dates as Vietnamese sources send them.

Nothing is invented: a name's parts are kept only where the source sent parts, an unknown day stays unknown, and
1 January is a date like any other. What cannot be read is left out with a note, and costs nobody their sign-in unless
too little is left to know who they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from connectors.answers import Refusal
from connectors.base import BirthDate, Context, Failure, Identifier, IdentifierType, Name, Sex
from connectors.profile import Profile

TEXT_LIMIT_CHARACTERS = 300
WORDS_LIMIT = 20
EARLIEST_BIRTH_YEAR = 1850

_PERSONAL_NUMBER = re.compile(r"[0-9]{12}")
_FORMER_NUMBER = re.compile(r"[0-9]{9}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# Year first as OpenID Connect has it (Core 5.1), day first as Vietnamese papers have it, 8 digits as registers do.
_DATES = tuple(
    re.compile(form)
    for form in (
        r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2}))?)?",
        r"(((?P<day>[0-9]{1,2})/)?(?P<month>[0-9]{1,2})/)?(?P<year>[0-9]{4})",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
    )
)
_SEXES = {
    "male": Sex.MALE, "nam": Sex.MALE, "m": Sex.MALE, "1": Sex.MALE,
    "female": Sex.FEMALE, "nữ": Sex.FEMALE, "nu": Sex.FEMALE, "f": Sex.FEMALE, "2": Sex.FEMALE,
}  # fmt: skip
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # turn the text around on a page


@dataclass(frozen=True, kw_only=True)
class Person:
    """What a kind of source makes of its claims; the fields of `Assertion` that are about the person."""

    name: Name
    proofing: int
    authentication: int
    identifiers: tuple[Identifier, ...]
    birth_date: BirthDate | None = None
    sex: Sex | None = None
    birth_place: str | None = None
    email: str | None = None
    phone: str | None = None
    profile: Profile | None = None

    def as_fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Claims:
    """A source's claims, read with care. A claim that is there but cannot be used is noted by its name alone."""

    def __init__(self, values: Mapping[str, Any], context: Context) -> None:
        self._values = values
        self._context = context

    def _unreadable(self, name: str) -> None:
        self._context.note("source.claim_unreadable", claim=name)

    def text(self, name: str) -> str | None:
        """The text, without spaces around it; None where there is none, or one that is not for people to read."""
        value = self._values.get(name) if name else None
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > TEXT_LIMIT_CHARACTERS or not _is_readable(value):
            self._unreadable(name)
            return None
        return value.strip() or None

    def says_so(self, name: str) -> bool:
        """Whether the claim is a plain true; whatever else it is, the source does not vouch."""
        return self._values.get(name) is True

    def words(self, name: str) -> tuple[str, ...]:
        values = self._values.get(name)
        if not isinstance(values, list):
            return ()
        return tuple(value for value in values[:WORDS_LIMIT] if isinstance(value, str) and _is_readable(value))

    def part(self, name: str) -> Claims:
        """The claims inside a claim; none where it is not an object."""
        value = self._values.get(name) if name else None
        return Claims(value if isinstance(value, dict) else {}, self._context)

    def level(self, name: str, highest: int) -> int | None:
        """A level from 1 to `highest`, sent as a number or as digits."""
        value = self._values.get(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]", value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= highest:
            return value
        if value is not None:
            self._unreadable(name)
        return None

    def name(self, claim: str, parts: Mapping[str, str | None] | None = None) -> Name:
        """The name as sent; raises Refusal where there is none. `parts` are family, middle and given name, if sent."""
        full = self.text(claim)
        if full is None:
            raise Refusal(Failure.INCOMPLETE, f"the source did not send {claim}")
        given = {part: text for part, text in (parts or {}).items() if text}
        # A register that never split the name has all of it in the field of the given name: those are no parts.
        return Name(full=full, **given) if "family" in given else Name(full=full)

    def identifiers(self, personal: str, former: str) -> tuple[Identifier, ...]:
        """The numbers in these two claims, told apart by their form: sources file a former number under either name.

        Raises Refusal where there is none.
        """
        found: dict[tuple[IdentifierType, str], Identifier] = {}
        for claim, state in ((personal, "current"), (former, "former")):
            value = self.text(claim)
            identifier = None if value is None else _identifier(value, state)
            if identifier is not None:
                found.setdefault((identifier.type, identifier.value), identifier)
            elif value is not None:
                self._unreadable(claim)
        if not found:
            raise Refusal(Failure.INCOMPLETE, f"the source sent neither {personal} nor {former}")
        return tuple(found.values())

    def birth_date(self, name: str) -> BirthDate | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return read_birth_date(value, latest=self._context.now().date())
        except ValueError:
            self._unreadable(name)
            return None

    def sex(self, name: str) -> Sex | None:
        value = self.text(name)
        sex = _SEXES.get(unicodedata.normalize("NFC", value).lower()) if value else None
        if value and sex is None:
            self._unreadable(name)
        return sex

    def email(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not _EMAIL.fullmatch(value):
            self._unreadable(name)
            return None
        return value


def read_birth_date(text: str, *, latest: date) -> BirthDate:
    """The date in any of the forms that sources use, zeros meaning unknown; raises ValueError for no such date.

    >>> read_birth_date("00/00/1958", latest=date(2026, 1, 1))
    BirthDate(year=1958, month=None, day=None, as_sent='00/00/1958')
    """
    found = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if found is None:
        raise ValueError("not a date")
    year, month, day = (int(found[part] or 0) for part in ("year", "month", "day"))
    birth_date = BirthDate(year=year, month=month or None, day=day or None, as_sent=text)
    if year < EARLIEST_BIRTH_YEAR or date(year, month or 1, day or 1) > latest:
        raise ValueError("nobody alive was born then")
    return birth_date


def _identifier(value: str, state: str) -> Identifier | None:
    if _PERSONAL_NUMBER.fullmatch(value) and value.strip("0"):
        return Identifier(type=IdentifierType.PERSONAL_NUMBER, value=value, state=state)
    if _FORMER_NUMBER.fullmatch(value) and value.strip("0"):
        # Identity card numbers of 9 digits have been invalid since 2025, wherever a source keeps them.
        return Identifier(type=IdentifierType.FORMER_NUMBER, value=value, state="former")
    return None


def _is_readable(text: str) -> bool:
    """Whether people can read it, and XML can hold it: XML 1.0 section 2.2 has no U+FFFE and U+FFFF."""
    return not any(
        unicodedata.category(one) in ("Cc", "Cs") or one in _OVERRIDES or one in "\ufffe\uffff" for one in text
    )
