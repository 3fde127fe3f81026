"""A small country for tests: the provider, a bank and the population register, each answering on a real socket.

Tests play the portals themselves, so that every parameter of the protocol is in their hands.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from werkzeug.serving import make_server

from connectors.sandbox.app import create_app as create_source
from connectors.sandbox.cast import PASSWORD, TO_TRY
from connectors.sandbox.settings import from_environment
from idp import seal
from idp.app import create_app
from idp.clients import Registration
from idp.house import House
from idp.keys import ALGORITHMS
from idp.settings import Settings, load
from idp.sources import SourceDraft
from tests.peers.visitor import Page, Visitor
from tests.quiet import Quiet
from tests.sessions.rooms import give_keys
from tests.storage.places import make_tables

CITIZEN = TO_TRY[0].personal_number
CITIZENS = 1500  # at each source: more than all tests of one process use up


@contextlib.contextmanager
def listening(host: str) -> Iterator[tuple[str, Any]]:
    """A server at `http://<host>:<a free port>`; its `app` is set by whoever made it."""
    server = make_server("127.0.0.1", 0, lambda _, __: (), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}", server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Portal:
    """A portal as a test plays it: asks, and redeems what comes back."""

    world: World
    id: str
    secret: str | None
    redirect_uri: str
    post_logout_redirect_uri: str

    def ask(self, **parameters: str | None) -> Asked:
        """An authorization URL with everything that a careful portal sends; parameters replace, None leaves out."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | parameters
        sent = {name: value for name, value in given.items() if value is not None}
        return Asked(f"{self.world.issuer}/authorize?{urlencode(sent)}", sent, verifier)

    def redeem(self, code: str, verifier: str, **changes: str | None) -> requests.Response:
        """The token endpoint's answer; changes replace or (None) leave out parameters."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        auth = (self.id, self.secret) if self.secret else None
        if auth is None:
            form["client_id"] = self.id
        sent = {name: value for name, value in (form | changes).items() if value is not None}
        return self.world.http.post(f"{self.world.issuer}/token", data=sent, auth=auth, timeout=30)

    def userinfo(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.world.http.get(f"{self.world.issuer}/userinfo", headers=headers, timeout=30)

    def claims(self, id_token: str) -> dict[str, Any]:
        """The id_token, verified by PyJWT against the published keys as a portal would."""
        keys = jwt.PyJWKSet.from_json(self.world.http.get(f"{self.world.issuer}/jwks", timeout=30).text)
        key = keys[jwt.get_unverified_header(id_token)["kid"]]
        return jwt.decode(
            id_token, key, algorithms=ALGORITHMS, audience=self.id, issuer=self.world.issuer,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    url: str
    parameters: Mapping[str, str]
    verifier: str


@dataclass(frozen=True)
class Tokens:
    """What a whole sign-in brought a portal."""

    id_token: str
    access_token: str
    claims: Mapping[str, Any]
    userinfo: Mapping[str, Any]
    answer: Mapping[str, str]


@dataclass
class World:
    issuer: str
    app: Any
    settings: Settings
    sources: dict[str, str]
    portals: dict[str, Portal] = field(default_factory=dict)
    http: requests.Session = field(default_factory=lambda: Browser()._session)

    @property
    def house(self) -> House:
        house: House = self.app.extensions["motcua"]
        return house

    def browser(self, language: str = "vi") -> Browser:
        return Browser(language)

    def portal(self, portal_id: str, **registration: Any) -> Portal:
        """A registered portal; the same again for an id that is known."""
        if portal_id in self.portals:
            return self.portals[portal_id]
        base = f"http://{portal_id}.localhost:9"
        given: dict[str, Any] = {
            "name_vi": f"Cổng {portal_id}", "name_en": f"Portal {portal_id}", "home_url": f"{base}/",
            "redirect_uris": [f"{base}/callback"], "post_logout_redirect_uris": [f"{base}/signed-out"],
            "scopes": ["openid", "profile"], "sector": f"{portal_id}.localhost",
        } | registration  # fmt: skip
        with self.house.database.write() as tx:
            secret = self.house.clients.add(tx, portal_id, Registration(**given))
        back, out = (next(iter(given[name]), "") for name in ("redirect_uris", "post_logout_redirect_uris"))
        self.portals[portal_id] = Portal(self, portal_id, secret, back, out)
        return self.portals[portal_id]

    def fault(self, source: str, **fault: Any) -> None:
        """The source misbehaves as told; `clear_faults` ends it."""
        self.http.post(f"{self.sources[source]}/_sandbox/faults", json=fault, timeout=10).raise_for_status()

    def clear_faults(self) -> None:
        for address in self.sources.values():
            self.http.delete(f"{address}/_sandbox/faults", timeout=10)

    def sign_in(
        self,
        browser: Browser,
        portal: Portal,
        *,
        source: str = "population",
        citizen: str = CITIZEN,
        **asked: str | None,
    ) -> Tokens:
        """The whole way, whatever of it is needed: choose, sign in at the source, be told, redeem, read userinfo."""
        request = portal.ask(**asked)
        answer = browser.answer(browser.open_at(request.url, portal), portal, source=source, citizen=citizen)
        return self.redeemed(portal, request, answer)

    def redeemed(self, portal: Portal, request: Asked, answer: Mapping[str, str]) -> Tokens:
        assert answer.get("state") == request.parameters.get("state")
        assert answer["iss"] == self.issuer
        response = portal.redeem(answer["code"], request.verifier)
        assert response.status_code == 200, response.text
        token = response.json()
        userinfo = portal.userinfo(token["access_token"])
        assert userinfo.status_code == 200, userinfo.text
        claims = portal.claims(token["id_token"])
        return Tokens(token["id_token"], token["access_token"], claims, userinfo.json(), answer)


class Browser(Visitor):
    """A person's browser without script, who knows the way."""

    def open_at(self, url: str, portal: Portal) -> Page:
        return self.follow(self.get(url), until=portal.redirect_uri)

    def answer(
        self, page: Page, portal: Portal, *, source: str = "population", citizen: str = CITIZEN
    ) -> dict[str, str]:
        """From whatever page of the journey to what the portal is told."""
        for _ in range(8):
            onward = page.onward
            if onward is not None and onward.startswith(portal.redirect_uri):
                return parameters_of(onward)
            page = self.step(page, portal, source=source, citizen=citizen)
        raise AssertionError(f"no answer after eight pages; last: {page.status} {page.url}\n{page.html[:2000]}")

    def step(self, page: Page, portal: Portal, *, source: str = "population", citizen: str = CITIZEN) -> Page:
        """One page further: choose, sign in at the source, or go on after being told."""
        path = urlsplit(page.url).path
        if path.endswith("/information"):
            fields = {"decision": "continue", "consent": "yes"}
        elif path.startswith("/sign-in/"):
            fields = {"source": source}
        else:
            return self.at_source(page, portal, citizen=citizen)
        return self.follow(self.submit(page, fields, follow=False), until=portal.redirect_uri)

    def at_source(self, page: Page, portal: Portal, *, citizen: str = CITIZEN) -> Page:
        form = next(i for i, form in enumerate(page.forms) if any(name == "citizen" for name, _ in form.buttons))
        return self.follow(self.submit(page, {"citizen": citizen}, form=form, follow=False), until=portal.redirect_uri)

    def cancel_at_source(self, page: Page, portal: Portal) -> Page:
        form = next(i for i, form in enumerate(page.forms) if any(name == "cancel" for name, _ in form.buttons))
        return self.follow(self.submit(page, {"cancel": "1"}, form=form, follow=False), until=portal.redirect_uri)


