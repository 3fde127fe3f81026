"""The process behind the pages: sends what waits in the outbox, removes what has outlived its use, reads registers,
renews signing keys.

Any number may run, on any number of machines; one that dies is not missed for longer than a claim lasts.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import structlog

from idp.audit.models import OUTLIVED as OUTLIVED_EVENTS
from idp.cards.models import OUTLIVED_CARDS
from idp.cases.models import OUTLIVED as OUTLIVED_CASES
from idp.devices.models import OUTLIVED_DEVICES
from idp.house import House
from idp.sessions import LOGOUT_NOTICE
from idp.sessions.models import OUTLIVED_GRANTS, OUTLIVED_MANDATES, OUTLIVED_SESSIONS
from idp.settings import Lifetimes
from idp.storage import expiry
from idp.storage.database import Unreachable
from idp.storage.expiry import Expiry

DAY_SECONDS = 86_400
LOOK_EVERY_SECONDS = 0.5  # into the outbox
EXPIRE_EVERY_SECONDS = 60.0
RECHECK_EVERY_SECONDS = 15.0
LOOK_AT_KEYS_EVERY_SECONDS = 60.0
SILENT_TRIES = 3  # after so many the register is left in peace for now
AFTER_FAULT_SECONDS = 5.0
BREATH_SECONDS = 0.05  # between two batches of expiry, for those who wait for the database
ALIVE_SECONDS = 5.0  # between two looks whether there is still somebody to be asked to end
ASKED_BY = (signal.SIGTERM, signal.SIGINT)
SENDERS = 4  # more than the slow portals that are told at once (`idp.oidc.turns`)

log = structlog.get_logger()


def what_expires(lifetimes: Lifetimes) -> tuple[Expiry, ...]:
    """Everything that is removed in time, and for how long it is kept."""
    kept, events_kept = lifetimes.grant_kept_days * DAY_SECONDS, lifetimes.audit_kept_days * DAY_SECONDS
    return (
        *expiry.OF_STORAGE,
        Expiry(name="sessions", statement=OUTLIVED_SESSIONS, kept_seconds=kept),
        Expiry(name="mandates", statement=OUTLIVED_MANDATES),
        Expiry(name="grants", statement=OUTLIVED_GRANTS, kept_seconds=kept),
        Expiry(name="devices", statement=OUTLIVED_DEVICES, kept_seconds=DAY_SECONDS),  # who asks late is told so
        Expiry(name="cases", statement=OUTLIVED_CASES, kept_seconds=events_kept),
        Expiry(name="cards", statement=OUTLIVED_CARDS, kept_seconds=kept),
        Expiry(name="audit_events", statement=OUTLIVED_EVENTS, kept_seconds=events_kept),
    )


def remove_outlived(house: House, *, pause: Callable[[], bool], batch: int) -> dict[str, int]:
    """What had outlived its use is gone from both stores; returns how many rows went, by kind. See `expiry.expire`."""
    removed = expiry.expire(house.database, what_expires(house.settings.lifetimes), pause=pause, batch=batch)
    beside = house.short_lived.database
    if beside is not None and beside is not house.database:
        removed["short_lived"] += expiry.expire(beside, (expiry.SHORT_LIVED,), pause=pause, batch=batch)["short_lived"]
    return removed


class Worker:
    def __init__(self, house: House, *, senders: int = SENDERS, batch: int = expiry.BATCH_ROWS) -> None:
        self._house = house
        self._senders = senders
        self._batch = batch
        self._stopping = threading.Event()
        self._rechecked_to = b""

    def run(self) -> None:
        """Returns when `stop` was called and what was being sent has been sent."""
        threads = [
            threading.Thread(target=self._repeat, args=(f"send-{number}", self.send), name=f"send-{number}")
            for number in range(1, self._senders + 1)
        ]
        for name, job in (("feeds", self.read_feeds), ("recheck", self.recheck), ("keys", self.renew_keys)):
            threads.append(threading.Thread(target=self._repeat, args=(name, job), name=name))
        for thread in threads:
            thread.start()
        log.info("worker_started", senders=self._senders)
        self._repeat("expire", self.expire)
        for thread in threads:
            thread.join()
        log.info("worker_stopped")

    def stop(self) -> None:
        self._stopping.set()

    def send(self) -> float:
        """What was due has been sent, or put off; returns for how many seconds there is nothing to do."""
        handlers = {LOGOUT_NOTICE: self._house.notices.deliver}
        # One at a time: a second one would have to wait for whoever is slow to take the first.
        while not self._stopping.is_set() and self._house.outbox.deliver(handlers, most=1):
            pass
        return LOOK_EVERY_SECONDS

    def expire(self) -> float:
        """What had outlived its use is gone; returns for how many seconds there is nothing to do."""
        removed = remove_outlived(self._house, pause=lambda: self._stopping.wait(BREATH_SECONDS), batch=self._batch)
        if any(removed.values()):
            log.info("expired", **{name: number for name, number in removed.items() if number})
        return EXPIRE_EVERY_SECONDS

    def read_feeds(self) -> float:
        """What registers report has taken effect; returns for how many seconds there is nothing to do."""
        read = self._house.feeds.read_all(self._stopping.is_set)
        if read:
            log.info("changes_read", number=read)
        return self._house.settings.verification.feed_seconds

    def renew_keys(self) -> float:
        """Signing keys that were missing, or have served their time, have successors; returns the seconds to wait."""
        days = self._house.settings.keys.rotate_after_days
        older_than_seconds = days * DAY_SECONDS if days else None
        if due := self._house.keys.due(older_than_seconds):
            self._house.keys.make_ready(due)
            with self._house.database.write() as tx:
                kids = self._house.keys.renew(tx, older_than_seconds)
                if kids:
                    self._house.audit.keys_rotated(tx, kids=kids, operator="worker")
        return LOOK_AT_KEYS_EVERY_SECONDS

    def recheck(self) -> float:
        """The register was asked about everybody who owed it, as far as it answers; returns the seconds to wait."""
        verification, silent = self._house.settings.verification, 0
        while verification.source and not self._stopping.is_set():
            owing = self._house.people.owing(self._rechecked_to, verification.recheck_batch)
            for person_id in owing:
                self._rechecked_to = person_id  # goes on behind whoever cannot be asked about
                silent += not self._house.checking.recheck(person_id)
                if silent == SILENT_TRIES:
                    return RECHECK_EVERY_SECONDS
            if len(owing) < verification.recheck_batch:
                self._rechecked_to = b""
                break
        return RECHECK_EVERY_SECONDS

    def _repeat(self, name: str, job: Callable[[], float]) -> None:
        """The job runs again and again until we stop, whatever becomes of it: there is nobody else to do it."""
        while not self._stopping.is_set():
            try:
                pause_seconds = job()
            except Unreachable as problem:
                log.warning("store_unreachable", job=name, kind=str(problem))
                pause_seconds = AFTER_FAULT_SECONDS
            except Exception:
                log.exception("job_failed", job=name)
                pause_seconds = AFTER_FAULT_SECONDS
            self._stopping.wait(pause_seconds)


def run_until_signalled(house: House, *, senders: int = SENDERS) -> None:
    """A worker ran until somebody sent SIGTERM or SIGINT."""
    worker = Worker(house, senders=senders)
    # Waited for, not handled: a handler would run in the midst of a thread that may hold the lock it needs.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_BY)
    running = threading.Thread(target=worker.run, name="worker")
    running.start()
    try:
        while running.is_alive() and signal.sigtimedwait(ASKED_BY, ALIVE_SECONDS) is None:
            pass
    finally:
        worker.stop()
        running.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
