"""What is drawn for one record: which habits of its source it shows, and which mistakes were made with it."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from connectors.sandbox.country.rates import RATES

_HABIT = 0.1  # a rate above is no carelessness
_OTHERS_TIMES = (1 - RATES.careless * RATES.careless_times) / (1 - RATES.careless)


def _times(rates: Mapping[str, float], times: float) -> dict[str, float]:
    return {name: rate if rate > _HABIT else rate * times for name, rate in rates.items()}


_MISTAKES = {
    source: (_times(rates, RATES.careless_times), _times(rates, _OTHERS_TIMES))
    for source, rates in RATES.errors.items()
}


class Lot:
    """Draws for one record of one source. `errors` and `forms` are what came of it, by the names of the rates."""

    __slots__ = ("_draw", "_errors", "_forms", "_mistakes", "errors", "forms", "random", "source")

    def __init__(self, random: Random, source: str) -> None:
        self.random = random
        self.source = source
        self.errors: list[str] = []
        self.forms: list[str] = []
        self._draw = random.random
        self._errors = RATES.errors[source]
        self._forms = RATES.forms[source]
        careless, careful = _MISTAKES[source]
        self._mistakes = careless if random.random() < RATES.careless else careful

    def form(self, name: str) -> bool:
        """Whether the source writes or sends this record so."""
        return self._draw() < self._forms[name]

    def mistake(self, name: str) -> bool:
        """Whether this is made wrong; more often where much else is."""
        return self._draw() < self._mistakes[name]

    def chance(self, name: str) -> bool:
        """Whether this is so, carelessness or not."""
        return self._draw() < self._errors[name]

    def unknown_days(self) -> str:
        """How a birth date is written of which the register has the year alone."""
        lot = self._draw()
        for way, rate in RATES.unknown_days[self.source].items():
            if lot < rate:
                return way
            lot -= rate
        return "year_only"
