"""A country with sources of the other protocols.

A tax office (SAML), certificates shown or used to sign, social insurance (a number and a code), and the population
register, which is asked about people.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.sandbox.app import create_app
from connectors.sandbox.authority import hierarchy
from connectors.sandbox.authority.tokens import TOKEN_POLICY
from connectors.sandbox.population import DEFAULT_SEED
from connectors.sandbox.settings import from_environment
from idp.sources import SourceDraft
from tests.connectors.circle import authority_running
from tests.connectors.insured import SECRET, Sandbox
from tests.connectors.registers_at import CREDENTIALS, MEMBER, people_configuration
from tests.connectors.saml.office import OUR_PAIR, certificate_pem, pem_of
from tests.sandbox.conftest import running
from tests.world import CITIZENS, World, add_source, listening

REGISTER = "dan-cu"
REGISTER_WAITS = {"allow_loopback": True, "total_seconds": 2.0}  # what the provider gives it until it is silent
CERTIFICATE_HEADER = "X-Client-Certificate"
PROXIED = {"trusted_proxies": 1, "client_certificate_header": CERTIFICATE_HEADER}


def _add(country: World, source_id: str, kind: str, ceiling: int, configuration: Any, secrets: Any) -> None:
    draft = SourceDraft(
        id=source_id, kind=kind, name_vi=f"Nguồn {source_id}", name_en=f"Source {source_id}", ceiling=ceiling,
        configuration=configuration, secrets=secrets,
    )  # fmt: skip
    add_source(country.house, draft)


@contextlib.contextmanager
def tax_office(country: World, folder: Path, source_id: str = "tax", **changes: Any) -> Iterator[None]:
    """The tax office is a source, and knows us by what we publish."""
    ours, clients = country.issuer, folder / f"clients-of-{source_id}.json"
    entity_id = f"{ours}/sources/{source_id}/metadata"
    client = {
        "entity_id": entity_id, "acs_urls": [f"{ours}/callback/{source_id}"],
        "signed_out_urls": [f"{ours}/signed-out"], "certificates": [certificate_pem(OUR_PAIR)],
    }  # fmt: skip
    clients.write_text(json.dumps([client]), "utf-8")
    with running("tax", clients, host="tax.localhost", SANDBOX_CITIZENS=str(CITIZENS)) as url:
        configuration = {
            "idp_entity_id": f"{url}/metadata", "entity_id": entity_id, "metadata_url": f"{url}/metadata",
            "callback_url": f"{ours}/callback/{source_id}", "signed_out_url": f"{ours}/signed-out", **changes,
        }  # fmt: skip
        _add(country, source_id, "tax", 2, configuration, {"signing_key": pem_of(OUR_PAIR)})
        country.sources[source_id] = url
        yield


@contextlib.contextmanager
def population_register(country: World, folder: Path) -> Iterator[None]:
    """The population register stands behind X-Road, for whoever asks about people (`verification.source`)."""
    members = folder / "members.json"
    members.write_text(json.dumps([MEMBER]), "utf-8")
    with running("population_register", members, host="dan-cu.localhost", SANDBOX_CITIZENS=str(CITIZENS)) as url:
        configuration = people_configuration(f"{url}/ws/dan-cu").model_dump(mode="json")
        _add(country, REGISTER, "population_register", 4, configuration, CREDENTIALS)
        country.sources[REGISTER] = url
        yield


@contextlib.contextmanager
def authority(country: World) -> Iterator[None]:
    """Certificates are two sources: `token` is shown in the handshake, `signer` signs a challenge."""
    with authority_running(CITIZENS) as url:
        circle = {
            "issuer": "sandbox", "anchors": [hierarchy.root(DEFAULT_SEED).pem], "hardware_policies": [TOKEN_POLICY],
            "revocation_urls": {f"{url}/": f"{url}/"},
        }  # fmt: skip
        known = [hierarchy.issuing(DEFAULT_SEED, url, generation).pem for generation in (1, 2)]
        _add(country, "token", "certificate", 3, circle | {"mode": "tls", "intermediates": known}, {})
        challenge = {"mode": "challenge", "signing_url": f"{url}/sign"}
        _add(country, "signer", "certificate", 3, circle | challenge, {})
        country.sources["authority"] = url
        yield


@contextlib.contextmanager
def insurance_gateway(country: World, folder: Path) -> Iterator[Sandbox]:
    """Social insurance is a source, and never tired of one network."""
    clients = folder / "clients-of-insurance.json"
    clients.write_text(json.dumps([{"client_id": "motcua", "redirect_uris": [], "client_secret": SECRET}]), "utf-8")
    with listening("insurance.localhost") as (address, server):
        environment = {
            "MOTCUA_MODE": "test", "SANDBOX_KIND": "insurance", "SANDBOX_ISSUER": address,
            "SANDBOX_CLIENTS_FILE": str(clients),
        }  # fmt: skip
        server.app = create_app(from_environment(environment))
        generous = {"codes_per_network_per_hour": 10_000, "tries_per_network_per_hour": 10_000}
        draft = SourceDraft(
            id="insurance", kind="insurance", name_vi="Bảo hiểm xã hội", name_en="Social insurance", ceiling=1,
            configuration={"address": address, "username": "motcua", "limits": generous},
            secrets={"password": SECRET},
        )  # fmt: skip
        add_source(country.house, draft)
        yield Sandbox(server.server_port)
