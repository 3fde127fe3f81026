"""What tax office, social insurance and banks say of people at a sign-in: some of it, in their own way, with mistakes.

A bank read the chip of the card: the number is always there, the name well spelled. The tax office writes capitals and
has a number or an old tax code. The insurance has its own number for everybody, often no other, and old files.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connectors.sandbox.country import mistakes, numbers, provinces, writing
from connectors.sandbox.country.lots import Lot
from connectors.sandbox.country.person import Papers, Person
from connectors.sandbox.country.rates import RATES, SOURCES
from connectors.sandbox.population import below

PROOFING: Mapping[str, int] = {"tax": 2, "insurance": 2, "bank": 2}
_REMEMBERED = 256
_LENDERS_LOOKED_AT = 6
_BORROWING = ("borrowed_number", "borrowed_number_and_name", "borrowed_identity")


@dataclass(frozen=True, kw_only=True)
class Said:
    """A record without its name in the file, and the truth of it; both as `files` describes them."""

    record: dict[str, Any]
    truth: dict[str, Any]


@dataclass(kw_only=True)
class _Telling:
    """What one record tells, while it is put together. `shown` is whose name, `dated` whose birth date is in it."""

    person: Person
    lot: Lot
    lender: Person | None
    shown: Person
    dated: Person
    number: str | None = None
    former_number: str | None = None
    identifiers: list[dict[str, str]] = field(default_factory=list)

    def tell(self, kind: str, value: str | None, state: str = "current") -> None:
        if value is not None:
            self.identifiers.append({"type": kind, "value": value, "state": state})

    @property
    def papers(self) -> Papers:
        return self.person.papers


class Sources:
    """Remembers a few of the people before, whose papers are lent and whose telephones were somebody else's."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(f"records {seed}")  # noqa: S311  the same records every time is what is wanted
        self._lenders: dict[str, deque[Person]] = {sex: deque(maxlen=_REMEMBERED) for sex in ("male", "female")}
        self._phones: deque[str] = deque(maxlen=_REMEMBERED)

    def records(self, person: Person) -> Iterator[Said]:
        """What the sources say of this person, if they sign in there; of whom comes next, they know of this one."""
        rates = RATES.signs_in[person.age_band]
        for source in SOURCES:
            rate = rates[source] if person.alive else rates[source] * RATES.signs_in["deceased"][source]
            if self._random.random() < rate and _is_known(person.papers, source):
                yield self._record(person, source)
        if person.in_register and person.papers.personal_number is not None and person.born.age >= 16:
            self._lenders[person.sex].append(person)
        if person.phone is not None:
            self._phones.append(person.phone)

    def _record(self, person: Person, source: str) -> Said:
        lot = Lot(self._random, source)
        telling = self._begun(lot, person)
        written = writing.name(lot, telling.shown.name, telling.shown.sex, telling.shown.former)
        born = writing.birth_date(lot, telling.dated.born, telling.dated.former)
        _numbers(telling)
        record = {
            "source": source,
            "subject": hashlib.sha256(f"{self._seed} {source} {person.id}".encode()).hexdigest()[:20],
            "proofing": PROOFING[source],
            "name": written.name,
            "birth_date": born,
            "sex": _sex(telling),
            "nationality": person.nationality if lot.form("nationality") else None,
            "identifiers": telling.identifiers,
            "phone": self._phone(telling),
            "address_province": _province(telling, written.letters),
        }
        return Said(
            record={name: value for name, value in record.items() if value not in (None, [])}, truth=_truth(telling)
        )

    def _begun(self, lot: Lot, person: Person) -> _Telling:
        """Whose papers are shown: their own, or in part or whole somebody else's."""
        borrowing = next((error for error in _BORROWING if lot.chance(error)), None)
        lender = self._lender(lot.random, person) if borrowing is not None else None
        if lender is None or borrowing is None:
            return _Telling(person=person, lot=lot, lender=None, shown=person, dated=person)
        lot.errors.append(borrowing)
        return _Telling(
            person=person, lot=lot, lender=lender,
            shown=person if borrowing == "borrowed_number" else lender,
            dated=lender if borrowing == "borrowed_identity" else person,
        )  # fmt: skip

    def _lender(self, random: Random, person: Person) -> Person | None:
        """Somebody of their sex and near their age, now and then of their family."""
        known = self._lenders[person.sex]
        if not known:
            return None
        if random.random() < 0.2:
            return known[-1]
        looked_at = [known[below(random, len(known))] for _ in range(_LENDERS_LOOKED_AT)]
        return min(looked_at, key=lambda one: abs(one.born.year - person.born.year))

    def _phone(self, telling: _Telling) -> str | None:
        lot, phone = telling.lot, telling.person.phone
        if phone is None or not lot.form("phone"):
            return None
        if lot.mistake("stale_phone"):
            if lot.chance("stale_phone_given_on") and self._phones:
                lot.errors.append("stale_phone_given_on")
                phone = self._phones[below(lot.random, len(self._phones))]
            else:
                lot.errors.append("stale_phone")
                prefix = numbers.FORMER_PHONE_PREFIX
                phone = numbers.phone(self._seed, int(telling.person.id[1:]), prefix=prefix)
        return phone if lot.source == "bank" else phone.replace("+84", "0", 1)


