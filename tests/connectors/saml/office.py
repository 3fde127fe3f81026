"""The sandbox's tax office on a real socket with our connector before it, and whoever walks between the two."""

from __future__ import annotations

import contextlib
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.base import AutoPost, Context, Input, Redirect, Step
from connectors.sandbox.cast import Part
from connectors.sandbox.tax.keys import Pair, make_pair
from connectors.tax import Tax, TaxConfiguration
from tests.connectors.door import Door
from tests.peers.visitor import Page, Visitor
from tests.sandbox import conftest as sandbox

ENTITY_ID = "https://idp.example/saml"
SIGNED_OUT_URL = "https://idp.example/signed-out"
TIMEOUT_SECONDS = 20


def running(clients_file: Path) -> AbstractContextManager[str]:
    """A tax office answers at the address that is given, as long as the block lasts."""
    return sandbox.running("tax", clients_file, host="tax.localhost")


def pem_of(pair: Pair) -> str:
    """A private key and its certificate, as an operator keeps them."""
    private = pair.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + pair.certificate.public_bytes(Encoding.PEM)).decode()


def certificate_pem(pair: Pair) -> str:
    return pair.certificate.public_bytes(Encoding.PEM).decode()


OUR_PAIR = make_pair("our door")


class Office:
    """The office as one connector knows it; `register` says what the office knows of us."""

    def __init__(self, issuer: str, door: Door, clients_file: Path) -> None:
        self.issuer = issuer
        self.door = door
        self.clients_file = clients_file
        self.register()

    def register(self, **changes: Any) -> None:
        client = {
            **{"entity_id": ENTITY_ID, "acs_urls": [Door.callback_url], "signed_out_urls": [SIGNED_OUT_URL]},
            **{"certificates": [certificate_pem(OUR_PAIR)], **changes},
        }
        self.clients_file.write_text(json.dumps([client], indent=len(json.dumps(changes)) % 9), "utf-8")

    def configuration(self, **changes: Any) -> dict[str, Any]:
        return {
            "idp_entity_id": f"{self.issuer}/metadata",
            "entity_id": ENTITY_ID,
            "callback_url": Door.callback_url,
            "metadata_url": f"{self.issuer}/metadata",
            "signed_out_url": SIGNED_OUT_URL,
            **changes,
        }

    def connector(self, **changes: Any) -> Tax:
        return Tax(TaxConfiguration.model_validate(self.configuration(**changes)))

    # ---- the office, told what to do ----

    def told(self, **fault: object) -> None:
        self.control("POST", "/_sandbox/faults", json=fault).raise_for_status()

    def honest(self) -> None:
        self.control("DELETE", "/_sandbox/faults")

    def rotate_keys(self, *, keep_old: bool) -> None:
        self.control("POST", "/_sandbox/rotate-keys", json={"keep_old": keep_old}).raise_for_status()

    def control(self, method: str, path: str, **options: Any) -> requests.Response:
        address = f"http://127.0.0.1:{self.issuer.rpartition(':')[2]}{path}"
        return requests.request(method, address, timeout=TIMEOUT_SECONDS, **options)

    # ---- a person ----

    def sign_in(self, part: Part = Part.ORDINARY, *, connector: Tax | None = None, **wishes: Any) -> Step:
        connector = connector or self.connector()
        step = self.door.begin(connector, **wishes)
        if not isinstance(step, Redirect | AutoPost):
            return step
        return self.come_back(connector, step, answer_of(step, part))

    def come_back(
        self, connector: Tax, step: Redirect | AutoPost, answer: Input, context: Context | None = None
    ) -> Step:
        return connector.resume(context or self.door.context, step.state, answer)


def answer_of(step: Redirect | AutoPost, part: Part = Part.ORDINARY, *, button: str = "citizen") -> Input:
    """What the browser brings back, after a person has pressed a button at the office."""
    visitor = Visitor()
    with contextlib.closing(visitor._session):
        return walked(visitor, step, part, button)


def walked(visitor: Visitor, step: Redirect | AutoPost, part: Part, button: str = "citizen") -> Input:
    """The same, in this browser; an office that knows the browser asks nothing."""
    page = _there(visitor, step)
    chosen = [number for number, form in enumerate(page.forms) if "interaction" in form.fields]
    if chosen:
        pressed = {"cancel": "1"} if button == "cancel" else {"citizen": str(int(part))}
        page = visitor.submit(page, pressed, form=chosen[0])
    form = page.forms[0]
    assert form.action == Door.callback_url, page.html
    return Input(method="POST", form=tuple(form.fields.items()))


def _there(visitor: Visitor, step: Redirect | AutoPost) -> Page:
    if isinstance(step, Redirect):
        return visitor.open(step.url)
    return visitor.follow(visitor.request("POST", step.url, data=dict(step.fields)))


def form_of(answer: Input) -> dict[str, str]:
    return dict(answer.form)
