"""Settings of assurance and of verified claims: what could raise or name a level by mistake refuses to start."""

from __future__ import annotations

from typing import Any

import pytest

from idp.settings import Settings, UnsafeSettings, load

RULE: dict[str, Any] = {
    "name": "two-and-register", "sources": 2, "proofing": 2, "register_within_days": 30, "raises_to": 3,
}  # fmt: skip


def started(**changes: Any) -> Settings:
    return load(mode="test", issuer="http://idp.localhost:9", **changes)


def with_rule(**changes: Any) -> dict[str, Any]:
    return {"assurance": {"raising": [RULE | changes]}, "verification": {"source": "register"}}


def test_nothing_is_raised_renamed_or_told_as_verified_unless_somebody_says_so() -> None:
    settings = started()
    assert settings.assurance.raising == settings.assurance.acr_aliases == settings.assurance.authentication == ()
    assert settings.verified_claims.trust_framework == ""


def test_a_rule_says_what_it_counts_and_how_far_it_raises() -> None:
    [rule] = started(**with_rule()).assurance.raising
    assert (rule.sources, rule.proofing, rule.raises_to, rule.different_kinds) == (2, 2, 3, False)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a rule that raises to what is there": (with_rule(proofing=3), "must raise above"),
    "a rule by one source alone": (with_rule(sources=1, register_within_days=0), "must raise above"),
    "a rule by nobody": (with_rule(sources=0), "assurance.raising.0.sources"),
    "a rule by sources whom nobody proofed": (with_rule(proofing=1), "assurance.raising.0.proofing"),
    "a rule without a name": (with_rule(name=""), "assurance.raising.0.name"),
    "a rule that is misspelt": (with_rule(diffrent_kinds=True), "diffrent_kinds"),
    "a rule that asks for a register where there is none": (
        with_rule() | {"verification": {"source": ""}}, "verification.source names none"
    ),
    "two rules of one name": (
        {"assurance": {"raising": [RULE, RULE]}, "verification": {"source": "register"}}, "two rules have one name"
    ),
    "signing in worth more than there is": ({"assurance": {"authentication": [["bank", 5]]}}, "authentication"),
    "an alias of two levels": ({"assurance": {"acr_aliases": [["a", "a", "b", "c"]]}}, "a word means one level"),
    "an alias in two series": (
        {"assurance": {"acr_aliases": [["a", "b", "c", "d"], ["", "", "", "a"]]}}, "a word means one level"
    ),
    "an alias that is one of ours": ({"assurance": {"acr_aliases": [["", "LoA3", "", ""]]}}, "a word means one level"),
    "an alias that is two words": ({"assurance": {"acr_aliases": [["", "eidas low", "", ""]]}}, "acr_aliases"),
    "three aliases": ({"assurance": {"acr_aliases": [["eidas1", "eidas2", "eidas3"]]}}, "acr_aliases"),
    "a trust framework of two words": ({"verified_claims": {"trust_framework": "vn nd69"}}, "trust_framework"),
    "a level without a name": ({"verified_claims": {"assurance_levels": ["", "a", "b", "c"]}}, "assurance_levels"),
    "to call verified what nobody proofed": ({"verified_claims": {"minimum_proofing": 1}}, "minimum_proofing"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_be_a_mistake_refuses_to_start(what: str) -> None:
    changes, said = REFUSED[what]
    with pytest.raises(UnsafeSettings) as problem:
        started(**changes)
    assert said in str(problem.value)
