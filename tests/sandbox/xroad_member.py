"""A member of X-Road written by hand: asks both registers of the sandbox, carefully or not."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from xml.sax.saxutils import escape

import requests

MEMBER = {"client": "VN/GOV/1000/motcua", "user": "motcua", "api_key": "a key", "signature_secret": "a secret"}
PEOPLE_PATH = "/ws/dan-cu"
FIRMS_PATH = "/r1/VN/GOV/0002/business/representation/v1/representatives/search"

_SOAP = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://x-road.eu/xsd/xroad.xsd"
 xmlns:i="http://x-road.eu/xsd/identifiers" xmlns:b="http://dancuquocgia.bca"><s:Header>
<x:client i:objectType="SUBSYSTEM">{client}</x:client><x:service i:objectType="SERVICE">{service}</x:service>
<x:id>{id}</x:id><x:userId>{user}</x:userId><x:protocolVersion>{version}</x:protocolVersion></s:Header>
<s:Body><b:{operation}>{body}</b:{operation}></s:Body></s:Envelope>"""
_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")


def signed(url: str, *, at: float | None = None, **changes: str) -> dict[str, str]:
    """NDXP's headers for one request."""
    member = MEMBER | changes
    timestamp = str(int((time.time() if at is None else at) * 1000))
    digest = hashlib.sha256(f"{url}{member['user']}{timestamp}{member['signature_secret']}".encode()).hexdigest()
    proof = base64.b64encode(f"{member['user']}:{digest}".encode()).decode()
    return {"ApiKey": member["api_key"], "Timestamp": timestamp, "Authorization": f"Basic {proof}"}


class Asker:
    def __init__(self, address: str) -> None:
        self.address = address

    def control(self, method: str, what: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.address}/_sandbox/{what}", timeout=10, **options)

    def send(self, path: str, headers: dict[str, str | None], **body: Any) -> requests.Response:
        url = f"{self.address}{path}"
        told = {**signed(url), "X-Road-Client": MEMBER["client"], **headers}
        return requests.post(url, headers=told, timeout=10, **body)  # what is None is left out

    def soap(self, operation: str, body: str, headers: dict[str, str | None] | None = None, **told: str) -> str:
        """The answer, or the fault, as text."""
        service = f"VN/GOV/0001/population/{operation}"
        values = {
            **{"operation": operation, "body": body, "version": "4.0", "user": "VN-abc", "id": secrets.token_hex(8)},
            "client": _identifier(told.pop("client", MEMBER["client"])),
            "service": _identifier(told.pop("service", service)),
        }
        message = _SOAP.format(**{**values, **told}).encode()
        answer = self.send(PEOPLE_PATH, {"Content-Type": "application/xml", **(headers or {})}, data=message)
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        return answer.text

    def person(self, operation: str, number: str, name: str, born: str, **told: Any) -> str:
        kind, date = ("SoDinhDanh" if len(number) == 12 else "SoCMND"), ("Nam" if len(born) == 4 else "NgayThangNam")
        body = (
            f"<b:MaYeuCau>1</b:MaYeuCau><b:{kind}>{number}</b:{kind}><b:HoVaTen>{escape(name)}</b:HoVaTen>"
            f"<b:NgayThangNamSinh><b:{date}>{born}</b:{date}></b:NgayThangNamSinh>"
        )
        return self.soap(operation, body, **told)

    def search(self, number: Any, page: Any = 1, limit: Any = 100, **headers: str | None) -> requests.Response:
        told: dict[str, str | None] = {"X-Road-Id": secrets.token_hex(8), "X-Road-UserId": "VN-abc"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(FIRMS_PATH, {**told, **more}, json={"personalNumber": number, "page": page, "limit": limit})


def _identifier(name: str) -> str:
    return "".join(f"<i:{part}>{text}</i:{part}>" for part, text in zip(_PARTS, name.split("/"), strict=False))
