"""Whether certificates are revoked: OCSP (RFC 6960) and CRLs (RFC 5280 section 5), asked where the operator allows it.

Here answers are fetched, and refused for what the validator does not look at: size, weak signatures, another request's
nonce, age. Whether they are about the certificate, in time, and by somebody who may say so, `x509.paths` has validated.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from asn1crypto import crl as asn1_crl  # type: ignore[import-untyped]  # it has no types
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from connectors.answers import Refusal, document
from connectors.base import Context, Failure, OutboundError
from connectors.x509.certificates import UNREADABLE, WEAK_DIGESTS
from connectors.x509.configuration import CertificateConfiguration, Means

OCSP_LIMIT_BYTES = 65_536
CRL_LIMIT_BYTES = 8_388_608
ADDRESSES_TRIED = 2  # of one certificate
OCSP_HEADERS = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}


@dataclass(frozen=True, kw_only=True)
class Link:
    """One certificate of a path, below the anchor, and who issued it. `tried` are the means spent on it."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    tried: list[Means] = field(default_factory=list)


@dataclass(kw_only=True)
class Evidence:
    """What was said of the certificates of one path, for the validator to judge; and for the log, what went wrong."""

    ocsps: list[asn1_ocsp.OCSPResponse] = field(default_factory=list)
    crls: list[asn1_crl.CertificateList] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def links_of(path: Sequence[x509.Certificate]) -> list[Link]:
    """The links of a path that begins with its anchor."""
    return [Link(certificate=below, issuer=above) for above, below in zip(path, path[1:], strict=False)]


def try_next_means(
    context: Context, configuration: CertificateConfiguration, links: list[Link], evidence: Evidence
) -> bool:
    """Each certificate has been asked about by the next means that answers; whether there are more means to try.

    Raises Refusal where a responder says that it does not know a certificate: its authority denies having issued it.
    """
    for link in links:
        for means in configuration.revocation_order:
            if means in link.tried:
                continue
            link.tried.append(means)
            try:
                if _ask(context, configuration, link, means, evidence):
                    break
            except (Refusal, OutboundError) as problem:
                if isinstance(problem, _Denied):
                    raise
                evidence.problems.append(f"{means}: {problem.detail}")
    return any(len(link.tried) < len(configuration.revocation_order) for link in links)


class _Denied(Refusal):
    """The responder does not know the certificate."""


def _ask(
    context: Context, configuration: CertificateConfiguration, link: Link, means: Means, evidence: Evidence
) -> bool:
    """Whether there was an answer by this means; raises the last Refusal or OutboundError of the addresses tried."""
    named = addresses_of(link.certificate, means)
    allowed = [asked for url in named if (asked := configuration.where_to_ask(url)) is not None]
    if not allowed:
        where = "at places that the configuration does not name" if named else "nowhere"
        raise Refusal(Failure.REVOCATION_UNKNOWN, f"the certificate can be asked about {where}")
    problem: Refusal | OutboundError | None = None
    for url in allowed[:ADDRESSES_TRIED]:
        try:
            if means == "ocsp":
                evidence.ocsps.append(ask_responder(context, configuration, link, url))
            else:
                evidence.crls.append(read_list(context, configuration, link.issuer, url))
            return True
        except _Denied:
            raise
        except (Refusal, OutboundError) as found:
            problem = found
    assert problem is not None  # noqa: S101  there was an address, and it did not answer
    raise problem


def addresses_of(certificate: x509.Certificate, means: Means) -> list[str]:
    """Where the certificate says that it can be asked about: nothing to go to before `where_to_ask` allows it."""
    return _responders(certificate) if means == "ocsp" else _lists(certificate)


def _responders(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    wanted = AuthorityInformationAccessOID.OCSP
    return _addresses([one.access_location for one in access if one.access_method == wanted])


def _lists(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return _addresses([name for point in points for name in point.full_name or ()])


def _addresses(names: Sequence[x509.GeneralName]) -> list[str]:
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]


# --- OCSP


def ask_responder(
    context: Context, configuration: CertificateConfiguration, link: Link, url: str
) -> asn1_ocsp.OCSPResponse:
    """The responder's answer about this certificate, to this very request or young enough; raises Refusal."""
    nonce = hashlib.sha256(context.fresh_value().encode()).digest()
    # SHA-1 only names the issuer here, and is the one digest that every responder knows (RFC 5019 section 2.1.1).
    builder = ocsp.OCSPRequestBuilder().add_certificate(link.certificate, link.issuer, hashes.SHA1())  # noqa: S303
    request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)
    body = _posted(context, url, request)
    try:
        _check_answer(context, configuration, ocsp.load_der_ocsp_response(body), link, nonce)
        return asn1_ocsp.OCSPResponse.load(body, strict=True)
    except Refusal:
        raise
    except UNREADABLE:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer cannot be read") from None


