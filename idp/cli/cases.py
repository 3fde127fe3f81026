"""The cases that the rules leave open: looked at side by side, decided, approved by a second clerk."""

from __future__ import annotations

import click

from idp.cases import Case, Decision
from idp.cli import shared
from idp.cli.joining import told_why
from idp.house import House

_mark_option = click.option(
    "--mark", required=True, metavar="MARK", help="What `show` printed, so that what you saw is what you decide."
)


@click.group()
def cases() -> None:
    """What the rules leave open, by the number of the case, or of the request that the person's page showed.

    A link to somebody whom the numbers or the name speak against, and a merge of two people whom portals know, want a
    second clerk: one decides, another approves.
    """


@cases.command("list")
@click.option(
    "--state", type=click.Choice(["open", "proposed", "decided", "refused", "undone"]), default="open",
    show_default=True,
)  # fmt: skip
@click.option("--source", default="", metavar="SOURCE", help="Of this source alone.")
@click.option("--beyond", type=click.IntRange(min=0), default=0, metavar="N", help="Leave out the first N.")
@shared.json_option
def listed(state: str, source: str, beyond: int, as_json: bool) -> None:
    """Show the cases in this state, oldest first, two hundred at a time."""
    house = shared.open_house()
    rows = [_line(case) for case in house.cases.listed(state, source, beyond)]
    shared.show(rows, as_json=as_json)
    if not as_json:
        click.echo(f"\n{len(rows)} of {house.cases.counted().get(state, 0)} that are {state}")


@cases.command()
@click.argument("case_id", metavar="CASE")
@shared.operator_option
@shared.json_option
def show(case_id: str, operator: str, as_json: bool) -> None:
    """Show what was said beside everybody who may be meant, what is proposed, and the mark of all that you see.

    It is on record who looked.
    """
    house = shared.open_house()
    case = _found(house, case_id)
    rows = house.cases.side_by_side(case)
    with house.database.write() as tx:
        house.cases.note_seen(tx, case, operator)
    if not as_json:
        click.echo(f"{case.id}: {case.state}; {case.outcome}, rule {case.rule}; by {case.source_id or 'a clerk'}; "
                   f"came {case.times} times, last {shared.instant(case.seen_at)}")  # fmt: skip
        if case.decision is not None:
            click.echo(f"{case.decided_by}: {case.decision}")
        click.echo(f"mark {case.mark}\n")
    shared.show(rows, as_json=as_json)


@cases.command()
@click.argument("case_id", metavar="CASE")
@click.option("--person", metavar="PERSON_ID_HEX", help="It is this person.")
@click.option(
    "--new", "is_new", is_flag=True, help="It is somebody whom nobody knew; the contested numbers stay whose they are."
)
@click.option("--refuse", "is_refused", is_flag=True, help="Nobody is let in by these words.")
@click.option(
    "--words", type=click.Choice(["mistaken", "theirs"]), default="mistaken", show_default=True,
    help="What differs is the source's mistake and stays with it; or the person does go by that as well.",
)  # fmt: skip
@_mark_option
@shared.reason_option(required=True)
@shared.operator_option
def decide(
    case_id: str, person: str | None, is_new: bool, is_refused: bool, words: str, mark: str, reason: str, operator: str
) -> None:
    """Say who it is. The person's next sign-in finds it."""
    if [person is not None, is_new, is_refused].count(True) != 1:
        raise shared.Wrong("say one of --person, --new and --refuse")
    found = None if person is None else shared.id_from_hex(person, "person")
    what = "link" if found is not None else "new" if is_new else "refuse"
    decision = Decision(what=what, person_id=found, are_theirs=words == "theirs", reason=reason)
    house = shared.open_house()
    case = _seen(house, case_id, mark)
    with told_why(), house.database.write() as tx:
        state = house.cases.decide(tx, case, decision, operator)
    more = f"; another has to look at it and approve: idp cases show {case.id}" if state == "proposed" else ""
    click.echo(f"{case.id}: {state}{more}")


@cases.command()
@click.argument("case_id", metavar="CASE")
@_mark_option
@shared.operator_option
def approve(case_id: str, mark: str, operator: str) -> None:
    """Do what another clerk has proposed, as `show` told it."""
    house = shared.open_house()
    case = _seen(house, case_id, mark)
    with told_why(), house.database.write() as tx:
        change = house.cases.approve(tx, case, operator)
    click.echo(f"{case.id}: decided; to undo it: idp people undo {change.hex()}")


@cases.command()
@click.argument("case_id", metavar="CASE")
@shared.operator_option
def reject(case_id: str, operator: str) -> None:
    """Do not do what was proposed: a sign-in's case is open again, a merge is off."""
    house = shared.open_house()
    case = _found(house, case_id)
    with told_why(), house.database.write() as tx:
        state = house.cases.reject(tx, case, operator)
    click.echo(f"{case.id}: {state}")


def _found(house: House, case_id: str) -> Case:
    case = house.cases.find(case_id)
    if case is None:
        raise shared.Wrong(f"{case_id}: no such case; `idp cases list` shows those that are open")
    return case


def _seen(house: House, case_id: str, mark: str) -> Case:
    case = _found(house, case_id)
    if case.mark != mark:
        raise shared.Wrong(f"{case_id}: is not what it was when it had that mark; look again: idp cases show {case_id}")
    return case


def _line(case: Case) -> dict[str, object]:
    decision = None if case.decision is None else case.decision.what
    return {
        "case": case.id, "kind": case.kind, "outcome": case.outcome, "rule": case.rule, "source": case.source_id,
        "since": shared.instant(case.opened_at), "last": shared.instant(case.seen_at), "times": case.times,
        "people": len(case.alike), "decision": decision, "by": case.decided_by, "approved": case.approved_by,
    }  # fmt: skip
