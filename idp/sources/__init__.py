"""Sources as configured: who they are, in which version, how high they may vouch, and how they are doing.

This room alone loads connectors. A version never changes once made; a sign-in under way keeps the version it began
with, unless the source is switched off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import structlog
from pydantic import ValidationError

from connectors import kinds
from connectors.base import Check, Checkable, Connector, Context, HasMetadata, Http
from idp import clock, entropy
from idp.people import assurance
from idp.seal import BadSeal, Sealer
from idp.settings import Assurance
from idp.sources import models
from idp.sources.calls import Call, Calls, NotAsked
from idp.sources.documents import Documents
from idp.sources.health import Health, HealthBook, Operation
from idp.storage import Database, ShortLived, Transaction, spent
from idp.storage.changes import Changes

TOPIC = "sources"
TEST_PEOPLE = "conformance"  # the id and the kind of the source of people who do not exist
log = structlog.get_logger()


class BadSource(ValueError):
    """The source cannot be configured like this; the text says why, field by field."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One version of one source, ready to be asked."""

    id: str
    kind: str
    enabled: bool
    version: int
    name_vi: str
    name_en: str
    ceiling: int  # of proofing, and of authentication if the operator set no other
    authentication_ceiling: int
    reach: int  # the highest level that signing in here can come to, where other sources vouch as well
    calls_at_once: int  # that all workers together make; 0: as many as may be
    configuration: Mapping[str, Any]
    connector: Any  # a `Connector`, or one of the roles in `connectors.registers`
    context: Context

    @cached_property
    def signs_in(self) -> bool:
        """Whether people can sign in here; a register only answers questions."""
        return isinstance(self.connector, Connector)

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_vi

    def checks(self) -> list[Check]:
        """Every test that can be made without a person."""
        return self.connector.checks(self.context) if isinstance(self.connector, Checkable) else []

    def metadata(self) -> tuple[str, bytes] | None:
        """What we publish for this source (media type, document), or None."""
        return self.connector.metadata(self.context) if isinstance(self.connector, HasMetadata) else None


@dataclass(frozen=True, kw_only=True)
class SourceDraft:
    """A source as an operator describes it. `secrets` are sealed when it is saved, and never shown again."""

    id: str
    kind: str
    name_vi: str
    name_en: str
    ceiling: int
    configuration: Mapping[str, Any]
    secrets: Mapping[str, str]