def parameters_of(url: str) -> dict[str, str]:
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), "every response parameter once"
    return {name: values[0] for name, values in found.items()}


@contextlib.contextmanager
def world(directory: Path, **changes: Any) -> Iterator[World]:
    """The country, until the block ends. `changes` are settings; the database is SQLite unless they say otherwise."""
    master_keys = directory / "master.keys"
    seal.add_master_key(str(master_keys))
    with contextlib.ExitStack() as stack:
        issuer, server = stack.enter_context(listening("idp.localhost"))
        if "client_certificate_header" in changes:  # goes with a host name of its own, which leads to the same server
            changes = {"client_certificate_url": issuer.replace("idp.", "cert.", 1), **changes}
        settings = load(
            **{
                "mode": "test", "issuer": issuer, "master_keys_file": str(master_keys), "log_level": "ERROR",
                "database_url": f"sqlite:///{directory}/motcua.db", "outbound": {"allow_loopback": True},
            } | changes,
        )  # fmt: skip
        server.app = app = create_app(settings)
        house: House = app.extensions["motcua"]
        make_tables(house.database.engine)
        give_keys(house)
        with time_machine.travel(time.time() - 3600, tick=True):
            house.short_lived.since()  # it was not lost just now, after which every DPoP proof would need a nonce
        sources = {
            "bank": stack.enter_context(signing_in_at(house, directory, "bank", "banking", 2)),
            "population": stack.enter_context(signing_in_at(house, directory, "population", "population", 3)),
        }
        yield World(issuer, app, settings, sources)


@contextlib.contextmanager
def signing_in_at(house: House, directory: Path, source_id: str, kind: str, ceiling: int) -> Iterator[str]:
    clients_file = directory / f"clients-of-{source_id}.json"
    with listening(f"{source_id}.localhost") as (issuer, server):
        client: dict[str, Any] = {
            "client_id": "motcua", "redirect_uris": [f"{house.settings.issuer}/callback/{source_id}"],
            "post_logout_redirect_uris": [f"{house.settings.issuer}/signed-out"],
        }  # fmt: skip
        key = ec.generate_private_key(ec.SECP256R1())
        named = {"kid": "test", "alg": "ES256", "use": "sig"}
        if kind == "banking":
            client["jwks"] = {"keys": [ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | named]}
            credential = {"client_key": json.dumps(ECAlgorithm.to_jwk(key, as_dict=True) | named)}
        else:
            client["client_secret"] = secrets.token_urlsafe(32)
            credential = {"client_secret": client["client_secret"]}
        clients_file.write_text(json.dumps([client]), "utf-8")
        server.app = create_source(
            from_environment(
                {
                    "MOTCUA_MODE": "test",
                    "SANDBOX_KIND": kind,
                    "SANDBOX_ISSUER": issuer,
                    "SANDBOX_CITIZENS": str(CITIZENS),
                    "SANDBOX_NAME": source_id,
                    "SANDBOX_CLIENTS_FILE": str(clients_file),
                }  # fmt: skip
            )
        )
        draft = SourceDraft(
            id=source_id, kind=kind, name_vi=f"Nguồn {source_id}", name_en=f"Source {source_id}", ceiling=ceiling,
            configuration={"issuer": issuer, "client_id": "motcua"}, secrets=credential,
        )  # fmt: skip
        add_source(house, draft)
        yield issuer


def add_source(house: House, draft: SourceDraft) -> None:
    """The source is there, and switched on."""
    with house.database.write() as tx:
        house.sources.save(tx, draft)
        house.sources.set_enabled(tx, draft.id, True)


__all__ = ["CITIZEN", "PASSWORD", "Asked", "Browser", "Portal", "Tokens", "World", "parameters_of", "world"]
