"""Documents that harm their reader: entities, sizes, depths; and a comment where a name is read."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from connectors.sandbox.tax.faults import Lie
from connectors.sandbox.tax.xml import PREFIXES, Element

HUGE_BYTES = 10 * 1024 * 1024
DEPTH = 5000
_STATUS_END = b"</samlp:Status>"
_XXE = b'<!DOCTYPE r [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
_LAUGHS = (
    b'<!DOCTYPE r [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10))
    + b"]>"
)


def _with_message(document: bytes, message: bytes, before: bytes = b"") -> bytes:
    told = b"<samlp:StatusMessage>%s</samlp:StatusMessage>%s" % (message, _STATUS_END)
    return before + document.replace(_STATUS_END, told, 1)


def _deep(document: bytes) -> bytes:
    inside = b"<samlp:x>" * DEPTH + b"</samlp:x>" * DEPTH
    return document.replace(_STATUS_END, b"<samlp:StatusDetail>%s</samlp:StatusDetail>%s" % (inside, _STATUS_END), 1)


BODIES: dict[str, Callable[[bytes], bytes]] = {
    Lie.XXE: lambda document: _with_message(document, b"&file;", _XXE),
    Lie.BILLION_LAUGHS: lambda document: _with_message(document, b"&a9;", _LAUGHS),
    Lie.HUGE_DOCUMENT: lambda document: _with_message(document, b"0" * HUGE_BYTES),
    Lie.DEEP_DOCUMENT: _deep,
}


def put_comment(assertion: Element) -> None:
    """A comment splits the name in two; what canonicalisation sees, and so the signature, stays the same."""
    name_id = assertion.find("saml:Subject/saml:NameID", PREFIXES)
    if name_id is None:
        return
    text = name_id.text or ""
    comment = etree.Comment("")
    name_id.text, comment.tail = text[:12], text[12:]
    name_id.insert(0, comment)
