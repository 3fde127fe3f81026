"""Request objects that portals leave at addresses of theirs (OpenID Connect Core section 6.2), kept for a minute.

Anybody's browser can name such an address. So each is asked once in a while, whoever comes, and by few of our threads.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Http, OutboundError
from idp import clock
from idp.clients.fetching import Fetching, Remembered
from idp.oidc.jose import TOKEN_LIMIT_CHARACTERS

FRESH_SECONDS = 60
ASK_AGAIN_SECONDS = 2  # between two fetches of one address, whatever fragments it is asked with
ADDRESSES_REMEMBERED = 1000


@dataclass
class _Place:
    """What is known of one address, and under which fragment it was asked for."""

    fragment: str = ""
    document: str | None = None
    asked_at: int = -FRESH_SECONDS


class Documents:
    """Shared by all threads of a process; every process fetches for itself."""

    def __init__(self, http: Http, fetching: Fetching) -> None:
        self._http = http
        self._fetching = fetching
        self._known: Remembered[_Place] = Remembered(ADDRESSES_REMEMBERED)

    def read(self, client_id: str, uri: str) -> str | None:
        """What stands at this address that a portal named, a minute ago at most; None where nothing is that could be a
        request object.

        A fragment names a version: with another one, what was kept is not fresh any more.
        """
        address, _, fragment = uri.partition("#")
        place = self._known.find_or_keep(address, _Place())
        if _must_be_asked(place, fragment):
            with self._fetching.turn(client_id, address) as ours:
                if ours and _must_be_asked(place, fragment):
                    place.document = self._fetched(address)
                    place.asked_at, place.fragment = clock.seconds(), fragment
        return place.document

    def _fetched(self, address: str) -> str | None:
        try:
            answer = self._http.request("GET", address, idempotent=True)
        except OutboundError:
            return None
        if answer.status != 200 or len(answer.body) > TOKEN_LIMIT_CHARACTERS or not answer.body.isascii():
            return None
        return answer.body.decode("ascii").strip()


def _must_be_asked(place: _Place, fragment: str) -> bool:
    age = clock.seconds() - place.asked_at
    is_fresh = place.document is not None and place.fragment == fragment and age < FRESH_SECONDS
    return not is_fresh and age >= ASK_AGAIN_SECONDS
