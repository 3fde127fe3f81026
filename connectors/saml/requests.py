"""What we send: signed AuthnRequests and LogoutRequests, by redirect or by POST (SAML bindings 3.4 and 3.5)."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from lxml import etree

from connectors.answers import Refusal
from connectors.base import AutoPost, Context, Failure, LoginRequest, Redirect, Step
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import ASSERTION, POST_BINDING, PROTOCOL, REDIRECT_BINDING, Element, name, write_instant
from connectors.saml.keys import Pair, signing_pairs
from connectors.saml.metadata import IdpMetadata
from connectors.saml.signatures import place_for_signature, sign, signed_query

RELAY_STATE_LIMIT_BYTES = 80  # SAML bindings section 3.4.3


def new_id(context: Context) -> str:
    """An id that nobody can guess; XML wants it to begin with a letter or an underscore."""
    return f"_{context.fresh_value()}"


def authn_request(
    context: Context, configuration: SamlConfiguration, request: LoginRequest, request_id: str
) -> Element:
    """SAML core section 3.4.1; where it goes, `sent` writes."""
    root = _message(context, configuration, "AuthnRequest", request_id)
    root.set("AssertionConsumerServiceURL", request.callback_url)
    root.set("ProtocolBinding", POST_BINDING)
    if request.force or request.max_age_seconds is not None:  # SAML has no maximum age to ask for
        root.set("ForceAuthn", "true")
    policy = etree.SubElement(root, name("samlp", "NameIDPolicy"), AllowCreate="true")
    policy.set("Format", configuration.name_id_format)
    if configuration.context_classes:
        enough = [level for level in sorted(configuration.context_classes) if level >= request.level]
        if not enough:
            raise Refusal(Failure.LEVEL_TOO_LOW, "no context class of the configuration reaches the level")
        # "exact" with all that suffice: what "minimum" means, each source decides for itself.
        wanted = etree.SubElement(root, name("samlp", "RequestedAuthnContext"), Comparison="exact")
        for level in enough:
            etree.SubElement(wanted, name("saml", "AuthnContextClassRef")).text = configuration.context_classes[level]
    return root


def sent(
    context: Context, configuration: SamlConfiguration, metadata: IdpMetadata, message: Element, handle: str,
    state: bytes,
) -> Step:  # fmt: skip
    """The message, signed, on its way through the browser; raises Refusal where it cannot be sent as configured."""
    if len(handle.encode()) > RELAY_STATE_LIMIT_BYTES:
        raise Refusal(Failure.MISCONFIGURED, "the handle is too long for a RelayState")
    binding = REDIRECT_BINDING if configuration.binding == "redirect" else POST_BINDING
    url = metadata.sign_on.get(binding)
    if url is None:
        raise Refusal(Failure.MISCONFIGURED, f"the source takes no requests by {configuration.binding}")
    pair = signing_pairs(context)[0]
    if binding == REDIRECT_BINDING:
        return Redirect(url=by_redirect(message, url, handle, pair), state=state)
    message.set("Destination", url)
    message.insert(1, place_for_signature())
    encoded = base64.b64encode(sign(message, pair)).decode()
    return AutoPost(url=url, fields=(("SAMLRequest", encoded), ("RelayState", handle)), state=state)


def by_redirect(message: Element, url: str, handle: str, pair: Pair) -> str:
    """The address that carries the message, deflated, with a signature of the query (section 3.4.4)."""
    message.set("Destination", url)
    squeezed = zlib.compress(etree.tostring(message), 9, wbits=-15)
    pairs = (("SAMLRequest", base64.b64encode(squeezed).decode()), ("RelayState", handle))
    return f"{url}{'&' if '?' in url else '?'}{signed_query(pairs, pair.private)}"


def logout_request(context: Context, configuration: SamlConfiguration, hint: str) -> Element | None:
    """SAML core section 3.7.1, for whom the `logout_hint` of an assertion names; None where it names nobody."""
    try:
        named: Mapping[str, Any] = json.loads(hint)
        subject, session = str(named["id"]), str(named.get("session", ""))
        attributes = {key: str(named[key]) for key in ("Format", "NameQualifier", "SPNameQualifier") if key in named}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    root = _message(context, configuration, "LogoutRequest", new_id(context))
    etree.SubElement(root, name("saml", "NameID"), attributes).text = subject
    if session:
        etree.SubElement(root, name("samlp", "SessionIndex")).text = session
    return root


def _message(context: Context, configuration: SamlConfiguration, kind: str, message_id: str) -> Element:
    root = etree.Element(name("samlp", kind), nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
    root.set("ID", message_id)
    root.set("Version", "2.0")
    root.set("IssueInstant", write_instant(context.now()))
    etree.SubElement(root, name("saml", "Issuer")).text = configuration.entity_id
    return root
