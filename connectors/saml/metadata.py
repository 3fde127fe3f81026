"""What a SAML identity provider publishes (SAML metadata 2.0), read strictly, and what we publish for it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from connectors.answers import Refusal, document
from connectors.base import Context, Failure
from connectors.configuration import origin
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import (
    METADATA,
    NAMESPACES,
    POST_BINDING,
    PROTOCOL,
    REDIRECT_BINDING,
    SIGNATURE,
    Element,
    children,
    name,
    read_document,
    read_instant,
)
from connectors.saml.keys import Pair
from connectors.saml.signatures import is_usable, place_for_signature, sign, signed_part

FRESH_SECONDS = 300  # how long the core keeps a copy anyway
CERTIFICATES_LIMIT = 10
_WHAT = "the metadata"
_DURATION = re.compile(
    r"P(?:(?P<days>[0-9]{1,4})D)?(?:T(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,6})M)?"
    r"(?:(?P<seconds>[0-9]{1,8})(?:\.[0-9]+)?S)?)?"
)


@dataclass(frozen=True, kw_only=True)
class IdpMetadata:
    """One identity provider as it describes itself. `signers` are the configured certificates that signed that."""

    entity_id: str
    sign_on: Mapping[str, str]  # binding to address
    sign_out: str | None  # by redirect
    certificates: tuple[x509.Certificate, ...]
    valid_until: datetime | None
    cache_seconds: int | None
    signers: tuple[x509.Certificate, ...]


def read_metadata(context: Context, configuration: SamlConfiguration, *, fresh: bool = False) -> IdpMetadata:
    """Their metadata as it is in force; raises Refusal, also for one whose time is over, or OutboundError.

    `fresh` asks for a new copy, as far as the core lets us ask that often: their keys may have changed.
    """
    if configuration.metadata_xml:
        return in_force(parse_for(configuration, configuration.metadata_xml.encode()), context.now())
    metadata = _fetched(context, configuration, 0 if fresh else None)
    if metadata.cache_seconds is not None and metadata.cache_seconds < FRESH_SECONDS and not fresh:
        metadata = _fetched(context, configuration, metadata.cache_seconds)
    if metadata.valid_until is not None and metadata.valid_until <= context.now() and not fresh:
        metadata = _fetched(context, configuration, 0)
    return in_force(metadata, context.now())


def _fetched(context: Context, configuration: SamlConfiguration, newer_than_seconds: int | None) -> IdpMetadata:
    def parse(body: bytes) -> IdpMetadata:
        return parse_for(configuration, body)

    return document(context.documents, configuration.metadata_url, parse, newer_than_seconds=newer_than_seconds)


def in_force(metadata: IdpMetadata, now: datetime) -> IdpMetadata:
    """The same, if it may be relied upon now; raises Refusal."""
    if metadata.valid_until is not None and metadata.valid_until <= now:
        raise Refusal(Failure.WRONG_TIME, "the metadata is valid no longer")
    if metadata.signers and not any(_lasts(one, now) for one in metadata.signers):
        raise Refusal(Failure.WRONG_SIGNATURE, "the certificate that signs the metadata is not in force")
    return metadata


def _lasts(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def parse_for(configuration: SamlConfiguration, body: bytes) -> IdpMetadata:
    """The metadata in `body`; raises Refusal for another's, an unsigned one where it must be, or one leading away."""
    trusted = configuration.metadata_certificates
    return _parse(body, configuration.idp_entity_id, configuration.allowed_origins, trusted)


@lru_cache(maxsize=64)
def _parse(body: bytes, entity_id: str, origins: frozenset[str] | None, trusted: tuple[str, ...]) -> IdpMetadata:
    root = read_document(body, _WHAT, comments=True)
    if root.tag != name("md", "EntityDescriptor"):
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} is not of one entity")
    signers = tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in trusted)
    if signers:
        root, signers = _signed(root, signers)
    if root.get("entityID") != entity_id:
        raise Refusal(Failure.WRONG_ISSUER, f"{_WHAT} is another entity's")
    role = _role(root)
    sign_on = {
        binding: _endpoint(one, origins)
        for binding in (REDIRECT_BINDING, POST_BINDING)
        for one in _offered(role, "SingleSignOnService", binding)
    }
    if not sign_on:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} offers no sign-on by redirect or POST")
    sign_out = [_endpoint(one, origins) for one in _offered(role, "SingleLogoutService", REDIRECT_BINDING)]
    return IdpMetadata(
        entity_id=entity_id, sign_on=sign_on, sign_out=sign_out[0] if sign_out else None,
        certificates=_signing_certificates(role), signers=signers,
        valid_until=min((until for until in map(_valid_until, (root, role)) if until is not None), default=None),
        cache_seconds=min((held for held in map(_cache_seconds, (root, role)) if held is not None), default=None),
    )  # fmt: skip


