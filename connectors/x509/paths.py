"""From somebody's certificate to an authority that the operator trusts (RFC 5280 section 6), revocation included.

pyhanko-certvalidator builds and validates the path. It is given no way out and no clock: what it needs of the world is
fetched by `x509.revocation`, within the places that the operator named, and only once the path stands.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from asn1crypto import x509 as asn1  # type: ignore[import-untyped]  # it has no types
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, PKIXValidationParams, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo, ValidationTimingParams
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
)

from connectors.answers import Refusal
from connectors.base import Context, Failure
from connectors.x509.certificates import UNREADABLE, WEAK_DIGESTS, read_authorities
from connectors.x509.configuration import CertificateConfiguration
from connectors.x509.revocation import Evidence, Link, links_of, try_next_means

T = TypeVar("T")

_STRONG = DisallowWeakAlgorithmsPolicy(weak_hash_algos=WEAK_DIGESTS | {"md2"})  # type: ignore[no-untyped-call]

# It would log the names of certificates' holders.
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL + 1)

_WHY: tuple[tuple[type[Exception], Failure, str], ...] = (
    (RevokedError, Failure.CERTIFICATE_REVOKED, "the certificate, or an authority's in its path, is revoked"),
    (InsufficientRevinfoError, Failure.REVOCATION_UNKNOWN, "no good CRL or OCSP answer for a certificate of the path"),
    (ExpiredError, Failure.CERTIFICATE_UNTRUSTED, "a certificate of the path has expired"),
    (NotYetValidError, Failure.CERTIFICATE_UNTRUSTED, "a certificate of the path is not valid yet"),
    (DisallowedAlgorithmError, Failure.CERTIFICATE_UNTRUSTED, "a signature of the path is too weak"),
    (PathError, Failure.CERTIFICATE_UNTRUSTED, "no path leads to an authority that we trust"),
    (ValidationError, Failure.CERTIFICATE_UNTRUSTED, "the path to the authority is not valid"),
)


@dataclass(frozen=True, kw_only=True)
class Authorities:
    """Who is trusted, and who is known to stand between."""

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]


@lru_cache(maxsize=64)
def configured_authorities(anchors: tuple[str, ...], intermediates: tuple[str, ...]) -> Authorities:
    return Authorities(anchors=read_authorities(anchors), intermediates=read_authorities(intermediates))


def trusted_policies(
    context: Context,
    configuration: CertificateConfiguration,
    leaf: x509.Certificate,
    offered: Sequence[x509.Certificate] = (),
) -> frozenset[str]:
    """The policies under which the certificate is valid now, no certificate of its path being revoked.

    Raises Refusal: CERTIFICATE_UNTRUSTED, CERTIFICATE_REVOKED or REVOCATION_UNKNOWN. `offered` came with the
    certificate and is trusted for nothing: it only helps to find the path.
    """
    configured = configured_authorities(configuration.anchors, configuration.intermediates)
    authorities = Authorities(
        anchors=configured.anchors, intermediates=(*configured.intermediates, *_genuine(configured, offered))
    )
    now = context.now()
    path = _validated(configuration, leaf, authorities, now, None)
    links = links_of([_as_known(one) for one in path.iter_certs(include_root=True)])
    path = _unrevoked(context, configuration, leaf, authorities, now, links)
    return frozenset(policy.user_domain_policy_id for policy in path.qualified_policies() or ())


def _unrevoked(
    context: Context, configuration: CertificateConfiguration, leaf: x509.Certificate, authorities: Authorities,
    now: datetime, links: list[Link],
) -> ValidationPath:  # fmt: skip
    """The path, once each certificate in it has been vouched for by one means or the other."""
    evidence = Evidence()
    while True:
        more = try_next_means(context, configuration, links, evidence)
        try:
            return _validated(configuration, leaf, authorities, now, evidence)
        except Refusal as refusal:
            if refusal.failure != Failure.REVOCATION_UNKNOWN:
                raise
            if not more:
                raise Refusal(refusal.failure, "; ".join([refusal.detail, *evidence.problems])) from None


def _genuine(configured: Authorities, offered: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """Those offered that an authority of ours really issued, directly or by one of them.

    What strangers name alike could otherwise send the builder of paths through all orders of their certificates.
    """
    issuers, left, found = [*configured.anchors, *configured.intermediates], list(offered), []
    while accepted := [one for one in left if any(_has_issued(issuer, one) for issuer in issuers)]:
        left = [one for one in left if one not in accepted]
        found += accepted
        issuers = accepted
    return found


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _validated(
    configuration: CertificateConfiguration, leaf: x509.Certificate, authorities: Authorities, now: datetime,
    evidence: Evidence | None,
) -> ValidationPath:  # fmt: skip
    """The valid path; without evidence, revocation is left for later. Raises Refusal."""
    tolerance = timedelta(seconds=configuration.leeway_seconds)
    try:
        validation = ValidationContext(
            trust_roots=[_as_asn1(one) for one in authorities.anchors if _is_in_time(one, now, tolerance)],
            other_certs=[_as_asn1(one) for one in authorities.intermediates],
            moment=now,
            allow_fetching=False,
            crls=None if evidence is None else evidence.crls,
            ocsps=None if evidence is None else evidence.ocsps,
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION if evidence is None else REQUIRE_REVINFO),
            algorithm_usage_policy=_STRONG,
            time_tolerance=tolerance,
        )
        # Not as of some moment in the past: who is on a list is revoked, even if their own clock is behind the list's.
        timing = ValidationTimingInfo(validation_time=now, best_signature_time=now, point_in_time_validation=False)
        validation.timing_params = ValidationTimingParams(timing, tolerance)
        validator = CertificateValidator(
            _as_asn1(leaf), validation_context=validation, pkix_params=_parameters(configuration)
        )
        return _finished(validator.async_validate_path())
    except (ValidationError, PathError) as problem:
        failure, detail = next((failure, detail) for kind, failure, detail in _WHY if isinstance(problem, kind))
        raise Refusal(failure, detail) from None
    except UNREADABLE:
        raise Refusal(Failure.CERTIFICATE_UNTRUSTED, "a certificate of the path cannot be read") from None


def _is_in_time(anchor: x509.Certificate, now: datetime, tolerance: timedelta) -> bool:
    """Whether the anchor is valid by its own dates, which RFC 5280 leaves to us (section 6.1.1)."""
    return anchor.not_valid_before_utc - tolerance <= now <= anchor.not_valid_after_utc + tolerance


def _parameters(configuration: CertificateConfiguration) -> PKIXValidationParams:
    if not configuration.policies:
        return PKIXValidationParams()
    return PKIXValidationParams(user_initial_policy_set=frozenset(configuration.policies), initial_explicit_policy=True)


def _as_asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.public_bytes(Encoding.DER), strict=True)


def _as_known(certificate: asn1.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that, having no way out, has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    work.close()
    raise RuntimeError("the validator waits for something, although it was given no way out")
