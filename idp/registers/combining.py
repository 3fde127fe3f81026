"""What the sources that know somebody, and the register, make of them together: asked at each sign-in, if a rule of the
operator's could raise it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.base import Assertion
from idp import clock
from idp.people import Person, assurance
from idp.people.assurance import Combined, Voucher
from idp.people.person import PROVEN
from idp.registers import models
from idp.settings import Assurance
from idp.sources import Source, Sources
from idp.storage import Transaction

# The rules of matching by which a source that proofed the person was seen to agree with what was known of them: by
# number and name, and by birth date if it tells one. By any other somebody is recognised, and vouches for nothing.
AGREE = frozenset({"number-unknown", "number-name", "number-name-birth"})


@dataclass(frozen=True, kw_only=True)
class Combining:
    sources: Sources
    policy: Assurance

    def most(self, assertion: Assertion, source: Source) -> int:
        """The level that this sign-in comes to if every rule holds that could."""
        proofing = min(assertion.proofing, source.ceiling)
        raised = [rule.raises_to for rule in self.policy.raising if proofing >= rule.proofing]
        return assurance.weaker(max(proofing, *raised, 0), self._authentication(assertion, source))

    def level(self, tx: Transaction, person: Person, assertion: Assertion, source: Source) -> tuple[int, str | None]:
        """The level that this sign-in comes to, and the rule by which its proofing was raised, if one did."""
        proofing, authentication = min(assertion.proofing, source.ceiling), self._authentication(assertion, source)
        found = self._combined(tx, person, proofing, source)
        level = assurance.weaker(found.proofing, authentication)
        return level, found.rule if level > assurance.weaker(proofing, authentication) else None

    def _authentication(self, assertion: Assertion, source: Source) -> int:
        return assurance.authentication_of(assertion, source.authentication_ceiling)

    def _combined(self, tx: Transaction, person: Person, proofing: int, source: Source) -> Combined:
        if not any(rule.raises_to > proofing >= rule.proofing for rule in self.policy.raising):
            return Combined(proofing=proofing)
        rows = tx.all(models.FIND_VOUCHERS, of_person=person.id)
        checked_at = rows[0][2] if rows else None
        age_seconds = None if checked_at is None else clock.seconds() - checked_at
        agreeing = {row[0] for row in rows if row[1] in AGREE}
        if source.id not in agreeing:  # nobody knows whether the others speak of the person who has come by this one
            return Combined(proofing=proofing)
        came = Voucher(source_id=source.id, kind=source.kind, proofing=proofing)
        vouchers = [came, *self._others(person, agreeing - {source.id})]
        return assurance.combined(proofing, vouchers, age_seconds, self.policy.raising)

    def _others(self, person: Person, agreeing: set[str]) -> Iterator[Voucher]:
        """As each source had proofed the person when it spoke, and no better than it may today; none switched off."""
        for source in self.sources.in_force():
            if source.id in agreeing and source.enabled:
                said = (each.proofing for each in person.attributes.values() if each.source_id == source.id)
                proofing = min(max(said, default=PROVEN), source.ceiling)
                yield Voucher(source_id=source.id, kind=source.kind, proofing=proofing)
