"""TLS client certificates (RFC 8705): which one a client showed in its handshake, and whether it is the registered one.

That the client holds the private key is proven by the handshake to whoever ends TLS, and they hand the certificate on:
a trusted proxy in its header, on the host of client_certificate_url alone, or the server that we run in (Apache's
mod_wsgi, Werkzeug) as SSL_CLIENT_CERT. Whose it is, nobody but us verifies: for tls_client_auth its chain up to an
authority of client_certificate_authorities_file, purpose and dates included, then the one registered name in it; for
self_signed_tls_client_auth that the client's JWK Set holds it, and its dates. Nobody is asked whether it was revoked:
the operator switches the client off, or the client takes it out of its JWK Set.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp import clock, errors
from idp.clients import Client
from idp.clients.certificate_names import is_named
from idp.clients.keys import ClientKeys
from idp.errors import Refused
from idp.oidc.http import Request
from idp.settings import Settings, UnsafeSettings

CERTIFICATE_CHARACTERS = 32_768
CHAIN_LIMIT = 4  # authorities between a certificate and one that we trust
PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
# What reading somebody's ASN.1 can raise.
UNREADABLE = (
    ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType, x509.InvalidVersion,
)  # fmt: skip


class ClientCertificates:
    def __init__(self, settings: Settings, keys: ClientKeys) -> None:
        self._header = settings.client_certificate_header.lower()
        self.origin = settings.client_certificate_url
        self._host = urlsplit(self.origin).netloc
        self._from_server = settings.client_certificate_from_server
        self._authorities = _read_authorities(settings.client_certificate_authorities_file)
        self._keys = keys

    @property
    def arrive(self) -> bool:
        """Whether certificates can reach us at all."""
        return bool(self._header) or self._from_server

    @property
    def methods(self) -> tuple[str, ...]:
        """By which methods certificates prove anybody here."""
        offered = {"tls_client_auth": self._authorities is not None, "self_signed_tls_client_auth": True}
        return tuple(method for method, is_offered in offered.items() if is_offered and self.arrive)

    def shown(self, request: Request) -> x509.Certificate | None:
        """The certificate of this request's handshake, verified by nobody yet; raises Refused for one that is none."""
        pem = ""
        if self._header and request.headers.get("host") == self._host:
            pem = unquote(request.headers.get(self._header, "")).strip()
        elif self._from_server:
            pem = request.server_certificate
        if not pem:
            return None
        try:
            if len(pem) > CERTIFICATE_CHARACTERS:
                raise ValueError
            certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
            _ = certificate.subject, certificate.extensions  # read when first asked for
        except UNREADABLE:
            raise Refused(errors.MALFORMED, "the client certificate cannot be read") from None
        return certificate

    def thumbprint(self, request: Request) -> bytes | None:
        """`x5t#S256` of the certificate of this request's handshake; raises Refused for one that is none."""
        certificate = self.shown(request)
        return None if certificate is None else thumbprint(certificate)

    def proves(self, certificate: x509.Certificate, client: Client) -> bool:
        """Whether this certificate, now, is the one by which the client registered to be known."""
        now = clock.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        if client.token_endpoint_auth_method == "tls_client_auth":
            return is_named(certificate, client) and self._is_trusted(certificate)
        der = certificate.public_bytes(Encoding.DER)
        return der in self._keys.certificates(client) or der in self._keys.certificates(client, anew=True)

    def _is_trusted(self, certificate: x509.Certificate) -> bool:
        """Whether an authority of ours issued it for clients (RFC 5280 section 6)."""
        if self._authorities is None:
            return False
        trust = verification.PolicyBuilder().store(verification.Store(self._authorities)).time(clock.now())
        trust = trust.max_chain_depth(CHAIN_LIMIT).extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all(),  # names and purpose are looked at here
        )
        try:
            trust.build_client_verifier().verify(certificate, self._authorities)
        except (verification.VerificationError, *UNREADABLE):
            return False
        return _is_for_clients(certificate)


def thumbprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of its DER (RFC 8705 section 3.1)."""
    return certificate.fingerprint(hashes.SHA256())


def _is_for_clients(certificate: x509.Certificate) -> bool:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            return False
        if isinstance(extension.value, x509.ExtendedKeyUsage) and not PURPOSES.intersection(extension.value):
            return False
    return True


def _read_authorities(path: str) -> list[x509.Certificate] | None:
    if not path:
        return None
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError):
        raise UnsafeSettings(f"client_certificate_authorities_file: {path} holds no certificates in PEM") from None
