"""Connections to Valkey are kept and shared by threads, each of which hears the answer to what it asked itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from redis import Redis, ResponseError

from idp.storage.short_lived_valkey import InValkey
from idp.storage.wires import Wires
from tests.storage.places import Wire, at_once, wire_to_valkey

THREADS, ROUNDS = 8, 200


@pytest.fixture
def line(valkey_url: str) -> Iterator[Wire]:
    """A connection's way to the server, which can be cut."""
    with wire_to_valkey(valkey_url) as line:
        yield line


@pytest.fixture
def wires(valkey_url: str) -> Iterator[Wires]:
    with Redis.from_url(valkey_url) as client:
        yield Wires(client)


def test_every_thread_hears_the_answer_to_its_own_question(wires: Wires) -> None:
    def ask(number: int) -> set[object]:
        return {wires.ask("ECHO", f"{number}-{turn}") == f"{number}-{turn}".encode() for turn in range(ROUNDS)}

    assert at_once(THREADS, ask) == [{True}] * THREADS


def test_who_asks_one_after_the_other_asks_over_one_connection(wires: Wires) -> None:
    assert len({wires.ask("CLIENT", "ID") for _ in range(ROUNDS)}) == 1


def test_a_refusal_is_the_answer_to_one_question_and_the_connection_goes_on(wires: Wires) -> None:
    known = wires.ask("CLIENT", "ID")
    with pytest.raises(ResponseError, match="unknown command"):
        wires.ask("NO-SUCH-COMMAND")
    assert wires.ask("CLIENT", "ID") == known


def test_a_server_that_restarted_between_two_requests_was_never_missed(line: Wire) -> None:
    """By none of the connections that lay idle."""
    with Redis(host="127.0.0.1", port=line.port) as client:
        wires = Wires(client)
        at_once(THREADS, lambda _: [wires.ask("PING") for _ in range(ROUNDS)])
        for _ in range(3):
            line.cut()
            line.mend()
            assert at_once(THREADS, lambda _: wires.ask("PING")) == [b"PONG"] * THREADS


def test_a_server_that_forgot_our_scripts_is_told_them_again(valkey_url: str) -> None:
    store = InValkey(valkey_url)
    with Redis.from_url(valkey_url) as client:
        store.count("wires", 60)
        client.script_flush()
        before = store.counted("wires", 60)
        assert store.count("wires", 60) == before + 1


def test_a_forked_process_speaks_over_connections_of_its_own(wires: Wires) -> None:
    known, (reading, writing) = wires.ask("CLIENT", "ID"), os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"%d" % wires.ask("CLIENT", "ID"))
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 100)) != known
    assert wires.ask("CLIENT", "ID") == known
    os.close(reading)
    os.close(writing)
