"""`idp conformance`: a test deployment made ready for the OpenID Foundation's conformance suite."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idp.cli import conformance_keys, shared, source_files
from idp.cli.conformance_browser import Automation
from idp.cli.shared import Wrong
from idp.clients import Registration
from idp.clients.invitations import Invitations, Terms
from idp.clients.registration import CLIENT_CREDENTIALS
from idp.house import House
from idp.oidc.conformance_resource import PATH as RESOURCE
from idp.sources import TEST_PEOPLE
from idp.storage import Transaction

FILES = Path(__file__).resolve().parents[2] / "config" / "conformance"
SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
GRANTS = ("authorization_code", "refresh_token")
PAIR = (1, 2)  # every profile is tested with two clients
INVITED_TIMES = 1000
INVITED_SECONDS = 30 * 86_400
_ADDRESSES = ("redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Profile(_Part):
    """Some plans of the suite that one configuration serves. Without a registration, the suite registers by itself."""

    plans: tuple[str, ...] = Field(min_length=1)
    variant: dict[str, str]
    registration: dict[str, Any] | None = None
    by_post: bool = False
    signing_alg: Literal["PS256", "ES256", "EdDSA"] | None = None
    certificate: bool = False

    @property
    def is_of_systems(self) -> bool:
        """Whether its clients ask for themselves, and nobody signs in."""
        return CLIENT_CREDENTIALS in (self.registration or {}).get("grant_types", ())


class Suite(_Part):
    base_url: str = Field(pattern=r"^https?://[^/]+$")
    alias: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    profiles: dict[str, Profile]

    @property
    def address(self) -> str:
        return f"{self.base_url}/test/a/{self.alias}"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was registered, as the suite reads it: a configuration by profile."""

    configurations: Mapping[str, Mapping[str, Any]] = field(repr=False)
    username: str
    password: str = field(repr=False)


@click.group()
def conformance() -> None:
    """A test deployment for the OpenID Foundation's conformance suite; never for people."""


@conformance.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--suite", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              default=FILES / "suite.toml", help="Where the suite runs, and its profiles. [default: ours]")  # fmt: skip
@shared.operator_option
def prepare(directory: Path, file: Path, operator: str) -> None:
    """Register the test people and the suite's clients, and write what to paste into its plans to DIR/PROFILE.json.

    May be run again: the clients are then as the file says now, with new secrets and keys.
    """
    house, suite = shared.open_house(), read_suite(file)
    with shared.secret_files() as drafted:
        prepared = prepare_house(house, suite, operator=operator)
        for name, configuration in prepared.configurations.items():
            with drafted(directory / f"{name}.json") as out:
                json.dump(configuration, out, ensure_ascii=False, indent=2)
    for name, profile in suite.profiles.items():
        variant = " ".join(f"{key}={value}" for key, value in profile.variant.items())
        click.echo(f"{directory / name}.json ({variant}), for:")
        click.echo("\n".join(f"    {plan}" for plan in profile.plans))
        if profile.registration is None and house.settings.registration.open_to == "nobody":
            click.echo("    (which will fail: the setting registration.open_to is nobody)")
    click.echo(f"people sign in as {prepared.username}, with the password {prepared.password}")


def read_suite(file: Path) -> Suite:
    """The suite that the file describes; raises Wrong."""
    try:
        return Suite.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Wrong(f"{file}: not TOML: {problem}") from None
    except ValidationError as problem:
        raise Wrong(f"{file}: {shared.faults(problem)}") from None


def prepare_house(house: House, suite: Suite, *, operator: str) -> Prepared:
    """The test people can sign in, and the suite's clients are registered as the file says; raises Wrong."""
    if not house.settings.lets_test_people_in:
        raise Wrong("mode: only a provider in mode conformance has test people")
    described = source_files.read_file(json.loads((FILES / "source.json").read_text("utf-8")))
    draft, _ = source_files.read_draft(described, None, secrets=None, new_keys=False)
    person, password = described.configuration["people"][0], described.configuration["password"]
    automation = Automation(
        issuer=house.settings.issuer, suite=suite.address, username=person["username"], password=password
    )
    with house.database.write() as tx:
        house.keys.renew(tx)
        version = house.sources.save(tx, draft)
        house.sources.set_enabled(tx, TEST_PEOPLE, True)
        house.audit.source_changed(tx, source_id=TEST_PEOPLE, change="prepared", version=version, operator=operator)
        configurations = {
            name: _Preparing(house, tx, suite, operator, name, profile).configuration() | automation.parts()
            for name, profile in suite.profiles.items()
        }
    return Prepared(configurations=configurations, username=person["username"], password=password)


