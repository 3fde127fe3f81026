"""What can be tested of a circle of authorities without a person: the lines of `sources check`."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from connectors.answers import Refusal
from connectors.base import Check, Context, OutboundError
from connectors.checks import LATENCY_MILLISECONDS, line, since
from connectors.x509.certificates import UNREADABLE
from connectors.x509.configuration import CertificateConfiguration, Means
from connectors.x509.paths import Authorities, configured_authorities
from connectors.x509.revocation import Link, addresses_of, ask_about_nobody, ask_responder, read_list

ALARM_DAYS = 60  # to get and install an authority's next certificate in time


def run_checks(context: Context, configuration: CertificateConfiguration) -> list[Check]:
    """A line for each authority, each list, each responder that is known, and the signing page."""
    known = configured_authorities(configuration.anchors, configuration.intermediates)
    now = context.now()
    checks = [_lifetime(f"anchor {number}", one, now) for number, one in enumerate(known.anchors, 1)]
    checks += [_lifetime(f"intermediate {number}", one, now) for number, one in enumerate(known.intermediates, 1)]
    for number, one in enumerate(known.intermediates, 1):
        issuer = _issuer(one, known)
        if issuer is None:
            checks.append(line(f"intermediate {number} issuer", False, "none of the authorities issued it"))
            continue
        link = Link(certificate=one, issuer=issuer)
        checks += [_revocation(context, configuration, link, means, number) for means in configuration.revocation_order]
    issuers = (*known.anchors, *known.intermediates)
    checks += [_known_list(context, configuration, url, issuers) for url in configuration.known_crls]
    checks += [_known_responder(context, configuration, url, issuers[-1]) for url in configuration.known_responders]
    if configuration.mode == "challenge":
        checks.append(_signing_page(context, configuration))
    slowest = max((check.milliseconds for check in checks), default=0.0)
    checks.append(line("latency", slowest <= LATENCY_MILLISECONDS, f"slowest {slowest:.0f} ms", slowest))
    return checks


def _lifetime(name: str, certificate: x509.Certificate, now: datetime) -> Check:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    passed = begins <= now and ends - now > timedelta(days=ALARM_DAYS)
    return line(name, passed, f"valid from {begins:%Y-%m-%d} until {ends:%Y-%m-%d}")


def _issuer(certificate: x509.Certificate, known: Authorities) -> x509.Certificate | None:
    for one in (*known.anchors, *known.intermediates):
        try:
            certificate.verify_directly_issued_by(one)
        except (InvalidSignature, *UNREADABLE):
            continue
        return one
    return None


def _revocation(
    context: Context, configuration: CertificateConfiguration, link: Link, means: Means, number: int
) -> Check:
    """Whether the authority's own certificate can be asked about by this means; one that names none needs none."""
    name, started = f"intermediate {number} {means}", context.now()
    named = addresses_of(link.certificate, means)
    allowed = [asked for url in named if (asked := configuration.where_to_ask(url)) is not None]
    if not allowed:
        detail = "at a place that revocation_urls does not hold" if named else "not offered by its authority"
        return line(name, not named and len(configuration.revocation_order) > 1, detail)
    try:
        if means == "ocsp":
            ask_responder(context, configuration, link, allowed[0])
            return line(name, True, "the responder answered", since(context, started))
        listed = read_list(context, configuration, link.issuer, allowed[0])
        return line(name, True, _age(context, listed), since(context, started))
    except (Refusal, OutboundError) as problem:
        return line(name, False, problem.detail, since(context, started))


def _known_list(
    context: Context, configuration: CertificateConfiguration, url: str, issuers: tuple[x509.Certificate, ...]
) -> Check:
    name, started = f"CRL {url.rpartition('/')[2]}", context.now()
    asked = configuration.where_to_ask(url)
    if asked is None:
        return line(name, False, "at a place that revocation_urls does not hold")
    detail = ""
    for issuer in issuers:
        try:
            listed = read_list(context, configuration, issuer, asked)
            return line(name, True, _age(context, listed), since(context, started))
        except (Refusal, OutboundError) as problem:
            detail = problem.detail
    return line(name, False, detail, since(context, started))


def _known_responder(
    context: Context, configuration: CertificateConfiguration, url: str, issuer: x509.Certificate
) -> Check:
    """Whether the responder answers at all, asked about a certificate that nobody has; what it says does not matter."""
    name, started = f"OCSP {url}", context.now()
    asked = configuration.where_to_ask(url)
    if asked is None:
        return line(name, False, "at a place that revocation_urls does not hold")
    try:
        status = ask_about_nobody(context, issuer, asked)
    except (Refusal, OutboundError) as problem:
        return line(name, False, problem.detail, since(context, started))
    # RFC 5019 section 2.2.3: a responder that makes its answers beforehand has none for a stranger.
    passed = status in ("SUCCESSFUL", "UNAUTHORIZED")
    return line(name, passed, f"the responder said {status}", since(context, started))


def _age(context: Context, listed: object) -> str:
    this_update = listed["tbs_cert_list"]["this_update"].native  # type: ignore[index]  # asn1crypto has no types
    return f"issued {(context.now() - this_update).total_seconds() / 3600:.0f} hours ago"


def _signing_page(context: Context, configuration: CertificateConfiguration) -> Check:
    started = context.now()
    try:
        answer = context.http.request("GET", configuration.signing_url, idempotent=True)
    except OutboundError as problem:
        return line("signing page", False, problem.detail, since(context, started))
    # It is there for POST: what it says to GET is its own business, unless it fails.
    return line("signing page", answer.status < 500, f"HTTP {answer.status}", since(context, started))
