"""Which portals know a person by the same `sub`: their sector (OpenID Connect Core 1.0 section 8.1)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from connectors.base import Http, OutboundError
from idp.clients.registration import DEVICE_CODE, Registration
from idp.clients.urls import is_of_native_app

DOCUMENT_BYTES = 65_536


def sector_of(client_id: str, portal: Registration) -> str:
    """The sector of a portal that nobody gave one: the host that all its answers go to, or that lists where they go.

    Whoever writes down a host they do not own then learns nothing, for the answers go to its owner. Not so by the
    device grant, whose answers go to whoever asks, or within a person's device: a portal with such ways has a sector
    of its own, in a form that no host name has. Raises ValueError for several hosts without a document that names them,
    and for a document of a portal that can have none.
    """
    has_own = DEVICE_CODE in portal.grant_types or not portal.redirect_uris
    if has_own or any(map(is_of_native_app, portal.redirect_uris)):
        if portal.sector_identifier_uri is not None:
            raise ValueError("a sector_identifier_uri needs redirect_uris, all of them https, and no device grant")
        return f"app:{client_id}"
    if portal.sector_identifier_uri is not None:
        return str(urlsplit(portal.sector_identifier_uri).hostname)
    hosts = {str(urlsplit(uri).hostname) for uri in portal.redirect_uris}
    if len(hosts) > 1:
        raise ValueError("redirect_uris of several hosts need a sector_identifier_uri")
    return hosts.pop()


def check_document(http: Http, sector_identifier_uri: str, redirect_uris: Sequence[str]) -> None:
    """Raises ValueError unless the document is there and lists every one of these, character for character."""
    try:
        answer = http.request("GET", sector_identifier_uri, headers={"Accept": "application/json"}, idempotent=True)
    except OutboundError as problem:
        raise ValueError(f"sector_identifier_uri cannot be fetched ({problem.failure.value})") from None
    if answer.status != 200 or len(answer.body) > DOCUMENT_BYTES:
        raise ValueError("sector_identifier_uri must answer 200 with a short document, and redirect nowhere")
    try:
        listed = json.loads(answer.body)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError("the document at sector_identifier_uri must be a JSON list")
    if not all(uri in listed for uri in redirect_uris):
        raise ValueError("the document at sector_identifier_uri does not list every redirect_uri")
