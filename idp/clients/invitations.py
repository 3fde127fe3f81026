"""Invitations: how an operator lets a portal register itself (the initial access token of RFC 7591 section 1.2).

An invitation is a bearer value, kept as a fingerprint, good for so many uses until some day. Its terms say what whoever
comes with it may have at most; a guarded scope is never among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from idp import clock, entropy
from idp.clients import models
from idp.clients.policies import is_api_scope
from idp.people.claims import GUARDED_SCOPES, SCOPES
from idp.storage import Database, Transaction

Words = tuple[str, ...]


class Terms(BaseModel):
    """What a portal may have that registers itself with this invitation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = Field(min_length=1, max_length=200)  # for whom, for the operators
    scopes: Words = ("openid",)
    api_scopes: Words = Field(default=(), max_length=50)
    minimum_level: int = Field(default=1, ge=1, le=4)  # what the portal owes at least
    pkce_required: bool = True
    nonce_required: bool = True  # without PKCE
    consent_required: bool = False
    statement_required: bool = False  # a software statement must come along

    @field_validator("scopes")
    @classmethod
    def _free_scopes(cls, values: Words) -> Words:
        refused = set(values) - (set(SCOPES) - GUARDED_SCOPES)
        if refused:
            raise ValueError(f"unknown, or guarded and an operator's to grant: {', '.join(sorted(refused))}")
        return tuple(dict.fromkeys(("openid", *values)))

    @field_validator("api_scopes")
    @classmethod
    def _words(cls, values: Words) -> Words:
        if not all(map(is_api_scope, values)):
            raise ValueError("words of APIs, and none of those about people")
        return values


@dataclass(frozen=True, kw_only=True)
class Invitation:
    id: bytes
    terms: Terms
    uses_left: int
    made_at: int
    expires_at: int

    @property
    def is_open(self) -> bool:
        return self.uses_left > 0 and self.expires_at > clock.seconds()


class Invitations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, tx: Transaction, terms: Terms, *, uses: int, seconds: int) -> tuple[bytes, str]:
        """A new invitation: its id, and the token, which is shown this once."""
        invitation_id, token, now = entropy.ordered_id(), entropy.opaque_value(), clock.seconds()
        tx.run(
            models.ADD_INVITATION, id=invitation_id, fingerprint=entropy.fingerprint(token),
            terms=terms.model_dump_json(), uses_left=uses, made_at=now, expires_at=now + seconds,
        )  # fmt: skip
        return invitation_id, token

    def of_token(self, token: str) -> Invitation | None:
        """The invitation that this token is, if it is still good for something."""
        row = self._database.one(models.FIND_INVITATION_OF_TOKEN, fingerprint=entropy.fingerprint(token))
        found = None if row is None else _invitation(row)
        return found if found is not None and found.is_open else None

    def all(self) -> list[Invitation]:
        return [_invitation(row) for row in self._database.all(models.FIND_INVITATIONS)]

    def use(self, tx: Transaction, invitation: Invitation) -> bool:
        """Whether one use of it is now spent, in the commit of what it is used for: of many who want the last, one."""
        return tx.run(models.USE_INVITATION, invitation_id=invitation.id, now=clock.seconds()) == 1

    def withdraw(self, tx: Transaction, invitation_id: bytes) -> bool:
        """Whether there is such an invitation, which is good for nothing any more."""
        return tx.run(models.WITHDRAW_INVITATION, invitation_id=invitation_id) == 1


def _invitation(row: Sequence[Any]) -> Invitation:
    invitation_id, terms, uses_left, made_at, expires_at = row
    return Invitation(
        id=bytes(invitation_id), terms=Terms.model_validate_json(terms), uses_left=uses_left, made_at=made_at,
        expires_at=expires_at,
    )  # fmt: skip
