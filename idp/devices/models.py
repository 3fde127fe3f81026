"""The table of devices that wait for somebody to sign in for them."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from idp.storage import Base
from idp.storage.expiry import MOMENT, outlived

SLOWER_BY_SECONDS = 5  # RFC 8628 section 3.5


class DeviceRow(Base):
    """What one device asks for (RFC 8628). It is decided once, and what was decided is never undone."""

    __tablename__ = "devices"
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # of the device_code
    user_code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # keyed, since a short code can be guessed
    client_id: Mapped[str] = mapped_column(String(100))
    request: Mapped[str]
    origin: Mapped[bytes] = mapped_column(LargeBinary)  # sealed: the user code, and the network that the device is on
    began_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)
    wait_seconds: Mapped[int]  # between two questions of the device
    asked_at: Mapped[int]
    decided_at: Mapped[int | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))  # in which sign-in
    code: Mapped[str | None]  # sealed: what was granted; None: it was declined


_IS_OPEN = (DeviceRow.decided_at.is_(None), DeviceRow.expires_at > bindparam("now"))
_KNOWN = select(DeviceRow.id, DeviceRow.client_id, DeviceRow.request, DeviceRow.origin, DeviceRow.began_at)

ADD = insert(DeviceRow)
FIND_BY_USER_CODE = _KNOWN.where(DeviceRow.user_code_index == bindparam("of_user_code"), *_IS_OPEN)
FIND_OPEN = _KNOWN.where(DeviceRow.id == bindparam("of_device"), *_IS_OPEN)
DECIDE = (
    update(DeviceRow)
    .where(DeviceRow.id == bindparam("of_device"), *_IS_OPEN)
    .values(decided_at=bindparam("now"), decided_by=bindparam("login_id"), code=bindparam("sealed_code"))
    .returning(DeviceRow.id)
)
FIND_DECISION = select(DeviceRow.code.is_not(None)).where(
    DeviceRow.id == bindparam("of_device"), DeviceRow.decided_by == bindparam("of_login")
)
FIND_ASKING = select(DeviceRow.id, DeviceRow.expires_at, DeviceRow.decided_at, DeviceRow.code).where(
    DeviceRow.fingerprint == bindparam("of_code"), DeviceRow.client_id == bindparam("of_client")
)
FIND_APPROVAL = select(DeviceRow.id, DeviceRow.decided_by).where(
    DeviceRow.fingerprint == bindparam("of_code"), DeviceRow.code.is_not(None)
)
WITHDRAW = update(DeviceRow).where(DeviceRow.id == bindparam("of_device")).values(code=None)
# Of many questions at once one is in time; each of the others makes the wait longer.
ASK_IN_TIME = (
    update(DeviceRow)
    .where(DeviceRow.id == bindparam("of_device"), DeviceRow.asked_at + DeviceRow.wait_seconds <= bindparam("latest"))
    .values(asked_at=bindparam("now"))
    .returning(DeviceRow.id)
)
ASK_TOO_SOON = (
    update(DeviceRow)
    .where(DeviceRow.id == bindparam("of_device"))
    .values(asked_at=bindparam("now"), wait_seconds=DeviceRow.wait_seconds + SLOWER_BY_SECONDS)
)
OUTLIVED_DEVICES = outlived(DeviceRow.id, DeviceRow.expires_at <= MOMENT)