def _signed(root: Element, signers: tuple[x509.Certificate, ...]) -> tuple[Element, tuple[x509.Certificate, ...]]:
    """What was signed, and by which one; whether that one is in force yet, or still, is for `in_force` to say."""
    for signer in signers:
        try:
            return signed_part(root, (signer,), None, _WHAT), (signer,)
        except Refusal:
            continue
    raise Refusal(Failure.WRONG_SIGNATURE, f"{_WHAT} is not signed by a configured certificate")


def _role(root: Element) -> Element:
    for role in children(root, "md:IDPSSODescriptor"):
        if PROTOCOL in role.get("protocolSupportEnumeration", "").split():
            return role
    raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has no identity provider for SAML 2.0")


def _offered(role: Element, service: str, binding: str) -> list[Element]:
    return [one for one in children(role, f"md:{service}") if one.get("Binding") == binding][:1]


def _endpoint(service: Element, origins: frozenset[str] | None) -> str:
    url = service.get("Location", "")
    try:
        where = origin(url)
    except ValueError:
        raise Refusal(Failure.MISCONFIGURED, f"an address in {_WHAT} is not https") from None
    if origins is not None and where not in origins:
        raise Refusal(Failure.MISCONFIGURED, f"an address in {_WHAT} is not at a configured origin")
    return url


def _signing_certificates(role: Element) -> tuple[x509.Certificate, ...]:
    found = []
    for descriptor in children(role, "md:KeyDescriptor"):
        if descriptor.get("use", "signing") == "signing":
            found += children(descriptor, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    certificates = tuple(filter(None, (_certificate(one) for one in found[:CERTIFICATES_LIMIT])))
    if not certificates:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has no usable signing certificate")
    return certificates


def _certificate(element: Element) -> x509.Certificate | None:
    try:
        der = base64.b64decode("".join((element.text or "").split()), validate=True)
        certificate = x509.load_der_x509_certificate(der)
        return certificate if is_usable(certificate) else None
    except (ValueError, x509.InvalidVersion):
        return None


def _valid_until(element: Element) -> datetime | None:
    text = element.get("validUntil")
    return None if text is None else read_instant(text, f"validUntil of {_WHAT}")


def _cache_seconds(element: Element) -> int | None:
    found = _DURATION.fullmatch(element.get("cacheDuration", ""))
    if found is None:  # in years or months, or none: the core's own rhythm is faster than that
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


# ---- ours ----


def our_metadata(configuration: SamlConfiguration, signing: tuple[Pair, ...], decryption: tuple[Pair, ...]) -> bytes:
    """Our metadata, with every key that we sign with or decrypt with now or next, signed by the one in use."""
    root = etree.Element(
        name("md", "EntityDescriptor"), nsmap={"md": METADATA, "ds": SIGNATURE},
        entityID=configuration.entity_id, cacheDuration="PT1H",
    )  # fmt: skip
    root.append(place_for_signature())
    role = etree.SubElement(
        root, name("md", "SPSSODescriptor"), protocolSupportEnumeration=PROTOCOL,
        AuthnRequestsSigned="true", WantAssertionsSigned="true",
    )  # fmt: skip
    for use, pairs in (("signing", signing), ("encryption", decryption)):
        for pair in pairs:
            _add_key(role, use, pair.certificate)
    if configuration.signed_out_url:
        etree.SubElement(
            role, name("md", "SingleLogoutService"), Binding=REDIRECT_BINDING, Location=configuration.signed_out_url
        )
    etree.SubElement(role, name("md", "NameIDFormat")).text = configuration.name_id_format
    etree.SubElement(
        role, name("md", "AssertionConsumerService"), Binding=POST_BINDING, Location=configuration.callback_url,
        index="0", isDefault="true",
    )  # fmt: skip
    # The id follows from the content: whoever compares two copies sees whether anything changed.
    root.set("ID", f"_{hashlib.sha256(etree.tostring(root, method='c14n')).hexdigest()[:32]}")
    return sign(root, signing[0])


def _add_key(role: Element, use: str, certificate: x509.Certificate) -> None:
    descriptor = etree.SubElement(role, name("md", "KeyDescriptor"), use=use)
    data = etree.SubElement(etree.SubElement(descriptor, name("ds", "KeyInfo")), name("ds", "X509Data"))
    der = certificate.public_bytes(Encoding.DER)
    etree.SubElement(data, name("ds", "X509Certificate")).text = base64.b64encode(der).decode()
    if use == "encryption":
        for method in ("http://www.w3.org/2009/xmlenc11#aes256-gcm", f"{NAMESPACES['xenc']}rsa-oaep-mgf1p"):
            etree.SubElement(descriptor, name("md", "EncryptionMethod"), Algorithm=method)
