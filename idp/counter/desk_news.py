"""The news that a desk service keeps for its counter in a folder: trust list and status lists of one issuer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from connectors.base import OutboundError
from idp import clock
from idp.cards.publishing import TRUST_PATH, Form
from idp.digital_id import BadList, read_cwt, trust_lists
from idp.digital_id.trust_lists import BadTrustList, Older, TrustList
from idp.egress import Egress


class NoNews(Exception):
    """There was no news to be had, or none that is believed; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    token: bytes
    issued_at: int


class DeskNews:
    """What is in the folder was believed when it was written; after the first trust list, which came over TLS from the
    issuer itself, none is taken that a key of the one before did not sign.
    """

    def __init__(self, *, issuer: str, folder: Path, http: Egress) -> None:
        self._issuer, self._folder, self._http = issuer, folder, http
        self._trust: TrustList | None = None
        self._kept: dict[str, _Kept] = {}  # by path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._load()

    def token(self, path: str) -> bytes | None:
        """What the issuer had at this path when it was last asked."""
        kept = self._kept.get(path)
        return None if kept is None else kept.token

    def refresh(self) -> list[str]:
        """Everything is fetched anew and kept, as far as it is believed; returns what went wrong, a sentence each."""
        try:
            self._take_trust(self._fetched(TRUST_PATH), clock.seconds())
        except (NoNews, BadTrustList, OSError) as problem:  # the last of a folder that is full, or gone
            return [f"trust list: {problem}"]
        faults = []
        for path in self._paths():
            try:
                self._take_list(path, self._fetched(path, Form.CWT.value), clock.seconds())
            except (NoNews, BadList, OSError) as problem:
                faults.append(f"{path}: {problem}")
        return faults

    def _load(self) -> None:
        """As it was believed: what has expired since then is for the page to say."""
        try:
            self._take_trust(self._read(TRUST_PATH), self._believed_at(TRUST_PATH), keep=False)
            for path in self._paths():
                self._take_list(path, self._read(path), self._believed_at(path), keep=False)
        except (OSError, BadTrustList, BadList):
            return  # never fetched, or not to its end

    def _take_trust(self, token: bytes, now: int, *, keep: bool = True) -> None:
        try:
            found = trust_lists.read(token.decode("ascii", "replace"), self._issuer, now, self._trust)
        except Older:
            return
        self._trust = found
        self._take(TRUST_PATH, token, found.issued_at, keep=keep)

    def _take_list(self, path: str, token: bytes, now: int, *, keep: bool = True) -> None:
        keys = [] if self._trust is None else self._trust.trusted()
        found = read_cwt(token, keys, now, f"{self._issuer}{path}")
        if path not in self._kept or found.issued_at >= self._kept[path].issued_at:
            self._take(path, token, found.issued_at, keep=keep)

    def _take(self, path: str, token: bytes, issued_at: int, *, keep: bool) -> None:
        if keep:
            new = self._folder / "new"
            new.write_bytes(token)
            new.replace(self._file(path))
        self._kept[path] = _Kept(token=token, issued_at=issued_at)

    def _paths(self) -> list[str]:
        """Of the status lists that are at the issuer's own place; nobody else is asked."""
        lists = () if self._trust is None else self._trust.status_lists
        return [uri.removeprefix(self._issuer) for uri in lists if uri.startswith(f"{self._issuer}/")]

    def _fetched(self, path: str, accept: str = "*/*") -> bytes:
        try:
            answer = self._http.request("GET", f"{self._issuer}{path}", headers={"Accept": accept}, idempotent=True)
        except OutboundError as problem:
            raise NoNews(str(problem)) from None
        if answer.status != 200:
            raise NoNews(f"status {answer.status}")
        return answer.body

    def _file(self, path: str) -> Path:
        return self._folder / hashlib.sha256(f"{self._issuer}{path}".encode()).hexdigest()[:32]

    def _read(self, path: str) -> bytes:
        return self._file(path).read_bytes()

    def _believed_at(self, path: str) -> int:
        return int(self._file(path).stat().st_mtime)
