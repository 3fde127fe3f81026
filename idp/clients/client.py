"""A registered portal as every room sees it."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from idp import entropy
from idp.clients.jwks import SIGNING_ALGORITHMS
from idp.clients.policies import FAPI_ALGORITHMS
from idp.clients.registration import DEVICE_CODE, Registration
from idp.clients.urls import matches, origin


class Client(Registration):
    """A registration in force. What a profile or a method implies is asked here, and nowhere spelt out again."""

    id: str
    enabled: bool
    secret_fingerprint: bytes | None
    sealed_secret: bytes | None = None  # of a client that signs with its secret; `Clients.secret_of` reads it
    registered_itself: bool = False  # so that its name is its own word, which nobody has checked

    def knows_secret(self, secret: str) -> bool:
        """Whether this is the portal's secret. Secrets are 256 bits of chance, so a plain SHA-256 keeps them."""
        if self.secret_fingerprint is None or len(secret) > 256:
            return False
        return entropy.same(entropy.fingerprint(secret), self.secret_fingerprint)

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_vi

    def takes_answers_at(self, redirect_uri: str | None) -> bool:
        """Whether an answer may go there: exactly a registered address, but for the port of a loopback one."""
        return redirect_uri is not None and any(matches(uri, redirect_uri) for uri in self.redirect_uris)

    def takes_people_back_at(self, uri: str) -> bool:
        """Whether somebody who has signed out may be sent there (RP-Initiated Logout section 3): as above."""
        return any(matches(registered, uri) for registered in self.post_logout_redirect_uris)

    def entrance(self, issuer: str) -> str:
        """Where a link to this portal leads: to its start of a sign-in with us, if it registered one (OpenID Connect
        Core section 4), else to its home.
        """
        start = self.initiate_login_uri
        return self.home_url if start is None else f"{start}{'&' if '?' in start else '?'}{urlencode({'iss': issuer})}"

    @property
    def is_public(self) -> bool:
        """Whether it cannot prove who it is (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def is_fapi(self) -> bool:
        return self.profile != "openid"

    @property
    def answers_are_signed(self) -> bool:
        """Whether the portal takes no answer but a signed one (FAPI 2.0 Message Signing section 5.4)."""
        return self.profile == "fapi2_message_signing"

    @property
    def assertion_algorithms(self) -> tuple[str, ...]:
        """With what its client assertions may be signed."""
        if self.signs_with_secret:
            return ("HS256",)
        return self._algorithms(self.token_endpoint_auth_signing_alg)

    @property
    def request_object_algorithms(self) -> tuple[str, ...]:
        return self._algorithms(self.request_object_signing_alg)

    @property
    def rotates_refresh_tokens(self) -> bool:
        """Whoever can neither prove itself nor bind its tokens to a key gets a new one at each use (RFC 9700 section
        4.14.2)."""
        return self.is_public and not self.dpop_bound_access_tokens

    @property
    def own_logo(self) -> str | None:
        """The logo, if it is at an address of the portal's own: who is shown it is seen by nobody but the portal
        that they come from.

        Of a portal that registered itself that is where all its answers go: its home is its own word, and it could
        show anybody's sign beside its name.
        """
        if self.logo_uri is None:
            return None
        place, answered_at = origin(self.logo_uri), {origin(uri) for uri in self.redirect_uris}
        if self.registered_itself:
            is_own = answered_at == {place} and DEVICE_CODE not in self.grant_types
        else:
            is_own = place in answered_at | {origin(self.home_url)}
        return self.logo_uri if is_own else None

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that an answer to this portal may lead to: what form-action must allow."""
        urls = [urlsplit(uri) for uri in (*self.redirect_uris, *self.post_logout_redirect_uris)]
        return tuple(sorted({f"{url.scheme}://{url.netloc}" if url.netloc else f"{url.scheme}:" for url in urls}))

    def _algorithms(self, registered: str | None) -> tuple[str, ...]:
        if registered is not None:
            return (registered,)
        return FAPI_ALGORITHMS if self.is_fapi else SIGNING_ALGORITHMS
