"""A provider behind the real nginx, for clients that show certificates, and how a test walks their person through."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jwt.algorithms import RSAAlgorithm

from tests.oidc.asserting import private_key, public_jwk
from tests.oidc.certificates import Held, authority, issued
from tests.oidc.residents import fresh_name
from tests.peers import nginx
from tests.world import CITIZEN, Browser, Portal, World, world

DN = "CN=cổng,O=Sở Tư pháp\\, tỉnh,C=VN"
BOTH = ["authorization_code", "refresh_token"]
OFFLINE = {"grant_types": BOTH, "scopes": ["openid", "profile", "offline_access"]}
MESSAGE_SIGNING: dict[str, Any] = {
    **OFFLINE, "profile": "fapi2_message_signing", "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [public_jwk("PS256", kid="k1")]},
}  # fmt: skip
SYSTEM: dict[str, Any] = {
    "grant_types": ["client_credentials"], "redirect_uris": [], "post_logout_redirect_uris": [],
    "api_scopes": ["tax.read", "tax.file"], "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": DN, "tls_client_certificate_bound_access_tokens": True,
}  # fmt: skip


def signing_key() -> dict[str, Any]:
    """The private key of MESSAGE_SIGNING as a JWK."""
    key: dict[str, Any] = RSAAlgorithm.to_jwk(private_key("PS256"), as_dict=True)
    key.pop("key_ops", None)
    return key | {"kid": "k1", "alg": "PS256"}


def walked(url: str, portal: Portal, browser: Browser, *, source: str = "population") -> str:
    """The address to which the person comes back at the portal, whatever is needed on the way."""
    page = browser.open_at(url, portal)
    for _ in range(8):
        if page.onward is not None:
            return page.onward
        page = browser.step(page, portal, source=source, citizen=CITIZEN)
    raise AssertionError(f"no answer; last: {page.url}")


@dataclass(frozen=True)
class Counter:
    """Where clients show certificates, and the one that SYSTEM is known by."""

    country: World
    proxy: nginx.Terminator
    folder: Path
    held: Held

    @property
    def address(self) -> str:
        """What the metadata call it."""
        return self.country.settings.client_certificate_url

    def system(self) -> Portal:
        return self.country.portal(fresh_name(), **SYSTEM)

    def files(self) -> tuple[str, str]:
        return self.held.files(self.folder)

    def as_environment(self) -> dict[str, str]:
        certificate, key = self.files()
        return {"TLS_CERTIFICATE": certificate, "TLS_KEY": key, "TLS_TRUSTED": str(self.proxy.trusted),
                "TLS_AT": json.dumps({self.address: self.proxy.url})}  # fmt: skip


@contextlib.contextmanager
def counter(factory: pytest.TempPathFactory) -> Iterator[Counter]:
    folder, root = factory.mktemp("certificates"), authority("Root of portals")
    trusted = folder / "authorities.pem"
    trusted.write_bytes(root.pem)
    settings = {"trusted_proxies": 1, "client_certificate_header": nginx.HEADER,
                "client_certificate_authorities_file": str(trusted)}  # fmt: skip
    with world(factory.mktemp("country"), **settings) as country:
        host = urlsplit(country.settings.client_certificate_url)
        assert host.port is not None
        with nginx.terminator(factory.mktemp("nginx"), host.port, host.netloc) as proxy:
            yield Counter(country, proxy, folder, issued(root))
