"""The tables of people. Names, dates and numbers are sealed; numbers can be looked up by a keyed index alone."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base

_OWED = text("check_owed <> 0")


class PersonRow(Base):
    __tablename__ = "people"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    status: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)  # of the current personal number
    attributes: Mapped[bytes] = mapped_column(LargeBinary)  # sealed JSON
    made_at: Mapped[int]
    changed_at: Mapped[int]
    checked_at: Mapped[int | None]  # when the population register last agreed
    check_owed: Mapped[int] = mapped_column(server_default="0")  # since when, in milliseconds; 0: it is not
    __table_args__ = (Index("ix_people_owing", "id", sqlite_where=_OWED, postgresql_where=_OWED),)


class KeyRow(Base):
    """By what this person may be meant: numbers of now and before, name with birth date, phone. Others may share it."""

    __tablename__ = "person_keys"
    key_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, index=True)


class LinkRow(Base):
    """This subject at this source is this person; kept with the rule that said so."""

    __tablename__ = "links"
    source_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    subject_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    rule: Mapped[str] = mapped_column(String(40))
    evidence: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[int]
    accepted: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed: words that a clerk said may differ


class SubjectRow(Base):
    """The `sub` by which a sector's portals know a person: minted at first release, kept for good."""

    __tablename__ = "subjects"
    person_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sector: Mapped[str] = mapped_column(String(255), primary_key=True)
    sub: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    origin: Mapped[bytes | None] = mapped_column(LargeBinary)  # from whose id it was made; None: this person's
    __table_args__ = (UniqueConstraint("sector", "sub"),)


class FurtherSubjectRow(Base):
    """Another `sub` of a person in the same sector, given out before it was known that two people are one."""

    __tablename__ = "further_subjects"
    sector: Mapped[str] = mapped_column(String(255), primary_key=True)
    sub: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    origin: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[int]


class ConsentRow(Base):
    """What a person was told, or agreed to, about a portal: the claims, and when."""

    __tablename__ = "consents"
    person_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    client_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    claims: Mapped[int]  # bits of claims.POSITIONS
    agreed: Mapped[int]
    at: Mapped[int]
    offline: Mapped[int]  # also that the portal may go on reading when the person has left
    __table_args__ = (Index("ix_consents_client", "client_id"),)


_PERSON = (PersonRow.id, PersonRow.status, PersonRow.version, PersonRow.attributes)
EVERYBODY = select(*_PERSON).where(PersonRow.id > bindparam("after")).order_by(PersonRow.id).limit(bindparam("most"))
FIND_PERSON = select(*_PERSON).where(PersonRow.id == bindparam("person_id"))
HOLD_PERSON = FIND_PERSON.with_for_update(key_share=True)
# Whoever has the number now; else whoever had it.
FIND_BY_NUMBER = (
    select(*_PERSON)
    .join(KeyRow, KeyRow.person_id == PersonRow.id)
    .where(KeyRow.key_index == bindparam("number"))
    .order_by(case((PersonRow.number_index == bindparam("number"), literal_column("0")), else_=literal_column("1")))
)


@cache
def find_by_keys(number: int, most: int) -> Any:
    """Whoever has one of so many keys, with the key: of each at most so many."""
    having = [
        select(KeyRow.key_index, KeyRow.person_id)
        .where(KeyRow.key_index == bindparam(f"key_{position}"))
        .limit(literal_column(str(most)))
        .subquery()
        for position in range(number)
    ]
    found = union_all(*(select(each) for each in having)).subquery()
    return select(found.c.key_index, *_PERSON).join(found, found.c.person_id == PersonRow.id)


@cache
def hold_keys(number: int) -> Any:
    """So many keys are this transaction's until it ends; whoever wants one of them waits for that. For PostgreSQL."""
    keys = (func.encode(bindparam(f"key_{position}"), literal_column("'hex'")) for position in range(number))
    return select(*(func.pg_advisory_xact_lock(func.hashtextextended(key, literal_column("0"))) for key in keys))


@cache
def add_keys(number: int, is_sqlite: bool) -> Any:
    """So many keys are this person's."""
    make = sqlite_insert if is_sqlite else postgres_insert
    keys: list[Any] = [bindparam(f"key_{position}") for position in range(number)]
    rows = [{"key_index": key, "person_id": bindparam("person")} for key in keys]
    return make(KeyRow).values(rows).on_conflict_do_nothing()


