"""The one name in a certificate by which a client registered to be known (RFC 8705 section 2.1.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

if TYPE_CHECKING:
    from idp.clients.registration import Registration

# How OpenSSL writes names for which RFC 4514 section 3 has no word, or another.
NAMES: Mapping[str, ObjectIdentifier] = {
    "serialNumber": NameOID.SERIAL_NUMBER, "emailAddress": NameOID.EMAIL_ADDRESS, "title": NameOID.TITLE,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER, "SN": NameOID.SURNAME, "GN": NameOID.GIVEN_NAME,
    "street": NameOID.STREET_ADDRESS, "postalCode": NameOID.POSTAL_CODE, "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
}  # fmt: skip


def subject(text: str) -> x509.Name:
    """The distinguished name that the text stands for (RFC 4514); raises ValueError for none, or an empty one."""
    name = x509.Name.from_rfc4514_string(text, NAMES)
    if not name.rdns:
        raise ValueError("an empty name is everybody's")
    return name


def can_be_met(kind: str, registered: str) -> bool:
    """Whether a certificate can hold what was registered as this kind of name."""
    try:
        if kind == "tls_client_auth_subject_dn":
            subject(registered)
        if kind == "tls_client_auth_san_ip":
            ipaddress.ip_address(registered)
    except ValueError:
        return False
    return bool(registered.strip())


def is_named(certificate: x509.Certificate, portal: Registration) -> bool:
    """Whether the certificate holds the name that the portal registered, in full: as a subject, letter for letter."""
    if portal.tls_client_auth_subject_dn is not None:
        return certificate.subject == subject(portal.tls_client_auth_subject_dn)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    dns, ip = portal.tls_client_auth_san_dns, portal.tls_client_auth_san_ip
    if dns is not None:
        return dns.lower() in [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    if ip is not None:
        return ipaddress.ip_address(ip) in names.get_values_for_type(x509.IPAddress)
    if portal.tls_client_auth_san_uri is not None:
        return portal.tls_client_auth_san_uri in names.get_values_for_type(x509.UniformResourceIdentifier)
    return portal.tls_client_auth_san_email in names.get_values_for_type(x509.RFC822Name)
