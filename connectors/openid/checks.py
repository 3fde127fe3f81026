"""What can be tested of an OpenID Provider without a person: the lines of `sources check`."""

from __future__ import annotations

from connectors.answers import Refusal, error_in, json_object
from connectors.base import Check, Context, HttpAnswer, OutboundError
from connectors.checks import CLOCK_SECONDS, clock, encryption, fetched, latency, line, since
from connectors.openid.configuration import OpenIdConnectConfiguration
from connectors.openid.metadata import Metadata, parse_keys


def run_checks(context: Context, configuration: OpenIdConnectConfiguration) -> list[Check]:
    """One line for each thing that could be wrong; the first line that fails may leave the later ones out."""
    answer, first = _fetched(context, "discovery", configuration.discovery_address)
    if answer is None:
        return [first]
    try:
        metadata = configuration.parse_metadata(answer.body)
    except Refusal as refusal:
        return [first, line("metadata", False, refusal.detail)]
    return [
        first,
        line("metadata", True, "issuer and endpoints are as configured"),
        encryption(configuration.issuer),
        clock(context, answer.headers.get("date"), max(CLOCK_SECONDS, configuration.leeway_seconds / 2)),
        _keys(context, configuration, metadata),
        *_abilities(configuration, metadata),
        _credentials(context, configuration, metadata),
        latency(lambda: _fetched(context, "latency", configuration.discovery_address)[1]),
    ]


def _fetched(context: Context, name: str, url: str) -> tuple[HttpAnswer | None, Check]:
    return fetched(context, name, url, "application/json")


def _keys(context: Context, configuration: OpenIdConnectConfiguration, metadata: Metadata) -> Check:
    answer, came = _fetched(context, "keys", metadata.jwks_uri)
    if answer is None:
        return came
    try:
        keys = parse_keys(answer.body)
    except Refusal as refusal:
        return line("keys", False, refusal.detail, came.milliseconds)
    agreed = {one for one in configuration.id_token_algorithms if any(one in key.algorithms for key in keys)}
    listed = len(json_object(answer.body, "the key document")["keys"])
    detail = f"{len(keys)} of {listed} keys are usable, for {', '.join(sorted(agreed)) or 'no algorithm that we allow'}"
    return line("keys", bool(agreed), detail, came.milliseconds)


def _abilities(configuration: OpenIdConnectConfiguration, metadata: Metadata) -> list[Check]:
    offers, method = metadata.offers, configuration.client_auth
    checks = [
        line(
            "id_token algorithm",
            any(offers("id_token_signing_alg_values_supported", one) for one in configuration.id_token_algorithms),
            f"we allow {', '.join(configuration.id_token_algorithms)}",
        ),
        line("code flow", offers("response_types_supported", "code"), "response_type code"),
        line(
            "client authentication",
            offers("token_endpoint_auth_methods_supported", method, ("client_secret_basic",)),
            method,
        ),
    ]
    algorithms = metadata.everything.get("token_endpoint_auth_signing_alg_values_supported")
    if method == "private_key_jwt" and algorithms is not None:
        algorithm = configuration.assertion_algorithm
        offered = offers("token_endpoint_auth_signing_alg_values_supported", algorithm)
        checks.append(line("client assertion algorithm", offered, algorithm))
    if configuration.pkce:
        checks.append(line("PKCE", offers("code_challenge_methods_supported", "S256"), "code_challenge_method S256"))
    if configuration.par == "required":
        checks.append(line("PAR", metadata.pushed_authorization_request_endpoint is not None, "RFC 9126"))
    if configuration.userinfo:
        checks.append(line("userinfo", metadata.userinfo_endpoint is not None, "userinfo_endpoint"))
    checks.append(line("acr values", *_known_acr_values(configuration, metadata)))
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
        return line("credentials", False, problem.detail, since(context, started))
    refused = error in ("invalid_client", "unauthorized_client") or answer.status in (401, 403)
    detail = f"the source answered {error}" + ("" if refused else ", as it should to a code that nobody has")
    return line("credentials", not refused, detail, since(context, started))
