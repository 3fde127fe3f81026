"""`idp sources add` with a key for SAML: made with a certificate, published as metadata, rolled over with overlap."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from lxml import etree

from connectors.saml.documents import NAMESPACES
from connectors.saml.keys import read_pairs
from idp import clock
from tests.cli.conftest import Terminal

TAX: dict[str, Any] = {
    "id": "tax",
    "kind": "tax",
    "name_vi": "Cơ quan Thuế",
    "name_en": "Tax office",
    "ceiling": 2,
    "configuration": {
        "idp_entity_id": "http://tax.localhost:9/metadata",
        "entity_id": "http://idp.localhost:8400/saml/tax",
        "callback_url": "http://idp.localhost:8400/callback/tax",
        "metadata_url": "http://tax.localhost:9/metadata",
    },
    "secrets": {"signing_key": {"generate": "RSA-SAML"}},
}


def add(terminal: Terminal, *words: str) -> str:
    return terminal.does("sources", "add", terminal.file("tax.json", TAX), *words)


def certificates(terminal: Terminal) -> list[x509.Certificate]:
    """Ours as they stand, the one that signs first."""
    with terminal.house() as house:
        found = house.sources.find("tax")
    assert found is not None
    return [pair.certificate for pair in read_pairs(found.context.secret("signing_key"), "signing_key")]


def test_the_operator_gets_our_metadata_for_the_source(terminal: Terminal) -> None:
    said, give, document = add(terminal).split("\n", 2)
    assert (said, give) == ("tax: version 1 is in force, switched off", "give the source this key:")
    root = etree.fromstring(document)
    assert root.get("entityID") == TAX["configuration"]["entity_id"]
    assert terminal.does("sources", "jwks", "tax") == document
    (certificate,) = certificates(terminal)
    assert (certificate.not_valid_after_utc - clock.now()).days > 1000
    assert add(terminal) == "tax: version 2 is in force, switched off\n", "the key is kept"
    assert certificates(terminal) == [certificate]


def test_a_key_follows_another_with_overlap(terminal: Terminal) -> None:
    """Announced, then signing with the former one beside it, then the former."""
    add(terminal)
    (first,) = certificates(terminal)
    add(terminal, "--new-keys")
    signing, second = certificates(terminal)
    assert signing == first
    published = etree.fromstring(terminal.does("sources", "jwks", "tax"))
    keys = published.findall("md:SPSSODescriptor/md:KeyDescriptor[@use='signing']", NAMESPACES)
    assert len(keys) == 2
    add(terminal, "--new-keys")
    assert certificates(terminal)[:2] == [second, first]
    third = certificates(terminal)[2]
    add(terminal, "--new-keys")
    assert certificates(terminal)[:2] == [third, second] and len(certificates(terminal)) == 3


def test_no_private_key_is_ever_shown(terminal: Terminal) -> None:
    shown = add(terminal) + add(terminal, "--new-keys") + terminal.does("sources", "jwks", "tax")
    assert "PRIVATE" not in shown
