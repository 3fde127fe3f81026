"""Messages from service providers, taken out of redirects and forms, and believed only as far as they are signed."""

from __future__ import annotations

import base64
import zlib

from flask import Request

from connectors.sandbox.errors import PageProblem
from connectors.sandbox.tax.clients import Client
from connectors.sandbox.tax.signing import query_is_signed, verified
from connectors.sandbox.tax.state import CONTEXT_CLASSES, TaxOffice, Wanted
from connectors.sandbox.tax.xml import BINDINGS, PERSISTENT, PREFIXES, Element, is_recent, parsed, tag

MESSAGE_LIMIT_BYTES = 32_768
RECENT_SECONDS = 300
RELAY_STATE_LIMIT_BYTES = 80  # SAML bindings section 3.4.3


def _refused(why: str) -> PageProblem:
    return PageProblem("invalid_request", "Yêu cầu không hợp lệ. Hãy quay lại dịch vụ và thử lại.", why)


def read_message(office: TaxOffice, request: Request, kind: str) -> tuple[Element, Client, str]:
    """The signed message, who sent it, and the RelayState; raises PageProblem."""
    values = request.args if request.method == "GET" else request.form
    relay_state = values.get("RelayState", "")
    if len(relay_state.encode()) > RELAY_STATE_LIMIT_BYTES:
        raise _refused("RelayState has more than 80 bytes")
    try:
        message = parsed(_unpacked(values.get("SAMLRequest", ""), squeezed=request.method == "GET"))
    except ValueError:
        raise _refused("SAMLRequest cannot be read") from None
    if message.tag != tag(f"samlp:{kind}") or message.get("Version") != "2.0":
        raise _refused(f"this is no {kind}")
    client = office.clients.get(message.findtext("saml:Issuer", "", PREFIXES))
    if client is None:
        raise _refused("unknown service provider")
    certificates = office.clients.certificates(client, "signing")
    if request.method == "GET":
        raw = request.query_string.decode("ascii", errors="replace")
        if not query_is_signed(raw, certificates, values.get("Signature", ""), values.get("SigAlg", "")):
            raise _refused("the query is not signed by the service provider")
    else:
        signed_message = verified(message, certificates)
        if signed_message is None:
            raise _refused("the message is not signed by the service provider")
        message = signed_message
    if message.get("Destination") != office.settings.url(request.path):
        raise _refused("the message was sent to another address")
    if not is_recent(message.get("IssueInstant"), RECENT_SECONDS):
        raise _refused("the message is not of now")
    return message, client, relay_state


def _unpacked(value: str, *, squeezed: bool) -> bytes:
    body = base64.b64decode(value, validate=True)
    if not squeezed:
        return body
    try:
        return zlib.decompressobj(wbits=-15).decompress(body, MESSAGE_LIMIT_BYTES)
    except zlib.error:
        raise ValueError("not deflated") from None


def read_sign_on(office: TaxOffice, request: Request) -> Wanted:
    """What an AuthnRequest wants (SAML core section 3.4.1); raises PageProblem."""
    message, client, relay_state = read_message(office, request, "AuthnRequest")
    acs_url = message.get("AssertionConsumerServiceURL", client.acs_urls[0])
    if acs_url not in client.acs_urls:
        raise _refused("AssertionConsumerServiceURL is not registered")
    if message.get("ProtocolBinding", f"{BINDINGS}HTTP-POST") != f"{BINDINGS}HTTP-POST":
        raise _refused("answers are sent by POST only")
    policy = message.find("samlp:NameIDPolicy", PREFIXES)
    if policy is not None and policy.get("Format", PERSISTENT) != PERSISTENT:
        raise _refused("only persistent names are given")
    if not office.answered.put_first(True, f"{client.entity_id} {message.get('ID')}"):
        raise _refused("this request was sent before")
    numbers = {context: level for level, context in CONTEXT_CLASSES.items()}
    asked = [one.text for one in message.iterfind("samlp:RequestedAuthnContext/saml:AuthnContextClassRef", PREFIXES)]
    levels = tuple(numbers[context] for context in asked if context in numbers)
    return Wanted(
        client=client,
        request_id=message.get("ID", ""),
        acs_url=acs_url,
        relay_state=relay_state,
        levels=levels,
        impossible=bool(asked) and not levels,
        force=message.get("ForceAuthn") in ("true", "1"),
        passive=message.get("IsPassive") in ("true", "1"),
    )
