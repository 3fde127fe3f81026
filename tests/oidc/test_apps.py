"""Apps that cannot prove themselves: any program on the device can ask for them, so no answer goes there unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.oidc.holder import posted
from tests.oidc.residents import Resident, told
from tests.world import Portal, parameters_of

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]
APP: dict[str, Any] = {"application_type": "native", "token_endpoint_auth_method": "none"}
WITHIN = ["http://127.0.0.1/cb", "http://[::1]/cb", "vn.example.app:/cb"]


@pytest.mark.parametrize("uri", WITHIN)
def test_who_is_signed_in_and_was_told_before_sees_each_time_who_wants_in(
    portals: Portals, residents: Residents, uri: str
) -> None:
    """RFC 8252 section 8.6: another app can send a request of its own, and listens at the same address."""
    app = portals(**APP, redirect_uris=[uri])
    browser = residents(app).browser
    for _ in range(2):
        request = app.ask()
        page = browser.open_at(request.url, app)
        assert page.status == 200 and page.url.endswith("/information")
        assert f"Cổng {app.id}" in page.html
        onward = browser.step(page, app).onward
        assert onward is not None and onward.startswith(uri)
        assert app.redeem(parameters_of(onward)["code"], request.verifier).status_code == 200


@pytest.mark.parametrize("uri", WITHIN)
@pytest.mark.parametrize("pushed", [False, True])
def test_nothing_is_answered_silently_there(portals: Portals, residents: Residents, uri: str, pushed: bool) -> None:
    app = portals(**APP, redirect_uris=[uri])
    request = app.ask(prompt="none")
    url = request.url
    if pushed:
        kept = posted(app, "/par", dict(request.parameters)).json()
        url = app.ask(request_uri=kept["request_uri"]).url
    answer = told(residents(app).browser.get(url), app)
    assert (answer["error"], answer["error_description"][:3], "code" in answer) == ("consent_required", "A15", False)


@pytest.mark.parametrize(
    "registered", [{**APP, "redirect_uris": ["https://app.example/cb"]},
                   {"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]}],
    ids=["at an address that its owner alone can claim", "to whom a secret is needed for the tokens"],
)  # fmt: skip
def test_an_app_that_no_other_can_pass_for_is_answered_at_once(
    portals: Portals, residents: Residents, registered: dict[str, Any]
) -> None:
    app = portals(**registered)
    assert "code" in residents(app).asked(app, prompt="none")
