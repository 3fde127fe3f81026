"""XML from others, read without believing it: nothing is fetched, nothing expands, and size and depth are known first.

What parsers are attacked with (document types, entities, processing instructions, encodings in which a look at the
bytes sees none of these) no protocol here needs, so a document that has any of it is refused unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from lxml import etree
from lxml.etree import _Element

from connectors.answers import Refusal
from connectors.base import Failure

DOCUMENT_LIMIT_BYTES = 262144
DEPTH_LIMIT = 40
ELEMENTS_LIMIT = 20_000
ATTRIBUTES_LIMIT = 64  # of one element
ALL_ATTRIBUTES_LIMIT = 5_000
NAMESPACES_LIMIT = 200  # declarations in all: canonical forms take time that grows with their square

_DECLARATION = re.compile(
    r"<\?xml\s+version\s*=\s*[\"']1\.[01][\"'](\s+encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'])?[^?<>]*\?>"
)
_END_OR_QUOTE = re.compile(r"[>\"'<]")
_COMMENT, _CHARACTERS, _INSTRUCTION = ("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")


def parsed(
    body: bytes, what: str, *, limit_bytes: int = DOCUMENT_LIMIT_BYTES, depth_limit: int = DEPTH_LIMIT
) -> _Element:
    """The document's root; raises Refusal with UNSAFE_DOCUMENT, or BROKEN_ANSWER for what is not well-formed XML."""
    if len(body) > limit_bytes:
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{what} is too large")
    _Shape(_utf8(body, what), what, depth_limit).check()
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not well-formed XML") from None


def _utf8(body: bytes, what: str) -> str:
    """The text. Another encoding than UTF-8 would let the parser read something else than was looked at."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not UTF-8") from None
    declaration = _DECLARATION.match(text)
    if declaration and (declaration[2] or "utf-8").lower() not in ("utf-8", "us-ascii"):
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{what} declares another encoding than UTF-8")
    return text


@dataclass
class _Shape:
    """How deep and how many, seen in one pass that never looks back."""

    text: str
    what: str
    depth_limit: int
    depth: int = 0
    elements: int = 0
    attributes: int = 0
    namespaces: int = 0

    def check(self) -> None:
        declaration = _DECLARATION.match(self.text)
        position = self.text.find("<", declaration.end() if declaration else 0)
        while position >= 0:
            position = self.text.find("<", self._after(position))

    def _after(self, position: int) -> int:
        """Where the markup that begins here ends."""
        for start, end in (_COMMENT, _CHARACTERS):
            if self.text.startswith(start, position):
                return self._find(end, position + len(start))
        if self.text.startswith(("<!", "<?"), position):
            self._unsafe("has a document type, an entity or a processing instruction")
        if self.text.startswith("</", position):
            self.depth -= 1
            return self._find(">", position)
        return self._after_start_tag(position)

    def _after_start_tag(self, position: int) -> int:
        self.elements += 1
        self.depth += 1
        if self.depth > self.depth_limit or self.elements > ELEMENTS_LIMIT:
            self._unsafe("is too deep, or has too many elements")
        begin, before = position, self.attributes
        while found := _END_OR_QUOTE.search(self.text, position + 1):
            position = found.start()
            if found[0] == "<":
                break
            if found[0] == ">":
                self.depth -= self.text[position - 1] == "/" and position - 1 > begin
                self._count_namespaces(begin, position)
                return position + 1
            self.attributes += 1
            if self.attributes - before > ATTRIBUTES_LIMIT or self.attributes > ALL_ATTRIBUTES_LIMIT:
                self._unsafe("has too many attributes")
            position = self._find(found[0], position + 1) - 1
        raise Refusal(Failure.BROKEN_ANSWER, f"{self.what} is not well-formed XML")

    def _count_namespaces(self, begin: int, end: int) -> None:
        self.namespaces += self.text.count("xmlns", begin, end)
        if self.namespaces > NAMESPACES_LIMIT:
            self._unsafe("declares too many namespaces")

    def _find(self, end: str, position: int) -> int:
        found = self.text.find(end, position)
        if found < 0:
            raise Refusal(Failure.BROKEN_ANSWER, f"{self.what} ends too early")
        return found + len(end)

    def _unsafe(self, why: str) -> NoReturn:
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{self.what} {why}")


def children(parent: _Element, name: str) -> Iterator[_Element]:
    """The children of this name, which is `{namespace}local`."""
    return (one for one in parent if one.tag == name)


def child(parent: _Element, name: str) -> _Element | None:
    """The only child of this name, None where there is none; raises Refusal where there are several."""
    found = list(children(parent, name))
    if len(found) > 1:
        raise Refusal(Failure.BROKEN_ANSWER, f"{etree.QName(name).localname} is there more than once")
    return found[0] if found else None


def text_of(parent: _Element, name: str) -> str | None:
    """The text of that child without spaces around it; None where it is not there or empty.

    Raises Refusal where there are several, or where it holds elements instead.
    """
    found = child(parent, name)
    if found is None:
        return None
    if len(found):
        raise Refusal(Failure.BROKEN_ANSWER, f"{etree.QName(name).localname} holds elements instead of a text")
    return (found.text or "").strip() or None