class Sources:
    def __init__(
        self, database: Database, short_lived: ShortLived, sealer: Sealer, changes: Changes, http: Http, *,
        visits_at_once: int, conformance: bool = False, policy: Assurance | None = None,
    ) -> None:  # fmt: skip
        self._policy = policy or Assurance(acr_aliases=(), authentication=(), raising=())
        self._kinds = kinds(conformance=conformance)
        self._database = database
        self._sealer = sealer
        self._changes = changes
        self._http = http
        self._documents: dict[str, Documents] = {}
        self._in_force: tuple[int, dict[str, Source]] = (-1, {})
        self._versions: dict[tuple[str, int], Source] = {}
        self._short_lived = short_lived
        self.health = HealthBook(short_lived)
        self._calls = Calls(short_lived, self.health, here_at_once=visits_at_once)

    def call(self, source: Source, operation: Operation, *, under_way: bool = False) -> AbstractContextManager[Call]:
        """A call to this source: use the context that it gives, and `note` how the source answered.

        Entering raises NotAsked, which is an OutboundError, while the source's breaker is open or too many ask it. An
        OutboundError that leaves the block is on the book of its health. `under_way` is for what began before: the
        breaker does not stop it, and since a browser brings it, only trouble that we met ourselves counts.
        """
        return self._calls.call(source.id, source.context, operation, most=source.calls_at_once, under_way=under_way)

    def in_force(self) -> list[Source]:
        """Every source in the version in force, switched on or off, by id."""
        number = self._changes.number(TOPIC)
        known_number, known = self._in_force
        if known_number != number:
            built = (self._built_or_none(row) for row in self._database.all(models.FIND_IN_FORCE))
            known = {source.id: source for source in built if source is not None}
            self._in_force, self._versions = (number, known), {}
        return list(known.values())

    def find(self, source_id: str) -> Source | None:
        return next((source for source in self.in_force() if source.id == source_id), None)

    def has(self, source_id: str) -> bool:
        """Whether there is such a source, also one of a kind that this mode has not."""
        return self._database.one(models.FIND_NUMBER, source_id=source_id) is not None

    def at_version(self, source_id: str, version: int) -> Source | None:
        """The version with which a sign-in began, for its end; None if the source is gone or switched off."""
        current = self.find(source_id)
        if current is None or not current.enabled or current.version == version:
            return current if current is not None and current.enabled else None
        known = self._versions.get((source_id, version))
        if known is None:
            row = self._database.one(models.FIND_VERSION, source_id=source_id, version=version)
            if row is None:
                return None
            begun = self._built(row)
            known = self._capped(begun, min(begun.ceiling, current.ceiling))  # lowered meanwhile: lower for all
            self._versions[source_id, version] = known
        return known

    def having(self, role: type) -> list[Source]:
        """Every source switched on that can do this: one of the roles in `connectors.registers`, or `Connector`."""
        return [source for source in self.in_force() if source.enabled and isinstance(source.connector, role)]

    def highest_level(self) -> int:
        """The highest level that signing in at any source now switched on can come to."""
        return max((source.reach for source in self.in_force() if source.enabled and source.signs_in), default=0)

    def health_of(self, source: Source) -> Health:
        """How it is doing in signing people in."""
        return self.health.of(source.id)

    def save(self, tx: Transaction, draft: SourceDraft) -> int:
        """The draft is a new version and in force; a new source starts switched off. Returns the version.

        Raises BadSource.
        """
        self._check(draft)
        row = tx.one(models.FIND_NUMBER, source_id=draft.id)
        version, now = (row[0] if row else 0) + 1, clock.seconds()
        secrets = self._sealer.seal("sources.secrets", json.dumps(dict(draft.secrets)).encode(), draft.id.encode())
        if row is None:
            tx.run(models.ADD, id=draft.id, kind=draft.kind, enabled=0, version=version, made_at=now, calls_at_once=0)
        tx.run(
            models.ADD_VERSION, source_id=draft.id, version=version, name_vi=draft.name_vi, name_en=draft.name_en,
            ceiling=draft.ceiling, configuration=json.dumps(dict(draft.configuration)), secrets=secrets, made_at=now,
        )  # fmt: skip
        tx.run(models.PUT_IN_FORCE, source_id=draft.id, new_version=version)
        self._changes.bump(tx, TOPIC)
        return version

    def set_enabled(self, tx: Transaction, source_id: str, enabled: bool) -> None:
        """The source is on or off, in every worker within seconds; raises BadSource for an unknown one."""
        if not tx.run(models.SET_ENABLED, source_id=source_id, on=int(enabled)):
            raise BadSource(f"there is no source {source_id}")
        self._changes.bump(tx, TOPIC)

    def limit_calls(self, tx: Transaction, source_id: str, most: int) -> None:
        """All workers together make no more than `most` calls at once to the source, within seconds; 0: uncounted.

        Raises BadSource for an unknown one. It is the source's, whatever version is in force.
        """
        if not tx.run(models.SET_CALLS_AT_ONCE, source_id=source_id, most=most):
            raise BadSource(f"there is no source {source_id}")
        self._changes.bump(tx, TOPIC)

    def _check(self, draft: SourceDraft) -> None:
        kind = self._kinds.get(draft.kind)
        if kind is None:
            raise BadSource(f"kind: {draft.kind} is not one of {', '.join(sorted(self._kinds))}")
        if TEST_PEOPLE in (draft.id, draft.kind) and draft.id != draft.kind:
            raise BadSource(f"id: {TEST_PEOPLE} is the source of test people, and no other")
        if not draft.id.isascii() or not draft.id.replace("-", "").isalnum() or len(draft.id) > 60:
            raise BadSource("id: letters, digits and hyphens, 60 at most")
        if not 1 <= draft.ceiling <= kind.ceiling:
            raise BadSource(f"ceiling: a source of kind {kind.name} may assert LoA1 to LoA{kind.ceiling}")
        known = self.find(draft.id)
        if known is not None and known.kind != draft.kind:
            raise BadSource("kind: cannot change; add another source")
        try:
            kind.configuration.model_validate(dict(draft.configuration))
        except ValidationError as problem:
            faults = problem.errors(include_input=False, include_url=False)
            raise BadSource("; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)) from None

    def _built_or_none(self, row: Sequence[Any]) -> Source | None:
        """The source; None, and a line in the log, for one that this release cannot read: it must not stop others."""
        try:
            return self._built(row)
        except (KeyError, ValueError, BadSeal) as problem:
            log.error("source_unreadable", source=row[0], version=row[3], problem=type(problem).__name__)
            return None

    def _built(self, row: Sequence[Any]) -> Source:
        source_id, kind_name, enabled, version, name_vi, name_en, ceiling, configuration, sealed, most = row
        kind = self._kinds[kind_name]
        secrets = json.loads(self._sealer.open("sources.secrets", bytes(sealed), source_id.encode()))
        source = Source(
            id=source_id, kind=kind_name, enabled=bool(enabled), version=version, name_vi=name_vi, name_en=name_en,
            ceiling=0, authentication_ceiling=0, reach=0, calls_at_once=most,
            configuration=json.loads(configuration),
            connector=kind.connector(kind.configuration.model_validate_json(configuration)),
            context=self._context(source_id, secrets),
        )  # fmt: skip
        return self._capped(source, min(ceiling, kind.ceiling))

    def _capped(self, source: Source, ceiling: int) -> Source:
        authentication = dict(self._policy.authentication).get(source.id, ceiling)
        reach = assurance.highest(ceiling, authentication, self._policy.raising)
        return replace(source, ceiling=ceiling, authentication_ceiling=authentication, reach=reach)

    def _context(self, source_id: str, secrets: dict[str, str]) -> Context:
        documents = self._documents.get(source_id)
        if documents is None:
            documents = self._documents[source_id] = Documents(self._database, self._http, source_id)
        return Context(
            http=self._http, documents=documents, now=clock.now, fresh_value=entropy.opaque_value,
            secret=secrets.__getitem__,
            spend=lambda value, seconds: spent.spend_now(self._database, f"{source_id}\n{value}", seconds),
            count=lambda name, seconds: self._short_lived.count(f"of:{source_id}:{name}", seconds),
            note=log.bind(source=source_id).info,
        )  # fmt: skip


__all__ = ["BadSource", "Call", "Health", "NotAsked", "Operation", "Source", "SourceDraft", "Sources"]
