"""What every table is made of. Each room declares its own tables in its `models.py` on this base.

Instants are whole seconds since 1970 in UTC (`…_at`), ids are 16 bytes, JSON is text: the same bytes on both
engines, so that a statement reads the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from typing import Annotated

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, LargeBinary, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, registry

Id = Annotated[bytes, "16 random bytes"]
Instant = Annotated[int, "seconds since 1970"]

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={bytes: LargeBinary, str: Text, int: BigInteger})
    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base)
