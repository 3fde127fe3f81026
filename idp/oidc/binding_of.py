"""To which key the tokens of a request are bound: what the client showed, and whether that is what it owes."""

from __future__ import annotations

from idp import errors
from idp.clients import Binding
from idp.errors import Refused
from idp.oidc.client_authentication import Authenticated
from idp.oidc.dpop import Proofs
from idp.oidc.http import Request


def sender_binding(request: Request, authenticated: Authenticated, proofs: Proofs) -> Binding | None:
    """The DPoP key of this request, or the certificate where the client registered for that; None binds to nothing.

    A proof binds whoever sends one (RFC 9449 section 5). Raises Refused for a bad proof, and where a client that must
    bind its tokens shows nothing to bind them to.
    """
    client, binding = authenticated.client, proofs.check(request)
    if binding is not None:
        return binding
    if client.dpop_bound_access_tokens:  # whatever else it may do (RFC 9449 section 5.2)
        raise Refused(errors.BAD_DPOP_PROOF, "there is none")
    if client.tls_client_certificate_bound_access_tokens and authenticated.certificate is not None:
        return Binding("x5t#S256", authenticated.certificate)
    if client.tls_client_certificate_bound_access_tokens:
        raise Refused(errors.NO_CERTIFICATE_SHOWN)
    return None
