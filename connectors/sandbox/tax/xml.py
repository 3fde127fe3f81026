"""SAML's names, and XML written and read with lxml."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from lxml import etree

from connectors.sandbox.shelf import now

Element = etree._Element

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
PREFIXES = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xenc": XENC}
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"


def tag(name: str) -> str:
    """`saml:Issuer` as lxml writes it."""
    prefix, _, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


def element(name: str, text: str | None = None, **attributes: str) -> Element:
    """A new element with the prefixes that a message needs."""
    used = ("md", "ds") if name.startswith("md:") else ("samlp", "saml")
    made = etree.Element(tag(name), attributes, nsmap={prefix: PREFIXES[prefix] for prefix in used})
    made.text = text
    return made


def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """A new last child."""
    made = etree.SubElement(parent, tag(name), attributes)
    made.text = text
    return made


def parsed(document: bytes) -> Element:
    """The root; raises ValueError for a document that declares anything, or is not XML."""
    if b"<!" in document:
        raise ValueError("declarations and comments are not read here")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError:
        raise ValueError("not XML") from None


def new_id() -> str:
    return f"_{secrets.token_hex(20)}"


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_recent(text: str | None, seconds: int) -> bool:
    """Whether the instant is not further than that from now."""
    try:
        at = datetime.strptime((text or "").partition(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(at.timestamp() - now()) <= seconds
