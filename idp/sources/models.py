"""The tables of sources: each, its versions (never changed once made), and the last good copy of what it publishes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, LargeBinary, String, and_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base


class SourceRow(Base):
    __tablename__ = "sources"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    enabled: Mapped[int]
    version: Mapped[int]  # the one in force
    made_at: Mapped[int]
    calls_at_once: Mapped[int] = mapped_column(server_default="0")  # by all workers together; 0: they are not counted


class SourceVersionRow(Base):
    __tablename__ = "source_versions"
    source_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    name_vi: Mapped[str]
    name_en: Mapped[str]
    ceiling: Mapped[int]
    configuration: Mapped[str]  # JSON of the kind's own model
    secrets: Mapped[bytes] = mapped_column(LargeBinary)  # sealed JSON, by name
    made_at: Mapped[int]


class DocumentRow(Base):
    __tablename__ = "source_documents"
    source_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    url: Mapped[str] = mapped_column(String(512), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[int]


class ReportRow(Base):
    """What a contract check found: evidence, kept with the version that was checked."""

    __tablename__ = "source_reports"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    source_id: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    made_at: Mapped[int]
    passed: Mapped[int]
    report: Mapped[str]  # JSON
    __table_args__ = (Index("ix_source_reports_source", "source_id", "made_at"),)


ADD_REPORT = insert(ReportRow)
FIND_REPORTS = (
    select(ReportRow.id, ReportRow.version, ReportRow.made_at, ReportRow.passed, ReportRow.report)
    .where(ReportRow.source_id == bindparam("source_id"))
    .order_by(ReportRow.id.desc())
    .limit(bindparam("most"))
)

_VERSION = (
    SourceRow.id, SourceRow.kind, SourceRow.enabled, SourceVersionRow.version, SourceVersionRow.name_vi,
    SourceVersionRow.name_en, SourceVersionRow.ceiling, SourceVersionRow.configuration, SourceVersionRow.secrets,
    SourceRow.calls_at_once,
)  # fmt: skip
_joined = select(*_VERSION).join(SourceVersionRow, SourceVersionRow.source_id == SourceRow.id)
FIND_IN_FORCE = _joined.where(SourceVersionRow.version == SourceRow.version).order_by(SourceRow.id)
FIND_VERSION = _joined.where(
    and_(SourceRow.id == bindparam("source_id"), SourceVersionRow.version == bindparam("version"))
)
ADD = insert(SourceRow)
ADD_VERSION = insert(SourceVersionRow)
FIND_NUMBER = select(SourceRow.version).where(SourceRow.id == bindparam("source_id"))
PUT_IN_FORCE = update(SourceRow).where(SourceRow.id == bindparam("source_id")).values(version=bindparam("new_version"))
SET_ENABLED = update(SourceRow).where(SourceRow.id == bindparam("source_id")).values(enabled=bindparam("on"))
FIND_DOCUMENT = select(DocumentRow.body, DocumentRow.fetched_at).where(
    DocumentRow.source_id == bindparam("source_id"), DocumentRow.url == bindparam("url")
)
SET_CALLS_AT_ONCE = (
    update(SourceRow).where(SourceRow.id == bindparam("source_id")).values(calls_at_once=bindparam("most"))
)


def _keep(make: Any) -> Any:
    adding = make(DocumentRow).values(
        source_id=bindparam("source_id"),
        url=bindparam("url"),
        body=bindparam("body"),
        fetched_at=bindparam("fetched_at"),
    )
    new = adding.excluded
    return adding.on_conflict_do_update(
        index_elements=[DocumentRow.source_id, DocumentRow.url], set_={"body": new.body, "fetched_at": new.fetched_at}
    )


KEEP_DOCUMENT = {True: _keep(sqlite_insert), False: _keep(postgres_insert)}
