"""What happened, one function an event, so that its fields can neither drift nor leak.

An event that changes state is written in the transaction that changes it. Nothing here takes a token, a name or a
number: people, sessions and grants are our own random ids, details are counts, levels and codes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from idp import clock, entropy
from idp.audit import models
from idp.errors import Failure
from idp.lines import REQUEST_ID
from idp.storage import Database, Transaction

ONE_REFUSAL_EVERY_SECONDS = 1.0
REFUSALS_REMEMBERED = 2000
EXPORT_BATCH = 1000
_JSON = json.JSONEncoder(separators=(",", ":"))


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._refusals: dict[tuple[str, str, str], tuple[float, int]] = {}

    def signed_in(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, source_id: str, source_version: int, level: int,
        outcome: str, rule: str, for_client: str, raised_by: str | None = None,
    ) -> None:  # fmt: skip
        """A person proved themselves at a source; `outcome` and `rule` say how they were recognised.

        `raised_by` is the operator's rule by which other sources made them better proofed than this one does.
        """
        details = {"level": level, "outcome": outcome, "rule": rule, "version": source_version, "portal": for_client}
        details |= {} if raised_by is None else {"raised_by": raised_by}
        _add(tx, "signed_in", person_id=person_id, session_id=session_id, source_id=source_id, details=details)

    def signed_in_by_phone(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, source_id: str, level: int, by_session: bytes,
        for_client: str,
    ) -> None:  # fmt: skip
        """A browser was signed in by somebody whose session on a phone vouched for it; that one proved them earlier."""
        details = {"level": level, "by_session": by_session.hex(), "portal": for_client}
        _add(tx, "signed_in_by_phone", person_id=person_id, session_id=session_id, source_id=source_id, details=details)

    def person_made(self, tx: Transaction, *, person_id: bytes, source_id: str | None) -> None:
        _add(tx, "person_made", person_id=person_id, source_id=source_id)

    def person_rectified(self, tx: Transaction, *, person_id: bytes, source_id: str, attributes: list[str]) -> None:
        _add(tx, "person_rectified", person_id=person_id, source_id=source_id, details={"attributes": attributes})

    def person_changed_by_clerk(
        self, tx: Transaction, *, person_id: bytes, change_id: bytes, kind: str, operator: str,
        approved_by: str | None, reason: str,
    ) -> None:  # fmt: skip
        """Two people were joined, one was parted, a source's subject was linked; or such a change was undone."""
        details = {"change": change_id.hex(), "kind": kind, "operator": operator, "reason": reason}
        details |= {} if approved_by is None else {"approved_by": approved_by}
        _add(tx, "person_changed_by_clerk", person_id=person_id, details=details)

    def case_changed(
        self, tx: Transaction, *, case_id: str, change: str, rule: str, source_id: str | None,
        operator: str | None = None,
    ) -> None:  # fmt: skip
        """What the rules leave open came to a clerk, was looked at by one, proposed, decided or refused."""
        details = {"case": case_id, "change": change, "rule": rule}
        details |= {} if operator is None else {"operator": operator}
        _add(tx, "case_changed", source_id=source_id, details=details)

    def person_status_changed(self, tx: Transaction, *, person_id: bytes, status: str, reason: str) -> None:
        _add(tx, "person_status_changed", person_id=person_id, details={"status": status, "reason": reason})

    def card_changed(
        self, tx: Transaction, *, person_id: bytes, card_id: bytes, change: str, why: str | None = None
    ) -> None:
        """A digital ID was made, suspended, resumed or ended."""
        details = {"card": card_id.hex(), "change": change}
        details |= {} if why is None else {"why": why}
        _add(tx, "card_changed", person_id=person_id, details=details)

    def card_changed_by_operator(
        self, tx: Transaction, *, card_id: bytes, change: str, operator: str, reason: str
    ) -> None:
        """Who did what `card_changed` tells of the same card, and why."""
        details = {"card": card_id.hex(), "change": change, "operator": operator, "reason": reason}
        _add(tx, "card_changed_by_operator", details=details)

    def age_codes_made(self, tx: Transaction, *, person_id: bytes, number: int) -> None:
        _add(tx, "age_codes_made", person_id=person_id, details={"number": number})

    def card_shown(self, tx: Transaction, *, person_id: bytes, card_id: bytes) -> None:
        """A person's card was shown, and a code of it redeemed. By whom is nobody's business, and not asked."""
        _add(tx, "card_shown", person_id=person_id, details={"card": card_id.hex()})

    def register_refused(
        self, tx: Transaction, *, person_id: bytes | None, source_id: str, code: str, agreement: str
    ) -> None:
        """The population register was asked about somebody, and what it said stopped them."""
        details = {"code": code, "agreement": agreement}
        _add(tx, "register_refused", person_id=person_id, source_id=source_id, details=details)

    def register_changed(self, tx: Transaction, *, person_id: bytes, source_id: str, change: str) -> None:
        """A register reported by itself that somebody died, was corrected or has a new number."""
        _add(tx, "register_changed", person_id=person_id, source_id=source_id, details={"change": change})

    def feed_refused(self, tx: Transaction, *, source_id: str, reason: str) -> None:
        _add(tx, "feed_refused", source_id=source_id, details={"reason": reason})

    def contract_checked(self, tx: Transaction, *, source_id: str, version: int, passed: bool, operator: str) -> None:
        details = {"version": version, "passed": passed, "operator": operator}
        _add(tx, "contract_checked", source_id=source_id, details=details)

    def told(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, client_id: str, claims: list[str], consent: bool,
        offline: bool,
    ) -> None:  # fmt: skip
        """The person was shown what goes to the portal and went on; `consent` if they had to agree, and did.

        `offline` if they were told that the portal may go on reading when they have left.
        """
        details = {"claims": claims, "consent": consent, "offline": offline}
        _add(tx, "told", person_id=person_id, session_id=session_id, client_id=client_id, details=details)

    def withdrawn(self, tx: Transaction, *, person_id: bytes, session_id: bytes, client_id: str, grants: int) -> None:
        """The person took back what a portal could read of them; so many grants of it ended with that."""
        _add(tx, "withdrawn", person_id=person_id, session_id=session_id, client_id=client_id,
             details={"grants": grants})  # fmt: skip

    def acted_for(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, client_id: str, register: str | None,
        tax_code: str | None, authority: str | None,
    ) -> None:  # fmt: skip
        """The person said for whom they act at a portal; without a tax code for themselves."""
        details = {"tax_code": tax_code, "authority": authority}
        _add(tx, "acted_for", person_id=person_id, session_id=session_id, client_id=client_id, source_id=register,
             details=details)  # fmt: skip

    def granted(
        self, *, person_id: bytes, session_id: bytes, client_id: str, level: int, claims: list[str]
    ) -> dict[str, Any]:
        """A portal redeems a code: from then on it may read these claims. For the statement that makes the grant."""
        details = {"level": level, "claims": claims}
        return _event("granted", person_id=person_id, session_id=session_id, client_id=client_id, details=details)

    def refreshed(self, *, person_id: bytes, session_id: bytes, client_id: str) -> dict[str, Any]:
        """A portal renews what it was granted, whether or not the person is there. For the statement that does it."""
        return _event("refreshed", person_id=person_id, session_id=session_id, client_id=client_id)

    def system_granted(self, *, client_id: str, resource: str | None, scopes: list[str]) -> None:
        """A system got a token for itself; nobody's data is behind it."""
        details = {"resource": resource, "scopes": scopes}
        self.write(_event("system_granted", client_id=client_id, details=details))

    def write(self, event: Mapping[str, Any]) -> None:
        """The event is on record, by a commit of its own."""
        self._database.commit(models.ADD, **event)

    def exchanged(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, client_id: str, resource: str, purpose: str
    ) -> None:
        """A portal got a token by which one API may serve it about this person, for one purpose."""
        details = {"resource": resource, "purpose": purpose}
        _add(tx, "exchanged", person_id=person_id, session_id=session_id, client_id=client_id, details=details)

    def device_approved(self, tx: Transaction, *, person_id: bytes, session_id: bytes, client_id: str) -> None:
        """A person let a device of the portal in; what it then gets is an event of its own."""
        _add(tx, "device_approved", person_id=person_id, session_id=session_id, client_id=client_id)

    def device_declined(self, tx: Transaction, *, client_id: str) -> None:
        """Somebody who was shown what the device asks for said no."""
        _add(tx, "device_declined", client_id=client_id)

    def token_revoked(self, tx: Transaction, *, client_id: str) -> None:
        """A portal gave back one access token before its time."""
        _add(tx, "token_revoked", client_id=client_id)

    def grant_revoked(
        self, tx: Transaction, *, client_id: str, session_id: bytes | None, reason: str, person_id: bytes | None = None
    ) -> None:
        _add(tx, "grant_revoked", person_id=person_id, session_id=session_id, client_id=client_id,
             details={"reason": reason})  # fmt: skip

    def session_ended(
        self, tx: Transaction, *, person_id: bytes, session_id: bytes, reason: str, portals_told: int
    ) -> None:
        details = {"reason": reason, "portals_told": portals_told}
        _add(tx, "session_ended", person_id=person_id, session_id=session_id, details=details)

    def logout_delivered(self, tx: Transaction, *, client_id: str, session_id: bytes, attempts: int) -> None:
        _add(tx, "logout_delivered", client_id=client_id, session_id=session_id, details={"attempts": attempts})

    def logout_given_up(self, tx: Transaction, *, client_id: str, session_id: bytes, attempts: int) -> None:
        _add(tx, "logout_given_up", client_id=client_id, session_id=session_id, details={"attempts": attempts})

    def logouts_told(self, since: int) -> dict[tuple[str, str], int]:
        """How often each portal was told of a session's end, or could not be, since then; by portal and event."""
        return {(row[0], row[1]): row[2] for row in self._database.all(models.LOGOUTS_TOLD, since=since)}

    def portal_changed(self, tx: Transaction, *, client_id: str, change: str, operator: str) -> None:
        _add(tx, "portal_changed", client_id=client_id, details={"change": change, "operator": operator})

    def invitation_changed(self, tx: Transaction, *, invitation_id: bytes, change: str, operator: str) -> None:
        """An operator lets portals register themselves, or does so no more."""
        details = {"invitation": invitation_id.hex(), "change": change, "operator": operator}
        _add(tx, "invitation_changed", details=details)

    def source_changed(
        self, tx: Transaction, *, source_id: str, change: str, version: int | None, operator: str
    ) -> None:
        details = {"change": change, "version": version, "operator": operator}
        _add(tx, "source_changed", source_id=source_id, details=details)

    def keys_rotated(self, tx: Transaction, *, kids: list[str], operator: str) -> None:
        _add(tx, "keys_rotated", details={"kids": kids, "operator": operator})

    def refused(
        self, failure: Failure, *, client_id: str | None = None, source_id: str | None = None,
        person_id: bytes | None = None, session_id: bytes | None = None,
    ) -> None:  # fmt: skip
        """A request was refused. One that repeats within a second only counts, so that nobody can fill the disk."""
        count = self._refusals_to_write((failure.code, client_id or "", source_id or ""))
        if not count:
            return
        details = {"code": failure.code, "error": failure.error, "count": count}
        with self._database.write() as tx:
            _add(tx, "refused", client_id=client_id, source_id=source_id, person_id=person_id, session_id=session_id,
                 details=details)  # fmt: skip

    def export(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """Every event from the instant `since` on, oldest first, ids in hexadecimal."""
        after = b""
        while rows := self._database.all(models.EXPORT, after=after, since=since, most=EXPORT_BATCH):
            for row in rows:
                after = bytes(row[0])
                yield {
                    "id": after.hex(), "at": clock.instant(row[1]).isoformat(), "event": row[2], "request_id": row[3],
                    "person_id": _hex(row[4]), "session_id": _hex(row[5]), "client_id": row[6], "source_id": row[7],
                    "details": json.loads(row[8]),
                }  # fmt: skip

    def _refusals_to_write(self, what: tuple[str, str, str]) -> int:
        now = clock.monotonic()
        with self._lock:
            written_at, held_back = self._refusals.get(what, (-ONE_REFUSAL_EVERY_SECONDS, 0))
            if now - written_at < ONE_REFUSAL_EVERY_SECONDS:
                self._refusals[what] = (written_at, held_back + 1)
                return 0
            if len(self._refusals) >= REFUSALS_REMEMBERED:
                del self._refusals[next(iter(self._refusals))]  # the first remembered
            self._refusals.pop(what, None)
            self._refusals[what] = (now, 0)
            return held_back + 1


def request_id() -> str:
    """The id of the request under way, which its page shows the person; empty outside any."""
    return REQUEST_ID.get()


def _add(tx: Transaction, event: str, **facts: Any) -> None:
    tx.run(models.ADD, **_event(event, **facts))


def _event(
    event: str, *, person_id: bytes | None = None, session_id: bytes | None = None, client_id: str | None = None,
    source_id: str | None = None, details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The event as `models.ADD` takes it."""
    return {
        "id": entropy.ordered_id(), "at": clock.seconds(), "event": event,
        "request_id": request_id(), "person_id": person_id,
        "session_id": session_id, "client_id": client_id, "source_id": source_id,
        "details": _JSON.encode(details or {}),
    }  # fmt: skip


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()