REMOVE_KEY = delete(KeyRow).where(KeyRow.key_index == bindparam("key"), KeyRow.person_id == bindparam("person"))
FIND_BY_LINK = (
    select(*_PERSON, LinkRow.accepted)
    .join(LinkRow, LinkRow.person_id == PersonRow.id)
    .where(LinkRow.source_id == bindparam("source"), LinkRow.subject_index == bindparam("subject"))
)
FROM_SOURCE = select(LinkRow.person_id).where(LinkRow.source_id == bindparam("source")).limit(1)
# Also whom no source brought: where people come from, there is a link.
FROM_ELSEWHERE = (
    select(PersonRow.id)
    .outerjoin(LinkRow, LinkRow.person_id == PersonRow.id)
    .where(or_(LinkRow.source_id.is_(None), LinkRow.source_id != bindparam("source")))
    .limit(1)
)
FIND_BY_SUB = union_all(
    select(SubjectRow.person_id).where(
        SubjectRow.sector == bindparam("of_sector"), SubjectRow.sub == bindparam("of_sub")
    ),
    select(FurtherSubjectRow.person_id).where(
        FurtherSubjectRow.sector == bindparam("of_sector"), FurtherSubjectRow.sub == bindparam("of_sub")
    ),
)
# For a sign-in, which goes on only while the link is what it was: on PostgreSQL a clerk waits who would take it away.
HOLD_LINK = FIND_BY_LINK.with_for_update(read=True, of=LinkRow)
ADD_PERSON = insert(PersonRow)
# To nobody who is being joined to another at this moment: on PostgreSQL it waits for that, and then finds them gone.
ADD_LINK = insert(LinkRow).from_select(
    ["source_id", "subject_index", "person_id", "rule", "evidence", "made_at"],
    select(
        bindparam("source_id", type_=String), bindparam("subject_index", type_=LargeBinary), PersonRow.id,
        bindparam("rule", type_=String), bindparam("evidence", type_=LargeBinary),
        bindparam("made_at", type_=LinkRow.made_at.type),
    )
    .where(PersonRow.id == bindparam("person_id"), PersonRow.status != literal_column("'merged'"))
    .with_for_update(read=True),
)  # fmt: skip
CHANGE_PERSON = (
    update(PersonRow)
    .where(PersonRow.id == bindparam("person_id"), PersonRow.version == bindparam("seen_version"))
    .values(
        version=bindparam("new_version"), attributes=bindparam("new_attributes"), changed_at=bindparam("now"),
        number_index=bindparam("new_number"), status=bindparam("new_status"),
    )
)  # fmt: skip
SET_STATUS = (
    update(PersonRow)
    .where(PersonRow.id == bindparam("person_id"), PersonRow.status != literal_column("'merged'"))
    .values(status=bindparam("new_status"), version=PersonRow.version + 1, changed_at=bindparam("now"))
)

_OF_PERSON = update(PersonRow).where(PersonRow.id == bindparam("person_id"))
# What was asked before the check came to be owed does not settle it.
KEEP_CHECK = _OF_PERSON.values(
    checked_at=bindparam("when_checked"),
    check_owed=case((PersonRow.check_owed > bindparam("asked_at"), PersonRow.check_owed), else_=literal_column("0")),
)
SET_CHECK = _OF_PERSON.values(checked_at=bindparam("when_checked"), check_owed=bindparam("owed_since"))
OWE_CHECK = _OF_PERSON.values(check_owed=bindparam("owed_since"))
OWING = (
    select(PersonRow.id)
    .where(PersonRow.check_owed != literal_column("0"), PersonRow.id > bindparam("after"))
    .order_by(PersonRow.id)
    .limit(bindparam("most"))
)


def _keep_subject(make: Any) -> Any:
    adding = make(SubjectRow).values(
        person_id=bindparam("person_id"), sector=bindparam("sector"), sub=bindparam("sub"), made_at=bindparam("made_at")
    )
    return adding.on_conflict_do_nothing(index_elements=[SubjectRow.person_id, SubjectRow.sector])


def _keep_further_subject(make: Any) -> Any:
    adding = make(FurtherSubjectRow).values(
        person_id=bindparam("person_id"), sector=bindparam("sector"), sub=bindparam("sub"), origin=bindparam("origin"),
        made_at=bindparam("made_at"),
    )  # fmt: skip
    return adding.on_conflict_do_nothing(index_elements=[FurtherSubjectRow.sector, FurtherSubjectRow.sub])


def _keep_consent(make: Any) -> Any:
    adding = make(ConsentRow).values(
        person_id=bindparam("person_id"), client_id=bindparam("client_id"), claims=bindparam("claims"),
        agreed=bindparam("agreed"), at=bindparam("at"), offline=bindparam("offline"),
    )  # fmt: skip
    new = adding.excluded
    return adding.on_conflict_do_update(
        index_elements=[ConsentRow.person_id, ConsentRow.client_id],
        set_={"claims": new.claims, "agreed": new.agreed, "at": new.at, "offline": new.offline},
    )


KEEP_SUBJECT = {True: _keep_subject(sqlite_insert), False: _keep_subject(postgres_insert)}
KEEP_FURTHER_SUBJECT = {True: _keep_further_subject(sqlite_insert), False: _keep_further_subject(postgres_insert)}
KEEP_CONSENT = {True: _keep_consent(sqlite_insert), False: _keep_consent(postgres_insert)}
TOLD_OF = (
    select(ConsentRow.client_id, ConsentRow.claims, ConsentRow.at, ConsentRow.offline)
    .where(ConsentRow.person_id == bindparam("of_person"))
    .order_by(ConsentRow.at.desc(), ConsentRow.client_id)
)
FORGET_CONSENT = delete(ConsentRow).where(
    ConsentRow.person_id == bindparam("of_person"), ConsentRow.client_id == bindparam("of_client")
)
FIND_SUBJECT = select(SubjectRow.sub).where(
    SubjectRow.person_id == bindparam("person_id"), SubjectRow.sector == bindparam("sector")
)
