"""Who asks: a client proves itself by the one method that it registered (OpenID Connect Core section 9, RFC 8705)."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_plus

from idp import errors
from idp.clients import Client, Clients
from idp.clients.policies import CERTIFICATE_METHODS
from idp.errors import Refused
from idp.oidc.client_assertions import ASSERTION_TYPE, ClientAssertions, unverified_issuer
from idp.oidc.client_certificates import ClientCertificates, thumbprint
from idp.oidc.http import Parameters, Request

ASSERTED = ("client_secret_jwt", "private_key_jwt")
METHODS = ("client_secret_basic", "client_secret_post", *ASSERTED, "none")  # beside those by certificates


@dataclass(frozen=True, kw_only=True)
class Authenticated:
    """A client that proved who it is; `certificate` is the SHA-256 of the one that it showed in its handshake."""

    client: Client
    method: str
    certificate: bytes | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a request shows of its sender: in whose name it comes, by which methods that may be, and with what."""

    client_id: str
    methods: tuple[str, ...]
    secret: str = ""
    assertion: str = ""


class ClientAuthentication:
    def __init__(self, *, clients: Clients, assertions: ClientAssertions, certificates: ClientCertificates) -> None:
        self._clients = clients
        self._assertions = assertions
        self._certificates = certificates

    def __call__(self, request: Request, parameters: Parameters, endpoint: str) -> Authenticated:
        """The client that sent this request to this path; raises Refused: invalid_client, or invalid_request."""
        shown, certificate = _shown(request, parameters), self._certificates.shown(request)
        client = self._clients.find(shown.client_id)
        if client is None or not client.enabled or client.token_endpoint_auth_method not in shown.methods:
            self._assertions.check_as_nobodys(shown.assertion)
            raise _failed("unknown, switched off, or another method")
        method = client.token_endpoint_auth_method
        if method in ASSERTED:
            self._assertions.check(shown.assertion, client, endpoint)
        elif method in CERTIFICATE_METHODS:
            if certificate is None or not self._certificates.proves(certificate, client):
                raise _failed("the certificate")
        elif method != "none" and not client.knows_secret(shown.secret):
            raise _failed("the secret")
        seen = None if certificate is None else thumbprint(certificate)
        return Authenticated(client=client, method=method, certificate=seen)

    def claimed(self, request: Request, parameters: Parameters) -> str | None:
        """In the name of which known client the request comes, whether or not it is true; None for nobody's."""
        try:
            client = self._clients.find(_shown(request, parameters).client_id)
        except Refused:
            return None
        return None if client is None else client.id


def _shown(request: Request, parameters: Parameters) -> Shown:
    """What the request shows; raises Refused for two ways at once (RFC 6749 section 2.3)."""
    given, pair = parameters.as_dict(), _basic(request)
    client_id, secret = given.get("client_id", ""), given.get("client_secret")
    asserted = "client_assertion" in given or "client_assertion_type" in given
    if (pair is not None) + (secret is not None) + asserted > 1:
        raise Refused(errors.BAD_TOKEN_REQUEST, "two ways of client authentication")
    if pair is not None:
        if client_id not in ("", pair[0]):
            raise Refused(errors.BAD_TOKEN_REQUEST, "two client ids")
        return Shown(client_id=pair[0], methods=("client_secret_basic",), secret=pair[1])
    if secret is not None:
        return Shown(client_id=client_id, methods=("client_secret_post",), secret=secret)
    if asserted:
        if given.get("client_assertion_type") != ASSERTION_TYPE:
            raise _failed("client_assertion_type")
        assertion = given.get("client_assertion", "")
        return Shown(client_id=client_id or unverified_issuer(assertion), methods=ASSERTED, assertion=assertion)
    return Shown(client_id=client_id, methods=("none", *CERTIFICATE_METHODS))


def _basic(request: Request) -> tuple[str, str] | None:
    """Id and secret in HTTP Basic, each form-decoded (RFC 6749 section 2.3.1); raises Refused for another scheme."""
    if "authorization" not in request.headers:
        return None
    scheme, _, encoded = request.headers["authorization"].partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = b64decode(encoded.strip(" "), validate=True).decode("utf-8").partition(":")
        if not client_id or not colon:
            raise ValueError
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise _failed("the Authorization header is no Basic of UTF-8") from None


def _failed(detail: str) -> Refused:
    return Refused(errors.BAD_CLIENT_AUTHENTICATION, detail)
