"""What the portal remembers, in one SQLite file that all its workers share.

Cookies and `state` values are kept as fingerprints only: who reads the file cannot take over a session.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PENDING_SECONDS = 15 * 60  # time to sign in at the provider, including a look for the one-time password
PENDING_PER_BROWSER = 20  # more tabs than anybody signs in with; the oldest make room
SESSION_SECONDS = 60 * 60
LOCK_PATIENCE_SECONDS = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS pending (
    fingerprint TEXT PRIMARY KEY, browser TEXT NOT NULL, details TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS pending_browser ON pending (browser, expires_at);
CREATE TABLE IF NOT EXISTS session (
    fingerprint TEXT PRIMARY KEY, sub TEXT NOT NULL, sid TEXT, details TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS session_sub ON session (sub);
CREATE INDEX IF NOT EXISTS session_sid ON session (sid);
CREATE TABLE IF NOT EXISTS spent_logout_token (jti TEXT PRIMARY KEY, expires_at REAL NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One person signed in here, with what the provider said at that moment."""

    sub: str
    sid: str | None
    acr: str
    claims: Mapping[str, Any]  # the id_token's and userinfo's claims together
    userinfo: Mapping[str, Any]
    organisation_asked: bool = False  # the person was asked for whom they act; claims `org_…` say for whom
    id_token: str  # kept to end the provider's session too: it is the hint at sign-out


class AlreadySpent(Exception):
    """This logout token has been used before."""


class Store:
    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds people's claims: not for other users of the machine
        with self._database() as database:
            database.executescript(SCHEMA)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """One connection and one transaction: all of it stands afterwards, or nothing."""
        connection = sqlite3.connect(self._path, timeout=LOCK_PATIENCE_SECONDS)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def _fingerprint(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()

    # Sign-ins and sign-outs under way: one row each, so that no tab disturbs another and no cookie grows.

    def begin(self, state: str, browser: str, details: Mapping[str, Any]) -> None:
        """Remember what was begun under `state` in this browser, until it is taken or has expired."""
        now = time.time()
        row = (self._fingerprint(state), self._fingerprint(browser), json.dumps(details), now + PENDING_SECONDS)
        with self._database() as database:
            database.execute("DELETE FROM pending WHERE expires_at <= ?", (now,))
            database.execute("INSERT INTO pending VALUES (?, ?, ?, ?)", row)
            database.execute(
                "DELETE FROM pending WHERE browser = ?1 AND fingerprint NOT IN"
                " (SELECT fingerprint FROM pending WHERE browser = ?1 ORDER BY expires_at DESC LIMIT ?2)",
                (row[1], PENDING_PER_BROWSER),
            )

    def take(self, state: str, browser: str) -> dict[str, Any] | None:
        """What was begun under `state` in this same browser: once, to one caller; None to everybody else."""
        with self._database() as database:
            rows = database.execute(
                "DELETE FROM pending WHERE fingerprint = ? AND browser = ? AND expires_at > ? RETURNING details",
                (self._fingerprint(state), self._fingerprint(browser), time.time()),
            ).fetchall()
        return json.loads(rows[0][0]) if rows else None

    # Sessions

    def start_session(self, cookie: str, session: Session) -> None:
        now = time.time()
        details = json.dumps(asdict(session))
        row = (self._fingerprint(cookie), session.sub, session.sid, details, now + SESSION_SECONDS)
        with self._database() as database:
            database.execute("DELETE FROM session WHERE expires_at <= ?", (now,))
            database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", row)

    def session(self, cookie: str) -> Session | None:
        with self._database() as database:
            row = database.execute(
                "SELECT details FROM session WHERE fingerprint = ? AND expires_at > ?",
                (self._fingerprint(cookie), time.time()),
            ).fetchone()
        return Session(**json.loads(row[0])) if row else None

    def end_session(self, cookie: str) -> None:
        with self._database() as database:
            database.execute("DELETE FROM session WHERE fingerprint = ?", (self._fingerprint(cookie),))

    def end_sessions_of(self, *, jti: str, token_expires_at: float, sub: str | None, sid: str | None) -> int:
        """End the sessions that a logout token names and count them; `AlreadySpent` if its `jti` was seen before."""
        with self._database() as database:
            database.execute("DELETE FROM spent_logout_token WHERE expires_at <= ?", (time.time(),))
            try:
                database.execute("INSERT INTO spent_logout_token VALUES (?, ?)", (jti, token_expires_at))
            except sqlite3.IntegrityError as error:
                raise AlreadySpent from error
            # A token with both names one session of one person; with only one of them, all that it fits.
            ended = database.execute(
                "DELETE FROM session WHERE (?1 IS NULL OR sub = ?1) AND (?2 IS NULL OR sid = ?2)"
                " AND NOT (?1 IS NULL AND ?2 IS NULL)",
                (sub, sid),
            )
            return ended.rowcount
