"""A chain takes effect as one: what follows does so only if the first made a row, and nothing is half done."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, bindparam, func, insert, literal_column, select, update

from idp.storage import Database, trips
from idp.storage.chains import Chain
from idp.storage.database import Conflict
from idp.storage.models import ChangeRow, ShortLivedRow, SpentRow
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines

# A row is spent if the topic has reached a number; then a value is kept, and the topic counts on.
SPEND = (
    insert(SpentRow)
    .from_select(
        ["key", "expires_at"],
        select(bindparam("spent", type_=LargeBinary), ChangeRow.number).where(
            ChangeRow.topic == bindparam("topic"), ChangeRow.number >= bindparam("number")
        ),
    )
    .returning(SpentRow.expires_at)
)
COUNT_ON = update(ChangeRow).where(ChangeRow.topic == bindparam("topic")).values(number=ChangeRow.number + 1)
CHAIN = Chain(SPEND, insert(ShortLivedRow), COUNT_ON)
TOPIC = insert(ChangeRow)
KEPT = select(ShortLivedRow.key)
NUMBER = select(ChangeRow.number)
SPENT = select(func.count()).select_from(SpentRow)
ADD = insert(SpentRow)
ONE = literal_column("1")


@pytest.fixture(autouse=True)
def topic(database: Database) -> None:
    database.commit(TOPIC, topic="t", number=5)


def made(database: Database, *, spent: bytes = b"a", number: int = 5, key: str = "k") -> object:
    return database.commit(CHAIN, spent=spent, topic="t", number=number, key=key, value=b"v", expires_at=1)


def standing(database: Database) -> tuple[list[str], int, int]:
    (number,), (spent,) = database.all(NUMBER)[0], database.all(SPENT)[0]
    return [row[0] for row in database.all(KEPT)], number, spent


def test_all_of_it_takes_effect_and_the_first_one_s_row_comes_back(database: Database) -> None:
    assert made(database) == (5,)
    assert standing(database) == (["k"], 6, 1)


def test_where_the_first_makes_no_row_nothing_follows(database: Database) -> None:
    assert made(database, number=6) is None
    assert standing(database) == ([], 5, 0)


def test_a_row_that_is_taken_is_a_conflict_that_changes_nothing(database: Database) -> None:
    made(database)
    with pytest.raises(Conflict):
        made(database, key="another")
    with pytest.raises(Conflict):
        made(database, spent=b"another")  # what follows may be taken as well
    assert standing(database) == (["k"], 6, 1)


def test_of_many_at_once_one_wins_and_the_rest_hear_it(database: Database) -> None:
    def told(number: int) -> str:
        try:
            return "made" if made(database, key=f"k{number}") else "nothing"
        except Conflict:
            return "taken"

    assert sorted(at_once(8, told)) == ["made", *["taken"] * 7]
    keys, number, spent = standing(database)
    assert (len(keys), number, spent) == (1, 6, 1)


def test_it_is_one_trip(database: Database) -> None:
    with trips.counted() as counted:
        made(database)
    assert counted == {"commit": 1}


def test_a_statement_can_be_a_commit_by_itself(database: Database) -> None:
    assert database.commit(ADD, key=b"x", expires_at=1) is None
    with pytest.raises(Conflict):
        database.commit(ADD, key=b"x", expires_at=1)
    assert standing(database)[2] == 1


def test_a_commit_within_a_transaction_would_be_none(database: Database) -> None:
    with pytest.raises(RuntimeError, match="within"), database.write():
        made(database)
    with pytest.raises(RuntimeError, match="within"), database.write():
        database.commit(ADD, key=b"x", expires_at=1)
    assert standing(database) == ([], 5, 0)
