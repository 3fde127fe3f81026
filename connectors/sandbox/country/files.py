"""The three files of an invented country, JSON Lines in UTF-8: one object a line, and what is not known is not in it.

`register.jsonl`, the population register, a person a line:

    person            a name for the row, `p` and eight digits
    personal_number   12 digits; foreigners have none
    former_numbers    9-digit numbers of old cards; two people can share one
    name              full, and family, middle, given where the name splits; in some rows the whole is in `given`
    aliases           [{reason, name | birth_date}]: what was another before. `rectified`: the register corrected it;
                      `married`, `changed`: a name that was right in its time
    birth_date        "1958-03-07", or as much as was ever written down: "1958-03", "1958"
    sex               "male" or "female"; of a few, another than their number says, by correction
    birth_place       three digits, a province of before July 2025 or a country
    province          where they live, by the name of today (34)
    nationality       ISO 3166-1 alpha-3
    alive             true or false
    phone             "+84…"; a household can share one
    identifiers       [{type, value, state}]: insurance number, health card and passport, where the register was told
    guardians         of minors: rows of their parents
    residence_paper   of foreigners

`records.jsonl`, what a source said at a sign-in, a record a line, in no order:

    record            a name for the line, `r` and eight digits
    source            "tax", "insurance" or "bank"
    subject           the source's own, lasting name for its customer
    proofing          how sure the source is of its customers: 2, also the insurance, whose records
                      were held against the register in 2025; that its code goes to any telephone is another matter
    name              either `full`, or `family`, `middle`, `given`
    birth_date        {year, month?, day?, as_sent}: `as_sent` is the source's text, the others what it says digit by
                      digit; zeros are left out
    sex, nationality  as above
    identifiers       [{type, value, state}]; types are those of the contract, `state` is "current" or "former"
    phone             "+84…" or "0…"
    address_province  a province, by its name of today or of before July 2025, in the letters of the source

`truth.jsonl`, who that was, a line for each record in the same order:

    record            as above
    person            the row of the register, or null: not in the register
    outsider          instead: a name for this person, the same in all their records
    papers_of         whose papers the record shows, where it is not their own
    source            as above
    errors            what went wrong, by the names of `rates.toml`; beside these `wrongly_split`, parts of a name that
                      has none, and `number_missing`: the person has a personal number, the record no number of a card
    forms             how the source wrote, where that is worth a word: `upper_case`, `name_in_parts`, `date_compact`,
                      `number_as_own` (the personal number is tax code or insurance number)
    structures        what is particular about the person: `twin`, `parents_name`, `childs_name`, `double`, `minor`, …
    sex, age_band, name_origin
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Any

from connectors.sandbox.country import register
from connectors.sandbox.country.numbers import MOST_PEOPLE
from connectors.sandbox.country.people import People
from connectors.sandbox.country.sources import Said, Sources
from connectors.sandbox.population import below

REGISTER, RECORDS, TRUTH = FILES = ("register.jsonl", "records.jsonl", "truth.jsonl")
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_MIXED = 4096  # records that wait to be written, so that those of one family do not stand together


@dataclass(frozen=True, kw_only=True)
class Written:
    people: int
    outsiders: int  # people who sign in or could, but are not in the register
    records: int


def write(folder: Path, *, people: int, seed: int) -> Written:
    """The three files stand in the folder, whole; those of before are replaced.

    `people` are as many as the register has. Memory does not grow with them. Raises OSError, and ValueError for none or
    for more than MOST_PEOPLE.
    """
    if not 1 <= people <= MOST_PEOPLE:
        raise ValueError(f"1 to {MOST_PEOPLE:,} people")
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        rows, records, truth = (opened.enter_context(_whole(folder / name)) for name in FILES)
        mixer = _Mixer(seed, records, truth)
        sources, inside, outside = Sources(seed), 0, 0
        for person in People(seed):
            if person.in_register:
                _line(rows, register.row(person))
            inside, outside = inside + person.in_register, outside + (not person.in_register)
            for said in sources.records(person):
                mixer.take(said)
            if inside == people:
                break
        mixer.empty()
    return Written(people=inside, outsiders=outside, records=mixer.written)


class _Mixer:
    """Writes records and their truth, each after a wait of some thousands that is drawn by lot."""

    def __init__(self, seed: int, records: IO[str], truth: IO[str]) -> None:
        self._random = Random(f"order {seed}")  # noqa: S311  the same order every time
        self._records, self._truth = records, truth
        self._waiting: list[Said] = []
        self.written = 0

    def take(self, said: Said) -> None:
        if len(self._waiting) < _MIXED:
            self._waiting.append(said)
            return
        place = below(self._random, _MIXED)
        self._write(self._waiting[place])
        self._waiting[place] = said

    def empty(self) -> None:
        while self._waiting:
            self._write(self._waiting.pop(below(self._random, len(self._waiting))))

    def _write(self, said: Said) -> None:
        self.written += 1
        name = {"record": f"r{self.written:08}"}
        _line(self._records, name | said.record)
        _line(self._truth, name | said.truth)


def _line(file: IO[str], row: dict[str, Any]) -> None:
    file.write(f"{_JSON.encode(row)}\n")


@contextmanager
def _whole(path: Path) -> Iterator[IO[str]]:
    """A file that appears under its name when it is whole, and not if anything goes wrong."""
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
