"""`verified_claims` in an answer (OpenID Identity Assurance Schema Definition 1.0; what is left out: IDA section 5.6).

Each claim stands or falls by its own provenance: who said it, how well they had proofed the person, and when. What is
left of an element is described by the weakest and the oldest of it, so that no claim seems better than it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from idp import clock
from idp.oidc.verified_claims import NAME, Asked, Element, constrains, elements_of
from idp.people import assurance, claims
from idp.people.claims import BY_NAME, ClaimValue, Release
from idp.settings import VerifiedClaims
from idp.sources import Source, Sources

EVIDENCE = "electronic_record"
# The records that kinds of source go by, where the foundation's list of identifiers has a name for one. Whoever signs
# nobody in, and yet tells of people, is the population register.
RECORDS = {
    "banking": "bank_account", "population": "population_register", "tax": "tax", "insurance": "social_security",
    "certificate": None, "conformance": None,
}  # fmt: skip
REGISTER_RECORD = "population_register"
SIGNED_IN, COMPARED = "auth", "data"  # check methods: proven to the source there, or held against its data
# What the register is asked about at each sign-in; of a birth date it is at times asked the year alone.
CHECKED = frozenset({"name", "personal_number"})
_REQUIRED = ("trust_framework", "type", "check_method")  # of what they stand in, asked for or not


class _Unmet(Exception):
    """What was asked to have a certain value or age has another, or is not there."""


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """A source that stands behind a claim: how it came to know, and when."""

    source: Source
    method: str
    at: int


@dataclass(frozen=True, kw_only=True)
class _Vouched:
    """A claim, and what stands behind it."""

    name: str
    value: ClaimValue
    level: int
    at: int  # when it was checked last
    evidence: tuple[_Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class Verification:
    policy: VerifiedClaims
    sources: Sources
    register_id: str  # of the population register that is asked at each sign-in, "" for none
    issuer: str

    @property
    def offered(self) -> bool:
        return bool(self.policy.trust_framework)

    def metadata(self) -> dict[str, object]:
        """What discovery says of it (IDA section 8)."""
        if not self.offered:
            return {}
        return {
            "verified_claims_supported": True,
            "trust_frameworks_supported": [self.policy.trust_framework],
            "claims_in_verified_claims_supported": [name for name in BY_NAME if name in claims.VERIFIABLE],
            "evidence_supported": [EVIDENCE],
            "electronic_records_supported": [RECORDS[kind] or self._own_word(kind) for kind in RECORDS],
        }

    def told(
        self, asked: Asked | None, names: Collection[str], release: Release, checked_at: int | None
    ) -> dict[str, Any]:
        """`verified_claims` with what can be had of it, of the claims named; nothing where none of it can.

        `checked_at` is when the population register last agreed.
        """
        if asked is None or not self.offered:
            return {}
        sources = {source.id: source for source in self.sources.in_force() if source.enabled}
        known = (self._vouched(name, release, sources, checked_at) for name in names)
        vouched = [each for each in known if each is not None]
        told = [said for element in elements_of(asked) if (said := self._element(element, vouched)) is not None]
        if not told:
            return {}
        return {NAME: told if isinstance(asked, list) else told[0]}

    def _vouched(
        self, name: str, release: Release, sources: Mapping[str, Source], checked_at: int | None
    ) -> _Vouched | None:
        """The claim, if it is verified: by nobody whom we do not know or ask any more, or believe too little."""
        attribute = release.person.attributes.get(BY_NAME[name].attribute or "")
        source = None if attribute is None else sources.get(attribute.source_id)
        value = BY_NAME[name].value(release)
        if attribute is None or source is None or value is None or (source.signs_in and source.kind not in RECORDS):
            return None
        level = min(attribute.proofing, source.ceiling) if source.signs_in else attribute.proofing
        if level < self.policy.minimum_proofing:
            return None
        method = SIGNED_IN if source.signs_in else COMPARED
        evidence = [_Evidence(source=source, method=method, at=attribute.at)]
        register = sources.get(self.register_id) if BY_NAME[name].attribute in CHECKED else None
        if register is not None and checked_at is not None and checked_at >= attribute.at:
            evidence.append(_Evidence(source=register, method=COMPARED, at=checked_at))
        at = max(each.at for each in evidence)
        return _Vouched(name=name, value=value, level=level, at=at, evidence=tuple(evidence))

    def _element(self, element: Element, vouched: Iterable[_Vouched]) -> dict[str, Any] | None:
        template = dict(element["verification"])
        asks_level, levels = "assurance_level" in template, self._levels(template.pop("assurance_level", None))
        left = []
        for each in vouched:
            values = element["claims"].get(each.name, [])
            if (values is None or each.value in values) and any(level <= each.level for level in levels):
                left += self._if_met(each, template)
        if not left:
            return None
        verification = _filled(template, self._known(left))
        if asks_level:
            stated = max(level for level in levels if level <= min(each.level for each in left))
            verification["assurance_level"] = self.policy.assurance_levels[stated - 1]
        return {"verification": verification, "claims": {each.name: each.value for each in left}}

    def _levels(self, asked: Mapping[str, Any] | None) -> list[int]:
        """The levels that will do. One that is asked for is stated also of what is better."""
        wanted = None if asked is None else asked["values"]
        return [
            level
            for level in assurance.LEVELS
            if level >= self.policy.minimum_proofing
            and (wanted is None or self.policy.assurance_levels[level - 1] in wanted)
        ]

    def _if_met(self, vouched: _Vouched, template: Mapping[str, Any]) -> list[_Vouched]:
        """The claim with that of its evidence which will do, or nothing."""
        try:
            _filled({name: asked for name, asked in template.items() if name != "evidence"}, self._known([vouched]))
        except _Unmet:
            return []
        if "evidence" not in template:
            return [vouched]
        met = tuple(each for each in vouched.evidence if _first(template["evidence"], self._item(each, {})) is not None)
        return [replace(vouched, evidence=met)] if met else []

    def _known(self, vouched: Collection[_Vouched]) -> dict[str, Any]:
        """All that can be said of how these claims were verified, together."""
        behind: dict[tuple[str, str], _Evidence] = {}
        derived: dict[tuple[str, str], dict[str, ClaimValue]] = {}
        for each in vouched:
            for evidence in each.evidence:
                key = (evidence.source.id, evidence.method)
                behind[key] = min(evidence, behind.get(key, evidence), key=lambda one: one.at)
                derived.setdefault(key, {})[each.name] = each.value
        return {
            "trust_framework": self.policy.trust_framework,
            "time": min(each.at for each in vouched),
            "evidence": [self._item(evidence, derived[key]) for key, evidence in behind.items()],
        }

    def _item(self, evidence: _Evidence, derived: Mapping[str, ClaimValue]) -> dict[str, Any]:
        """An entry of `evidence` (Schema Definition section 5.4.4.3)."""
        name = evidence.source.name_vi
        return {
            "type": EVIDENCE,
            "check_details": [{"check_method": evidence.method, "organization": name, "time": evidence.at}],
            "record": {"type": self._record(evidence.source), "source": {"name": name}},
            "derived_claims": dict(derived),
        }

    def _record(self, source: Source) -> str:
        return (RECORDS[source.kind] or self._own_word(source.kind)) if source.signs_in else REGISTER_RECORD

    def _own_word(self, kind: str) -> str:
        """An address of ours, so that it is nobody else's word (IDA section 12)."""
        return f"{self.issuer}/records/{kind}"


