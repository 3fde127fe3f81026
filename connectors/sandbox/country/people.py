"""The people of the invented country, one after the other for as long as somebody wants more.

What has to be remembered of those before is little, and does not grow with the country: a few hundred people, whose
namesakes, papers and telephones others turn up with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from connectors.sandbox.country import families, mistakes, names, numbers, provinces
from connectors.sandbox.country.families import Sketch
from connectors.sandbox.country.person import Born, Former, Papers, Person
from connectors.sandbox.country.rates import RATES
from connectors.sandbox.population import below, happens

_RATES = RATES.people
_REMEMBERED = 512


@dataclass(kw_only=True, slots=True)
class _Family:
    """What members of one family have together while their papers are made."""

    phone: str | None = None


class People:
    """Iterates without an end; each person depends on the seed and on those before alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = numbers.PersonalNumbers(seed)
        self._count = 0
        self._sketches: deque[Sketch] = deque(maxlen=_REMEMBERED)  # for namesakes
        self._former_numbers: deque[str] = deque(maxlen=_REMEMBERED)

    def __iter__(self) -> Iterator[Person]:
        random = Random(f"people {self._seed}")  # noqa: S311  the same people every time is what is wanted
        while True:
            yield from self._members(random, families.family(random))

    def _members(self, random: Random, sketches: list[Sketch]) -> Iterator[Person]:
        done: list[tuple[Sketch, Person]] = []
        together = _Family()
        for sketch in sketches:
            person = self._person(random, sketch, done, together)
            done.append((sketch, person))
            yield person
            if happens(random, _RATES["doubles"]) and self._sketches:
                of = self._sketches[below(random, len(self._sketches))]
                yield self._person(random, families.double(random, of), [], _Family())
            if sketch.nation is None and sketch.born.day is not None:
                self._sketches.append(sketch)

    def _person(
        self, random: Random, sketch: Sketch, done: list[tuple[Sketch, Person]], together: _Family
    ) -> Person:  # fmt: skip
        self._count += 1
        elder = next((person for other, person in done if other is sketch.twin), None)
        structures = list(sketch.structures)
        in_register = not happens(random, _RATES["not_in_register"])
        alive = not happens(random, _share_of_dead(sketch.born.age))
        name, born, former = self._history(random, sketch, structures)
        papers = self._papers(random, sketch, elder, structures, in_register=in_register)
        phone = self._phone(random, sketch.born.age, together, structures)
        guardians = () if sketch.born.age >= 18 else _guardians(sketch, done)
        structures += _marks(in_register=in_register, alive=alive, born=born, foreign=sketch.nation is not None)
        return Person(
            id=f"{'p' if in_register else 'x'}{self._count:08}",
            in_register=in_register, name=name, born=born, sex=sketch.sex, alive=alive, birth_place=sketch.birth_place,
            home=sketch.home, nationality="VNM" if sketch.nation is None else sketch.nation.code, papers=papers,
            phone=phone, former=former, guardians=guardians, structures=tuple(structures), known=_known(random),
        )  # fmt: skip

    def _history(
        self, random: Random, sketch: Sketch, structures: list[str]
    ) -> tuple[names.Name, Born, tuple[Former, ...]]:
        """Name and birth date of today, and what they were before."""
        name, sex, born, former = sketch.name, sketch.sex, sketch.born, []
        adult = born.age >= 18
        wives = _RATES["married_name"] if sketch.nation is None else sketch.nation.women_change * 0.5
        if adult and happens(random, _RATES["changed_name"]):
            former.append(Former(reason="changed", name=name))
            name = names.another_given(random, name, sex) if sketch.nation is None else name
        elif adult and sex == "female" and name.family and happens(random, wives):
            former.append(Former(reason="married", name=name))
            name = names.with_family(random, name, sketch.nation)
        elif happens(random, _RATES["rectified_name"]):
            former.append(Former(reason="rectified", name=_before_correction(random, name)))
        if happens(random, _RATES["rectified_birth_date"]):
            former.append(Former(reason="rectified", birth=born))
            born = _corrected(random, born)
        former = [one for one in former if (one.name, one.birth) not in ((name, None), (None, born))]
        structures += sorted({f"{one.reason}_{'name' if one.name else 'birth_date'}" for one in former})
        return name, born, tuple(former)

    def _papers(
        self, random: Random, sketch: Sketch, elder: Person | None, structures: list[str], *, in_register: bool
    ) -> Papers:
        """Numbers from the date and sex of before any correction: numbers stay what they are."""
        adult = sketch.born.age >= 18
        insurance = self._insurance_number(random, sketch, elder)
        passport = happens(random, _RATES["passport"])
        renewed = happens(random, _RATES["renewed_passport"])
        letter = "BCNP"[below(random, 4)]
        taxed = adult and happens(random, _RATES["tax_code"])
        foreign = sketch.nation is not None
        numberless = foreign or (happens(random, _RATES["numberless"]) and not in_register)
        number = None if numberless else self._personal_number(random, sketch, elder, structures)
        return Papers(
            personal_number=number,
            former_number=None if foreign else self._former_number(random, sketch, elder, structures),
            tax_code=numbers.tax_code(self._seed, self._count) if taxed else None,
            insurance_number=insurance,
            health_card=numbers.health_card(random, insurance, sketch.born.age),
            passport=numbers.passport(self._seed, self._count, letter=letter) if passport or foreign else None,
            former_passport=numbers.passport(self._seed, self._count, letter="A") if renewed and passport else None,
            residence_paper=numbers.residence_paper(self._seed, self._count) if foreign else None,
        )

    def _personal_number(
        self, random: Random, sketch: Sketch, elder: Person | None, structures: list[str]
    ) -> str:  # fmt: skip
        sex = sketch.sex
        if happens(random, _RATES["rectified_sex"]):
            structures.append("rectified_sex")
            sex = "male" if sex == "female" else "female"
        if elder is not None and elder.papers.personal_number is not None and sex == _sex_of(elder):
            return numbers.follows(elder.papers.personal_number)
        first, second = self._numbers.pair(sketch.birth_place, sex, sketch.born.year)
        # The elder of twins, who come in a row, leaves the second number to the other.
        return first if "twin" in sketch.structures or happens(random, 0.5) else second

    def _former_number(
        self, random: Random, sketch: Sketch, elder: Person | None, structures: list[str]
    ) -> str | None:  # fmt: skip
        if sketch.born.year > 2000 or not happens(random, _RATES["former_number"]):
            return None
        if elder is not None and elder.papers.former_number is not None:
            return numbers.follows(elder.papers.former_number)
        if self._former_numbers and happens(random, _RATES["shared_former_number"]):
            structures.append("shared_former_number")
            return self._former_numbers[below(random, len(self._former_numbers))]
        place = sketch.birth_place if sketch.birth_place in provinces.TODAY else sketch.home
        number = numbers.former_number(random, place)
        self._former_numbers.append(number)
        return number

    def _insurance_number(self, random: Random, sketch: Sketch, elder: Person | None) -> str:
        if elder is not None:
            return numbers.follows(elder.papers.insurance_number)
        second = happens(random, 0.5) and "twin" not in sketch.structures
        return numbers.insurance_number(self._seed, self._count, sketch.home, second=second)

    def _phone(self, random: Random, age: int, together: _Family, structures: list[str]) -> str | None:
        """Their own telephone, one that they share with their family, or none."""
        old = age >= 65
        own, shares, without = random.random(), random.random(), random.random()
        minor = age < 12 or (age < 18 and own >= _RATES["own_phone_minor"])
        if not minor and without < _RATES["no_phone_old" if old else "no_phone_adult"]:
            return None
        if minor or shares < _RATES["shared_phone_old" if old else "shared_phone_adult"]:
            if together.phone is not None:
                structures.append("shared_phone")
            return together.phone
        phone = numbers.phone(self._seed, self._count)
        together.phone = together.phone or phone
        return phone