def ask_about_nobody(context: Context, issuer: x509.Certificate, url: str) -> str:
    """The status of the responder's answer about a serial number of chance; raises Refusal where there is no answer."""
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        hashlib.sha1(issuer.subject.public_bytes(), usedforsecurity=False).digest(),
        x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest,
        int.from_bytes(hashlib.sha256(context.fresh_value().encode()).digest()[:16], "big") | 1,
        hashes.SHA1(),  # noqa: S303  as above
    )
    body = _posted(context, url, builder.build().public_bytes(Encoding.DER))
    try:
        return ocsp.load_der_ocsp_response(body).response_status.name
    except UNREADABLE:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer cannot be read") from None


def _posted(context: Context, url: str, request: bytes) -> bytes:
    answer = context.http.request("POST", url, headers=OCSP_HEADERS, body=request, idempotent=True)
    if answer.status != 200:
        raise Refusal(Failure.REVOCATION_UNKNOWN, f"the OCSP responder answered {answer.status}")
    if len(answer.body) > OCSP_LIMIT_BYTES:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer is too large")
    return answer.body


def _check_answer(
    context: Context, configuration: CertificateConfiguration, answer: ocsp.OCSPResponse, link: Link, nonce: bytes
) -> None:
    if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Refusal(Failure.REVOCATION_UNKNOWN, f"the OCSP responder said {answer.response_status.name}")
    digest = answer.signature_hash_algorithm
    if digest is None or digest.name in WEAK_DIGESTS:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer is signed too weakly")
    if answer.serial_number != link.certificate.serial_number:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer is about another certificate")
    oldest = context.now() - timedelta(seconds=configuration.ocsp_age_seconds)
    try:
        echoed = answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        if answer.this_update_utc < oldest:
            raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer is too old, and has no nonce") from None
    else:
        if not hmac.compare_digest(echoed, nonce):
            raise Refusal(Failure.REVOCATION_UNKNOWN, "the OCSP answer has another request's nonce")
    if answer.certificate_status == ocsp.OCSPCertStatus.UNKNOWN:
        raise _Denied(Failure.REVOCATION_UNKNOWN, "the OCSP responder does not know the certificate")


# --- CRLs


def read_list(
    context: Context, configuration: CertificateConfiguration, issuer: x509.Certificate, url: str
) -> asn1_crl.CertificateList:
    """The authority's own list at `url`, or the last good copy of it until its next update; raises Refusal."""
    latest = context.now() - timedelta(seconds=configuration.leeway_seconds)
    issuer_der = issuer.public_bytes(Encoding.DER)

    def parse(body: bytes) -> bytes:
        der, next_update = _signed_list(body, issuer_der)
        if next_update is None or next_update < latest:
            raise Refusal(Failure.REVOCATION_UNKNOWN, "the CRL is out of date")
        return der

    try:
        der = document(context.documents, url, parse)
    except Refusal:  # the copy kept may just have run out
        der = document(context.documents, url, parse, newer_than_seconds=60)
    return asn1_crl.CertificateList.load(der, strict=True)


@lru_cache(maxsize=32)
def _signed_list(body: bytes, issuer_der: bytes) -> tuple[bytes, datetime | None]:
    """The list in DER and when it ends, signed by this issuer; raises Refusal."""
    if len(body) > CRL_LIMIT_BYTES:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the CRL is too large")
    try:
        pem = body.lstrip().startswith(b"-----BEGIN X509 CRL-----")
        listed = x509.load_pem_x509_crl(body) if pem else x509.load_der_x509_crl(body)
        digest = listed.signature_hash_algorithm
        key: Any = x509.load_der_x509_certificate(issuer_der).public_key()
        genuine = digest is not None and digest.name not in WEAK_DIGESTS and listed.is_signature_valid(key)
    except UNREADABLE:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the CRL cannot be read") from None
    if not genuine:
        raise Refusal(Failure.REVOCATION_UNKNOWN, "the CRL is not signed by the authority, or too weakly")
    return listed.public_bytes(Encoding.DER), listed.next_update_utc
