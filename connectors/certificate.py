"""Certificates on USB tokens and cards: shown in the TLS handshake, or used to sign a challenge (`mode`).

The person is known by the personal number that the authority put into the certificate, so a renewed certificate, one of
another authority in the circle or one from an employer is the same subject: SHA-256 of our name for the circle and the
number. Where a certificate has the former number alone, which two people can share, the name is hashed with it.

A certificate was given out after seeing the person and their papers, so it counts as proofing 3. Signing in counts as 3
where a policy of the operator's says that the key lies in a token behind a PIN, and as 2 for any other key. A browser
may show a certificate again without asking for the PIN, so TLS cannot promise a fresh sign-in as a challenge can.
Certificates hold no birth date.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.answers import Refusal, as_step, parameters
from connectors.base import (
    Assertion,
    AutoPost,
    Check,
    Context,
    Done,
    Failure,
    IdentifierType,
    Input,
    Kind,
    LoginRequest,
    NeedClientCertificate,
    Step,
)
from connectors.x509.certificates import check_purpose, read_pem, usable_key
from connectors.x509.challenge import Begun, begun
from connectors.x509.configuration import CertificateConfiguration
from connectors.x509.subject import Subject, read_subject

PROOFING = 3
HARDWARE, SOFTWARE = (3, ("hwk", "pin")), (2, ("swk",))  # authentication, and means of RFC 8176
REPLAY_SECONDS = 86_400

# What the signing page says in `error` instead of a signature.
ERRORS = {
    "cancelled": Failure.CANCELLED,
    "locked": Failure.ACCOUNT_LOCKED,  # the token, after too many wrong PINs
    "no_certificate": Failure.NO_CERTIFICATE,
}
_PLAIN_CODE = re.compile(r"[a-z_]{1,40}")


class Certificate:
    """One circle of certification authorities."""

    def __init__(self, configuration: CertificateConfiguration) -> None:
        self.configuration = configuration

    @as_step
    def begin(self, context: Context, request: LoginRequest) -> Step:
        remembered = begun(context, request, self.configuration.challenge_seconds)
        if self.configuration.mode == "tls":
            return NeedClientCertificate(state=remembered.sealed_later())
        fields = (
            ("challenge", base64.b64encode(remembered.challenge).decode()),
            ("return_url", request.callback_url),
            ("RelayState", request.handle),
            ("ui_locales", " ".join(request.ui_locales)),
        )
        return AutoPost(url=self.configuration.signing_url, fields=fields, state=remembered.sealed_later())

    @as_step
    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        remembered = Begun.read(state)
        if self.configuration.mode == "tls":
            return self._shown(context, answer)
        return self._signed(context, remembered, parameters(answer))

    # --- two ways to prove that one holds the key

    def _shown(self, context: Context, answer: Input) -> Step:
        """The proxy, which alone can set this, has seen the key used in the handshake; all else is checked here."""
        if not answer.client_certificate_pem:
            raise Refusal(Failure.NO_CERTIFICATE, "the browser showed no certificate")
        certificate = read_pem(answer.client_certificate_pem)
        evidence = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        return Done(assertion=self._assertion(context, certificate, (), evidence))

    def _signed(self, context: Context, remembered: Begun, came: dict[str, str]) -> Step:
        from connectors.x509.signed_data import verified  # asn1crypto takes a while to load

        if came.get("RelayState") != remembered.handle:
            raise Refusal(Failure.WRONG_NONCE, "the answer has another RelayState, or none")
        if "error" in came:
            error = came["error"] if _PLAIN_CODE.fullmatch(came["error"]) else "an unreadable error"
            raise Refusal(ERRORS.get(error, Failure.REFUSED), f"the signing page answered {error}")
        if context.now().timestamp() > remembered.expires_at:
            raise Refusal(Failure.WRONG_TIME, "the challenge has expired")
        signed = verified(came.get("signature", ""))
        # Before the content is looked at: an older signature is over another challenge, and should be told as a replay.
        if not context.spend(f"signature:{signed.evidence.hex()}", REPLAY_SECONDS):
            raise Refusal(Failure.REPLAYED, "this signature was used before")
        signed.check_content(remembered.challenge)
        if not context.spend(f"challenge:{remembered.nonce}", REPLAY_SECONDS):
            raise Refusal(Failure.REPLAYED, "this challenge was answered before")
        return Done(assertion=self._assertion(context, signed.signer, signed.offered, signed.evidence))

    # --- whose key it is

    def _assertion(
        self, context: Context, certificate: x509.Certificate, offered: Sequence[x509.Certificate], evidence: bytes
    ) -> Assertion:
        from connectors.x509.paths import trusted_policies  # so does the validator

        configuration = self.configuration
        usable_key(certificate)
        check_purpose(certificate, configuration.purposes)
        # Before anybody is asked about revocation: a certificate that is odd in itself says nothing of the authority.
        subject = read_subject(certificate, context)
        policies = trusted_policies(context, configuration, certificate, offered)
        authentication, means = HARDWARE if policies & set(configuration.hardware_policies) else SOFTWARE
        return Assertion(
            issuer=configuration.issuer,
            subject=_subject_name(configuration.issuer, subject),
            name=subject.name,
            proofing=PROOFING,
            authentication=authentication,
            auth_time=context.now(),
            means=means,
            evidence=evidence,
            identifiers=subject.identifiers,
            organisation=subject.organisation,
        )

    def checks(self, context: Context) -> list[Check]:
        from connectors.x509.checks import run_checks

        return run_checks(context, self.configuration)


def _subject_name(issuer: str, subject: Subject) -> str:
    first = subject.identifiers[0]
    parts = [issuer, first.type.value, first.value]
    if first.type != IdentifierType.PERSONAL_NUMBER:
        parts.append(unicodedata.normalize("NFC", subject.name.full).upper())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


KIND = Kind(name="certificate", configuration=CertificateConfiguration, connector=Certificate, ceiling=3)
