"""Both kinds signed in at the sandbox's own sources, over real sockets, by people of the fixed cast."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from jwt.algorithms import ECAlgorithm
from werkzeug.serving import make_server

from connectors import KINDS
from connectors.base import Connector, Failure, IdentifierType, Step
from connectors.sandbox.app import create_app
from connectors.sandbox.cast import CAST, Part
from connectors.sandbox.settings import from_environment
from idp.egress import Egress
from tests.connectors.door import Door, done, failure_of
from tests.connectors.liar import SigningKey
from tests.peers.visitor import Visitor
from tests.quiet import Quiet

HOSTS = {"banking": "bank.localhost", "population": "population.localhost"}
SECRET = "a secret of the sandbox"


@contextlib.contextmanager
def running(kind: str, clients_file: Path) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, lambda _, __: (), threaded=True, request_handler=Quiet)
    issuer = f"http://{HOSTS[kind]}:{server.server_port}"
    environment = {
        **{"MOTCUA_MODE": "test", "SANDBOX_KIND": kind, "SANDBOX_ISSUER": issuer, "SANDBOX_CITIZENS": "300"},
        "SANDBOX_CLIENTS_FILE": str(clients_file),
    }
    server.app = create_app(from_environment(environment))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Source:
    """One sandbox source with our connector before it."""

    def __init__(self, kind: str, issuer: str, key: SigningKey, egress: Egress) -> None:
        self.issuer = issuer
        jwk = {**ECAlgorithm.to_jwk(key.private, as_dict=True), "kid": key.kid}
        self.door = Door(egress, client_key=json.dumps(jwk), client_secret=SECRET)
        configuration = KINDS[kind].configuration.model_validate({"issuer": issuer, "client_id": "one-door"})
        self.connector: Connector = KINDS[kind].connector(configuration)

    def told(self, **fault: object) -> None:
        self._control("POST", json=fault).raise_for_status()

    def honest(self) -> None:
        self._control("DELETE")

    def _control(self, method: str, **options: Any) -> requests.Response:
        address = f"http://127.0.0.1:{self.issuer.rpartition(':')[2]}/_sandbox/faults"
        return requests.request(method, address, timeout=10, **options)

    def sign_in(self, part: Part, button: str = "citizen", **wishes: Any) -> Step:
        visitor = Visitor()

        def browse(url: str) -> str:
            page = visitor.follow(visitor.get(url), until=self.door.callback_url)
            form = next(number for number, form in enumerate(page.forms) if "interaction" in form.fields)
            pressed = {"cancel": "1"} if button == "cancel" else {"citizen": str(int(part))}
            return visitor.submit(page, pressed, form=form, follow=False).location

        with contextlib.closing(visitor._session):
            return self.door.sign_in(self.connector, browse, **wishes)


@pytest.fixture(scope="module")
def _sources(tmp_path_factory: pytest.TempPathFactory, _egress: Egress) -> Iterator[dict[str, Source]]:
    clients_file = tmp_path_factory.mktemp("clients") / "clients.json"
    key = SigningKey.new("ES256", "door-key")
    client = {
        **{"client_id": "one-door", "redirect_uris": [Door.callback_url], "client_secret": SECRET},
        "jwks": {"keys": [key.jwk()]},
    }
    clients_file.write_text(json.dumps([client]), "utf-8")
    with running("banking", clients_file) as bank, running("population", clients_file) as register:
        issuers = {"banking": bank, "population": register}
        yield {kind: Source(kind, issuer, key, _egress) for kind, issuer in issuers.items()}


@pytest.fixture
def bank(_sources: dict[str, Source]) -> Iterator[Source]:
    yield _sources["banking"]
    _sources["banking"].honest()


@pytest.fixture
def register(_sources: dict[str, Source]) -> Iterator[Source]:
    yield _sources["population"]
    _sources["population"].honest()


@pytest.fixture(params=["bank", "register"])
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.getfixturevalue(request.param)
    return found


def numbers(assertion: Any) -> dict[IdentifierType, str]:
    return {one.type: one.value for one in assertion.identifiers}


def test_a_bank_says_who_its_customer_is(bank: Source) -> None:
    citizen = CAST[Part.ORDINARY]
    assertion = done(bank.sign_in(Part.ORDINARY, level=2))
    assert assertion.issuer == bank.issuer and assertion.subject.startswith("KH")
    assert assertion.name.full == citizen.full_name and assertion.name.family is None
    assert numbers(assertion) == {
        IdentifierType.PERSONAL_NUMBER: citizen.personal_number,
        IdentifierType.FORMER_NUMBER: citizen.former_number,
    }
    assert assertion.birth_date.as_sent == citizen.birth_date
    assert (assertion.proofing, assertion.authentication, assertion.means) == (2, 2, ("pwd", "otp"))
    assert (assertion.phone, assertion.email) == (citizen.phone, citizen.email)
    weaker = done(bank.sign_in(Part.ORDINARY, level=1))
    assert (weaker.authentication, weaker.means, weaker.subject) == (1, ("pwd",), assertion.subject)


def test_the_register_says_who_a_citizen_is(register: Source) -> None:
    citizen = CAST[Part.ORDINARY_SECOND]
    assertion = done(register.sign_in(Part.ORDINARY_SECOND, level=3))
    name = assertion.name
    assert (name.full, name.family, name.middle, name.given) == (
        citizen.full_name, citizen.family, citizen.middle, citizen.given,
    )  # fmt: skip
    assert (assertion.birth_date.year, assertion.birth_date.month, assertion.birth_date.day) == (1985, 11, 2)
    assert (assertion.proofing, assertion.authentication) == (3, 3)
    assert assertion.sex == citizen.sex and assertion.birth_place == citizen.place
    assert numbers(assertion)[IdentifierType.PERSONAL_NUMBER] == citizen.personal_number


def test_people_are_told_as_the_source_has_them(bank: Source, register: Source) -> None:
    year_only = done(register.sign_in(Part.YEAR_ONLY)).birth_date
    assert (year_only.year, year_only.month, year_only.day, year_only.as_sent) == (1952, None, None, "1952")
    assert done(bank.sign_in(Part.YEAR_ONLY)).birth_date == year_only
    assert done(bank.sign_in(Part.LOST_MARKS)).name.full == "HOANG THUY DAO"
    former = done(bank.sign_in(Part.FORMER_NUMBER))
    assert numbers(former) == {IdentifierType.FORMER_NUMBER: CAST[Part.FORMER_NUMBER].former_number}
    one_word = done(register.sign_in(Part.ONE_WORD)).name
    assert (one_word.full, one_word.family, one_word.given) == ("H'Blin", None, None)
    low = done(register.sign_in(Part.LOW_LEVEL, level=3))
    assert (low.proofing, low.authentication) == (1, 2)


def test_who_is_locked_has_died_or_goes_back_is_told_as_that(bank: Source, register: Source) -> None:
    assert failure_of(register.sign_in(Part.LOCKED)) is Failure.ACCOUNT_LOCKED
    assert failure_of(register.sign_in(Part.DECEASED)) is Failure.DECEASED
    assert failure_of(register.sign_in(Part.ORDINARY, button="cancel")) is Failure.CANCELLED
    assert failure_of(bank.sign_in(Part.ORDINARY, button="cancel")) is Failure.CANCELLED
    assert failure_of(bank.sign_in(Part.LOCKED)) is Failure.ACCOUNT_LOCKED


@pytest.mark.parametrize(
    "fault,failure",
    [
        ({"fault": "tampered_id_token"}, Failure.WRONG_SIGNATURE),
        ({"fault": "wrong_key"}, Failure.WRONG_SIGNATURE),
        ({"fault": "alg_none"}, Failure.WRONG_SIGNATURE),
        ({"fault": "hs256_with_public_key"}, Failure.WRONG_SIGNATURE),
        ({"fault": "unknown_kid"}, Failure.WRONG_SIGNATURE),
        ({"fault": "wrong_issuer"}, Failure.WRONG_ISSUER),
        ({"fault": "wrong_iss_parameter"}, Failure.WRONG_ISSUER),
        ({"fault": "missing_iss_parameter"}, Failure.WRONG_ISSUER),
        ({"fault": "wrong_audience"}, Failure.WRONG_AUDIENCE),
        ({"fault": "wrong_nonce"}, Failure.WRONG_NONCE),
        ({"fault": "missing_nonce"}, Failure.WRONG_NONCE),
        ({"fault": "wrong_state"}, Failure.WRONG_NONCE),
        ({"fault": "different_userinfo_subject"}, Failure.WRONG_NONCE),
        ({"fault": "expired"}, Failure.WRONG_TIME),
        ({"fault": "issued_in_future"}, Failure.WRONG_TIME),
        ({"fault": "replayed_id_token"}, Failure.REPLAYED),
        ({"fault": "empty_subject"}, Failure.INCOMPLETE),
        ({"fault": "truncated_json", "endpoint": "token"}, Failure.BROKEN_ANSWER),
        ({"fault": "huge_body", "endpoint": "userinfo"}, Failure.BROKEN_ANSWER),
        ({"fault": "garbage", "endpoint": "userinfo"}, Failure.BROKEN_ANSWER),
        ({"fault": "error_in_200", "endpoint": "token"}, Failure.REFUSED),
        ({"fault": "down", "endpoint": "token"}, Failure.OVERLOADED),
        ({"fault": "down", "endpoint": "userinfo", "close": True}, Failure.UNREACHABLE),
    ],
)
def test_each_lie_of_a_source_has_its_failure(source: Source, fault: dict[str, Any], failure: Failure) -> None:
    done(source.sign_in(Part.ORDINARY_THIRD))
    source.told(**fault)
    assert failure_of(source.sign_in(Part.ORDINARY_THIRD)) is failure
    source.honest()
    done(source.sign_in(Part.ORDINARY_THIRD))


def test_an_old_sign_in_is_not_enough_where_a_new_one_is_owed(source: Source) -> None:
    source.told(fault="old_auth_time")
    assert failure_of(source.sign_in(Part.ORDINARY, force=True)) is Failure.WRONG_TIME
    assert failure_of(source.sign_in(Part.ORDINARY, max_age_seconds=600)) is Failure.WRONG_TIME


def test_a_weaker_sign_in_than_was_asked_for_is_told_as_what_it_is(source: Source) -> None:
    source.told(fault="lower_level")
    assert done(source.sign_in(Part.ORDINARY, level=2)).authentication == 1


def test_keys_may_change_overnight(source: Source, tmp_path: Path) -> None:
    done(source.sign_in(Part.ORDINARY))
    address = f"http://127.0.0.1:{source.issuer.rpartition(':')[2]}/_sandbox/rotate-keys"
    for keep_old in (True, False):
        requests.post(address, json={"keep_old": keep_old}, timeout=10).raise_for_status()
        done(source.sign_in(Part.ORDINARY))


def test_every_check_of_a_sandbox_source_passes(source: Source) -> None:
    checks: Callable[..., Any] = source.connector.checks  # type: ignore[attr-defined]
    assert [check for check in checks(source.door.context) if not check.passed] == []
