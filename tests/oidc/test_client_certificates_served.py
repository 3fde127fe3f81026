"""A certificate from the server that runs us, without a proxy: Werkzeug's own, which hands on what TLS has shown it."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from cryptography.x509 import DNSName
from werkzeug.serving import make_server

from tests.oidc.asserting import let_in, turned_away
from tests.oidc.certificates import Held, authority, issued
from tests.oidc.residents import fresh_name
from tests.peers.nginx import HEADER
from tests.quiet import Quiet
from tests.world import Portal, World, world


@contextlib.contextmanager
def over_tls(country: World, own: Held, root: Held, folder: Path) -> Iterator[str]:
    """The provider as a server of its own that asks for certificates; it is known as localhost."""
    certificate, key = own.files(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=root.pem.decode())
    server = make_server("127.0.0.1", 0, country.app, threaded=True, request_handler=Quiet, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def root() -> Held:
    return authority("Root of portals")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Held) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "authorities.pem").write_bytes(root.pem)
    return folder


def ask(url: str, folder: Path, portal: Portal, held: Held | None, **headers: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": portal.redirect_uri,
            "code_verifier": "v" * 43, "client_id": portal.id}  # fmt: skip
    shown = None if held is None else held.files(folder)
    trusted = str(folder / "authorities.pem")
    return requests.post(f"{url}/token", data=form, headers=headers, verify=trusted, cert=shown, timeout=30)


@pytest.mark.parametrize("believed", [True, False])
def test_the_server_s_word_counts_where_the_settings_say_so(
    tmp_path: Path, folder: Path, root: Held, believed: bool
) -> None:
    settings = {
        "client_certificate_from_server": believed,
        "client_certificate_authorities_file": str(folder / "authorities.pem"),
    }
    own = issued(root, names=[DNSName("localhost")], purposes=())
    with world(tmp_path, **settings) as country, over_tls(country, own, root, folder) as url:
        portal = country.portal(
            fresh_name(), token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="cong.example.vn"
        )
        right, other = (issued(root, names=[DNSName(name)]) for name in ("cong.example.vn", "khac.example.vn"))
        answer = ask(url, folder, portal, right)
        let_in(answer) if believed else turned_away(answer)
        turned_away(ask(url, folder, portal, other))
        turned_away(ask(url, folder, portal, None))
        forged = quote(right.pem.decode())
        turned_away(ask(url, folder, portal, None, **{HEADER: forged, "SSL-CLIENT-CERT": forged}))
        document = country.http.get(f"{country.issuer}/.well-known/openid-configuration", timeout=30).json()
        assert ("tls_client_auth" in document["token_endpoint_auth_methods_supported"]) is believed
        assert document["tls_client_certificate_bound_access_tokens"] is believed
        assert "mtls_endpoint_aliases" not in document
