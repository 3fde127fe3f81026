"""What can be tested of an OpenID Provider without a person: the lines of `sources check`."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from statistics import median

from connectors.answers import Refusal, error_in, json_object
from connectors.base import Check, Context, HttpAnswer, OutboundError
from connectors.openid.configuration import OpenIdConnectConfiguration
from connectors.openid.metadata import Metadata, parse_keys

LATENCY_TRIES = 5
LATENCY_MILLISECONDS = 1000.0  # slower than this, people notice
CLOCK_SECONDS = 5.0  # a Date header has whole seconds, and was a while on its way


def run_checks(context: Context, configuration: OpenIdConnectConfiguration) -> list[Check]:
    """One line for each thing that could be wrong; the first line that fails may leave the later ones out."""
    answer, first = _fetched(context, "discovery", configuration.discovery_address)
    if answer is None:
        return [first]
    try:
        metadata = configuration.parse_metadata(answer.body)
    except Refusal as refusal:
        return [first, Check(name="metadata", passed=False, detail=refusal.detail)]
    return [
        first,
        Check(name="metadata", passed=True, detail="issuer and endpoints are as configured"),
        _encryption(configuration),
        _clock(context, configuration, answer),
        _keys(context, configuration, metadata),
        *_abilities(configuration, metadata),
        _credentials(context, configuration, metadata),
        _latency(context, configuration),
    ]


def _fetched(context: Context, name: str, url: str) -> tuple[HttpAnswer | None, Check]:
    started = context.now()
    try:
        answer = context.http.request("GET", url, headers={"Accept": "application/json"}, idempotent=True)
    except OutboundError as problem:
        return None, _check(name, False, problem.detail, _since(context, started))
    passed = answer.status == 200
    return answer if passed else None, _check(name, passed, f"HTTP {answer.status}", _since(context, started))


def _since(context: Context, started: datetime) -> float:
    return (context.now() - started).total_seconds() * 1000


def _check(name: str, passed: bool, detail: str, milliseconds: float = 0.0) -> Check:
    return Check(name=name, passed=passed, detail=detail, milliseconds=milliseconds)


def _encryption(configuration: OpenIdConnectConfiguration) -> Check:
    encrypted = configuration.issuer.startswith("https://")
    return _check("tls", True, "the certificate is trusted" if encrypted else "none, on this machine's own *.localhost")


def _clock(context: Context, configuration: OpenIdConnectConfiguration, answer: HttpAnswer) -> Check:
    try:
        skew = abs((parsedate_to_datetime(answer.headers["date"]) - context.now()).total_seconds())
    except (KeyError, ValueError, TypeError):
        return _check("clock", False, "the answer has no readable Date")
    allowed = max(CLOCK_SECONDS, configuration.leeway_seconds / 2)
    return _check("clock", skew <= allowed, f"off by about {skew:.0f} s; up to {allowed:.0f} s is fine")


def _keys(context: Context, configuration: OpenIdConnectConfiguration, metadata: Metadata) -> Check:
    answer, fetched = _fetched(context, "keys", metadata.jwks_uri)
    if answer is None:
        return fetched
    try:
        keys = parse_keys(answer.body)
    except Refusal as refusal:
        return _check("keys", False, refusal.detail, fetched.milliseconds)
    agreed = {one for one in configuration.id_token_algorithms if any(one in key.algorithms for key in keys)}
    listed = len(json_object(answer.body, "the key document")["keys"])
    detail = f"{len(keys)} of {listed} keys are usable, for {', '.join(sorted(agreed)) or 'no algorithm that we allow'}"
    return _check("keys", bool(agreed), detail, fetched.milliseconds)


def _abilities(configuration: OpenIdConnectConfiguration, metadata: Metadata) -> list[Check]:
    offers, method = metadata.offers, configuration.client_auth
    checks = [
        _check(
            "id_token algorithm",
            any(offers("id_token_signing_alg_values_supported", one) for one in configuration.id_token_algorithms),
            f"we allow {', '.join(configuration.id_token_algorithms)}",
        ),
        _check("code flow", offers("response_types_supported", "code"), "response_type code"),
        _check(
            "client authentication",
            offers("token_endpoint_auth_methods_supported", method, ("client_secret_basic",)),
            method,
        ),
    ]
    algorithms = metadata.everything.get("token_endpoint_auth_signing_alg_values_supported")
    if method == "private_key_jwt" and algorithms is not None:
        algorithm = configuration.assertion_algorithm
        offered = offers("token_endpoint_auth_signing_alg_values_supported", algorithm)
        checks.append(_check("client assertion algorithm", offered, algorithm))
    if configuration.pkce:
        checks.append(_check("PKCE", offers("code_challenge_methods_supported", "S256"), "code_challenge_method S256"))
    if configuration.par == "required":
        checks.append(_check("PAR", metadata.pushed_authorization_request_endpoint is not None, "RFC 9126"))
    if configuration.userinfo:
        checks.append(_check("userinfo", metadata.userinfo_endpoint is not None, "userinfo_endpoint"))
    checks.append(_check("acr values", *_known_acr_values(configuration, metadata)))
    return checks


def _known_acr_values(configuration: OpenIdConnectConfiguration, metadata: Metadata) -> tuple[bool, str]:
    wanted = set(configuration.acr_values.values())
    listed = metadata.everything.get("acr_values_supported")
    if not wanted or not isinstance(listed, list):
        return True, "not listed by the source" if wanted else "none are asked for"
    missing = sorted(wanted - {one for one in listed if isinstance(one, str)})
    return not missing, f"unknown to the source: {', '.join(missing)}" if missing else "all known to the source"


def _credentials(context: Context, configuration: OpenIdConnectConfiguration, metadata: Metadata) -> Check:
    """Asks for tokens with a code that nobody has: a source that knows us refuses the code, one that does not, us."""
    started = context.now()
    try:
        headers, proof = configuration.credentials(context, metadata)
        form = {
            "grant_type": "authorization_code",
            "code": context.fresh_value(),
            "redirect_uri": configuration.issuer,
            "code_verifier": context.fresh_value(),
            **proof,
        }
        answer = context.http.request("POST", metadata.token_endpoint, headers=headers, form=form)
        _failure, error = error_in(json_object(answer.body, "the token answer"), {})
    except (Refusal, OutboundError) as problem:
        return _check("credentials", False, problem.detail, _since(context, started))
    refused = error in ("invalid_client", "unauthorized_client") or answer.status in (401, 403)
    detail = f"the source answered {error}" + ("" if refused else ", as it should to a code that nobody has")
    return _check("credentials", not refused, detail, _since(context, started))


def _latency(context: Context, configuration: OpenIdConnectConfiguration) -> Check:
    tries = [_fetched(context, "latency", configuration.discovery_address) for _ in range(LATENCY_TRIES)]
    times = sorted(check.milliseconds for _, check in tries)
    passed = all(answer is not None for answer, _ in tries) and times[-1] <= LATENCY_MILLISECONDS
    return _check("latency", passed, f"median {median(times):.0f} ms, slowest {times[-1]:.0f} ms", median(times))
