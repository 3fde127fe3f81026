"""Client metadata on the wire (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0 section 2), and what
we make of it.

A portal says what it would like, an operator's terms what it may have. More than that is cut down where the standard
lets us and the answer shows it (scope, PKCE), and refused where the portal could not work with less.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import ValidationError

from idp import errors
from idp.clients import Client, Registration
from idp.clients.registration import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, TOKEN_EXCHANGE
from idp.clients.sectors import sector_of
from idp.errors import Refused
from idp.people.claims import SCOPES

# What is an operator's to say: it stays as it is, or at what a registration begins with.
OPERATORS = frozenset({
    "consent_required", "nonce_required", "minimum_level", "access_token_format", "resource_uris", "may_call",
    "may_exchange", "sector", "device_confirmation",
})  # fmt: skip
# What has another name or form on the wire.
TRANSLATED = frozenset({"name_vi", "name_en", "home_url", "scopes", "api_scopes", "pkce_required"})
COPIED = frozenset(Registration.model_fields) - OPERATORS - TRANSLATED
ADDRESSES = sorted(
    name for name in COPIED | {"home_url"}
    if name.endswith(("_uri", "_uris", "_url")) and not name.startswith("tls_client_auth")
)  # fmt: skip
SOFTWARE = ("software_id", "software_version", "software_statement")
SOFTWARE_CHARACTERS = 8192
Metadata = Mapping[str, Any]


class Limits(Protocol):
    """What a portal may have at most: the terms of an invitation, or what it has already."""

    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def api_scopes(self) -> tuple[str, ...]: ...
    @property
    def minimum_level(self) -> int: ...
    @property
    def pkce_required(self) -> bool: ...
    @property
    def nonce_required(self) -> bool: ...
    @property
    def consent_required(self) -> bool: ...


class Faulty(Refused):
    """Metadata that is refused; `told` is for the portal, which wrote it, while the log has only names of members."""

    def __init__(self, failure: errors.Failure, told: str, member: str = "") -> None:
        super().__init__(failure, member)
        self.told = told


def registration_of(metadata: Metadata, client_id: str, limits: Limits, before: Client | None = None) -> Registration:
    """What is registered of this metadata; raises Faulty. `before` is the registration that it replaces."""
    said = {name: value for name, value in metadata.items() if value is not None}
    _refuse_what_is_not_offered(said, before)
    values: dict[str, Any] = {name: value for name, value in said.items() if name in COPIED}
    values |= _names(said) | {"home_url": _home(said)} | _scopes(said, limits)
    values |= {name: getattr(limits, name) for name in ("minimum_level", "nonce_required", "consent_required")}
    values["pkce_required"] = _owes_pkce(said, limits)
    values["sector"] = "to come"
    if before is not None:
        values |= {name: getattr(before, name) for name in OPERATORS}
    made = _validated(values)
    try:
        sector = sector_of(client_id, made)
    except ValueError as problem:
        raise Faulty(errors.BAD_CLIENT_METADATA, str(problem), "sector_identifier_uri") from None
    if before is not None and sector != before.sector:
        raise Faulty(errors.BAD_CLIENT_METADATA, "the sector cannot change, or everybody would have another sub",
                     "sector_identifier_uri")  # fmt: skip
    return made.model_copy(update={"sector": sector})


def metadata_of(portal: Registration) -> dict[str, Any]:
    """What is registered, as the portal is told (RFC 7591 section 3.2.1)."""
    kept = portal.model_dump(mode="json", include=set(COPIED))
    told = {name: value for name, value in kept.items() if value is not None and value != []}
    return told | {
        "client_name": portal.name_vi, "client_name#vi": portal.name_vi, "client_name#en": portal.name_en,
        "client_uri": portal.home_url, "scope": " ".join((*portal.scopes, *portal.api_scopes)),
        "response_types": ["code"] if AUTHORIZATION_CODE in portal.grant_types else [],
        "subject_type": "pairwise", "require_auth_time": True, "pkce_required": portal.pkce_required,
    }  # fmt: skip


def stated(metadata: Metadata, statement: Metadata) -> dict[str, Any]:
    """The metadata with what a software statement says (RFC 7591 section 2.3), which is said in every language: beside
    a name that was vouched for, none stays that was not (section 2.2).
    """
    names = {member.partition("#")[0] for member in statement}
    own = {member: value for member, value in metadata.items() if member.partition("#")[0] not in names}
    return own | dict(statement)


def refuse_addresses_at(hosts: Container[str | None], portal: Registration) -> None:
    """Raises Faulty where an address of the portal's is at one of these hosts."""
    for member in ADDRESSES:
        given = getattr(portal, member) or ()
        if any(urlsplit(uri).hostname in hosts for uri in ((given,) if isinstance(given, str) else given)):
            failure = errors.BAD_CLIENT_REDIRECT_URI if member == "redirect_uris" else errors.BAD_CLIENT_METADATA
            raise Faulty(failure, f"{_on_the_wire(member)}: this host is ours, and no portal's", member)


