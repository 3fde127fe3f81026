"""`idp portals`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from idp.clients import Client
from idp.clients.models import ClientRow
from tests.cli.conftest import PORTAL, Terminal
from tests.servers import eventually

LAND = PORTAL | {"id": "land", "sector": "land.example"}


def find(terminal: Terminal, portal_id: str = "tax") -> Client:
    with terminal.house() as house:
        found = house.clients.find(portal_id)
    assert found is not None
    return found


def added(terminal: Terminal, **changes: Any) -> str:
    """The secret of a portal that has just been registered."""
    return terminal.does("portals", "add", terminal.file("portal.json", PORTAL | changes)).split()[-1]


def test_a_portal_is_registered_and_its_secret_shown_once(terminal: Terminal) -> None:
    secret = added(terminal)
    portal = find(terminal)
    assert portal.knows_secret(secret)
    assert portal.enabled
    assert portal.redirect_uris == ("https://tax.example/callback",)
    assert terminal.last() == {"event": "portal_changed", "change": "added", "operator": "lan"}
    assert secret not in terminal.does("portals", "show", "tax") + terminal.does("portals", "list")


def test_a_portal_can_come_from_standard_input(terminal: Terminal) -> None:
    told = terminal.does("portals", "add", "-", given=json.dumps(PORTAL))
    assert find(terminal).knows_secret(told.split()[-1])


def test_a_secret_can_go_to_a_private_file_and_not_to_the_screen(terminal: Terminal) -> None:
    place = terminal.home / "tax.secret"
    told = terminal.does("portals", "add", terminal.file("p.json", PORTAL), "--secret-file", str(place))
    assert told == f"tax: registered; its secret is in {place}\n"
    assert place.stat().st_mode & 0o777 == 0o600
    assert find(terminal).knows_secret(place.read_text())


def test_many_portals_are_registered_together_each_with_its_secret_file(terminal: Terminal) -> None:
    file = terminal.file("portals.json", [PORTAL, LAND])
    assert "is for one portal" in terminal.refuses("portals", "add", file, "--secret-file", str(terminal.home / "s"))
    terminal.does("portals", "add", file, "--secrets", str(terminal.home))
    for portal_id in ("tax", "land"):
        assert find(terminal, portal_id).knows_secret((terminal.home / f"{portal_id}.secret").read_text())


def test_of_many_portals_all_are_registered_or_none(terminal: Terminal) -> None:
    file = terminal.file("portals.json", [PORTAL, PORTAL])
    assert "just been registered" in terminal.refuses("portals", "add", file, "--secrets", str(terminal.home))
    assert not (terminal.home / "tax.secret").exists()
    assert list(terminal.home.glob(".*")) == []
    assert terminal.does("portals", "list") == "none\n"


def test_a_secret_that_cannot_be_written_registers_nothing(terminal: Terminal) -> None:
    file = terminal.file("p.json", PORTAL)
    told = terminal.refuses("portals", "add", file, "--secret-file", "/nowhere/secret")
    assert "cannot be written: No such file or directory" in told
    assert terminal.does("portals", "list") == "none\n"


def test_two_portals_share_a_sector_only_when_it_is_asked_for(terminal: Terminal) -> None:
    neighbour = PORTAL | {"id": "customs"}
    both = terminal.file("both.json", [PORTAL, neighbour])
    assert "customs: sector tax.example is tax's" in terminal.refuses("portals", "add", both)
    added(terminal)
    assert "--share-sector" in terminal.refuses("portals", "add", terminal.file("customs.json", neighbour))
    terminal.does("portals", "add", terminal.file("customs.json", neighbour), "--share-sector")
    assert find(terminal, "customs").sector == find(terminal).sector


def test_a_public_client_has_no_secret(terminal: Terminal) -> None:
    file = terminal.file("p.json", PORTAL | {"token_endpoint_auth_method": "none"})
    assert terminal.does("portals", "add", file) == "tax: registered\n"
    assert "has no secret" in terminal.refuses("portals", "new-secret", "tax")


def test_registering_twice_is_refused_unless_it_is_asked_for(terminal: Terminal) -> None:
    secret, file = added(terminal), terminal.file("again.json", PORTAL)
    assert terminal.refuses("portals", "add", file).startswith("Error: tax: is registered already")
    assert terminal.does("portals", "add", file, "--if-absent") == "nothing to do: they are registered already\n"
    both = terminal.file("both.json", [PORTAL, LAND])
    assert terminal.does("portals", "add", both, "--if-absent").startswith("land: registered")
    assert find(terminal).knows_secret(secret)


@pytest.mark.parametrize(
    "content, fault",
    [
        ("{", "not JSON"),
        (b"\xff".decode("latin-1"), "not JSON"),
        ("[]", "needs a JSON object"),
        ("[1]", "needs a JSON object"),
        ('{"id": "a", "id": "b"}', "a name stands in it twice"),
        (PORTAL | {"id": "no spaces"}, "id: letters, digits"),
        (PORTAL | {"id": 7}, "id: letters, digits"),
        ({name: value for name, value in PORTAL.items() if name != "sector"}, "tax: sector: Field required"),
        (PORTAL | {"colour": "red"}, "tax: colour: Extra inputs are not permitted"),
        (PORTAL | {"redirect_uris": ["http://tax.example/"]}, "must begin with https://"),
        (PORTAL | {"scopes": ["openid", "shoes"]}, "unknown: shoes"),
        (PORTAL | {"minimum_level": 5}, "tax: minimum_level"),
    ],
)
def test_a_registration_with_a_fault_is_refused_with_its_field(terminal: Terminal, content: Any, fault: str) -> None:
    told = terminal.refuses("portals", "add", terminal.file("p.json", content))
    assert told.startswith("Error: ")
    assert fault in told


def test_a_guarded_scope_needs_a_grant_and_a_reason(terminal: Terminal) -> None:
    file = terminal.file("p.json", PORTAL | {"scopes": ["openid", "personal_number"]})
    assert "personal_number is guarded" in terminal.refuses("portals", "add", file)
    grant = ("--grant", "personal_number")
    assert "needs --reason" in terminal.refuses("portals", "add", file, *grant)
    terminal.does("portals", "add", file, *grant, "--reason", "Law on Tax Administration, article 6")
    changes = {event["change"] for event in terminal.events()}
    assert changes == {"added", "granted personal_number: Law on Tax Administration, article 6"}


def test_a_grant_of_what_nobody_asks_for_is_refused(terminal: Terminal) -> None:
    file = terminal.file("p.json", PORTAL)
    words = ("--grant", "personal_number", "--reason", "none")
    assert "does not newly ask" in terminal.refuses("portals", "add", file, *words)
    assert "Invalid value for '--grant'" in terminal.refuses("portals", "add", file, "--grant", "profile")


def test_a_portal_is_changed_by_what_show_printed(terminal: Terminal) -> None:
    secret = added(terminal)
    shown = json.loads(terminal.does("portals", "show", "tax", "--json"))
    file = terminal.file("tax.json", shown | {"redirect_uris": ["https://tax.example/new"], "minimum_level": 2})
    assert terminal.does("portals", "update", "tax", file) == "tax: changed redirect_uris, minimum_level\n"
    portal = find(terminal)
    assert (portal.redirect_uris, portal.minimum_level) == (("https://tax.example/new",), 2)
    assert portal.knows_secret(secret)
    assert terminal.last()["change"] == "changed redirect_uris, minimum_level"
    assert terminal.does("portals", "update", "tax", file) == "tax: nothing to change\n"


def test_the_sector_is_frozen(terminal: Terminal) -> None:
    added(terminal)
    file = terminal.file("tax.json", PORTAL | {"sector": "other.example"})
    assert terminal.refuses("portals", "update", "tax", file).startswith("Error: sector: cannot change")


def test_a_change_may_not_bring_a_guarded_scope_along(terminal: Terminal) -> None:
    added(terminal)
    file = terminal.file("tax.json", PORTAL | {"scopes": ["openid", "personal_number"]})
    assert "personal_number is guarded" in terminal.refuses("portals", "update", "tax", file)
    grant = ("--grant", "personal_number", "--reason", "Agreement 12")
    terminal.does("portals", "update", "tax", file, *grant)
    assert "granted personal_number: Agreement 12" in {event["change"] for event in terminal.events()}
    renamed = terminal.file("tax.json", PORTAL | {"scopes": ["openid", "personal_number"], "name_en": "Taxes"})
    assert terminal.does("portals", "update", "tax", renamed) == "tax: changed name_en\n"  # granted already


def test_the_secret_follows_the_way_the_portal_authenticates(terminal: Terminal) -> None:
    old = added(terminal)
    public = terminal.file("public.json", PORTAL | {"token_endpoint_auth_method": "none"})
    terminal.does("portals", "update", "tax", public)
    assert find(terminal).secret_fingerprint is None
    told = terminal.does("portals", "update", "tax", terminal.file("p.json", PORTAL))
    assert find(terminal).knows_secret(told.split()[-1])
    assert not find(terminal).knows_secret(old)


def test_a_change_about_another_portal_is_refused(terminal: Terminal) -> None:
    added(terminal)
    file = terminal.file("land.json", PORTAL | {"id": "land"})
    assert terminal.refuses("portals", "update", "tax", file).endswith("is about land, not tax")
    many = terminal.file("many.json", [PORTAL, PORTAL])
    assert terminal.refuses("portals", "update", "tax", many).endswith("needs one JSON object, not 2")


@pytest.mark.parametrize("words", [["show"], ["disable"], ["enable"], ["new-secret"]])
def test_a_portal_that_is_not_there_is_told(terminal: Terminal, words: list[str]) -> None:
    told = terminal.refuses("portals", *words, "nobody")
    assert told == "Error: nobody: there is no such portal; `idp portals list` shows all"


def test_switching_a_portal_off_reaches_a_running_worker_within_seconds(terminal: Terminal) -> None:
    added(terminal)
    with terminal.house() as running:

        def is_on() -> bool:
            portal = running.clients.find("tax")
            return portal is not None and portal.enabled

        assert is_on()
        assert terminal.does("portals", "disable", "tax") == "tax: off, everywhere within seconds\n"
        eventually(lambda: not is_on(), within_seconds=3)
    assert terminal.last()["change"] == "disabled"
    terminal.does("portals", "enable", "tax")
    assert terminal.last()["change"] == "enabled"
    assert find(terminal).enabled


def test_a_new_secret_voids_the_old_one(terminal: Terminal) -> None:
    old, place = added(terminal), terminal.home / "secret"
    place.write_text("older")
    terminal.does("portals", "new-secret", "tax", "--secret-file", str(place))
    assert find(terminal).knows_secret(place.read_text())
    assert not find(terminal).knows_secret(old)
    assert Path(place).stat().st_mode & 0o777 == 0o600
    assert terminal.last()["change"] == "new secret"


def test_the_list_has_a_line_for_each_portal(terminal: Terminal) -> None:
    terminal.does("portals", "add", terminal.file("p.json", [PORTAL, LAND]))
    terminal.does("portals", "disable", "land")
    assert terminal.does("portals", "list").splitlines() == [
        "ID    STATE  BY        LEVEL  SCOPES          NAME",
        "land  off    operator  LoA1   openid profile  Cổng thuế",
        "tax   on     operator  LoA1   openid profile  Cổng thuế",
    ]
    assert json.loads(terminal.does("portals", "list", "--json"))[0]["state"] == "off"


def test_a_portal_that_this_release_cannot_read_is_in_the_list_as_such(terminal: Terminal) -> None:
    terminal.does("portals", "add", terminal.file("p.json", [PORTAL, LAND]))
    with terminal.house() as house, house.database.write() as tx:
        tx.run(update(ClientRow).where(ClientRow.id == "land").values(registration="{}"))
    listed = terminal.run("portals", "list")
    assert listed.exit_code == 0
    rows = [line.split()[:2] for line in listed.stdout.splitlines() if "client_unreadable" not in line]
    assert rows == [["ID", "STATE"], ["tax", "on"], ["land", "unreadable"]]
    assert "land: is unreadable, and so as good as off" in terminal.refuses("portals", "show", "land")
