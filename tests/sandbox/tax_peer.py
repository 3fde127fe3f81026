"""A service provider written by hand, with its browser: the other side of the sandbox's tax office."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from connectors.sandbox.tax.keys import Pair, make_pair

ENTITY_ID = "https://idp.example/saml"
ACS_URL = "https://idp.example/callback/tax"
SIGNED_OUT_URL = "https://idp.example/signed-out"
NS = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
TIMEOUT_SECONDS = 20
PAIR = make_pair("a service provider")


class ServiceProvider:
    def __init__(self, issuer: str, clients_file: Path) -> None:
        self.issuer = issuer
        self._clients_file = clients_file
        self.browser = requests.Session()
        self.browser.trust_env = False
        self.register()

    def register(self, **changes: Any) -> None:
        pem = PAIR.certificate.public_bytes(Encoding.PEM).decode()
        client = {"entity_id": ENTITY_ID, "acs_urls": [ACS_URL], "certificates": [pem], **changes}
        self._clients_file.write_text(json.dumps([client]) + " " * secrets.randbelow(50), "utf-8")

    def message(self, kind: str = "AuthnRequest", inside: str = "", **changes: str) -> str:
        values = {
            "ID": f"_{secrets.token_hex(8)}",
            "Version": "2.0",
            "IssueInstant": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Destination": f"{self.issuer}/{'sso' if kind == 'AuthnRequest' else 'slo'}",
            **changes,
        }
        issuer = values.pop("issuer", ENTITY_ID)
        attributes = " ".join(f'{name}="{value}"' for name, value in values.items())
        return (
            f'<samlp:{kind} xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" {attributes}>'
            f"<saml:Issuer>{issuer}</saml:Issuer>{inside}</samlp:{kind}>"
        )

    def query(self, message: str, pair: Pair = PAIR, relay_state: str = "handle") -> str:
        packed = base64.b64encode(zlib.compress(message.encode(), wbits=-15)).decode()
        values = (("SAMLRequest", packed), ("RelayState", relay_state), ("SigAlg", RSA_SHA256))
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values)
        signature = pair.private.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{query}&Signature={quote(base64.b64encode(signature).decode(), safe='')}"

    def get(self, path: str) -> requests.Response:
        return self.browser.get(f"{self.issuer}{path}", allow_redirects=False, timeout=TIMEOUT_SECONDS)

    def ask(self, inside: str = "", **changes: str) -> requests.Response:
        return self.get(f"/sso?{self.query(self.message(inside=inside, **changes))}")

    def login_page(self, inside: str = "", **changes: str) -> requests.Response:
        self.browser.cookies.clear()
        answer = self.ask(inside, **changes)
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["Location"])

    def press(self, page: requests.Response, **fields: str) -> requests.Response:
        interaction = field(page.text, "interaction")
        return self.browser.post(
            f"{self.issuer}/login", data={"interaction": interaction, **fields}, allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )  # fmt: skip

    def response(self, citizen: int = 0, inside: str = "") -> etree._Element:
        """The response of a sign-in by one click, in a browser that knows nobody yet."""
        return response_in(self.press(self.login_page(inside), citizen=str(citizen)))

    def control(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.issuer}/_sandbox{path}", timeout=TIMEOUT_SECONDS, **options)

    def certificates(self) -> list[str]:
        root = etree.fromstring(self.get("/metadata").content)
        return [str(one.text) for one in root.iterfind("md:IDPSSODescriptor//ds:X509Certificate", NS)]


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return html.unescape(found[1])


def document_in(page: requests.Response) -> bytes:
    assert page.status_code == 200, page.text
    return base64.b64decode(field(page.text, "SAMLResponse"))


def response_in(page: requests.Response) -> etree._Element:
    return etree.fromstring(document_in(page))


def attributes(response: etree._Element, path: str = "saml:Assertion") -> dict[str, str]:
    told = response.iterfind(f"{path}/saml:AttributeStatement/saml:Attribute", NS)
    return {one.get("Name", ""): one.findtext("saml:AttributeValue", "", NS) for one in told}


def codes(response: etree._Element) -> list[str]:
    return [one.get("Value", "").rpartition(":")[2] for one in response.iter(f"{{{NS['samlp']}}}StatusCode")]