def _filled(template: Mapping[str, Any], had: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is had what is asked for, and what must not be missing; raises _Unmet."""
    if any(name not in had and constrains(asked) for name, asked in template.items()):
        raise _Unmet
    told = {
        name: _part(template.get(name), part) for name, part in had.items() if name in template or name in _REQUIRED
    }
    return {name: part for name, part in told.items() if part != {}}


def _part(asked: Any, had: Any) -> Any:
    if isinstance(had, list):
        found = [told for each in had if (told := _first(asked, each)) is not None]
        if not found:
            raise _Unmet
        return found
    if isinstance(had, Mapping):
        return dict(had) if asked is None else _filled(asked, had)
    said = _utc(had) if isinstance(had, int) else had
    if asked is None:
        return said
    too_old = "max_age" in asked and clock.seconds() - had > asked["max_age"]
    if too_old or ("values" in asked and said not in asked["values"]):
        raise _Unmet
    return said


def _first(templates: Iterable[Mapping[str, Any]], had: Mapping[str, Any]) -> dict[str, Any] | None:
    """An entry of an array as the first template has it that it meets (IDA section 5.4: any of them will do)."""
    for template in templates:
        with suppress(_Unmet):
            return _filled(template, had)
    return None


def _utc(at: int) -> str:
    """ISO 8601 in UTC, so that it does not tell where anybody was (IDA section 9)."""
    return clock.instant(at).strftime("%Y-%m-%dT%H:%M:%SZ")
