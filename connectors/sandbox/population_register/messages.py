"""The register's SOAP: requests read, answers written, and both spoilt where a fault says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element

from connectors.sandbox.population_register.faults import FaultName

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
REQUESTS = "http://dancuquocgia.bca"
ANSWERS = "http://www.mic.gov.vn/dancu/1.0"

HUGE_BYTES, LARGE_BYTES = 3 * 1024 * 1024, 512 * 1024
GARBAGE = b"\x1f\x8b\x00\xffmaKetQua=501"
HTML = b"<!DOCTYPE html>\n<html><head><title>502</title></head><body>Bad Gateway</body></html>"

_XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
_TEN_TIMES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
_LAUGHS = f"<!DOCTYPE a [{_TEN_TIMES}]>".encode()
_MEMBER_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")

Node = tuple[str, "str | bool | int | Sequence[Node] | None"]  # a name, and a text or what is inside


class NotSoap(Exception):
    """The request is no SOAP that could be answered."""


@dataclass(frozen=True, kw_only=True)
class Request:
    header: _Element
    body: _Element
    operation: str

    def identifier(self, name: str) -> str | None:
        """instance/class/member/subsystem, for a service with its code behind."""
        element = self.header.find(f"{{{XROAD}}}{name}")
        if element is None:
            return None
        parts = (*_MEMBER_PARTS, "serviceCode")
        return "/".join(text for part in parts if (text := element.findtext(f"{{{IDENTIFIERS}}}{part}")))

    def told(self, name: str) -> str:
        return (self.header.findtext(f"{{{XROAD}}}{name}") or "").strip()

    def field(self, *path: str) -> str | None:
        text = self.body.findtext("/".join(f"{{{REQUESTS}}}{step}" for step in path))
        return text.strip() or None if text is not None else None


def read(body: bytes) -> Request:
    """The request; raises NotSoap."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotSoap from None
    header, content = root.find(f"{{{ENVELOPE}}}Header"), root.find(f"{{{ENVELOPE}}}Body")
    if header is None or content is None or len(content) != 1 or b"<!DOCTYPE" in body:
        raise NotSoap
    name = etree.QName(content[0])
    if name.namespace != REQUESTS:
        raise NotSoap
    return Request(header=header, body=content[0], operation=name.localname)


def written(nodes: Sequence[Node]) -> list[_Element]:
    """Nodes as elements of the answers' namespace; those that are None are left out."""
    elements: list[_Element] = []
    for name, value in nodes:
        if value is None:
            continue
        element = etree.Element(f"{{{ANSWERS}}}{name}", nsmap={"dc": ANSWERS})
        if isinstance(value, bool):
            element.text = "true" if value else "false"
        elif isinstance(value, str | int):
            element.text = str(value)
        else:
            element.extend(written(value))
        elements.append(element)
    return elements


def answer(request: Request, nodes: Sequence[Node], lie: str | None) -> bytes:
    """The envelope, with the request's headers copied (PR-MESS section 2.2) as far as the lie leaves them."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
    header = etree.SubElement(root, f"{{{ENVELOPE}}}Header")
    if lie != FaultName.HALF_HEADERS:
        header.extend(list(request.header))
    else:
        header.extend([one for one in request.header if etree.QName(one).localname == "id"])
    spoilt: dict[str, tuple[str, str]] = {
        FaultName.WRONG_ID_ECHOED: (f"{{{XROAD}}}id", "another-message"),
        FaultName.WRONG_CLIENT_ECHOED: (f"{{{XROAD}}}client/{{{IDENTIFIERS}}}memberCode", "9999"),
        FaultName.WRONG_SERVICE_ECHOED: (f"{{{XROAD}}}service/{{{IDENTIFIERS}}}serviceCode", "TraCuuXe"),
    }
    if lie in spoilt:
        path, text = spoilt[lie]
        found = header.find(path)
        if found is not None:
            found.text = text
    wrapper = etree.SubElement(
        etree.SubElement(root, f"{{{ENVELOPE}}}Body"),
        f"{{{ANSWERS}}}{request.operation}Response",
        nsmap={"dc": ANSWERS},
    )
    wrapper.extend(written(nodes))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault(code: str, text: str, *, on_the_way: bool = False) -> bytes:
    """A SOAP fault: the register's own, or one of X-Road with its longer code."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
    body = etree.SubElement(etree.SubElement(root, f"{{{ENVELOPE}}}Body"), f"{{{ENVELOPE}}}Fault")
    etree.SubElement(body, "faultcode").text = code if on_the_way else f"s:{code}"
    etree.SubElement(body, "faultstring").text = text
    if on_the_way:
        etree.SubElement(etree.SubElement(body, "detail"), f"{{{XROAD}}}faultDetail").text = "0b5c1d3e"
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def spoilt(body: bytes, lie: str | None) -> tuple[bytes, str]:
    """The bytes and their media type, as this fault of the body has them."""
    if lie == FaultName.HTML:
        return HTML, "text/html"
    return _spoilt(body, lie), "text/xml"


def _spoilt(body: bytes, lie: str | None) -> bytes:
    if lie is None:
        return body
    declaration, _, rest = body.partition(b"?>")
    head = declaration + b"?>"
    deep = b"<s:Body>" + b"<x>" * 200 + b"</x>" * 200
    lies: dict[str, bytes] = {
        FaultName.GARBAGE: GARBAGE,
        FaultName.TRUNCATED_XML: body[: len(body) // 2],
        FaultName.HUGE_BODY: body + b" " * HUGE_BYTES,
        FaultName.LARGE_BODY: body + b" " * LARGE_BYTES,
        FaultName.DEEP_XML: rest.replace(b"<s:Body>", deep),
        FaultName.XXE: head + _XXE + rest.replace(b"<s:Header>", b"<s:Header><x>&x;</x>"),
        FaultName.BILLION_LAUGHS: head + _LAUGHS + rest.replace(b"<s:Header>", b"<s:Header><x>&l9;</x>"),
    }
    return lies.get(lie, body)
