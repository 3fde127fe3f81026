"""The OpenID Foundation's suite, played by us: a test per module, named like it (`oidcc-server`: test_oidcc_server).

What stands here for every test:

`deployment`    a provider in conformance mode on real sockets, made ready by `idp conformance prepare`'s own code:
                `issuer`, `discovery()`, `jwks()`, `endpoint(name)`, `house`, and `suite`, the suite's own addresses:
                `suite.publish(name, body)` serves a document there, `suite.wait_for("backchannel_logout")` waits for
                what we send it.
`client(profile, part)`  a fresh relying party of the suite with a browser of its own, nobody signed in: profiles as in
                config/conformance/suite.toml ("basic", "fapi2-dpop", ...), parts "client", "client2",
                "client_secret_post".

    def test_oidcc_server(client):
        first = client("basic")
        tokens = first.sign_in(scope="openid email")      # the whole way, all of it checked
        first.userinfo(tokens.access_token, by="post-body").json()

    asked = first.ask(prompt="none", nonce=None)          # parameters replace what the suite sends, None leaves out
    visit = first.visit(asked)                            # GET; method="POST"; automatically=False stops at our page
    visit.answer["error"], visit.arrival.mode             # what redirect_uri was told, by query, fragment or form_post
    visit.page, visit.shown                               # else the page that is shown; pages that asked for something
    first.redeem(asked, visit.answer["code"])             # the token endpoint's answer as it is
    first.browser.press(visit, "decision", "cancel")      # a button of that page

FAPI: `sign_in` pushes, signs, proves by assertion, DPoP or certificate and opens JARM as the profile has it. A negative
test takes the step that it changes into its own hands: `ask_pushed`, `push(parameters, signed=…, aud=…)`,
`post(endpoint, form, DPoP=…)`, and `suite_keys` for `assertion`, `request_object` and `proof` with one thing changed.
Two clients that share a browser: `client("basic", "client2", browser=first.browser)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.conformance import deployment as deployments
from tests.conformance.deployment import Deployment
from tests.conformance.suite_browser import SuiteBrowser
from tests.conformance.suite_client import SuiteClient

NewClient = Callable[..., SuiteClient]


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployments.deployment(tmp_path_factory.mktemp("conformance")) as found:
        yield found


@pytest.fixture
def client(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[NewClient]:
    """Makes relying parties; the module's name, which the suite's browser may depend on, is that of the test."""
    module = request.node.originalname.removeprefix("test_").replace("_", "-")
    browsers: list[SuiteBrowser] = []

    def make(profile: str, part: str = "client", browser: SuiteBrowser | None = None) -> SuiteClient:
        configuration: Any = deployment.prepared.configurations[profile]
        made = SuiteClient(deployment, configuration, part, module)
        browsers.append(made.browser)
        made.browser = browser or made.browser
        return made

    yield make
    for each in browsers:
        each.close()


@pytest.fixture(params=["query", "form_post"])
def basic(client: NewClient, request: pytest.FixtureRequest) -> NewClient:
    """Makes relying parties of the Basic plan, and of Form Post's, which is the same by another response_mode."""

    def make(part: str = "client", browser: SuiteBrowser | None = None) -> SuiteClient:
        made = client("basic", part, browser)
        made.response_mode = None if request.param == "query" else request.param
        return made

    return make


@pytest.fixture
def dynamic(deployment: Deployment, client: NewClient) -> Callable[..., SuiteClient]:
    """Registers relying parties as the suite does, with an invitation's token; a refusal is an error."""

    def make(browser: SuiteBrowser | None = None, **metadata: Any) -> SuiteClient:
        answer = register(deployment, **metadata)
        assert answer.status_code == 201, answer.text
        made = client("dynamic", browser=browser)
        key = metadata.get("jwks", {"keys": [None]})["keys"][0]
        made.configuration = {**made.configuration, "client": answer.json() | {"jwks": {"keys": [key]}}}
        return made

    return make


def register(deployment: Deployment, **metadata: Any) -> requests.Response:
    """The answer of the registration endpoint to what the suite sends, with changes; None leaves out."""
    invited = deployment.prepared.configurations["dynamic"]["client"]["initial_access_token"]
    given: dict[str, Any] = {
        "client_name": "suite", "grant_types": ["authorization_code"], "response_types": ["code"],
        "redirect_uris": [f"{deployment.suite.address}/callback"], "contacts": ["certification@oidf.org"],
        "token_endpoint_auth_method": "client_secret_basic",
    }  # fmt: skip
    sent = {name: value for name, value in (given | metadata).items() if value is not None}
    return deployment.http.post(
        deployment.endpoint("registration_endpoint"), json=sent, headers={"Authorization": f"Bearer {invited}"},
        timeout=30,
    )  # fmt: skip
