"""An invitation is good for so many portals, and a registration's token for one change, however many come at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from idp.clients.invitations import Invitations, Terms
from idp.clients.models import InvitationRow, SelfRegistrationRow
from tests.races.asking import Asking
from tests.races.provider import Provider
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
COMERS, ROUNDS = 16, 20


def invite(running: Provider, uses: int) -> str:
    with running.house.database.write() as tx:
        terms = Terms(note="a race")
        return Invitations(running.house.database).make(tx, terms, uses=uses, seconds=600)[1]


def send(connection: Asking, method: str, path: str, token: str, **wishes: object) -> tuple[int, dict[str, str]]:
    metadata = {"client_name": "Cổng", "redirect_uris": ["https://race.example/cb"]} | wishes
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    status, _, body = connection.ask(method, path, headers, json.dumps(metadata).encode())
    return status, json.loads(body)


def everybody(
    asking: Callable[[], Asking], tries: list[Callable[[Asking], tuple[int, dict[str, str]]]]
) -> list[list[int]]:
    """What all of them were told, try by try; they come at one moment each time."""
    start = threading.Barrier(COMERS)

    def try_all(_: int) -> list[int]:
        connection, got = asking(), []
        connection.userinfo("nothing")  # connected before the first start
        for each in tries:
            start.wait(60)
            got.append(each(connection)[0])
        return got

    return [list(statuses) for statuses in zip(*at_once(COMERS, try_all), strict=True)]


@pytest.mark.parametrize("uses", [1, 3])
def test_of_16_who_register_at_once_as_many_do_as_were_invited(
    running: Provider, asking: Callable[[], Asking], uses: int
) -> None:
    before = portals(running)
    tokens = [invite(running, uses) for _ in range(ROUNDS)]
    tries = [lambda connection, token=token: send(connection, "POST", "/register", token) for token in tokens]
    for statuses in everybody(asking, tries):  # type: ignore[arg-type]  # the default binds the loop's value
        assert sorted(statuses) == [201] * uses + [401] * (COMERS - uses)
    assert portals(running) - before == ROUNDS * uses
    left = running.house.database.all(select(InvitationRow.uses_left))
    assert min(number for (number,) in left) == 0


def portals(running: Provider) -> int:
    """How many registered themselves."""
    (count,) = running.house.database.all(select(func.count()).select_from(SelfRegistrationRow))
    return int(count[0])


def test_of_16_changes_with_one_token_at_once_one_is_made(running: Provider, asking: Callable[[], Asking]) -> None:
    connection, made = asking(), []
    for _ in range(ROUNDS):
        status, told = send(connection, "POST", "/register", invite(running, 1))
        assert status == 201
        made.append((told["client_id"], told["registration_access_token"]))
    tries = [
        lambda connection, client_id=client_id, token=token: send(
            connection, "PUT", f"/register/{client_id}", token, client_id=client_id
        )
        for client_id, token in made
    ]
    for statuses in everybody(asking, tries):  # type: ignore[arg-type]
        assert sorted(statuses) == [200] + [401] * (COMERS - 1)
