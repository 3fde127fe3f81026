"""How quick recognising is: by the rules alone in memory, and as a sign-in does it, through a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from idp import clock, entropy
from idp.audit import Audit
from idp.cards import Book
from idp.errors import Refused
from idp.people import People, linking, records
from idp.people.linking import Link
from idp.people.population import SOURCE, Population
from idp.seal import KEY_BYTES, Sealer
from idp.storage import Database, schema
from idp.storage.changes import Changes
from idp.storage.engines import make_engine

Row = dict[str, Any]
SAMPLED_PEOPLE, SAMPLED_RECORDS = 1_000, 1_000
BATCH = 500


class Pace:
    """How quick the rules are, with the look-ups in memory and without the reading of the records."""

    def __init__(self) -> None:
        self._number, self._seconds = 0, 0.0

    @property
    def records_per_second(self) -> float:
        return self._number / self._seconds if self._seconds else 0.0

    def timed(self, population: Population, rows: Iterable[Row]) -> Iterator[Link]:
        for row in rows:
            record = records.record(row)
            began = clock.processor_seconds()
            decision = linking.resolve(population, record)
            self._seconds += clock.processor_seconds() - began
            self._number += 1
            yield linking.told(population, record.id, decision)


def through_database(register: Iterable[Row], said: Iterable[Row]) -> float:
    """How many records a second a thread recognises through a database that holds the register's first people.

    Each is a commit, as at a sign-in, with all that is sealed and the audit; the database is gone afterwards.
    """
    with TemporaryDirectory(prefix="motcua-") as folder:
        url = f"sqlite:///{Path(folder) / 'sample.db'}"
        schema.upgrade(url)
        database = Database(make_engine(url))
        sealer, audit = Sealer({1: entropy.chance(KEY_BYTES)}), Audit(database)
        book = Book(database, sealer, Changes(database), audit)
        people = People(database, sealer, audit, book, everybody_is_known=True)
        known = (records.person(row, entropy.random_id(), SOURCE) for row in register)
        sampled = islice((person for person in known if person.name), SAMPLED_PEOPLE)
        while batch := list(islice(sampled, BATCH)):
            with database.write() as tx:
                for person in batch:
                    if not people.knows(tx, person):
                        people.enter(tx, person, SOURCE)
        number, began = 0, clock.monotonic()
        for row in islice(said, SAMPLED_RECORDS):
            record = records.record(row)
            with suppress(Refused), database.write() as tx:
                people.recognise(tx, record.assertion, record.assertion.issuer, record.assertion.proofing)
            number += 1
        took = clock.monotonic() - began
        database.engine.dispose()
    return number / took if took else 0.0
