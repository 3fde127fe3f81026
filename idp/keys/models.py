"""The table of signing keys. The private half is sealed, or in a token; the public half is what JWKS shows."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base


class SigningKeyRow(Base):
    __tablename__ = "signing_keys"
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    alg: Mapped[str] = mapped_column(String(10))  # what it is for: an algorithm of tokens, or cards
    # Sealed: PKCS #8 DER. Of a key in a token the public half, so that nobody but us can say what that is.
    private: Mapped[bytes] = mapped_column(LargeBinary)
    held_by: Mapped[str | None] = mapped_column(String(32))  # the label of the token
    made_at: Mapped[int]
    active_from: Mapped[int]
    published_until: Mapped[int | None]  # None while no successor is named


ADD = insert(SigningKeyRow)
_KEY = (
    SigningKeyRow.kid, SigningKeyRow.alg, SigningKeyRow.private, SigningKeyRow.held_by, SigningKeyRow.active_from,
    SigningKeyRow.published_until,
)  # fmt: skip
FIND_ALL = select(*_KEY).order_by(SigningKeyRow.active_from)
FIND_MADE = select(SigningKeyRow.alg, func.max(SigningKeyRow.made_at)).group_by(SigningKeyRow.alg)
# A key that may be in a stranger's hands: nobody shall believe it from now on.
WITHDRAW = (
    update(SigningKeyRow)
    .where(
        SigningKeyRow.alg == bindparam("of_alg"),
        or_(SigningKeyRow.published_until.is_(None), SigningKeyRow.published_until > bindparam("now")),
    )
    .values(published_until=bindparam("until"))
)
FIND_STANDBY = select(*_KEY, SigningKeyRow.made_at).where(
    SigningKeyRow.alg == bindparam("of_alg"), SigningKeyRow.published_until.is_(None)
)
PROMOTE = (
    update(SigningKeyRow)
    .where(SigningKeyRow.kid == bindparam("of_kid"))
    .values(alg=bindparam("new_alg"), made_at=bindparam("now"), active_from=bindparam("signs_from"))
)
NAME_SUCCESSOR = (
    update(SigningKeyRow)
    .where(
        SigningKeyRow.alg == bindparam("of_alg"),
        SigningKeyRow.published_until.is_(None),
        SigningKeyRow.kid != bindparam("but"),
    )
    .values(published_until=bindparam("until"))
)
