"""What became of certificates: the CRLs (RFC 5280) and the OCSP responder (RFC 6960) of the authorities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from flask import Blueprint, Response, request

from connectors.sandbox.answers import HUGE_BODY_BYTES
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.faults import LIST, RESPONDER, FaultName
from connectors.sandbox.authority.hierarchy import Authority
from connectors.sandbox.authority.state import authority

blueprint = Blueprint("revocation", __name__)


@blueprint.get("/anchors.pem")
def anchors() -> Response:
    return Response(authority().root.pem, mimetype="application/x-pem-file")


# ---- lists --------------------------------------------------------------------------------------------------------


@blueprint.get("/crl/root.crl")
def root_list() -> Response:
    state = authority()
    fallen = state.is_set(FaultName.REVOKED_AUTHORITY)
    revoked = [state.tokens.authority(one).certificate for one in hierarchy.GENERATIONS] if fallen else []
    return _list(state.root, hierarchy.root(state.settings.seed, stranger=True), revoked)


@blueprint.get("/crl/issuing-<int:generation>.crl")
def issuing_list(generation: int) -> Response:
    if generation not in hierarchy.GENERATIONS:
        return Response("404", status=404)
    state = authority()
    issuer = state.tokens.authority(generation)
    revoked = [
        certificate
        for certificate, holder in list(state.tokens.issued.values())
        if certificate.issuer == issuer.certificate.subject and state.is_revoked(holder, "crl")
    ]
    stranger = hierarchy.issuing(state.settings.seed, state.settings.issuer, generation, stranger=True)
    return _list(issuer, stranger, revoked)


def _list(issuer: Authority, stranger: Authority, revoked: list[x509.Certificate]) -> Response:
    fault = authority().faults.strike({*LIST, FaultName.HUGE_ANSWER}, "crl")
    told = fault.fault if fault else None
    if told == FaultName.CRL_UNREACHABLE:
        return Response("404", status=404)
    if told == FaultName.HUGE_ANSWER:
        return Response(b"0" * HUGE_BODY_BYTES, mimetype="application/pkix-crl")
    this_update = _now() - timedelta(days=10 if told == FaultName.CRL_STALE else 0, minutes=5)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(this_update + timedelta(days=7))
        .add_extension(hierarchy.issued_by(issuer), False)
        .add_extension(x509.CRLNumber(int(this_update.timestamp())), False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, _now() - timedelta(hours=1))
        builder = builder.add_revoked_certificate(entry.build())
    key = stranger.key if told == FaultName.CRL_WRONG_SIGNER else issuer.key
    body = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return Response(body, mimetype="application/pkix-crl")


# ---- the responder ------------------------------------------------------------------------------------------------


@blueprint.post("/ocsp")
def respond() -> Response:
    state = authority()
    try:
        asked = ocsp.load_der_ocsp_request(request.get_data())
        known = state.tokens.issued.get(asked.serial_number)
    except ValueError:
        return _answer(ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST))
    holder = known[1] if known else ""
    citizen = state.population.find(holder) if holder else None
    fault = state.faults.strike({*RESPONDER, FaultName.HUGE_ANSWER}, "ocsp", citizen)
    told = fault.fault if fault else None
    if told == FaultName.OCSP_UNREACHABLE:
        return Response("502", status=502)
    if told == FaultName.HUGE_ANSWER:
        return Response(b"0" * HUGE_BODY_BYTES, mimetype="application/ocsp-response")
    issuer = _issuer_of(asked)
    if issuer is None:
        return _answer(ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED))
    status = ocsp.OCSPCertStatus.REVOKED if state.is_revoked(holder, "ocsp") else ocsp.OCSPCertStatus.GOOD
    if known is None or told == FaultName.OCSP_UNKNOWN:
        status = ocsp.OCSPCertStatus.UNKNOWN
    return _answer(_signed(asked, issuer, status, told))


def _issuer_of(asked: ocsp.OCSPRequest) -> Authority | None:
    for generation in hierarchy.GENERATIONS:
        found = authority().tokens.authority(generation)
        # The hash of the key is what its key identifier is made of, too (RFC 5280 section 4.2.1.2).
        if asked.issuer_key_hash == hierarchy.issued_by(found).key_identifier:
            return found
    return None


def _signed(
    asked: ocsp.OCSPRequest, issuer: Authority, status: ocsp.OCSPCertStatus, told: str | None
) -> ocsp.OCSPResponse:
    state = authority()
    days = {FaultName.OCSP_STALE: 10, FaultName.OCSP_WITHOUT_NONCE: 3}.get(FaultName(told), 0) if told else 0
    this_update = _now() - timedelta(days=days, minutes=1)
    is_revoked = status == ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=asked.serial_number,
        algorithm=asked.hash_algorithm,
        cert_status=status,
        this_update=this_update,
        next_update=this_update + timedelta(days=6 if told == FaultName.OCSP_WITHOUT_NONCE else 1),
        revocation_time=_now() - timedelta(hours=1) if is_revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if is_revoked else None,
    )
    try:
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        nonce = bytes(len(nonce)) if told == FaultName.OCSP_OTHER_NONCE else nonce
        if told != FaultName.OCSP_WITHOUT_NONCE:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
    except x509.ExtensionNotFound:
        pass
    stranger = hierarchy.issuing(state.settings.seed, state.settings.issuer, 1, stranger=True)
    signer, key = _responder(stranger if told == FaultName.OCSP_WRONG_SIGNER else issuer)
    return (
        builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer]).sign(key, hashes.SHA256())
    )


def _responder(issuer: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Who signs: somebody whom the authority named for it, or, for its second generation, the authority itself."""
    if issuer.lists.endswith("issuing-2.crl"):
        return issuer.certificate, issuer.key
    key = hierarchy.key_from(authority().settings.seed, f"responder of {issuer.certificate.serial_number}")
    usage = dict.fromkeys(hierarchy.KEY_USAGES, False) | {"digital_signature": True}
    builder = x509.CertificateBuilder(
        issuer.certificate.subject,
        hierarchy.authority_name("OCSP thử nghiệm"),
        key.public_key(),
        x509.random_serial_number(),
        _now() - timedelta(days=1),
        _now() + timedelta(days=30),
    )
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    builder = builder.add_extension(hierarchy.issued_by(issuer), False)
    builder = builder.add_extension(x509.KeyUsage(**usage), True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
    return builder.add_extension(x509.OCSPNoCheck(), False).sign(issuer.key, hashes.SHA256()), key


def _answer(response: ocsp.OCSPResponse) -> Response:
    return Response(response.public_bytes(Encoding.DER), mimetype="application/ocsp-response")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
