"""SAML 2.0 Web Browser SSO spoken as a service provider: signed requests, signed assertions, their keys rolling over.

What a kind of source adds is one method: what its attributes say of a person. Everything that can be wrong with an
answer has its own Failure; they are listed in `connectors.saml.response` and `connectors.saml.assertion`. An answer
that nobody asked for is never looked at: it has no state to go on with.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.answers import Refusal, as_step, parameters
from connectors.base import (
    Assertion,
    Check,
    Context,
    Done,
    Failure,
    Input,
    LoginRequest,
    OutboundError,
    Step,
)
from connectors.claims import Claims, Person
from connectors.saml.assertion import Expected, checked
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import Element
from connectors.saml.keys import decryption_pairs, signing_pairs
from connectors.saml.metadata import IdpMetadata, our_metadata, read_metadata
from connectors.saml.requests import authn_request, by_redirect, logout_request, new_id, sent
from connectors.saml.response import check_envelope, read_response, refusal_in, signed_assertion
from connectors.saml.signatures import UnknownKey
from connectors.state import State, oldest_auth_time


@dataclass(frozen=True, kw_only=True)
class _Begun(State):
    """What a sign-in in progress remembers."""

    handle: str
    request_id: str
    started_at: float
    oldest_auth_time: float | None


ConfigurationT = TypeVar("ConfigurationT", bound=SamlConfiguration)


class Saml(ABC, Generic[ConfigurationT]):
    """One identity provider; a kind of source says with `person` what its attributes mean."""

    def __init__(self, configuration: ConfigurationT) -> None:
        self.configuration = configuration

    @abstractmethod
    def person(self, claims: Claims, context_level: int) -> Person:
        """What the attributes say of the person; raises Refusal for too little."""

    @as_step
    def begin(self, context: Context, request: LoginRequest) -> Step:
        if request.callback_url != self.configuration.callback_url:
            raise Refusal(Failure.MISCONFIGURED, "callback_url is not the address at which we take answers")
        metadata = read_metadata(context, self.configuration)
        started_at = context.now().timestamp()
        begun = _Begun(
            handle=request.handle,
            request_id=new_id(context),
            started_at=started_at,
            oldest_auth_time=oldest_auth_time(request, started_at),
        )
        message = authn_request(context, self.configuration, request, begun.request_id)
        return sent(context, self.configuration, metadata, message, begun.handle, begun.sealed_later())

    @as_step
    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        begun, configuration = _Begun.read(state), self.configuration
        came = parameters(answer)
        if answer.method != "POST" or "SAMLResponse" not in came:
            raise Refusal(Failure.BROKEN_ANSWER, "what came back is not a SAML response by POST")
        if came.get("RelayState") != begun.handle:
            raise Refusal(Failure.WRONG_NONCE, "the response has another RelayState, or none")
        root, body = read_response(came["SAMLResponse"])
        check_envelope(root, configuration)
        refusal = refusal_in(root, configuration)
        if refusal is not None:
            if root.get("InResponseTo") != begun.request_id:
                raise Refusal(Failure.WRONG_NONCE, "the response does not answer the request of this sign-in")
            raise refusal
        assertion = self._signed_assertion(context, root)
        expected = Expected(
            request_id=begun.request_id,
            now=context.now(),
            started_at=begun.started_at,
            oldest_auth_time=begun.oldest_auth_time,
        )
        told = checked(context, assertion, root.get("InResponseTo"), configuration, expected)
        person = self.person(Claims(told.attributes, context), configuration.context_levels.get(told.context_class, 1))
        return Done(
            assertion=Assertion(
                issuer=configuration.idp_entity_id,
                subject=told.subject,
                auth_time=told.auth_time,
                means=configuration.context_means.get(told.context_class, ()),
                evidence=hashlib.sha256(body).digest(),
                upstream_session=told.session_index,
                logout_hint=told.logout_hint,
                **person.as_fields(),
            )
        )

    def _signed_assertion(self, context: Context, root: Element) -> Element:
        """The assertion; a signature by an unknown key is looked at once more with fresh metadata: keys change."""
        known = read_metadata(context, self.configuration)
        try:
            return self._read(context, root, known)
        except UnknownKey:
            fresh = read_metadata(context, self.configuration, fresh=True)
            if fresh.certificates == known.certificates:
                raise
        return self._read(context, root, fresh)

    def _read(self, context: Context, root: Element, metadata: IdpMetadata) -> Element:
        pairs = decryption_pairs(context)
        return signed_assertion(root, self.configuration, metadata.certificates, pairs, context.now())

    # --- besides signing in

    def checks(self, context: Context) -> list[Check]:
        from connectors.saml.checks import run_checks

        return run_checks(context, self.configuration)

    def metadata(self, context: Context) -> tuple[str, bytes]:
        """Our SAML metadata, for the source to read or to be given; raises Refusal where our keys do not serve."""
        document = our_metadata(self.configuration, signing_pairs(context), decryption_pairs(context))
        return "application/samlmetadata+xml", document

    def sign_out(self, context: Context, *, logout_hint: str | None, return_url: str, handle: str) -> str | None:  # noqa: ARG002
        """SAML profiles section 4.4. Where the answer goes is in our metadata: a LogoutRequest cannot name it."""
        try:
            url = read_metadata(context, self.configuration).sign_out
            message = logout_request(context, self.configuration, logout_hint) if url and logout_hint else None
            if url is None or message is None:
                return None
            return by_redirect(message, url, handle, signing_pairs(context)[0])
        except (Refusal, OutboundError):
            return None
