"""Portals that pack their requests: sign them, leave them at an address, or push them; and read packed answers."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import requests
from werkzeug.wrappers import Request as Asked
from werkzeug.wrappers import Response as Served

from idp import clock
from tests.oidc.asserting import FAPI, Asserting, asserting, jwks, private_key, public_jwk
from tests.oidc.holder import Holder, posted
from tests.peers.visitor import Page, Visitor
from tests.world import Portal, listening

Portals = Callable[..., Portal]
SIGNING = {
    **FAPI, "profile": "fapi2_message_signing", "require_signed_request_object": True,
    "authorization_signed_response_alg": "PS256",
}  # fmt: skip


def signing(portals: Portals, alg: str = "ES256", **registration: Any) -> Portal:
    """A portal with a secret that may sign its requests: its key for this algorithm is registered as `k1`."""
    return portals(jwks=jwks(public_jwk(alg, kid="k1")), **registration)


def request_object(
    portal: Portal, asked: Mapping[str, Any], alg: str = "ES256", *, header: dict[str, Any] | None = None,
    key: Any = None, **claims: Any,
) -> str:  # fmt: skip
    """The request as a careful portal signs it; claims and members of the header replace, None leaves out."""
    now = clock.seconds()
    said = {
        **asked, "iss": portal.id, "aud": portal.world.issuer, "iat": now, "nbf": now, "exp": now + 300,
        "jti": secrets.token_urlsafe(16), **claims,
    }  # fmt: skip
    headers = {"kid": "k1", "typ": "oauth-authz-req+jwt"} | (header or {})
    return jwt.PyJWS().encode(
        json.dumps({name: value for name, value in said.items() if value is not None}).encode(),
        private_key(alg) if key is None else key, algorithm=alg,
        headers={name: value for name, value in headers.items() if value is not None},
    )  # fmt: skip


def url_of(portal: Portal, **parameters: str) -> str:
    return f"{portal.world.issuer}/authorize?{urlencode({'client_id': portal.id, **parameters})}"


def push(portal: Portal | Asserting, fields: Mapping[str, str], holder: Holder | None = None) -> requests.Response:
    """The request, pushed by a portal that proves itself by its secret, by a signature, or not at all."""
    signer = portal if isinstance(portal, Asserting) else None
    sender = portal.portal if isinstance(portal, Asserting) else portal
    return posted(sender, "/par", dict(fields), holder=holder, signer=signer)


def pushed(portal: Portal | Asserting, fields: Mapping[str, str], holder: Holder | None = None) -> str:
    """The name of a request that was taken."""
    answer = push(portal, fields, holder)
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["request_uri"]
    return name


def fapi(portals: Portals, **registration: Any) -> Asserting:
    """A portal of the FAPI 2.0 Security Profile."""
    return asserting(portals, "ES256", **(FAPI | registration))


def answered(page: Page, portal: Portal) -> dict[str, str]:
    """What the portal is told, in whichever of the modes."""
    if page.onward is None:
        assert page.status == 200 and "data-submit-now" in page.html, f"{page.status} {page.url}\n{page.html[:800]}"
        (form,) = page.forms
        assert (form.action, form.method) == (portal.redirect_uri, "post")
        return form.fields
    assert page.onward.startswith(portal.redirect_uri), page.onward
    parts = urlsplit(page.onward)
    return dict(parse_qsl(parts.fragment or parts.query, strict_parsing=True))


def visited(browser: Visitor, portal: Portal, name: str, **outside: str) -> dict[str, str]:
    """What the portal is told of a request that it pushed, or left at an address."""
    return answered(browser.get(url_of(portal, request_uri=name, **outside)), portal)


@dataclass
class Shelf:
    """A portal's server with a document on it, and the addresses that were asked for."""

    url: str
    document: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)  # it answers when this is set

    def __post_init__(self) -> None:
        self.open.set()


@contextmanager
def shelf() -> Iterator[Shelf]:
    with listening("documents.localhost") as (address, server):
        place = Shelf(f"{address}/request.jwt")

        @Asked.application  # type: ignore[untyped-decorator]
        def serve(request: Asked) -> Served:
            place.seen.append(request.full_path)
            place.open.wait(30)
            return Served(place.document, place.status, place.headers)

        server.app = serve
        yield place
