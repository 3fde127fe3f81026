"""What verifiers fetch: the status lists, and the trust list with the keys that sign cards."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from idp import clock
from idp.cards import models
from idp.cards.book import TOPIC
from idp.digital_id import key_id, status_lists, trust_lists, trusted
from idp.digital_id.status_lists import PLACES, StatusList
from idp.digital_id.trust_lists import TrustList
from idp.keys import TOPIC as KEYS_TOPIC
from idp.keys import Keys, SigningKey
from idp.storage import Database
from idp.storage.changes import Changes

LISTS_PATH, TRUST_PATH = "/status-lists", "/trust-list"
TTL_SECONDS = 30  # with what a cache may hold, a suspension is seen within a minute
GOOD_FOR_SECONDS = 8 * 86_400  # for verifiers that go without a network for a week
MADE_ANEW_SECONDS = 20


def list_uri(issuer: str, number: int) -> str:
    return f"{issuer}{LISTS_PATH}/{number}"


class Form(Enum):
    """In which a status list is signed; the value is its media type."""

    CWT = "application/statuslist+cwt"
    JWT = "application/statuslist+jwt"


def signer(keys: Keys) -> tuple[SigningKey, bytes]:
    """The key that signs cards and lists now, and the id by which they name it; raises Unreachable."""
    key = keys.of_cards()
    return key, key_id(trusted(key.public).public)


class Publishing:
    """Each worker makes a list when somebody asks for it: anew when a card was changed, and every now and then."""

    def __init__(self, *, database: Database, keys: Keys, changes: Changes, issuer: str) -> None:
        self._database = database
        self._keys = keys
        self._changes = changes
        self._issuer = issuer
        self._made: dict[str, tuple[int, int, bytes]] = {}

    def numbers(self) -> range:
        """Of the lists that there are."""
        ((newest,),) = self._database.all(models.NEWEST_LIST)
        return range(1, newest + 1)

    def uris(self) -> list[str]:
        return [list_uri(self._issuer, number) for number in self.numbers()]

    def status_list(self, number: int, form: Form) -> bytes | None:
        """The list, signed seconds ago at most, and after every change that is older than one; None for one that is
        not there. Raises Unreachable.
        """
        try:
            return self._kept(f"{number} {form.name}", TOPIC, lambda: self._signed_list(number, form))
        except LookupError:
            return None

    def trust_list(self) -> str:
        """The keys and the lists of this issuer, signed seconds ago by the key that signs cards; raises Unreachable."""
        return self._kept("trust", KEYS_TOPIC, self._signed_trust).decode()

    def _kept(self, name: str, topic: str, make: Callable[[], bytes]) -> bytes:
        """What was made under this name a moment ago, if nothing of the topic was changed since; else made anew.

        By the clock that stands in what is published: what is dated otherwise than now is made anew.
        """
        changed, now = self._changes.number(topic), clock.seconds()
        made = self._made.get(name)
        if made is not None and made[0] == changed and 0 <= now - made[1] < MADE_ANEW_SECONDS:
            return made[2]
        fresh = make()
        self._made[name] = (changed, now, fresh)
        return fresh

    def _signed_trust(self) -> bytes:
        now, (key, named) = clock.seconds(), signer(self._keys)
        believed = tuple(trusted(each.public).public for each in self._keys.all_of_cards())
        listed = TrustList(
            issuer=self._issuer, issued_at=now, expires_at=now + GOOD_FOR_SECONDS, keys=believed,
            status_lists=tuple(self.uris()),
        )  # fmt: skip
        return trust_lists.as_jws(listed, key, named.hex()).encode()

    def _signed_list(self, number: int, form: Form) -> bytes:
        if number not in self.numbers():
            raise LookupError(number)
        listed, (key, named) = self._listed(number), signer(self._keys)
        if form is Form.CWT:
            return status_lists.as_cwt(listed, key, named)
        return status_lists.as_jwt(listed, key, named.hex()).encode()

    def _listed(self, number: int) -> StatusList:
        now = clock.seconds()
        states = {row[0]: row[1] for row in self._database.all(models.NOT_VALID, of_list=number)}
        return StatusList(
            uri=list_uri(self._issuer, number), issuer=self._issuer, bits=status_lists.BITS, issued_at=now,
            array=status_lists.array_of(PLACES, states), expires_at=now + GOOD_FOR_SECONDS, ttl_seconds=TTL_SECONDS,
        )  # fmt: skip


__all__ = ["Form", "Publishing", "list_uri", "signer"]
