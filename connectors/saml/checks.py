"""What can be tested of a SAML identity provider without a person: the lines of `sources check`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.answers import Refusal
from connectors.base import Check, Context, HttpAnswer
from connectors.checks import CLOCK_SECONDS, clock, encryption, fetched, latency, line
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import POST_BINDING, REDIRECT_BINDING
from connectors.saml.keys import Pair, decryption_pairs, signing_pairs
from connectors.saml.metadata import IdpMetadata, in_force, parse_for

VALIDITY_DAYS = 2  # metadata that is renewed daily has more than this left


def run_checks(context: Context, configuration: SamlConfiguration) -> list[Check]:
    """One line for each thing that could be wrong; the first line that fails may leave the later ones out."""
    lines, body = _document(context, configuration)
    if body is None:
        return [*lines, *_our_keys(context, configuration)]
    try:
        metadata = in_force(parse_for(configuration, body), context.now())
    except Refusal as refusal:
        return [*lines, line("metadata", False, refusal.detail), *_our_keys(context, configuration)]
    return [
        *lines,
        line("metadata", True, "entity id and addresses are as configured"),
        _signature(metadata),
        _validity(context, metadata),
        *_their_certificates(context, configuration, metadata),
        _algorithms(context, metadata),
        _binding(configuration, metadata),
        _sign_out(metadata),
        *_our_keys(context, configuration),
        *([latency(lambda: _fetched(context, configuration, "latency")[1])] if configuration.metadata_url else []),
    ]


def _document(context: Context, configuration: SamlConfiguration) -> tuple[list[Check], bytes | None]:
    if configuration.metadata_xml:
        detail = "pasted: tls, clock and latency cannot be tested, and its keys change only when it is pasted anew"
        return [line("fetch", True, detail)], configuration.metadata_xml.encode()
    answer, first = _fetched(context, configuration, "fetch")
    if answer is None:
        return [first], None
    told = clock(context, answer.headers.get("date"), max(CLOCK_SECONDS, configuration.leeway_seconds / 2))
    return [first, encryption(configuration.metadata_url), told], answer.body


def _fetched(context: Context, configuration: SamlConfiguration, name: str) -> tuple[HttpAnswer | None, Check]:
    return fetched(context, name, configuration.metadata_url, "application/samlmetadata+xml")


def _signature(metadata: IdpMetadata) -> Check:
    if metadata.signers:
        return line("metadata signature", True, "by a configured certificate")
    return line("metadata signature", True, "not checked: metadata_certificates are not configured")


def _validity(context: Context, metadata: IdpMetadata) -> Check:
    if metadata.valid_until is None:
        return line("metadata validity", True, "it names no end")
    left = metadata.valid_until - context.now()
    return line("metadata validity", left > timedelta(days=VALIDITY_DAYS), f"until {metadata.valid_until:%Y-%m-%d}")


def _their_certificates(
    context: Context, configuration: SamlConfiguration, metadata: IdpMetadata
) -> Iterator[Check]:  # fmt: skip
    """Good as long as one of them lasts; one that ends while another goes on is how they are replaced."""
    yield _lasting(context, configuration, "source's certificate", metadata.certificates)
    if metadata.signers:
        yield _lasting(context, configuration, "metadata's certificate", metadata.signers)


def _lasting(
    context: Context, configuration: SamlConfiguration, name: str, certificates: tuple[x509.Certificate, ...]
) -> Check:
    now = context.now()
    begun = [one for one in certificates if one.not_valid_before_utc <= now]
    latest = max((one.not_valid_after_utc for one in begun), default=None)
    if latest is None or latest <= now:
        return line(name, False, "none of them is in force")
    days = (latest - now).days
    detail = f"{len(certificates)}; the last one ends on {latest:%Y-%m-%d}, in {days} days"
    return line(name, days >= configuration.certificate_alarm_days, detail)


def _algorithms(context: Context, metadata: IdpMetadata) -> Check:
    now = context.now()
    usable = [one for one in metadata.certificates if one.not_valid_before_utc <= now <= one.not_valid_after_utc]
    told = sorted({_described(one) for one in usable})
    return line("algorithms", bool(usable), ", ".join(told) or "no key that may verify, or none in force")


def _described(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return f"RSA {key.key_size} with SHA-2" if isinstance(key, rsa.RSAPublicKey) else "ECDSA with SHA-2"


def _binding(configuration: SamlConfiguration, metadata: IdpMetadata) -> Check:
    binding = REDIRECT_BINDING if configuration.binding == "redirect" else POST_BINDING
    return line("sign-on binding", binding in metadata.sign_on, f"requests by {configuration.binding}")


def _sign_out(metadata: IdpMetadata) -> Check:
    return line("sign-out", True, "offered by redirect" if metadata.sign_out else "not offered by redirect")


def _our_keys(context: Context, configuration: SamlConfiguration) -> Iterator[Check]:
    for name, read in (("our signing certificate", signing_pairs), ("our decryption certificate", decryption_pairs)):
        try:
            pairs: tuple[Pair, ...] = read(context)
        except Refusal as refusal:
            yield line(name, False, refusal.detail)
            continue
        # The first one is in use: when it ends matters, whatever follows it.
        yield _lasting(context, configuration, name, (pairs[0].certificate,))
