"""The sandbox's authority over a real socket, with our connector before it and a person's browser between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from connectors.base import AutoPost, Input, Step
from connectors.certificate import Certificate, CertificateConfiguration
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.tokens import TOKEN_POLICY
from connectors.sandbox.cast import Part
from connectors.sandbox.population import DEFAULT_SEED
from idp.egress import Egress
from tests.connectors.door import LIMITS, Door
from tests.peers.visitor import Page, Visitor
from tests.sandbox.conftest import running

HOST = "ca.localhost"


def authority_running(citizens: int = 100) -> AbstractContextManager[str]:
    """The address of an authority, as long as the block lasts."""
    return running("authority", Path("no-clients.json"), host=HOST, SANDBOX_CITIZENS=str(citizens))


class Circle:
    """One authority as our provider knows it. `told` makes it lie; `door` is our side, and can move the clock."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.egress = Egress(LIMITS.model_copy(update={"total_seconds": 2}))
        self.door = Door(self.egress)
        self.connector = self.configured()

    def close(self) -> None:
        self.honest()
        self.egress.close()

    def configuration(self, **changes: Any) -> CertificateConfiguration:
        usual = {
            "issuer": "sandbox",
            "mode": "challenge",
            "signing_url": f"{self.issuer}/sign",
            "anchors": [hierarchy.root(DEFAULT_SEED).pem],
            "revocation_urls": {f"{self.issuer}/": f"{self.issuer}/"},
            "hardware_policies": [TOKEN_POLICY],
        }
        return CertificateConfiguration.model_validate(usual | changes)

    def configured(self, **changes: Any) -> Certificate:
        return Certificate(self.configuration(**changes))

    def told(self, **fault: object) -> None:
        self._control("POST", "faults", json=fault).raise_for_status()

    def honest(self) -> None:
        self._control("DELETE", "faults")
        self._control("DELETE", "requests")

    def rolled_over(self) -> None:
        self._control("POST", "rotate-keys", json={}).raise_for_status()

    def held_by(self, part: Part, *, renew: bool = False) -> dict[str, str]:
        """The person's certificate, key, and the certificate of who issued it, in PEM."""
        answer = self._control("GET", f"certificates/{int(part)}{'?renew=1' if renew else ''}")
        found: dict[str, str] = answer.json()
        return found

    def asked(self) -> list[str]:
        return [entry["path"] for entry in self._control("GET", "requests").json()]

    def _control(self, method: str, path: str, **options: Any) -> requests.Response:
        address = f"http://127.0.0.1:{self.issuer.rpartition(':')[2]}/_sandbox/{path}"
        return requests.request(method, address, timeout=20, **options)

    def begun(self, connector: Certificate | None = None, **wishes: Any) -> AutoPost:
        step = self.door.begin(connector or self.connector, **wishes)
        assert isinstance(step, AutoPost), step
        return step

    def signed(self, step: AutoPost, part: Part = Part.ORDINARY, **fields: str) -> Input:
        """What comes back once this person has signed: the page's form, as a browser would post it to us."""
        visitor = Visitor()
        try:
            page = visitor.request("POST", step.url, data=dict(step.fields))
            answer = pressed(visitor, page, **(fields or {"citizen": str(int(part))}))
        finally:
            visitor._session.close()
        (form,) = answer.forms
        assert urljoin(answer.url, form.action) == self.door.callback_url
        return Input(method="POST", form=tuple(form.fields.items()))

    def resumed(self, step: AutoPost, answer: Input, connector: Certificate | None = None) -> Step:
        return (connector or self.connector).resume(self.door.context, step.state, answer)

    def sign_in(self, part: Part = Part.ORDINARY, connector: Certificate | None = None, **fields: str) -> Step:
        step = self.begun(connector)
        return self.resumed(step, self.signed(step, part, **fields), connector)


@pytest.fixture(scope="module")
def _authority() -> Iterator[str]:
    with authority_running() as issuer:
        yield issuer


@pytest.fixture
def circle(_authority: str) -> Iterator[Circle]:
    circle = Circle(_authority)
    yield circle
    circle.close()


def pressed(visitor: Visitor, page: Page, **fields: str) -> Page:
    """One of the signing page's forms, sent with these fields."""
    assert page.status == 200, page.html
    interaction = next(form.fields["interaction"] for form in page.forms if "interaction" in form.fields)
    return visitor.request("POST", urljoin(page.url, "/sign/decide"), data={"interaction": interaction, **fields})