def software_of(metadata: Metadata) -> dict[str, str]:
    """What the portal says of its software, to be shown again unchanged (RFC 7591 section 2.3)."""
    said = {name: metadata[name] for name in SOFTWARE if metadata.get(name) is not None}
    for name, value in said.items():
        if not isinstance(value, str) or len(value) > SOFTWARE_CHARACTERS:
            raise Faulty(errors.BAD_CLIENT_METADATA, f"{name} must be a text that is not too long", name)
    return said


def _refuse_what_is_not_offered(said: Metadata, before: Client | None) -> None:
    for member in ("grant_types", "response_types", "redirect_uris"):
        if not isinstance(said.get(member, []), list):
            failure = errors.BAD_CLIENT_REDIRECT_URI if member == "redirect_uris" else errors.BAD_CLIENT_METADATA
            raise Faulty(failure, f"{member} is a list", member)
    grants = said.get("grant_types", [AUTHORIZATION_CODE])
    responses = said.get("response_types", ["code"] if AUTHORIZATION_CODE in grants else [])
    if responses not in (["code"], []) or (responses == ["code"]) != (AUTHORIZATION_CODE in grants):
        told = "response_types is code, with the grant type authorization_code, or nothing (RFC 7591 section 2.1)"
        raise Faulty(errors.BAD_CLIENT_METADATA, told, "response_types")
    if said.get("subject_type", "pairwise") != "pairwise":
        raise Faulty(errors.BAD_CLIENT_METADATA, "subject_type is pairwise", "subject_type")
    if AUTHORIZATION_CODE in grants and not said.get("redirect_uris"):
        raise Faulty(errors.BAD_CLIENT_REDIRECT_URI, "redirect_uris is missing", "redirect_uris")
    if TOKEN_EXCHANGE in grants and (before is None or TOKEN_EXCHANGE not in before.grant_types):
        raise Faulty(errors.BAD_CLIENT_METADATA, "token exchange is an operator's to grant", "grant_types")


def _names(said: Metadata) -> dict[str, str]:
    """The portal's name in both languages: that with a language tag (section 2.1), or the one without."""
    untagged = said.get("client_name", _home(said).split("/")[2])
    names = {"name_vi": untagged, "name_en": untagged}
    for member, value in said.items():
        name, _, tag = member.partition("#")
        if name == "client_name" and tag.partition("-")[0].lower() in ("vi", "en"):
            names[f"name_{tag[:2].lower()}"] = value
    return names


def _home(said: Metadata) -> str:
    """Where people find the portal: client_uri, or the front page of the host that our answers go to."""
    for uri in [said["client_uri"]] if "client_uri" in said else said.get("redirect_uris", []):
        if isinstance(uri, str) and uri.startswith(("https://", "http://")):
            return uri if "client_uri" in said else "/".join(uri.split("/")[:3]) + "/"
    raise Faulty(errors.BAD_CLIENT_METADATA, "client_uri is missing, or no https address", "client_uri")


def _scopes(said: Metadata, limits: Limits) -> dict[str, tuple[str, ...]]:
    """Of what it asks for, what it may have; of what goes with grant types that it does not use, nothing."""
    scope = said.get("scope", " ".join((*limits.scopes, *limits.api_scopes)))
    if not isinstance(scope, str):
        raise Faulty(errors.BAD_CLIENT_METADATA, "scope is a text of words with a space between", "scope")
    asked, grants = scope.split(" "), said.get("grant_types", [AUTHORIZATION_CODE])
    people = [word for word in SCOPES if word in limits.scopes and (word in asked or word == "openid")]
    if REFRESH_TOKEN not in grants:
        people = [word for word in people if word != "offline_access"]
    systems = [word for word in limits.api_scopes if word in asked and CLIENT_CREDENTIALS in grants]
    if CLIENT_CREDENTIALS in grants and not systems:
        raise Faulty(errors.BAD_CLIENT_METADATA, "client_credentials needs a scope that was granted", "scope")
    return {"scopes": tuple(people), "api_scopes": tuple(systems)}


def _owes_pkce(said: Metadata, limits: Limits) -> Any:
    """Always, unless an operator exempted it and neither its method nor its profile asks for it."""
    public = said.get("token_endpoint_auth_method") == "none"
    if limits.pkce_required or public or said.get("profile", "openid") != "openid":
        return True
    return said.get("pkce_required", False)


def _validated(values: dict[str, Any]) -> Registration:
    try:
        return Registration.model_validate(values)
    except ValidationError as problem:
        faults = problem.errors(include_input=False, include_url=False, include_context=False)
    members = [str(fault["loc"][0]) if fault["loc"] else "" for fault in faults]
    told = "; ".join(
        f"{_on_the_wire(member)}: {fault['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        for member, fault in zip(members, faults, strict=True)
    )
    failure = errors.BAD_CLIENT_REDIRECT_URI if "redirect_uris" in members else errors.BAD_CLIENT_METADATA
    raise Faulty(failure, told, " ".join(sorted(set(members))))


def _on_the_wire(member: str) -> str:
    return {"name_vi": "client_name", "name_en": "client_name", "home_url": "client_uri"}.get(member, member)
