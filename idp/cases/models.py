"""The tables of cases and of changes of who is who; and the statements by which rows go from one person to another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Index,
    LargeBinary,
    String,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from idp.people.models import ConsentRow, FurtherSubjectRow, LinkRow, PersonRow, SubjectRow
from idp.sessions.models import GrantRow, SessionRow
from idp.storage import Base
from idp.storage.expiry import MOMENT, outlived

_WAITING = text("state IN ('open', 'proposed')")


class CaseRow(Base):
    """What the rules leave open about one subject of a source, or what a clerk proposed for a second one to look at."""

    __tablename__ = "cases"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)  # what clerks call it
    kind: Mapped[str] = mapped_column(String(10))  # sign-in, merge, relink, split
    state: Mapped[str] = mapped_column(String(10))  # open, proposed, decided, refused, undone
    source_id: Mapped[str | None] = mapped_column(String(60))
    subject_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    outcome: Mapped[str] = mapped_column(String(10))
    rule: Mapped[str] = mapped_column(String(40))
    said: Mapped[bytes] = mapped_column(LargeBinary)  # sealed: the evidence
    said_index: Mapped[bytes] = mapped_column(LargeBinary)  # keyed, of the same
    request_id: Mapped[str] = mapped_column(String(40), index=True)  # what the page told the person last
    alike: Mapped[str]  # ids of people, in hexadecimal, with spaces between
    opened_at: Mapped[int]
    seen_at: Mapped[int]  # when the person came last
    times: Mapped[int]
    decision: Mapped[str | None]  # JSON, without anything of a person but ids
    decided_at: Mapped[int | None]
    decided_by: Mapped[str | None] = mapped_column(String(200))
    approved_by: Mapped[str | None] = mapped_column(String(200))
    change_id: Mapped[bytes | None] = mapped_column(LargeBinary)
    __table_args__ = (
        Index(
            "uq_cases_waiting", "source_id", "subject_index", unique=True, sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_cases_state", "state", "opened_at"),
        Index("ix_cases_seen_at", "seen_at"),
    )  # fmt: skip


class ChangeRow(Base):
    """Who was joined, parted or linked by whom and why, row by row, so that it can be undone. Never removed."""

    __tablename__ = "people_changes"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # merge, split, unlink, relink, link, new, undo
    made_at: Mapped[int]
    operator: Mapped[str] = mapped_column(String(200))
    approved_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str]
    moved: Mapped[bytes] = mapped_column(LargeBinary)  # sealed JSON of a Change
    undone_at: Mapped[int | None]
    undone_by: Mapped[str | None] = mapped_column(String(200))


class ChangedPersonRow(Base):
    __tablename__ = "changed_people"
    person_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    change_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


# ---- cases ----

_CASE = (
    CaseRow.id, CaseRow.kind, CaseRow.state, CaseRow.source_id, CaseRow.subject_index, CaseRow.outcome, CaseRow.rule,
    CaseRow.said, CaseRow.alike, CaseRow.opened_at, CaseRow.seen_at, CaseRow.times, CaseRow.decision,
    CaseRow.decided_at, CaseRow.decided_by, CaseRow.approved_by, CaseRow.change_id, CaseRow.said_index,
)  # fmt: skip
_OF_CASE = CaseRow.id == bindparam("of_case")
ADD_CASE = insert(CaseRow)
FIND_CASE = select(*_CASE).where(_OF_CASE)
FIND_BY_REQUEST = select(*_CASE).where(CaseRow.request_id == bindparam("of_request"))
LIST_CASES = (
    select(*_CASE)
    .where(CaseRow.state == bindparam("of_state"), func.coalesce(CaseRow.source_id, "").like(bindparam("of_sources")))
    .order_by(CaseRow.opened_at, CaseRow.id)
    .limit(bindparam("most"))
    .offset(bindparam("beyond"))
)
# Of cases that are through; what they came to stays in the history.
OUTLIVED = outlived(
    CaseRow.id, CaseRow.seen_at <= MOMENT, CaseRow.state != literal_column("'open'"),
    CaseRow.state != literal_column("'proposed'"),
)  # fmt: skip
COUNT_CASES = select(CaseRow.state, func.count()).group_by(CaseRow.state)
# The case of this subject that somebody still has to decide, or that was refused about these very words.
FIND_STANDING = (
    select(CaseRow.id, CaseRow.state)
    .where(
        CaseRow.source_id == bindparam("of_source"),
        CaseRow.subject_index == bindparam("of_subject"),
        or_(
            CaseRow.state.in_((literal_column("'open'"), literal_column("'proposed'"))),
            (CaseRow.state == literal_column("'refused'")) & (CaseRow.said_index == bindparam("of_words")),
        ),
    )
    .order_by(CaseRow.state.desc())
)  # what was refused of these words stays refused, whatever else is open
# What is proposed is about the words that it was proposed on: those stay until it is decided.
SEE_AGAIN = (
    update(CaseRow)
    .where(_OF_CASE, CaseRow.state == literal_column("'open'"))
    .values(
        outcome=bindparam("new_outcome"), rule=bindparam("new_rule"), said=bindparam("new_said"),
        said_index=bindparam("of_words"), request_id=bindparam("new_request"), alike=bindparam("new_alike"),
        seen_at=bindparam("now"), times=CaseRow.times + 1,
    )
)  # fmt: skip
COUNT_AGAIN = (
    update(CaseRow)
    .where(_OF_CASE)
    .values(seen_at=bindparam("now"), times=CaseRow.times + 1, request_id=bindparam("new_request"))
)
# Of two clerks who decide at once one is heard.
MOVE_CASE = (
    update(CaseRow)
    .where(
        _OF_CASE, CaseRow.state == bindparam("seen_state"), CaseRow.said_index == bindparam("seen_words"),
        func.coalesce(CaseRow.decision, "") == bindparam("seen_decision"),
    )
    .values(
        state=bindparam("new_state"), decision=bindparam("new_decision"), decided_at=bindparam("now"),
        decided_by=bindparam("new_decided_by"), approved_by=bindparam("new_approved_by"),
        change_id=bindparam("new_change"),
    )
)  # fmt: skip
CASE_UNDONE = (
    update(CaseRow).where(CaseRow.change_id == bindparam("of_change")).values(state=literal_column("'undone'"))
)

# ---- changes ----

ADD_CHANGE = insert(ChangeRow)
ADD_CHANGED = insert(ChangedPersonRow)
_CHANGE = (
    ChangeRow.id, ChangeRow.kind, ChangeRow.made_at, ChangeRow.operator, ChangeRow.approved_by, ChangeRow.reason,
    ChangeRow.moved, ChangeRow.undone_at, ChangeRow.undone_by,
)  # fmt: skip
FIND_CHANGE = select(*_CHANGE).where(ChangeRow.id == bindparam("of_change"))
HISTORY = (
    select(*_CHANGE)
    .join(ChangedPersonRow, ChangedPersonRow.change_id == ChangeRow.id)
    .where(ChangedPersonRow.person_id == bindparam("of_person"))
    .order_by(ChangeRow.id)
)
UNDONE = (
    update(ChangeRow)
    .where(ChangeRow.id == bindparam("of_change"), ChangeRow.undone_at.is_(None))
    .values(undone_at=bindparam("now"), undone_by=bindparam("operator_name"))
)

# ---- rows that go from one person to another ----

# Whoever is being changed waits for nobody else: sign-ins that would link somebody to them wait until it is done.
# Links before people, as a sign-in does.
LOCK_LINKS = (
    select(LinkRow.subject_index)
    .where(LinkRow.person_id == bindparam("of_person"))
    .order_by(LinkRow.source_id, LinkRow.subject_index)
    .with_for_update()
)
LOCK_PERSON = update(PersonRow).where(PersonRow.id == bindparam("of_person")).values(changed_at=bindparam("now"))

_OF_LINK = (LinkRow.source_id == bindparam("of_source"), LinkRow.subject_index == bindparam("of_subject"))
LINKS_OF = (
    select(LinkRow.source_id, LinkRow.subject_index, LinkRow.rule, LinkRow.evidence, LinkRow.made_at, LinkRow.accepted)
    .where(LinkRow.person_id == bindparam("of_person"))
    .order_by(LinkRow.made_at, LinkRow.source_id, LinkRow.subject_index)
)
FIND_LINK = select(
    LinkRow.person_id, LinkRow.rule, LinkRow.evidence, LinkRow.made_at, LinkRow.accepted
).where(*_OF_LINK)  # fmt: skip
ADD_LINK = insert(LinkRow)
MOVE_LINK = (
    update(LinkRow)
    .where(*_OF_LINK, LinkRow.person_id == bindparam("seen_person"))
    .values(person_id=bindparam("new_person"), accepted=bindparam("new_accepted"), rule=bindparam("new_rule"))
)
REMOVE_LINK = delete(LinkRow).where(*_OF_LINK, LinkRow.person_id == bindparam("seen_person"))


def _subs_of(table: Any) -> Any:
    found = select(table.sector, table.sub, func.coalesce(table.origin, table.person_id), table.made_at)
    return found.where(table.person_id == bindparam("of_person")).order_by(table.sector)


def _remove_sub(table: Any) -> Any:
    return delete(table).where(
        table.sector == bindparam("of_sector"),
        table.sub == bindparam("of_sub"),
        table.person_id == bindparam("of_person"),
    )


FIRST_SUBS_OF, FURTHER_SUBS_OF = _subs_of(SubjectRow), _subs_of(FurtherSubjectRow)
ADD_FIRST_SUB, ADD_FURTHER_SUB = insert(SubjectRow), insert(FurtherSubjectRow)
REMOVE_FIRST_SUB, REMOVE_FURTHER_SUB = _remove_sub(SubjectRow), _remove_sub(FurtherSubjectRow)
# What a portal was granted under a sub goes where the sub goes.
MOVE_GRANTS = (
    update(GrantRow)
    .where(GrantRow.person_id == bindparam("seen_person"), GrantRow.sub == bindparam("of_sub"))
    .values(person_id=bindparam("new_person"), origin=bindparam("new_origin"))
)
MOVE_GRANTS_OF_SOURCE = MOVE_GRANTS.where(GrantRow.source_id == bindparam("of_source"))
REVOKE_GRANTS_OF_SUB = (
    update(GrantRow)
    .where(
        GrantRow.person_id == bindparam("of_person"), GrantRow.sub == bindparam("of_sub"),
        GrantRow.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)  # fmt: skip
# What was granted of a person by whoever came through a source that turned out to speak of somebody else.
REVOKE_GRANTS = (
    update(GrantRow)
    .where(
        GrantRow.person_id == bindparam("of_person"), GrantRow.source_id == bindparam("of_source"),
        GrantRow.issued_at >= bindparam("since"), GrantRow.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(GrantRow.client_id, GrantRow.session_id)
)  # fmt: skip
CONSENTS_OF = select(ConsentRow.client_id).where(ConsentRow.person_id == bindparam("of_person"))
MOVE_CONSENT = (
    update(ConsentRow)
    .where(ConsentRow.person_id == bindparam("seen_person"), ConsentRow.client_id == bindparam("of_client"))
    .values(person_id=bindparam("new_person"))
)
# For a clerk: how a person was last seen, and at how many portals they are known.
LAST_SEEN = select(func.max(SessionRow.used_at)).where(SessionRow.person_id == bindparam("of_person"))
CHECKED_AT = select(PersonRow.checked_at).where(PersonRow.id == bindparam("of_person"))
