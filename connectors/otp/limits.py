"""Limits against guessing codes and against flooding telephones, counted across all workers by `Context.count`.

Everything is counted before the source is asked, so that a hundred guesses at once count a hundred. What the visitor
may know is refused in the open (`TOO_OFTEN`): too much from one network, for one number that was typed, or in all.
What only the source knows, whose telephone and which person a number leads to, is limited in silence: a refusal would
tell that two numbers belong together, or that one exists.

The network comes first: who floods or guesses uses up their own allowance before that of the person they pester.
The store not answering is raised by `Context.count` and refuses the request.
"""

from __future__ import annotations

import hashlib
import hmac

from pydantic import BaseModel, ConfigDict, Field

from connectors.answers import Refusal
from connectors.base import Context, Failure

HOUR_SECONDS = 3600
DAY_SECONDS = 86400


class Limits(BaseModel):
    """How many codes are sent and how many tries are taken; right tries count too, since they are counted first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes_per_number_per_hour: int = Field(5, ge=1, description="for one number as it was typed")
    codes_per_phone_per_hour: int = Field(5, ge=1, description="for all the people who share a telephone")
    codes_per_network_per_hour: int = Field(20, ge=1, description="a mobile operator may have many people behind one")
    codes_per_hour: int = Field(20_000, ge=1, description="in all: messages cost money")
    tries_per_code: int = Field(5, ge=1, le=20)
    tries_per_number_per_day: int = Field(15, ge=1, le=100, description="across all codes sent for the number")
    tries_per_person_per_day: int = Field(15, ge=1, le=100, description="whichever of their numbers was typed")
    tries_per_network_per_hour: int = Field(60, ge=1)
    tries_per_hour: int = Field(60_000, ge=1, description="in all")


class Guard:
    """Counts for one request. `key` is a secret that all workers share: no number is a key of the store in clear."""

    def __init__(self, context: Context, limits: Limits, key: bytes) -> None:
        self._context = context
        self._limits = limits
        self._key = key

    def code_wanted(self, number: str, network: str) -> None:
        """One more code is wanted for this number; raises Refusal TOO_OFTEN."""
        limits = self._limits
        self._insist("codes_per_network_per_hour", network, HOUR_SECONDS, limits.codes_per_network_per_hour)
        self._insist("codes_per_number_per_hour", number, HOUR_SECONDS, limits.codes_per_number_per_hour)
        self._insist("codes_per_hour", "", HOUR_SECONDS, limits.codes_per_hour)

    def phone_may_ring(self, phone: str) -> bool:
        """Whether one more code may go to this telephone."""
        limit = self._limits.codes_per_phone_per_hour
        return self._within("codes_per_phone_per_hour", phone, HOUR_SECONDS, limit)

    def code_tried(self, reference: str, number: str, network: str) -> None:
        """One more code was typed; raises Refusal TOO_OFTEN."""
        limits = self._limits
        self._insist("tries_per_network_per_hour", network, HOUR_SECONDS, limits.tries_per_network_per_hour)
        self._insist("tries_per_code", reference, DAY_SECONDS, limits.tries_per_code)
        self._insist("tries_per_number_per_day", number, DAY_SECONDS, limits.tries_per_number_per_day)
        self._insist("tries_per_hour", "", HOUR_SECONDS, limits.tries_per_hour)

    def person_may_be_tried(self, person: str) -> bool:
        """Whether one more code may be tried for this person, by whichever number."""
        limit = self._limits.tries_per_person_per_day
        return self._within("tries_per_person_per_day", person, DAY_SECONDS, limit)

    def hidden(self, what: str, value: str) -> bytes:
        """32 bytes that stand for the value; who has not the key can neither make nor reverse them."""
        return hmac.digest(self._key, f"{what}\n{value}".encode(), hashlib.sha256)

    def _insist(self, limit_name: str, value: str, seconds: int, limit: int) -> None:
        if not self._within(limit_name, value, seconds, limit):
            raise Refusal(Failure.TOO_OFTEN, limit_name)

    def _within(self, limit_name: str, value: str, seconds: int, limit: int) -> bool:
        name = f"otp:{limit_name}:{self.hidden(limit_name, value).hex()}"
        within = self._context.count(name, seconds) <= limit
        if not within:
            self._context.note("source.code_limit", limit=limit_name)
        return within
