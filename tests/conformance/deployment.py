"""A provider in conformance mode on real sockets, made ready by the operator's own command, and a suite beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import requests

from idp import seal
from idp.app import create_app
from idp.cli.conformance import FILES, Prepared, prepare_house, read_suite
from idp.house import House, build
from idp.settings import load
from tests.conformance.suite_server import SuiteServer, suite_server
from tests.peers.visitor import LoopbackAdapter
from tests.storage.places import make_tables
from tests.world import listening

CERTIFICATE_HEADER = "X-Client-Certificate"


@dataclass
class Deployment:
    issuer: str
    house: House
    suite: SuiteServer
    prepared: Prepared
    http: requests.Session

    def discovery(self) -> dict[str, Any]:
        answer = self.http.get(f"{self.issuer}/.well-known/openid-configuration", timeout=30)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def jwks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(self.endpoint("jwks_uri"), timeout=30).json()["keys"]
        return found

    def endpoint(self, name: str, *, mtls: bool = False) -> str:
        """An endpoint's address by its name in discovery; `mtls` where clients show certificates (RFC 8705)."""
        document: Mapping[str, Any] = self.discovery()
        return str(document.get("mtls_endpoint_aliases", {}).get(name, document[name]) if mtls else document[name])

    def verified(self, token: str, alg: str) -> dict[str, Any]:
        """The claims of a token that we signed with this algorithm and with a key that our JWKS names."""
        header = jwt.get_unverified_header(token)
        assert header["alg"] == alg
        (key,) = [key for key in self.jwks() if key["kid"] == header["kid"]]
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        return jwt.decode(token, jwt.PyJWK(key), algorithms=[alg], options=options)


@contextmanager
def deployment(directory: Path, **changes: Any) -> Iterator[Deployment]:
    """The provider and the suite, until the block ends. `changes` are settings."""
    seal.add_master_key(str(directory / "master.keys"))
    with ExitStack() as stack:
        suite = stack.enter_context(suite_server())
        issuer, server = stack.enter_context(listening("idp.localhost"))
        given: dict[str, Any] = {
            "mode": "conformance", "issuer": issuer, "master_keys_file": str(directory / "master.keys"),
            "database_url": f"sqlite:///{directory}/motcua.db", "log_level": "ERROR", "trusted_proxies": 1,
            "client_certificate_url": issuer.replace("idp.", "cert.", 1),
            "client_certificate_header": CERTIFICATE_HEADER, "outbound": {"allow_loopback": True},
            "registration": {"open_to": "initial_access_token"},
            "verified_claims": {"trust_framework": "https://trust.example/conformance"},
        }  # fmt: skip
        house = build(load(**(given | changes)))
        make_tables(house.database.engine)
        server.app = app = create_app(house.settings)
        described = read_suite(FILES / "suite.toml").model_copy(update={"base_url": suite.base_url})
        prepared = prepare_house(app.extensions["motcua"], described, operator="tests")
        http = requests.Session()
        http.trust_env = False
        http.mount("http://", LoopbackAdapter())
        yield Deployment(issuer, app.extensions["motcua"], suite, prepared, http)
        http.close()
        house.database.engine.dispose()
