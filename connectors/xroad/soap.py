"""SOAP 1.1 over HTTP: an envelope written, and an answer opened with all that can be wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element

from connectors.answers import Refusal, successful
from connectors.base import Failure, HttpAnswer
from connectors.xml_documents import child, parsed, text_of

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XML_TYPES = ("text/xml", "application/xml")

_PLAIN_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Message:
    """An envelope that holds no fault; `body` is the one element in it."""

    header: _Element
    body: _Element


class Fault(Exception):
    """The other side answered with a Fault (section 4.4); `code` is its faultcode without a prefix.

    Its text is for nobody: it may quote what was asked.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def envelope(header: Iterable[_Element], body: _Element) -> bytes:
    """The message, in UTF-8."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soapenv": ENVELOPE})
    etree.SubElement(root, f"{{{ENVELOPE}}}Header").extend(list(header))
    etree.SubElement(root, f"{{{ENVELOPE}}}Body").append(body)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def opened(answer: HttpAnswer, what: str) -> Message:
    """What the answer holds; raises Fault where that is a fault, Refusal for whatever is no SOAP answer.

    A fault comes with status 500 (section 6.2), so that status is read before it is believed.
    """
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_xml = media_type in XML_TYPES
    if answer.status != 500 or not is_xml:
        successful(answer, what, {})
    if not is_xml:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not XML by its type")
    root = parsed(answer.body, what)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is no SOAP 1.1 envelope")
    body = child(root, f"{{{ENVELOPE}}}Body")
    if body is None or len(body) != 1:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} has no body with one element in it")
    if body[0].tag == f"{{{ENVELOPE}}}Fault":
        raise Fault(_code(body[0]))
    if answer.status != 200:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} answered {answer.status} without a fault")
    header = child(root, f"{{{ENVELOPE}}}Header")
    return Message(header=etree.Element(f"{{{ENVELOPE}}}Header") if header is None else header, body=body[0])


def _code(fault: _Element) -> str:
    found = text_of(fault, "faultcode") or ""
    code = found.rpartition(":")[2]
    return code if _PLAIN_CODE.fullmatch(code) else "an unreadable code"
