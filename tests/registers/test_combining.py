"""What several sources make of one person together, read from the database; the rules have a table of their own."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Assertion
from connectors.registers import Agreement, Verdict
from idp import clock
from idp.house import House
from idp.people import Checked
from idp.registers import Combining
from idp.settings import Assurance
from idp.sources import Source, SourceDraft
from tests.oidc.residents import assertion, seconds_later
from tests.registers.party import REGISTER
from tests.world import add_source

RULE = {"name": "both", "sources": 2, "proofing": 2, "register_within_days": 30, "raises_to": 3}
DAY = 86_400


@pytest.fixture
def combining(house: House) -> Combining:
    for source in ("bank", "bank2"):
        draft = SourceDraft(
            id=source, kind="population", name_vi=source, name_en=source, ceiling=3,
            configuration={"issuer": f"http://{source}.localhost", "client_id": "motcua"}, secrets={},
        )  # fmt: skip
        add_source(house, draft)
    policy = Assurance.model_validate({"acr_aliases": [], "authentication": [], "raising": [RULE]})
    return Combining(sources=house.sources, policy=policy)


def source(house: House, source_id: str) -> Source:
    found = house.sources.find(source_id)
    assert found is not None
    return found


def came(house: House, combining: Combining, source_id: str, said: Assertion, *, checked: bool) -> tuple[int, Any]:
    """The level of somebody who comes by this source, and the rule that raised it."""
    word = Verdict(agreement=Agreement.AGREES, alive=True, at=clock.now(), evidence=b"x" * 32) if checked else None
    kept = Checked(source_id=REGISTER, verdict=word, asked_at=clock.milliseconds())
    with house.database.write() as tx:
        person = house.people.recognise(tx, said, source_id, said.proofing, kept).person
        return combining.level(tx, person, said, source(house, source_id))


@pytest.mark.both_engines
def test_who_is_linked_to_two_sources_that_agree_is_raised_while_the_register_s_word_is_fresh(
    house: House, combining: Combining
) -> None:
    said = assertion(proofing=2)
    assert came(house, combining, "bank", said, checked=True) == (2, None)
    assert came(house, combining, "bank2", said, checked=True) == (3, "both")
    with seconds_later(29 * DAY):
        assert came(house, combining, "bank", said, checked=False) == (3, "both")
    with seconds_later(31 * DAY):
        assert came(house, combining, "bank", said, checked=False) == (2, None)


def test_somebody_else_s_sources_do_not_count(house: House, combining: Combining) -> None:
    one, other = assertion(proofing=2), assertion(proofing=2)
    assert came(house, combining, "bank", one, checked=True) == (2, None)
    assert came(house, combining, "bank2", other, checked=True) == (2, None)


def test_what_a_sign_in_may_come_to_is_known_before_anybody_is_recognised(house: House, combining: Combining) -> None:
    bank = source(house, "bank")
    cases = {(2, 3): 3, (1, 3): 1, (2, 2): 2, (3, 3): 3, (2, 1): 1}
    for (proofing, authentication), most in cases.items():
        assert combining.most(assertion(proofing=proofing, authentication=authentication), bank) == most
