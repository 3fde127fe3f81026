"""Whom a record may be of that the rules left open: people of the register, and how likely Splink takes each to be.

For a clerk, offline, and never for a sign-in: nothing is decided here. Nobody says which pairs are right: Splink
(Fellegi and Sunter's model) learns from the files themselves how often two agree who are one, and who are not. This is
the one module that knows Splink and DuckDB. Its SQL is DuckDB's, in memory; the provider's database is not touched.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from idp.people import comparable, evidence, records
from idp.people.linking import Link
from idp.people.person import PROVEN
from idp.people.population import SOURCE
from idp.people.rules import Outcome

# NEW is decided, as MATCH is: with the whole register there it is somebody who is not in it, nearly always.
UNDECIDED = frozenset(each.value for each in (Outcome.REVIEW, Outcome.CONFLICT, Outcome.INCOMPLETE))
LEAST_PROBABILITY = 0.001  # of a proposal; what is less is of no use to anybody
SAMPLED_PAIRS = 2_000_000  # from which is learned how often strangers agree
SEED = 1  # of that sample
# From pairs that agree in one of these is learned how all else agrees where two are one.
LEARNED_BY = (("year", "month", "day"), ("name",), ("number",), ("phone",))
# What never happened among some hundred pairs may still happen; without these floors it would outweigh everything.
FLOORS = {"m_probability": 0.002, "u_probability": 1e-6}
PEOPLE, RECORDS = "people", "records"  # tables; Splink puts the one first that comes first by the alphabet

Levels = tuple[tuple[str, str], ...]  # how two agree, and the condition; the first that holds counts
ANOTHER = "another"


class NoSuchRecord(LookupError):
    """A link names a record that is not among the records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """Somebody, by the register's name, and how they agree with the record in all that both know."""

    person: str
    probability: float
    agrees: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What the rules said of a record, unchanged, and whom it may be of, the likeliest first."""

    link: Link
    proposed: tuple[Proposed, ...]

    def to_json(self) -> str:
        people = [{"person": each.person, "probability": each.probability, "agrees": each.agrees}
                  for each in self.proposed]  # fmt: skip
        told = {"record": self.link.record, "outcome": self.link.outcome, "rule": self.link.rule, "proposals": people}
        return json.dumps(told, ensure_ascii=False)


def propose(
    register: Iterable[Mapping[str, Any]], said: Iterable[Mapping[str, Any]], links: Iterable[Link], most: int
) -> Iterator[Proposal]:
    """For each record that the rules left open, in the order of the links, at most so many people of the register.

    Raises NoSuchRecord where a link that is undecided has no record.
    """
    undecided = {link.record: link for link in links if link.outcome in UNDECIDED}
    rows = _records(said, undecided)
    names: list[str] = []
    found: dict[int, list[Proposed]] = {}
    with TemporaryDirectory() as folder, closing(_database(folder)) as db:
        _fill(db, RECORDS, rows, Path(folder))
        _fill(db, PEOPLE, _people(register, {key for row in rows for key in row["keys"]}, names), Path(folder))
        if db.table(PEOPLE).filter("len(keys) > 0").limit(1).fetchall():
            found = _found(db, names, most)
    for position, link in enumerate(undecided.values()):
        yield Proposal(link=link, proposed=tuple(found.get(position, ())))


# ---- the files as tables ----


def _database(folder: str) -> duckdb.DuckDBPyConnection:
    """In memory, and what does not fit there in the folder; it fetches nothing from the network, and draws no bar."""
    db = duckdb.connect(config={"autoinstall_known_extensions": False, "temp_directory": folder})
    db.execute("SET enable_progress_bar = false")
    return db


def _records(said: Iterable[Mapping[str, Any]], undecided: Mapping[str, Link]) -> list[dict[str, Any]]:
    positions = {record: position for position, record in enumerate(undecided)}
    rows = {}
    for line in said:
        record = records.record(line)
        if record.id in positions:
            proofed = record.assertion.proofing >= PROVEN
            words = evidence.of_assertion(record.assertion, with_numbers=proofed)
            rows[record.id] = comparable.row(positions[record.id], words)
    missing = next((record for record in positions if record not in rows), None)
    if missing is not None:
        raise NoSuchRecord(f"there is no record {missing}")
    return list(rows.values())


def _people(register: Iterable[Mapping[str, Any]], wanted: set[str], names: list[str]) -> Iterator[dict[str, Any]]:
    """Everybody, with the keys that some record has as well; what the register calls them goes to `names`."""
    for position, line in enumerate(register):
        names.append(str(line.get("person", position)))
        known = evidence.of_person(records.person(line, b"%d" % position, SOURCE))
        yield comparable.row(position, known, wanted)


def _fill(db: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, Any]], folder: Path) -> None:
    """By way of a file, which DuckDB reads with the types that we name: of a country no second copy is in memory."""
    path = folder / table
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
    db.read_json(str(path), format="newline_delimited", columns=comparable.COLUMNS).create(table)
    path.unlink()


# ---- what is compared, and how two may agree ----


def _comparisons(db: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """All of which both tables know something: of what one never says there is nothing to learn."""
    compared = {
        "name": ("name", _NAME), "birth_date": ("year", _BIRTH_DATE), "sex": ("sex", _same("sex")),
        "phone": ("phone", _same("phone")), "province": ("province", _same("province")),
        comparable.PERSONAL: (comparable.PERSONAL, _PERSONAL_NUMBER),
        **{kind: (kind, (("same", _common(kind)),)) for kind in comparable.OTHER_KINDS},
    }  # fmt: skip
    return [
        _comparison(name, column, levels) for name, (column, levels) in compared.items()
        if all(_has_any(db, table, column) for table in (PEOPLE, RECORDS))
    ]  # fmt: skip


def _has_any(db: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    return bool(db.table(table).filter(f"{column} IS NOT NULL").limit(1).fetchall())


def _comparison(name: str, column: str, levels: Levels) -> dict[str, Any]:
    unknown = {"sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL", "is_null_level": True}
    known = [
        {"label_for_charts": label, "sql_condition": condition} for label, condition in (*levels, (ANOTHER, "ELSE"))
    ]
    return {"output_column_name": name, "comparison_levels": [unknown, *known]}


def _both(*columns: str) -> str:
    return " AND ".join(f"{column}_l = {column}_r" for column in columns)


def _same(column: str) -> Levels:
    return (("same", _both(column)),)


def _common(column: str) -> str:
    return f"list_has_any({column}_l, {column}_r)"


def _near(column: str, edits: int) -> str:
    """A slip leaves one end as it was, which is seen sooner than edits are counted."""
    one, other = f"{column}_l", f"{column}_r"
    ends = f"(left({one}, 3) = left({other}, 3) OR right({one}, 3) = right({other}, 3))"
    return (
        f"{ends} AND abs(length({one}) - length({other})) <= {edits} AND damerau_levenshtein({one}, {other}) <= {edits}"
    )


def _unless_unknown(column: str) -> str:
    return f"({_both(column)} OR {column}_l IS NULL OR {column}_r IS NULL)"


def _first_of_january(side: str) -> str:
    return f"(month_{side} = 1 AND day_{side} = 1)"


_NAME: Levels = (
    ("same", _common("names")), ("same but for marks", _common("bare_names")),
    ("words in another order", _both("words")),
    ("first and last word", _both("first_word", "last_word")), ("one or two letters differ", _near("name", 2)),
    ("last word", _both("last_word")),
)  # fmt: skip
_BIRTH_DATE: Levels = (
    ("same", _common("births")),
    ("as far as known", f"{_both('year')} AND {_unless_unknown('month')} AND (day_l IS NULL OR day_r IS NULL)"),
    ("day and month exchanged", "year_l = year_r AND month_l = day_r AND day_l = month_r"),
    ("1 January", f"year_l = year_r AND ({_first_of_january('l')} OR {_first_of_january('r')})"),
    ("one slip", _near("birth", 1)), ("year", _both("year")),
)  # fmt: skip
_PERSONAL_NUMBER: Levels = (("same", _common(comparable.PERSONAL)), ("one slip", _near("number", 1)))


# ---- Splink ----


def _found(db: duckdb.DuckDBPyConnection, names: list[str], most: int) -> dict[int, list[Proposed]]:
    """By the record's position, the likeliest people first."""
    logging.getLogger("splink").setLevel(logging.ERROR)  # it would tell what it could not learn; the floors stand there
    comparisons = _learned(db, _comparisons(db), len(names))
    scored = _linker(db, comparisons, len(names)).inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    labels = {each["output_column_name"]: _labels(each) for each in comparisons}
    columns = ("unique_id_r", "unique_id_l", "match_probability", *(f"gamma_{name}" for name in labels))
    rows = db.table(scored.physical_name).order("match_weight DESC, unique_id_l").select(", ".join(columns))
    found: dict[int, list[Proposed]] = {}
    for record, person, probability, *levels in rows.fetchall():
        people_of = found.setdefault(record, [])
        if len(people_of) < most:
            agrees = {name: of[level] for (name, of), level in zip(labels.items(), levels, strict=True) if level >= 0}
            people_of.append(Proposed(person=names[person], probability=round(probability, 6), agrees=agrees))
    return found


