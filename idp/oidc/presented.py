"""An access token that comes to an API of ours: sent as it may be, made by us for that API, shown by its holder.

It comes in the header or in a POST's form (RFC 6750 section 2), never in the query. One that is bound to a DPoP key
comes under the scheme DPoP, with a proof for this very request and token (RFC 9449 section 7), one that is bound to a
certificate over a connection of that certificate's (RFC 8705 section 3): as a plain Bearer neither is worth anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from idp import errors
from idp.audit import Audit
from idp.clients import Binding
from idp.errors import Failure, Refused
from idp.oidc.access_tokens import AccessTokens
from idp.oidc.client_certificates import ClientCertificates
from idp.oidc.dpop import NONCE_HEADER, PROOF_ALGORITHMS, Proofs
from idp.oidc.http import Parameters, Request, Response, as_error
from idp.oidc.refusing import note_refusal
from idp.oidc.sealed import AccessToken, Unreadable

BEARER, DPOP = "Bearer", "DPoP"
_SCHEMES = {"bearer": BEARER, "dpop": DPOP}
# Of clients these are faults of the request (RFC 9449 section 5); an API asks anew for authorization (section 7.1).
_UNAUTHORIZED = (errors.BAD_DPOP_PROOF, errors.USE_DPOP_NONCE)


class MoreNeeded(Refused):
    """The token is good, and opens too little: `asked` says what another must have been granted for.

    RFC 6750 section 3 (`scope`), RFC 9470 section 3 (`acr_values`, `max_age`).
    """

    def __init__(self, failure: Failure, **asked: str) -> None:
        super().__init__(failure)
        self.asked = asked


@dataclass(frozen=True, kw_only=True)
class Presented:
    access_tokens: AccessTokens
    proofs: Proofs
    certificates: ClientCertificates
    audit: Audit
    realm: str

    def answered(self, request: Request, answer: Callable[[AccessToken], Response]) -> Response:
        """What `answer` makes of the token of this request; where it or `token` raises Refused, the refusal."""
        try:
            response = answer(self.token(request))
        except Refused as problem:
            note_refusal(self.audit, problem.failure, detail=problem.detail)
            return self.refusal(request, problem)
        return response.adding(*self.proofs.for_next(request))

    def token(self, request: Request) -> AccessToken:
        """The token of this request, its DPoP proof spent; raises Refused. Whether it was revoked, `Grants` says."""
        scheme, text = _sent(request)
        try:
            token = self.access_tokens.read(text)
        except Unreadable:
            raise Refused(errors.BAD_TOKEN) from None
        if token.resource is not None:
            raise Refused(errors.TOKEN_ELSEWHERE)
        self._check_holder(request, scheme, text, token.binding)
        return token

    def refusal(self, request: Request, problem: Refused) -> Response:
        """The failure as an API tells it, with how a token must come and why this one will not do."""
        failure, used = problem.failure, _scheme(request) or BEARER
        asked = problem.asked if isinstance(problem, MoreNeeded) else {}
        headers = [("WWW-Authenticate", self._challenge(used, failure, asked))]
        headers += [
            ("WWW-Authenticate", self._challenge(other, errors.NO_TOKEN, {}))
            for other in _SCHEMES.values()
            if other != used
        ]
        if failure is errors.USE_DPOP_NONCE:
            headers.append((NONCE_HEADER, self.proofs.nonce()))
        response = as_error(failure, *headers)
        return replace(response, status=401) if failure in _UNAUTHORIZED else response

    def _check_holder(self, request: Request, scheme: str, text: str, binding: Binding | None) -> None:
        if (scheme == DPOP) != (binding is not None and binding.method == "jkt"):
            raise Refused(errors.NOT_THE_HOLDER, f"it came as {scheme}")
        if binding is None:
            return
        if binding.method == "x5t#S256":
            if self.certificates.thumbprint(request) != binding.thumbprint:
                raise Refused(errors.NOT_THE_HOLDER, "no certificate, or another one")
        elif self.proofs.check(request, access_token=text, binding=binding) is None:
            raise Refused(errors.BAD_DPOP_PROOF, "there is none")

    def _challenge(self, scheme: str, failure: Failure, asked: Mapping[str, str]) -> str:
        """A request that tried nothing is told only how to ask (RFC 6750 section 3)."""
        said = {"realm": self.realm}
        if failure is not errors.NO_TOKEN:
            said |= {"error": failure.error, "error_description": f"{failure.code}: {failure.description}", **asked}
        if scheme == DPOP:
            said["algs"] = " ".join(PROOF_ALGORITHMS)
        return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in said.items())


def _sent(request: Request) -> tuple[str, str]:
    """The token, and under which scheme it came; raises Refused unless it came once, and where it may."""
    if "access_token" in Parameters.parse(request.query).as_dict():
        raise Refused(errors.TOKEN_IN_QUERY)
    found, scheme = [], _scheme(request)
    if scheme is not None:
        found.append((scheme, request.headers["authorization"].partition(" ")[2].strip()))
    if request.method == "POST" and request.body:
        found += [(BEARER, value) for name, value in request.form().pairs if name == "access_token"]
    if not found or not found[0][1]:
        raise Refused(errors.NO_TOKEN)
    if len(found) > 1:
        raise Refused(errors.MALFORMED, "the token came twice")
    return found[0]


def _scheme(request: Request) -> str | None:
    return _SCHEMES.get(request.headers.get("authorization", "").partition(" ")[0].lower())
