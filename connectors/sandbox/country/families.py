"""Families of the invented country: who is born when, as whose child, and with what name.

Its people are sketches here: `people` gives them their papers. What makes recognising people hard is put in here:
twins, children with their parent's full name, names by decade and community, births abroad, dates of which the day was
never written down.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from connectors.sandbox.country import names, provinces
from connectors.sandbox.country.names import Name, Nation
from connectors.sandbox.country.person import THIS_YEAR, Born
from connectors.sandbox.country.rates import RATES
from connectors.sandbox.population import Weighted, below, happens

_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RATES = RATES.people

# Weights of our own, so that the ages come out near those of the half-way census of 2024: 23 % below 15, 9 % from 65.
_KINDS = Weighted([("alone", 14), ("couple", 13), ("children", 50), ("one parent", 8), ("three generations", 15)])
_ALONE = Weighted([(1930, 1), (1940, 4), (1950, 9), (1960, 14), (1970, 16), (1980, 20), (1990, 24), (2000, 14)])
_COUPLE = Weighted([(1935, 2), (1945, 12), (1955, 24), (1965, 20), (1975, 12), (1985, 14), (1995, 16)])
_MOTHER = Weighted([(1945, 1), (1955, 5), (1965, 15), (1975, 26), (1985, 38), (1993, 22)])
_CHILDREN = Weighted([(1, 28), (2, 50), (3, 16), (4, 5), (5, 1)])
_YOUNGEST_ADULT = 2007


@dataclass(kw_only=True, slots=True)
class Sketch:
    """Somebody before there are papers. `twin` is the elder of two, `parents` whose child this is."""

    name: Name
    born: Born
    sex: str
    birth_place: str
    home: str
    nation: Nation | None = None
    twin: Sketch | None = None
    parents: tuple[Sketch, ...] = ()
    structures: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Roots:
    """Where a family is from, where it lives, and of which community it is."""

    place: str
    home: str
    origin: str
    nation: Nation | None


def family(random: Random) -> list[Sketch]:
    """The people of one family, parents before their children."""
    nation = names.nation(random) if happens(random, _RATES["foreigners"]) else None
    place = provinces.drawn(random)
    home = provinces.drawn(random) if happens(random, _RATES["moved_within"]) else place
    roots = _Roots(place=place, home=home, origin=names.origin_at(random, place), nation=nation)
    kind = _KINDS.draw(random)
    if kind == "alone":
        return [_person(random, roots, _sex(random), min(_ALONE.draw(random) + below(random, 10), _YOUNGEST_ADULT))]
    if kind == "couple":
        return _couple(random, roots, _COUPLE.draw(random) + below(random, 10))
    mother_born = _MOTHER.draw(random) + below(random, 10)
    parents = _couple(random, roots, mother_born)
    if kind == "one parent":
        parents = [parents[below(random, 2)]]
    older: list[Sketch] = []
    if kind == "three generations":
        grandparents = _couple(random, roots, mother_born - 26 - below(random, 10))
        _adopt(random, grandparents, parents[0])
        older = grandparents[below(random, 2) :]
    return [*older, *parents, *_children(random, roots, parents, mother_born)]


def double(random: Random, of: Sketch) -> Sketch:
    """A stranger with the name, the sex and the birth date of that person, and nothing else of theirs."""
    place = of.birth_place if happens(random, _RATES["one_place_doubles"]) else provinces.drawn(random)
    return Sketch(
        name=of.name, born=of.born, sex=of.sex, birth_place=place, home=provinces.drawn(random), structures=["double"]
    )


def _sex(random: Random) -> str:
    return "female" if happens(random, 0.502) else "male"


def _date(random: Random, year: int) -> Born:
    month = 1 + below(random, 12)
    day = 1 + below(random, _DAYS_IN_MONTH[month - 1])
    lot = random.random()
    if year < 1966 and lot < _RATES["year_only"] + _RATES["month_only"]:
        return Born(year=year, month=None if lot < _RATES["year_only"] else month)
    if year < 1976 and happens(random, _RATES["first_of_january"]):
        return Born(year=year, month=1, day=1)
    return Born(year=year, month=month, day=day)


def _person(random: Random, roots: _Roots, sex: str, year: int, *, family_name: str = "") -> Sketch:
    born = _date(random, year)
    if roots.nation is not None:
        name = names.foreign(random, roots.nation, sex)
        name = replace(name, family=family_name) if family_name else name
        place = provinces.abroad(random)
        return Sketch(name=name, born=born, sex=sex, birth_place=place, home=roots.home, nation=roots.nation)
    name = names.name(random, origin=roots.origin, sex=sex, year=year, family=family_name)
    abroad = happens(random, _RATES["born_abroad"])
    return Sketch(
        name=name,
        born=born,
        sex=sex,
        birth_place=provinces.abroad(random) if abroad else roots.place,
        home=roots.home,
        structures=["born_abroad"] if abroad else [],
    )


def _couple(random: Random, roots: _Roots, mother_born: int) -> list[Sketch]:
    """Husband and wife, who may come from different provinces and communities."""
    elsewhere = roots
    if happens(random, 0.4) and roots.nation is None:
        place = provinces.drawn(random)
        elsewhere = replace(roots, place=place, origin=names.origin_at(random, place))
    father_born = min(mother_born - 6 + below(random, 10), _YOUNGEST_ADULT)
    wife_born = min(mother_born, _YOUNGEST_ADULT)
    return [_person(random, roots, "male", father_born), _person(random, elsewhere, "female", wife_born)]


def _adopt(random: Random, parents: list[Sketch], son: Sketch) -> None:
    if son.name.family and parents[0].name.family:
        son.name = replace(son.name, family=parents[0].name.family)
    son.parents = tuple(parents)
    _name_after_parent(random, son)


def _children(random: Random, roots: _Roots, parents: list[Sketch], mother_born: int) -> list[Sketch]:
    """The children that live with their parents or are grown up; some of those are in families of their own."""
    found: list[Sketch] = []
    origin = parents[0].name.origin if roots.nation is None else roots.origin
    at_home = replace(roots, place=roots.home, origin=origin)
    year = mother_born + 19 + below(random, 12)
    for _ in range(_CHILDREN.draw(random)):
        if year < THIS_YEAR and (year > 2002 or happens(random, 0.5)):
            found += _births(random, at_home, parents, year)
        year += 1 + below(random, 6)
    return found


def _births(random: Random, roots: _Roots, parents: list[Sketch], year: int) -> list[Sketch]:
    """One child, or twins."""
    of = parents[-1] if happens(random, _RATES["adopted_family_name"]) else parents[0]
    child = _person(random, roots, _sex(random), year, family_name=of.name.family)
    child.parents = tuple(parents)
    _name_after_parent(random, child)
    if not happens(random, _RATES["twin_births"]):
        return [child]
    sex = child.sex if happens(random, _RATES["twins_of_one_sex"]) else _other(child.sex)
    twin = replace(child, sex=sex, twin=child, structures=[one for one in child.structures if one == "born_abroad"])
    if roots.nation is not None:
        twin.name = replace(names.foreign(random, roots.nation, sex), family=child.name.family)
    elif sex == child.sex:
        twin.name = names.of_twin(random, child.name, sex)
    else:
        twin.name = names.name(random, origin=child.name.origin, sex=sex, year=year, family=child.name.family)
    for one in (child, twin):
        one.structures.append("twin")
    return [child, twin]


def _other(sex: str) -> str:
    return "male" if sex == "female" else "female"


def _name_after_parent(random: Random, child: Sketch) -> None:
    """In few families father and son, or mother and daughter, bear one full name."""
    rate = _RATES["father_son_one_name" if child.sex == "male" else "mother_daughter_one_name"]
    parent = next((one for one in child.parents if one.sex == child.sex), None)
    if parent is not None and happens(random, rate):
        child.name = parent.name
        child.structures.append("parents_name")
        if "childs_name" not in parent.structures:
            parent.structures.append("childs_name")
