"""Forged codes: every plan and every layer is tried, and none passes; the bench says so and would say otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from idp.digital_id import forging, measuring
from idp.digital_id.forging import Forger, count, lists_for
from idp.digital_id.measuring import ISSUER, LIST, OTHER, cards, party
from tests.digital_id.cards import NOW

LAYERS = {"text", "compressed", "signed", "header", "payload", "signature"}


def test_no_forged_code_is_accepted() -> None:
    outcome = measuring.forgeries(3_000, seed=3)
    assert outcome.accepted == Counter()
    assert outcome.frauds.total() == 3_000
    assert len(outcome.frauds.keys() - LAYERS) == 16 and outcome.frauds.keys() >= LAYERS
    expected = {"bad_signature", "unknown_algorithm", "withdrawn_key", "wrong_issuer", "revoked", "suspended"}
    assert outcome.reasons.keys() >= expected | {"not_strict", "not_signed", "wrong_algorithm", "bad_compression"}


@pytest.mark.parametrize(
    "fraud, weakened",
    [("by_a_stolen_key", "old"), ("by_another_issuer", "other"), ("revoked", "lists"), ("suspended", "lists")],
)
def test_a_verifier_with_a_check_less_would_be_seen(fraud: str, weakened: str) -> None:
    ours, other, old, stranger = party(ISSUER), party(OTHER), party(ISSUER, withdrawn=True), party(ISSUER)
    forger = Forger(cards(forging.CARDS, NOW, 1), ours, other, old, stranger, 1)
    keys = [ours.trusted, other.trusted, old.trusted]
    if weakened == "old":
        keys[2] = party_without(old, withdrawn=False)
    elif weakened == "other":
        keys[1] = party_without(other, issuer=None)
    statuses = lists_for(LIST, OTHER if weakened == "lists" else ISSUER, OTHER, NOW)
    outcome = count(forger, 400, keys, NOW, statuses)
    assert outcome.accepted[fraud] == outcome.frauds[fraud] > 0


def party_without(one: forging.Party, **changes: object) -> forging.TrustedKey:
    return replace(one.trusted, **changes)  # type: ignore[arg-type]


def test_every_card_of_a_forger_is_genuine_and_another() -> None:
    made = cards(forging.CARDS, NOW, 1)
    assert len({card.full_name for card in made}) == len({card.holder_key for card in made}) == forging.CARDS
