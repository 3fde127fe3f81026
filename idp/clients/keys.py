"""The keys of portals: registered with them, or fetched from where they publish them and kept for bad days.

An address that somebody registered is fetched through the one way out, which reaches public hosts only, follows no
redirect and waits so long and no longer. What was once fetched stays good while its host is silent, for a day; where
the host was not asked at all, since others had their turn, for minutes: a key that was taken out there must not live on
because somebody keeps us from looking.
"""

from __future__ import annotations

from dataclasses import dataclass

import jwt
import structlog
from joserfc.jwk import Key

from connectors.base import Http, OutboundError
from idp import clock
from idp.clients import jwks
from idp.clients.client import Client
from idp.clients.fetching import Fetching, Remembered
from idp.clients.jwks import PublicKey

FRESH_SECONDS = 300
UNASKED_SECONDS = 900
STALE_SECONDS = 86_400
ASK_AGAIN_SECONDS = 10  # between two fetches of one address, whoever asks for whatever key id
REMEMBERED = 5_000

log = structlog.get_logger()


class NoKey(Exception):
    """The portal has no key that this can be done with; the text says why."""


@dataclass
class _Place:
    """What is known of one address."""

    keys: tuple[PublicKey, ...] = ()
    fetched_at: float | None = None
    asked_at: float | None = None  # with whatever success
    is_asked: bool = False  # now


class ClientKeys:
    """Shared by all threads of a process; every process fetches for itself."""

    def __init__(self, http: Http, fetching: Fetching) -> None:
        self._http = http
        self._fetching = fetching
        self._known: Remembered[_Place] = Remembered(REMEMBERED)
        self._registered: Remembered[tuple[object, tuple[PublicKey, ...]]] = Remembered(REMEMBERED)

    def verification_keys(self, client: Client, *, kid: str | None, alg: str) -> list[jwt.PyJWK]:
        """The keys by which a signature of the portal may be checked: those called `kid`, or all where it is None.

        A key id that nobody has seen makes us fetch again, once in ASK_AGAIN_SECONDS. Nothing is raised: a portal whose
        keys cannot be had has none.
        """
        found = _fit(self._keys(client), kid, alg)
        if not found and client.jwks_uri is not None:
            found = _fit(self._keys(client, anew=True), kid, alg)
        return [key.for_verifying(alg) for key in found]

    def encryption_key(self, client: Client, alg: str) -> tuple[Key, str | None]:
        """The key that the portal reads by this algorithm, and its id; raises NoKey."""
        for anew in (False, client.jwks_uri is not None):
            for key in self._keys(client, anew=anew):
                if key.encrypts(alg):
                    return key.for_encrypting(), key.kid
        raise NoKey(f"no key for {alg} in the client's JWK Set")

    def certificates(self, client: Client, *, anew: bool = False) -> list[bytes]:
        """The certificates that the portal published with its keys (RFC 8705 section 2.2.2), as DER."""
        return [key.certificate for key in self._keys(client, anew=anew) if key.certificate is not None]

    def _keys(self, client: Client, *, anew: bool = False) -> tuple[PublicKey, ...]:
        if client.jwks_uri is not None:
            return self._published(client.id, client.jwks_uri, anew=anew)
        return () if client.jwks is None else self._kept(client.id, client.jwks)

    def _kept(self, client_id: str, registered: dict[str, object]) -> tuple[PublicKey, ...]:
        """What was registered, parsed once for as long as it stays registered."""
        known = self._registered.find(client_id)
        if known is not None and known[0] is registered:
            return known[1]
        return self._registered.keep(client_id, (registered, jwks.checked(registered)))[1]

    def _published(self, client_id: str, url: str, *, anew: bool) -> tuple[PublicKey, ...]:
        place = self._known.find_or_keep(url, _Place())
        if _must_be_asked(place, anew=anew):
            with self._fetching.turn(client_id, url) as ours:
                if ours and _must_be_asked(place, anew=anew):
                    self._fetch(url, place)
        was_asked = place.is_asked or _is_younger(place.asked_at, UNASKED_SECONDS)
        return place.keys if was_asked and _is_younger(place.fetched_at, STALE_SECONDS) else ()

    def _fetch(self, url: str, place: _Place) -> None:
        place.is_asked = True
        try:
            answer = self._http.request("GET", url, headers={"Accept": "application/json"}, idempotent=True)
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            place.keys = jwks.parsed(answer.body)
            place.fetched_at = clock.monotonic()
        except (OutboundError, ValueError) as problem:
            log.warning("client_keys_not_fetched", reason=str(problem), keys_kept=len(place.keys))
        finally:
            place.asked_at = clock.monotonic()  # a host that keeps us waiting is left alone for just as long
            place.is_asked = False


def _must_be_asked(place: _Place, *, anew: bool) -> bool:
    is_fresh = not anew and _is_younger(place.fetched_at, FRESH_SECONDS)
    return not is_fresh and not _is_younger(place.asked_at, ASK_AGAIN_SECONDS)


def _fit(keys: tuple[PublicKey, ...], kid: str | None, alg: str) -> list[PublicKey]:
    return [key for key in keys if key.verifies(alg) and kid in (None, key.kid)]


def _is_younger(instant: float | None, seconds: float) -> bool:
    return instant is not None and clock.monotonic() - instant < seconds