@dataclass(frozen=True)
class _Preparing:
    """One profile on its way into the database."""

    house: House
    tx: Transaction
    suite: Suite
    operator: str
    name: str
    profile: Profile

    def configuration(self) -> dict[str, Any]:
        issuer = self.house.settings.issuer
        found: dict[str, Any] = {
            "alias": self.suite.alias,
            "description": f"Một Cửa: {self.name}",
            "server": {"discoveryUrl": f"{issuer}/.well-known/openid-configuration"},
            "resource": {"resourceUrl": self._resource()},
        }
        if self.profile.registration is None:
            return found | self._invited()
        for number in PAIR:
            found |= self._client(number)
        if self.profile.by_post:
            found["client_secret_post"] = self._registered("post", {"token_endpoint_auth_method": "client_secret_post"})
        return found

    def _resource(self) -> str:
        """What the suite calls with its tokens: where our proxy asks for certificates, if they are bound to one."""
        settings = self.house.settings
        origin = settings.client_certificate_url if self.profile.certificate else ""
        return (origin or settings.issuer) + (RESOURCE if self.profile.is_of_systems else "/userinfo")

    def _invited(self) -> dict[str, Any]:
        """The suite registers its clients itself: what it may ask for, and the token that lets it."""
        terms = Terms(note=f"conformance: {self.name}", scopes=SCOPES, pkce_required=False, nonce_required=False)
        _, token = Invitations(self.house.database).make(self.tx, terms, uses=INVITED_TIMES, seconds=INVITED_SECONDS)
        names = {"client": "first", "client2": "second"}
        return {
            key: {"client_name": f"conformance {name}", "initial_access_token": token} for key, name in names.items()
        }

    def _client(self, number: int) -> dict[str, Any]:
        alg, found = self.profile.signing_alg, {}
        given = self.profile.registration or {}
        client: dict[str, Any] = {"scope": " ".join(given.get("api_scopes", SCOPES))}
        added: dict[str, Any] = {}
        suffix = "" if number == 1 else str(number)
        if alg is not None:
            key = conformance_keys.signing_key(alg)
            client |= {"jwks": {"keys": [key]}, "dpop_signing_alg": alg}
            added["jwks"] = {"keys": [conformance_keys.public(key)]}
        if self.profile.certificate:
            shown = conformance_keys.certificate(f"conformance-{self.name}-{number}")
            found[f"mtls{suffix}"] = {"cert": shown.certificate_pem, "key": shown.key_pem}
            added["jwks"] = {"keys": [*added.get("jwks", {"keys": []})["keys"], shown.public_jwk]}
        found[f"client{suffix}"] = client | self._registered(str(number), added)
        return found

    def _registered(self, label: str, added: Mapping[str, Any]) -> dict[str, Any]:
        """The client as its profile says, in force; what the suite has to know of it to be it."""
        client_id = f"conformance-{self.name}-{label}"
        registration = self._registration(client_id, added)
        known = self.house.clients.find(client_id)
        if known is None:
            secret = self.house.clients.add(self.tx, client_id, registration)
        else:
            secret = self.house.clients.change(self.tx, client_id, known, registration)
            if secret is None and registration.has_secret:
                secret = self.house.clients.new_secret(self.tx, client_id)
        self.house.audit.portal_changed(self.tx, client_id=client_id, change="prepared", operator=self.operator)
        return {"client_id": client_id} | ({} if secret is None else {"client_secret": secret})

    def _registration(self, client_id: str, added: Mapping[str, Any]) -> Registration:
        given = dict(self.profile.registration or {})
        for name in _ADDRESSES:
            if name in given:
                given[name] = self._absolute(given[name])
        common: dict[str, Any] = {
            "name_vi": f"Bộ kiểm thử {client_id}", "name_en": f"Conformance suite {client_id}",
            "home_url": f"{self.suite.base_url}/", "sector": client_id, "scopes": SCOPES, "grant_types": GRANTS,
        }  # fmt: skip
        if given.get("profile", "openid") == "openid":
            common |= {"pkce_required": False, "nonce_required": False}
        try:
            return Registration.model_validate(common | given | dict(added))
        except ValidationError as problem:
            raise Wrong(f"profiles.{self.name}: {shared.faults(problem)}") from None

    def _absolute(self, named: Any) -> Any:
        return [f"{self.suite.address}/{one}" for one in named] if isinstance(named, list) else (
            f"{self.suite.address}/{named}"
        )  # fmt: skip