def _share_of_dead(age: int) -> float:
    """Of people in the register, how many it knows to have died; ours, rising with age."""
    return next(share for until, share in ((45, 0.002), (60, 0.012), (75, 0.05), (999, 0.25)) if age < until)


def _sex_of(person: Person) -> str:
    """The sex that the number was given for, whatever was corrected since."""
    return "female" if int((person.papers.personal_number or "0000")[3]) % 2 else "male"


def _guardians(sketch: Sketch, done: list[tuple[Sketch, Person]]) -> tuple[str, ...]:
    parents = [person for other, person in done if any(other is parent for parent in sketch.parents)]
    return tuple(parent.id for parent in parents if parent.in_register and parent.alive)


def _marks(*, in_register: bool, alive: bool, born: Born, foreign: bool) -> list[str]:
    marks = {
        "not_in_register": not in_register,
        "deceased": not alive,
        "minor": born.age < 18,
        "year_only": born.month is None,
        "month_only": born.month is not None and born.day is None,
        "foreigner": foreign,
    }
    return [mark for mark, so in marks.items() if so]


def _known(random: Random) -> frozenset[str]:
    rates = RATES.register
    insured = happens(random, rates["insurance_number"])
    drawn = {
        "phone": happens(random, rates["phone"]),
        "insurance_number": insured,
        "health_card": happens(random, rates["health_card"]) and insured,
        "passport": happens(random, rates["passport"]),
        "name_in_last_field": happens(random, rates["name_in_last_field"]),
    }
    return frozenset(name for name, so in drawn.items() if so)


def _before_correction(random: Random, name: names.Name) -> names.Name:
    """The name with a letter or a mark that the register corrected since."""
    return mistakes.misspelt(random, name) if happens(random, 0.5) else mistakes.wrong_mark(random, name)


def _corrected(random: Random, born: Born) -> Born:
    """Another date, as a court or a birth certificate has it: near the one before, or with what it did not know."""
    month, day = 1 + below(random, 12), 1 + below(random, 28)
    if born.day is None:
        return Born(year=born.year, month=month, day=day)
    if happens(random, 0.4):
        year = born.year - 1 if happens(random, 0.5) or born.age == 0 else born.year + 1
        return Born(year=year, month=born.month, day=min(born.day, 28))
    return Born(year=born.year, month=month, day=day)
