"""Who may ask the office: the service providers in its clients file, and their certificates.

    [{"entity_id": "https://idp.example/saml", "acs_urls": ["https://idp.example/callback/tax"],
      "certificates": ["-----BEGIN CERTIFICATE-----…"], "encrypt": true}]

In place of `certificates` a `metadata_url` may stand: the keys are then what the service provider publishes there.
"""

from __future__ import annotations

import base64
import http.client
import logging
import time
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import BaseModel, ConfigDict, TypeAdapter, field_validator

from connectors.sandbox.clients_file import ClientsFile
from connectors.sandbox.tax.xml import PREFIXES, parsed

METADATA_SECONDS = 2  # how long what was read is kept; short, so that a test of new keys need not wait
METADATA_LIMIT_BYTES = 262_144
logger = logging.getLogger(__name__)


class Client(BaseModel):
    """One registered service provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity_id: str
    acs_urls: tuple[str, ...]
    signed_out_urls: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    metadata_url: str = ""
    encrypt: bool = False
    sign: Literal["assertion", "response", "both"] = "assertion"

    @field_validator("certificates")
    @classmethod
    def _are_certificates(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            x509.load_pem_x509_certificate(value.encode())
        return values


class Clients(ClientsFile[Client]):
    def __init__(self, file: Path | None) -> None:
        super().__init__(file, TypeAdapter(list[Client]), lambda client: client.entity_id)
        self._metadata: dict[str, tuple[float, dict[str, list[x509.Certificate]]]] = {}

    def certificates(self, client: Client, use: str) -> list[x509.Certificate]:
        """Its certificates for `signing` or `encryption`; none where its metadata cannot be had."""
        if not client.metadata_url:
            return [x509.load_pem_x509_certificate(pem.encode()) for pem in client.certificates]
        read_at, known = self._metadata.get(client.metadata_url, (0.0, {}))
        if time.monotonic() - read_at > METADATA_SECONDS or not known:
            try:
                known = _published(client.metadata_url)
            except (OSError, ValueError, http.client.HTTPException):
                logger.warning("metadata of %s cannot be read", client.entity_id)
            self._metadata[client.metadata_url] = (time.monotonic(), known)
        return known.get(use, [])


def _published(url: str) -> dict[str, list[x509.Certificate]]:
    """The certificates in a service provider's metadata, by use."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = host.endswith("localhost")  # whose names not every resolver knows
    connect = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
    connection = connect("127.0.0.1" if local and parts.scheme == "http" else host, parts.port, timeout=5)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        body = answer.read(METADATA_LIMIT_BYTES)
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError("no metadata")
    found: dict[str, list[x509.Certificate]] = {"signing": [], "encryption": []}
    for descriptor in parsed(body).iterfind("md:SPSSODescriptor/md:KeyDescriptor", PREFIXES):
        for one in descriptor.iterfind("ds:KeyInfo/ds:X509Data/ds:X509Certificate", PREFIXES):
            certificate = x509.load_der_x509_certificate(base64.b64decode(one.text or ""))
            for use in [descriptor.get("use")] if descriptor.get("use") else ["signing", "encryption"]:
                found[str(use)].append(certificate)
    return found
