"""SAML's documents, and the names in them.

They are read by `xml_documents`, and more strictly than others: no comments, since a reader that stops at one sees
another text than was signed (CVE-2017-11427), and no id twice, since a signature names what it covers by its id.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lxml import etree

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.xml_documents import parsed

Element = etree._Element

DOCUMENT_LIMIT_BYTES = 262_144
TEXT_LIMIT_CHARACTERS = 1024

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
NAMESPACES = {"saml": ASSERTION, "samlp": PROTOCOL, "md": METADATA, "ds": SIGNATURE, "xenc": ENCRYPTION}

REDIRECT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

_IDS = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")
# SAML core section 1.3.3: instants are in UTC, written with Z.
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z")


def read_document(body: bytes, what: str, *, comments: bool = False) -> Element:
    """The root of the document in `body`; raises Refusal. `comments` lets comments be, unread."""
    if not comments and b"<!--" in body:
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{what} holds comments")
    root = parsed(body, what, limit_bytes=DOCUMENT_LIMIT_BYTES)
    _check_ids(root, what)
    return root


def _check_ids(root: Element, what: str) -> None:
    seen: set[str] = set()
    for element in root.iter():
        for name in _IDS:
            value = element.get(name)
            if value is not None and value in seen:
                raise Refusal(Failure.WRONG_SIGNATURE, f"{what} has one id twice")
            if value is not None:
                seen.add(value)


def name(prefix: str, local: str) -> str:
    """The name of an element as lxml writes it."""
    return f"{{{NAMESPACES[prefix]}}}{local}"


def children(element: Element, path: str) -> list[Element]:
    """The elements at a path of direct steps; never anywhere below."""
    return element.findall(path, NAMESPACES)


def removed(elements: list[Element]) -> None:
    """These elements, and what is in them, are no longer where they were."""
    for element in elements:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)


def only_child(element: Element, path: str, failure: Failure, what: str) -> Element:
    """The one element at the path; raises Refusal where there is none, or more than one."""
    found = children(element, path)
    if len(found) != 1:
        raise Refusal(failure, f"{what} is not there exactly once")
    return found[0]


def text_of(element: Element | None) -> str | None:
    """All of the element's text, without spaces around it; None for an element with others inside it, or for none."""
    if element is None or len(element):
        return None
    text = (element.text or "").strip()
    return text if 0 < len(text) <= TEXT_LIMIT_CHARACTERS else None


def read_instant(text: str | None, what: str) -> datetime:
    """The instant; raises Refusal for one that is missing or not in UTC (SAML core section 1.3.3)."""
    found = _INSTANT.fullmatch(text or "")
    if found is None:
        raise Refusal(Failure.WRONG_TIME, f"{what} is missing, or not an instant in UTC")
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(Failure.WRONG_TIME, f"{what} is no instant") from None


def write_instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
