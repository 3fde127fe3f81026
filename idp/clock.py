"""The only reader of time. Instants are aware and in UTC; durations carry their unit in their name."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CIVIL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")  # by which people are told what day and time it is


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def seconds() -> int:
    """Whole seconds since 1970, the NumericDate of RFC 7519."""
    return int(time.time())


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that never goes back: for durations and deadlines inside one process."""
    return time.monotonic()


def processor_seconds() -> float:
    """How long this process has computed, all its threads together."""
    return time.process_time()


def instant(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def after(duration_seconds: float) -> datetime:
    """The instant that lies so many seconds ahead."""
    return now() + timedelta(seconds=duration_seconds)


def has_passed(moment: datetime) -> bool:
    return moment <= now()


def pause(duration_seconds: float) -> None:
    """So much time has passed."""
    time.sleep(duration_seconds)
