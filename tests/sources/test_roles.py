"""What a source may do is found by its connector's roles: signing in is one of them, and a register has it not."""

from __future__ import annotations

from connectors.base import Connector
from connectors.registers import KnowsOrganisations, ReportsChanges, Verifier
from idp.sources import SourceDraft
from tests.sources.conftest import Workers

BANK = SourceDraft(
    id="bank", kind="population", name_vi="Ngân hàng", name_en="Bank", ceiling=2,
    configuration={"issuer": "http://bank.localhost:9", "client_id": "motcua"}, secrets={"client_secret": "x"},
)  # fmt: skip


def add_bank(workers: Workers, *, enabled: bool = True) -> None:
    with workers.one.database.write() as tx:
        workers.one.sources.save(tx, BANK)
        workers.one.sources.set_enabled(tx, "bank", enabled)


def names(workers: Workers, role: type) -> list[str]:
    return [source.id for source in workers.one.sources.having(role)]


def test_sources_are_found_by_what_they_can_do(workers: Workers) -> None:
    add_bank(workers)
    assert names(workers, Connector) == ["bank"]
    assert names(workers, Verifier) == names(workers, ReportsChanges) == [workers.name]
    assert names(workers, KnowsOrganisations) == []


def test_a_source_that_is_switched_off_does_nothing(workers: Workers) -> None:
    add_bank(workers, enabled=False)
    with workers.one.database.write() as tx:
        workers.one.sources.set_enabled(tx, workers.name, False)
    assert names(workers, Connector) == names(workers, Verifier) == []


def test_only_who_signs_people_in_has_a_say_in_the_highest_level(workers: Workers) -> None:
    """The register's ceiling is 4, and it asserts nothing of anybody who is there."""
    assert workers.source(workers.one).ceiling == 4
    assert not workers.source(workers.one).signs_in
    assert workers.one.sources.highest_level() == 0
    add_bank(workers)
    assert workers.one.sources.highest_level() == 2
