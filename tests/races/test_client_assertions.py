"""A client assertion lets its sender in once: four worker processes over HTTP, and a short-lived store that is lost."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy.engine import make_url

from idp import clock
from idp.clients import Registration
from tests.races.asking import FORM, Asking
from tests.races.provider import Provider
from tests.races.test_codes import cpu_seconds
from tests.storage.places import at_once

pytestmark = pytest.mark.both_engines
USES, ROUNDS = 100, 3
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signer:
    """A portal that signs who it is."""

    def __init__(self, running: Provider) -> None:
        self.running, self.id = running, f"signer-{secrets.token_hex(6)}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        public: dict[str, Any] = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        public.pop("key_ops", None)
        base = f"http://{self.id}.localhost:9"
        registration = Registration(
            name_vi=self.id, name_en=self.id, home_url=base, redirect_uris=(f"{base}/callback",), sector=self.id,
            token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public]},
        )  # fmt: skip
        with running.house.database.write() as tx:
            running.house.clients.add(tx, self.id, registration)

    def assertion(self, **claims: Any) -> str:
        now = clock.seconds()
        said = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.running.issuer,
            "jti": secrets.token_hex(8),
            "exp": now + 300,
        }
        return jwt.encode(said | claims, self._key, algorithm="ES256")

    def is_let_in(self, asking: Asking, assertion: str) -> bool:
        """Whether the token endpoint gets as far as the code, which is none; if not, the assertion was used before."""
        form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": "http://x.localhost:9",
                "client_assertion": assertion, "client_assertion_type": TYPE}  # fmt: skip
        status, _, body = asking.ask("POST", "/token", FORM, urlencode(form).encode())
        told = json.loads(body)
        expected = {"invalid_grant": (400, "T02"), "invalid_client": (401, "T09")}
        assert (status, told["error_description"][:3]) == expected[told["error"]], told
        return bool(told["error"] == "invalid_grant")


@pytest.mark.parametrize("same", ["assertion", "jti"])
def test_of_100_uses_of_one_assertion_at_once_one_is_let_in(
    running: Provider, asking: Callable[[], Asking], same: str
) -> None:
    signer, busy_before = Signer(running), cpu_seconds(running)
    connections = [asking() for _ in range(USES)]
    for _ in range(ROUNDS):
        jti = secrets.token_hex(8)
        sent = [signer.assertion(jti=jti)] * USES
        if same == "jti":  # another signature each, and still the same one use
            sent = [signer.assertion(jti=jti, n=number) for number in range(USES)]

        def use(number: int, sent: list[str] = sent) -> bool:
            return signer.is_let_in(connections[number], sent[number])

        assert sum(at_once(USES, use)) == 1
    busy = cpu_seconds(running)
    assert sum(busy[pid] > busy_before.get(pid, 0) for pid in busy) >= 2, "they went to several processes"


def test_an_assertion_stays_spent_when_the_short_lived_store_is_lost(
    running: Provider, asking: Callable[[], Asking]
) -> None:
    signer, connection = Signer(running), asking()
    assertion = signer.assertion()
    assert signer.is_let_in(connection, assertion)
    lose_short_lived_store(running)
    assert not signer.is_let_in(connection, assertion)
    assert signer.is_let_in(connection, signer.assertion())


def lose_short_lived_store(running: Provider) -> None:
    settings = running.house.settings
    if settings.short_lived_url != "database":
        with redis.Redis.from_url(settings.short_lived_url.replace("valkey://", "redis://", 1)) as server:
            server.flushdb()
        return
    database = make_url(settings.database_url).database
    assert database is not None
    for file in Path(database).parent.glob(f"{Path(database).name}-short-lived*"):
        file.unlink()
