"""Contract checks: a source is asked about named test identities, and what it said is kept as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any
from urllib.parse import urljoin

import click
from pydantic import ValidationError

from idp import clock
from idp.cli import shared
from idp.cli.shared import Wrong
from idp.house import House
from idp.sources import Source
from idp.sources.contract import Case, Subject, check_contract
from idp.sources.identities import Identities
from idp.sources.reports import keep, reports_of


@click.command()
@click.argument("source_id", metavar="ID")
@click.option(
    "--identities", "file", type=click.File("rb"), required=True, metavar="FILE",
    help="The test identities agreed with the source, as JSON.",
)  # fmt: skip
@shared.json_option
@shared.operator_option
def contract(source_id: str, file: IO[bytes], as_json: bool, operator: str) -> None:
    """Sign in as each test identity of FILE, and as an attacker; the report is kept, the exit code is 1 if one fails.

    The source may be switched off. config/demo/ has such files for the sources of the demo.
    """
    house = shared.open_house()
    source = known(house, source_id)
    identities = _read(file)
    cases = check_contract(_subject(house, source, identities), identities)
    with house.database.write() as tx:
        passed = keep(tx, source.id, source.version, cases)
        house.audit.contract_checked(
            tx, source_id=source.id, version=source.version, passed=passed, operator=operator
        )  # fmt: skip
    shared.show(_rows(cases), as_json=as_json)
    if not passed:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--cases", "with_cases", is_flag=True, help="Every case of the newest report.")
@shared.json_option
def reports(source_id: str, with_cases: bool, as_json: bool) -> None:
    """Show what the contract checks of this source found, newest first."""
    house = shared.open_house()
    found = reports_of(house.database, source_id)
    if with_cases:
        shared.show(_rows(found[0].cases) if found else [], as_json=as_json)
        return
    rows = [
        {
            "made_at": clock.instant(report.made_at).isoformat(), "version": report.version,
            "result": "pass" if report.passed else "FAIL", "cases": len(report.cases),
            "failed": ", ".join(case.label for case in report.cases if not case.passed),
        }
        for report in found
    ]  # fmt: skip
    shared.show(rows, as_json=as_json)


def known(house: House, source_id: str) -> Source:
    source = house.sources.find(source_id)
    if source is None:
        raise Wrong(f"{source_id}: there is no such source; `idp sources list` shows all")
    return source


def _subject(house: House, source: Source, identities: Identities) -> Subject:
    return Subject(
        connector=source.connector, context=source.context, ceiling=source.ceiling,
        authentication_ceiling=source.authentication_ceiling,
        callback_url=f"{house.settings.issuer}/callback/{source.id}", faults_url=_faults_url(source, identities),
    )  # fmt: skip


def _faults_url(source: Source, identities: Identities) -> str:
    """Where the source is told to misbehave; raises Wrong where the file names no address of its configuration."""
    url, beside = identities.faults_url or "", identities.faults_beside
    if beside is None:
        return url
    address = source.configuration.get(beside)
    if not isinstance(address, str) or not address.startswith(("http://", "https://")):
        raise Wrong(f"{source.id}: faults_beside: {beside} is no address in its configuration")
    return urljoin(address, url)


def _read(file: IO[bytes]) -> Identities:
    try:
        return Identities.model_validate(shared.read_object(file))
    except ValidationError as problem:
        raise Wrong(f"{file.name}: {shared.faults(problem)}") from None


def _rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [
        {
            "case": case.label, "result": "pass" if case.passed else "FAIL", "milliseconds": case.milliseconds,
            "expected": case.expected, "seen": case.seen,
        }
        for case in cases
    ]  # fmt: skip
