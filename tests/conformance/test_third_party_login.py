"""Third-party-initiated login: a portal registers where a sign-in can be begun (OpenID Connect Core section 4)."""

from __future__ import annotations

from tests.conformance.conftest import register
from tests.conformance.deployment import Deployment

ADDRESS = "https://portal.example/begin"


def test_oidcc_3rd_party_init_login(deployment: Deployment) -> None:
    answer = register(deployment, initiate_login_uri=ADDRESS)
    assert (answer.status_code, answer.json()["initiate_login_uri"]) == (201, ADDRESS)
    manage, token = answer.json()["registration_client_uri"], answer.json()["registration_access_token"]
    read = deployment.http.get(manage, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (read.status_code, read.json()["initiate_login_uri"]) == (200, ADDRESS)


def test_oidcc_3rd_party_init_login_nohttps(deployment: Deployment) -> None:
    answer = register(deployment, initiate_login_uri=ADDRESS.replace("https", "http"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