def _is_known(papers: Papers, source: str) -> bool:
    """A bank has seen a number or a passport, the tax office gave a code; the insurance asks for nothing."""
    if source == "bank":
        return papers.personal_number is not None or papers.passport is not None
    return source == "insurance" or papers.personal_number is not None or papers.tax_code is not None


# ---- numbers ----


def _numbers(telling: _Telling) -> None:
    """The identifiers that the source sends, with what is wrong with them."""
    of = telling.papers if telling.lender is None else telling.lender.papers
    telling.number, telling.former_number = _spoiled(telling.lot, of.personal_number), of.former_number
    {"tax": _of_tax, "insurance": _of_insurance, "bank": _of_bank}[telling.lot.source](telling)
    if telling.papers.passport is not None and (telling.number is None or telling.lot.form("passport")):
        telling.tell("passport", telling.papers.passport)
    if telling.number is None:
        return
    personal = any(one["value"] == telling.number for one in telling.identifiers)
    if not personal:
        former = any(one["type"] == "former_number" for one in telling.identifiers)
        telling.lot.errors.append("former_number_only" if former else "number_missing")
        for error in ("mistyped_number", "swapped_digits"):  # nobody sees it
            if error in telling.lot.errors:
                telling.lot.errors.remove(error)


def _spoiled(lot: Lot, number: str | None) -> str | None:
    for error, change in (
        ("mistyped_number", mistakes.mistyped_number), ("swapped_digits", mistakes.swapped_digits),
    ):  # fmt: skip
        if lot.mistake(error) and number is not None:
            lot.errors.append(error)
            return change(lot.random, number)
    return number


def _of_bank(telling: _Telling) -> None:
    telling.tell("personal_number", telling.number)
    _tell_former(telling)


def _of_tax(telling: _Telling) -> None:
    """The personal number is the tax code since July 2025, unless an account was not brought together with it yet."""
    lot, old = telling.lot, telling.papers.tax_code
    as_own = lot.form("number_as_own") or old is None or telling.lender is not None
    if as_own and telling.number is not None:
        lot.forms.append("number_as_own")
        telling.tell("tax_code", telling.number)
        if lot.form("personal_number"):
            telling.tell("personal_number", telling.number)
        _tell_former(telling)
        return
    telling.tell("tax_code", old)
    if lot.chance("former_number_only"):
        telling.tell("former_number", telling.former_number, "former")


def _of_insurance(telling: _Telling) -> None:
    """The number of the insurance, in whose place the personal number stands for some since August 2025."""
    lot = telling.lot
    as_own = lot.form("number_as_own") and telling.number is not None
    sent = lot.form("personal_number") or telling.lender is not None
    if as_own:
        lot.forms.append("number_as_own")
    telling.tell("insurance_number", telling.number if as_own else telling.papers.insurance_number)
    if sent and telling.number is not None:
        telling.tell("personal_number", telling.number)
        _tell_former(telling)
    elif not as_own and lot.chance("former_number_only"):
        telling.tell("former_number", telling.former_number, "former")
    if lot.form("health_card"):
        telling.tell("health_card", telling.papers.health_card)


def _tell_former(telling: _Telling) -> None:
    if telling.lot.form("former_number"):
        telling.tell("former_number", telling.former_number, "former")


# ---- the rest ----


def _sex(telling: _Telling) -> str | None:
    lot, sex = telling.lot, telling.shown.sex
    if not lot.form("sex"):
        return None
    if lot.mistake("wrong_sex"):
        lot.errors.append("wrong_sex")
        return "male" if sex == "female" else "female"
    return sex


def _province(telling: _Telling, letters: writing.Letters) -> str | None:
    """Where somebody lives, by the name of today or of before July 2025, or where they lived before."""
    lot, home = telling.lot, telling.person.home
    if not lot.form("province"):
        return None
    if lot.mistake("moved"):
        elsewhere = provinces.drawn(lot.random)
        if provinces.TODAY[elsewhere] != provinces.TODAY[home]:
            lot.errors.append("moved")
            home = elsewhere
    name = provinces.TODAY[home]
    if lot.mistake("old_province") and provinces.BEFORE[home] != name:
        lot.errors.append("old_province")
        name = provinces.BEFORE[home]
    if lot.form("province_rank"):
        name = f"{('Thành phố', 'TP.')[below(lot.random, 2)] if name in provinces.CITIES else 'Tỉnh'} {name}"
    return letters(name)


def _truth(telling: _Telling) -> dict[str, Any]:
    person, lender = telling.person, telling.lender
    truth = {
        "person": person.id if person.in_register else None,
        "outsider": None if person.in_register else person.id,
        "papers_of": None if lender is None else lender.id,
        "source": telling.lot.source,
        "errors": telling.lot.errors,
        "forms": telling.lot.forms,
        "structures": list(person.structures),
        "sex": person.sex,
        "age_band": person.age_band,
        "name_origin": person.name.origin,
    }
    return {name: value for name, value in truth.items() if value is not None or name == "person"}