def _linker(db: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]], people: int) -> Linker:
    settings = SettingsCreator(
        link_type="link_only", comparisons=list(comparisons),
        blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
        probability_two_random_records_match=1 / (people + 1),  # whoever it is, the register has them once
    )  # fmt: skip
    tables = [PEOPLE, RECORDS]
    return Linker(tables, settings, DuckDBAPI(db), set_up_basic_logging=False, input_table_aliases=tables)


def _learned(db: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]], people: int) -> list[dict[str, Any]]:
    """The comparisons with how often each level is found in two who are one, and in two who are not."""
    linker = _linker(db, comparisons, people)
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
    for columns in LEARNED_BY:
        if _some_agree(db, columns):
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    learned: list[dict[str, Any]] = linker.misc.save_model_to_json()["comparisons"]
    for comparison in learned:
        levels = [each for each in comparison["comparison_levels"] if not each.get("is_null_level")]
        for name, floor in FLOORS.items():
            _raise(levels, name, floor)
    return learned


def _some_agree(db: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> bool:
    pairs = db.table(PEOPLE).join(db.table(RECORDS), ", ".join(columns))
    return bool(pairs.limit(1).fetchall())


def _raise(levels: list[dict[str, Any]], name: str, floor: float) -> None:
    """No share is less than the floor, and together they are one; where nothing was learned, Splink's own stay."""
    if not any(name in level for level in levels):
        return
    shares = [max(level.get(name, 0.0), floor) for level in levels]
    for level, share in zip(levels, shares, strict=True):
        level[name] = share / sum(shares)


def _labels(comparison: dict[str, Any]) -> list[str]:
    """By Splink's number of the level: 0 for the last, one more for each before it."""
    known = [each for each in comparison["comparison_levels"] if not each.get("is_null_level")]
    return [str(each["label_for_charts"]) for each in reversed(known)]
