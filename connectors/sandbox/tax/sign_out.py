"""Signing out at the office (SAML profiles section 4.4), asked by a service provider through the browser."""

from __future__ import annotations

import base64
import zlib

from flask import Blueprint, Response, request
from lxml import etree

from connectors.sandbox.answers import page
from connectors.sandbox.login import SESSION_COOKIE
from connectors.sandbox.shelf import now
from connectors.sandbox.tax.messages import read_message
from connectors.sandbox.tax.records import subject
from connectors.sandbox.tax.signing import signed_query
from connectors.sandbox.tax.state import office
from connectors.sandbox.tax.xml import PREFIXES, STATUS, add, element, instant, new_id

blueprint = Blueprint("sign_out", __name__)


@blueprint.get("/slo")
def slo() -> Response:
    """The browser's session ends, if it is the one that is named; the answer goes to the registered address."""
    message, client, relay_state = read_message(office(), request, "LogoutRequest")
    cookie = request.cookies.get(SESSION_COOKIE, "")
    session = office().sessions.get(cookie)
    named = message.findtext("saml:NameID", "", PREFIXES)
    index = message.findtext("samlp:SessionIndex", None, PREFIXES)
    known = session is not None and subject(session.citizen, seed=office().settings.seed) == named
    if session is not None and known and index in (None, session.session_id):
        office().sessions.take(cookie)
    if not client.signed_out_urls:
        return page("signed_out.html")
    url = client.signed_out_urls[0]
    answer = _answer(url, message.get("ID", ""), f"{STATUS}{'Success' if known else 'Requester'}")
    pairs = [("SAMLResponse", answer), *([("RelayState", relay_state)] if relay_state else [])]
    query = signed_query(pairs, office().keys.current.private)
    location = f"{url}{'&' if '?' in url else '?'}{query}"
    return Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def _answer(url: str, in_response_to: str, status: str) -> str:
    root = element(
        "samlp:LogoutResponse", ID=new_id(), Version="2.0", IssueInstant=instant(now()), Destination=url,
        InResponseTo=in_response_to,
    )  # fmt: skip
    add(root, "saml:Issuer", office().entity_id)
    add(add(root, "samlp:Status"), "samlp:StatusCode", Value=status)
    return base64.b64encode(zlib.compress(etree.tostring(root), 9, wbits=-15)).decode()
