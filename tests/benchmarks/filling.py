"""Fills a database with people: each a copy of one whom the product itself signed in, as a person of their own.

What makes the copy somebody else is made by the product: ids, numbers under its index, sealed attributes, subs,
cookies. What all rows of a table have alike is read from the first person's, so that a new column needs nothing here.
`python -m tests.benchmarks.filling` reads a `Filling` as JSON, fills, and prints a `Filled` as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from idp import entropy
from idp.house import build
from idp.people import SEALED
from idp.settings import load
from idp.storage import Base
from idp.storage.engines import own_connection
from tests.races.provider import said

BATCH = 10_000
SESSION_EVERY = 20  # so many people for one who is signed in
TABLES = {"people": "id", "links": "person_id", "subjects": "person_id", "consents": "person_id",
          "browser_sessions": "person_id"}  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Which people to add: those with the personal numbers from `first` on, told about one portal each, in turn."""

    database_url: str
    master_keys_file: str
    issuer: str
    pattern: str  # the id of the first person, in hexadecimal
    pattern_number: int
    first: int
    people: int
    portals: list[list[str]]  # client_id, sector
    cookies: int  # how many to give back


@dataclass(kw_only=True)
class Filled:
    seconds: float = 0.0
    cookies: list[list[Any]] = field(default_factory=list)  # cookie, and the index of the portal they know


class Copies:
    """Makes rows of people after the pattern of one."""

    def __init__(self, filling: Filling) -> None:
        self._filling = filling
        self.house = build(load(
            mode="test", issuer=filling.issuer, database_url=filling.database_url, log_level="ERROR",
            master_keys_file=filling.master_keys_file,
        ))  # fmt: skip
        self._pattern = self._rows(bytes.fromhex(filling.pattern))
        found = self._pattern["people"]
        self._told = self.house.people._sealer.open(SEALED, found["attributes"], found["id"])
        self._number = f"{filling.pattern_number:012}".encode()

    def _rows(self, person_id: bytes) -> dict[str, Row]:
        rows = {}
        with self.house.database.engine.connect() as connection:
            for name, column in TABLES.items():
                table = Base.metadata.tables[name]
                found = connection.execute(table.select().where(table.c[column] == person_id)).mappings().one()
                rows[name] = {key: bytes(value) if isinstance(value, memoryview) else value
                              for key, value in found.items()}  # fmt: skip
        return rows

    def columns(self, table: str) -> list[str]:
        return list(self._pattern[table])

    def of(self, number: int, *, cookie: str | None) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The rows of the person with this number, by table; with a cookie they are signed in."""
        people, person_id, assertion = self.house.people, entropy.random_id(), said(number)
        client_id, sector = self._filling.portals[number % len(self._filling.portals)]
        sealed = people._sealer.seal(SEALED, self._told.replace(self._number, f"{number:012}".encode()), person_id)
        yield self._row("people", id=person_id, attributes=sealed, number_index=people.keyed.number(f"{number:012}"))
        yield self._row("links", person_id=person_id, subject_index=people.keyed.subject(assertion))
        yield self._row("subjects", person_id=person_id, sector=sector, sub=people.sub_in(sector, person_id))
        yield self._row("consents", person_id=person_id, client_id=client_id)
        if cookie is not None:
            yield self._row(
                "browser_sessions",
                id=entropy.ordered_id(),
                person_id=person_id,
                fingerprint=entropy.fingerprint(cookie),
            )

    def _row(self, table: str, **own: Any) -> tuple[str, tuple[Any, ...]]:
        return table, tuple((self._pattern[table] | own).values())


def fill(filling: Filling) -> Filled:
    """The people are there; some of their cookies come back, evenly from all."""
    copies, filled = Copies(filling), Filled()
    connection = own_connection(copies.house.database.engine)
    began, given_every = time.monotonic(), max(1, filling.people // filling.cookies)
    for start in range(filling.first, filling.first + filling.people, BATCH):
        batch: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for number in range(start, min(start + BATCH, filling.first + filling.people)):
            is_given = (number - filling.first) % given_every == 0
            cookie = entropy.opaque_value() if is_given or number % SESSION_EVERY == 0 else None
            if is_given:
                filled.cookies.append([f"session={cookie}", number % len(filling.portals)])
            for table, row in copies.of(number, cookie=cookie):
                batch[table].append(row)
        write = _on_sqlite if copies.house.database.is_sqlite else _on_postgresql
        write(connection, {table: (copies.columns(table), rows) for table, rows in batch.items()})
    connection.close()
    filled.seconds = time.monotonic() - began
    return filled


def _on_postgresql(connection: Any, batch: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET statement_timeout = 0")
    with connection.cursor() as cursor:
        for table, (columns, rows) in batch.items():
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def _on_sqlite(connection: Any, batch: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -1000000")  # kilobytes
    connection.execute("BEGIN IMMEDIATE")
    for table, (columns, rows) in batch.items():
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
    connection.execute("COMMIT")


if __name__ == "__main__":
    print(json.dumps(asdict(fill(Filling(**json.load(sys.stdin))))))
