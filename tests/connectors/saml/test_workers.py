"""What must hold across the workers of the real provider: nothing twice, and keys that change under people's feet."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Done, Failure, Redirect
from connectors.sandbox.cast import Part
from connectors.sandbox.tax.keys import make_pair
from idp.egress import Egress
from tests.connectors.door import done, failure_of
from tests.connectors.saml.office import OUR_PAIR, Office, answer_of, certificate_pem, pem_of
from tests.connectors.saml.workers import Worker, workers

UNDER_WAY = 6  # sign-ins in the middle of which something happens


@pytest.fixture
def both(engine: str, tmp_path: Path, _egress: Egress, office: Office) -> Iterator[tuple[Worker, Worker]]:
    with workers(engine, tmp_path, _egress, office) as both:
        yield both


@pytest.mark.both_engines
def test_an_assertion_is_spent_once_whichever_worker_it_comes_to(both: tuple[Worker, Worker]) -> None:
    first, second = both
    step = first.begin()
    answer = answer_of(step)
    done(second.resume(step.state, answer))
    for worker in both:
        assert failure_of(worker.resume(step.state, answer)) is Failure.REPLAYED


@pytest.mark.both_engines
def test_of_many_at_once_one_has_the_assertion(both: tuple[Worker, Worker]) -> None:
    step = both[0].begin()
    answer = answer_of(step)
    with ThreadPoolExecutor(8) as threads:
        steps = list(threads.map(lambda number: both[number % 2].resume(step.state, answer), range(8)))
    assert sum(isinstance(one, Done) for one in steps) == 1
    assert {failure_of(one) for one in steps if not isinstance(one, Done)} == {Failure.REPLAYED}


def people() -> Iterator[Part]:
    while True:
        yield from (Part.ORDINARY, Part.ORDINARY_SECOND, Part.ORDINARY_THIRD)


def begun(both: tuple[Worker, Worker]) -> list[tuple[Worker, Any]]:
    started = [(worker, worker.begin()) for worker in both * (UNDER_WAY // 2)]
    assert all(isinstance(step, Redirect) for _, step in started)
    return started


def ended(started: list[tuple[Worker, Any]]) -> None:
    """Each of them ends well, at the other worker than where it began."""
    other = {id(started[0][0]): started[1][0], id(started[1][0]): started[0][0]}
    for (worker, step), part in zip(started, people(), strict=False):
        done(other[id(worker)].resume(step.state, answer_of(step, part)))


@pytest.mark.parametrize("keep_old", [True, False])
def test_their_certificate_rolls_over_in_the_middle_of_sign_ins(
    both: tuple[Worker, Worker], office: Office, keep_old: bool
) -> None:
    """Whether the old one stays published for a while or not; nobody's sign-in fails."""
    ended(begun(both))
    under_way = begun(both)
    signed_before = [(worker, step, answer_of(step)) for worker, step in begun(both)] if keep_old else []
    office.rotate_keys(keep_old=keep_old)
    ended(under_way)
    for worker, step, answer in signed_before:  # by the old key, looked at with the new metadata
        done(worker.resume(step.state, answer))
    ended(begun(both))


def test_their_metadata_moves_in_the_middle_of_sign_ins(both: tuple[Worker, Worker], office: Office) -> None:
    """A new version of the source: pasted metadata in place of its address. Who began with the old one goes on."""
    under_way = begun(both)
    versions = [(worker, worker.source.version) for worker, _ in under_way]
    pasted = office.control("GET", "/metadata").text
    both[0].save(office, metadata_url="", metadata_xml=pasted.partition("?>")[2])
    for (worker, step), (_, version) in zip(under_way, versions, strict=True):
        source = worker.sources.at_version("tax", version)
        assert source is not None
        done(source.connector.resume(source.context, step.state, answer_of(step)))
    ended(begun(both))


def test_our_own_key_rolls_over_in_the_middle_of_sign_ins(both: tuple[Worker, Worker], office: Office) -> None:
    """The new key is published beside the old one, then signs, then stands alone; encrypted all the while."""
    new = make_pair("our next key")
    steps = (
        (pem_of(OUR_PAIR) + pem_of(new), [OUR_PAIR, new]),  # the source learns of it
        (pem_of(new) + pem_of(OUR_PAIR), [new, OUR_PAIR]),  # it signs
        (pem_of(new), [new]),
    )
    office.register(encrypt=True)
    for secret, known_to_the_office in steps:
        under_way = begun(both)
        both[0].save(office, encryption_required=True, secrets={"signing_key": secret})
        ended(under_way)
        both[1].waits_for(both[0].source.version)
        office.register(encrypt=True, certificates=[certificate_pem(pair) for pair in known_to_the_office])
        ended(begun(both))


def test_an_office_that_is_down_is_asked_with_the_last_good_metadata(
    both: tuple[Worker, Worker], office: Office
) -> None:
    step = both[0].begin()
    answer = answer_of(step)
    office.told(fault="down", endpoint="metadata")
    done(both[1].resume(step.state, answer))
    office.told(fault="wrong_key")
    assert failure_of(both[0].resume(*answered(both[0]))) is Failure.WRONG_SIGNATURE


def answered(worker: Worker) -> tuple[bytes, Any]:
    step = worker.begin()
    return step.state, answer_of(step)


def test_many_come_back_at_the_moment_of_the_roll_over(both: tuple[Worker, Worker], office: Office) -> None:
    """One fetches the new metadata; the others of its worker wait for it rather than fail by the old."""
    under_way = [(worker, worker.begin()) for worker in both * 6]
    office.rotate_keys(keep_old=True)
    answers = [(worker, step.state, answer_of(step)) for worker, step in under_way]
    office.told(fault="slow", endpoint="metadata", seconds=0.3)
    with ThreadPoolExecutor(len(answers)) as threads:
        steps = list(threads.map(lambda one: one[0].resume(one[1], one[2]), answers))
    assert [step for step in steps if not isinstance(step, Done)] == []
