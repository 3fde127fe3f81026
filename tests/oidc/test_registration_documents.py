"""Documents that come with a registration: sector identifiers, published keys, software statements."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from idp import clock
from idp.oidc.software_statements import SoftwareStatements
from idp.settings import UnsafeSettings, load
from tests.clients.key_sets import jwk, key_set, private_key, served
from tests.egress.sockets import Server
from tests.oidc.registering import OPEN, WISHES, Office, office

PUBLISHER = "https://statements.example"
BOTH = ["https://land.example/callback", "https://water.example/callback"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A provider that believes one publisher of software statements, and waits for nobody for long."""
    directory = tmp_path_factory.mktemp("documents")
    keys = directory / "publisher.json"
    keys.write_text(json.dumps(key_set(jwk("P-256", kid="publisher"))))
    statements = {"statement_issuer": PUBLISHER, "statement_keys_file": str(keys)}
    limits = {"allow_loopback": True, "total_seconds": 0.6, "answer_bytes": 200_000}
    with office(directory, registration=OPEN | statements, outbound=limits) as opened:
        yield opened


# ---- sector_identifier_uri ----


def test_portals_of_several_hosts_are_one_sector_that_lists_them(
    registry: Office, serve: Callable[..., Server]
) -> None:
    sector = serve(served([*BOTH, "https://more.example/"]))
    registered = registry.register(redirect_uris=BOTH, sector_identifier_uri=sector.url("/sector.json"))
    assert registered.told["sector_identifier_uri"] == sector.url("/sector.json")
    assert registered.told["subject_type"] == "pairwise"
    assert registry.client(registered).sector == "bank.localhost"


SECTORS: dict[str, tuple[bytes, str]] = {
    "one is missing": (served(BOTH[:1]), "does not list every redirect_uri"),
    "one is written otherwise": (served([BOTH[0], BOTH[1].upper()]), "does not list every redirect_uri"),
    "none": (served([]), "does not list every redirect_uri"),
    "numbers": (served([1, 2]), "does not list every redirect_uri"),
    "an object": (served({uri: uri for uri in BOTH}), "must be a JSON list"),
    "a text with all in it": (served(" ".join(BOTH)), "must be a JSON list"),
    "no json": (served(b"<html>"), "must be a JSON list"), "too deep": (served(b"[" * 60_000), "must be a JSON list"),
    "not found": (served(BOTH, status=b"404 Not Found"), "must answer 200"),
    "a redirect": (served(BOTH, status=b"302 Found", headers=b"Location: /sector.json\r\n"), "redirect nowhere"),
    "too long": (served(BOTH + ["x" * 66_000]), "short document"),
    "far too long": (served(b"[" + b" " * 300_000 + b"]"), "cannot be fetched"),
}  # fmt: skip


@pytest.mark.parametrize("answer, said", SECTORS.values(), ids=SECTORS.keys())
def test_a_sector_document_that_does_not_list_every_redirect_uri_is_refused(
    registry: Office, serve: Callable[..., Server], answer: bytes, said: str
) -> None:
    sector = serve(answer)
    wishes = WISHES | {"redirect_uris": BOTH, "sector_identifier_uri": sector.url("/sector.json")}
    status, error, description = registry.refused(wishes)
    assert (status, error) == (400, "invalid_client_metadata")
    assert said in description
    assert len(sector.requests) == 1


def test_a_slow_sector_is_given_up(registry: Office, serve: Callable[..., Server]) -> None:
    sector = serve(b"HTTP/1.1 200 OK\r\n", drip=b"X", pause_seconds=0.05)
    began = time.monotonic()
    told = registry.refused(WISHES | {"sector_identifier_uri": sector.url("/")})
    assert told[1] == "invalid_client_metadata" and "timed_out" in told[2]
    assert time.monotonic() - began < 10


def test_a_sector_is_not_fetched_for_somebody_without_an_open_invitation(
    registry: Office, serve: Callable[..., Server]
) -> None:
    sector, used = serve(served(BOTH)), registry.invite()
    registry.register(used)
    for token in ("guess", used, registry.invite(seconds=-1)):
        answer = registry.post(WISHES | {"sector_identifier_uri": sector.url("/sector.json")}, token)
        assert answer.status_code == 401
    assert sector.connections == 0


INSIDE = [
    "https://127.0.0.1:{port}/", "https://localhost:{port}/", "http://land.localhost:{port}/", "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data", "https://192.168.1.1/",
]  # fmt: skip


def test_a_sector_within_our_own_network_is_not_fetched(tmp_path: Path, serve: Callable[..., Server]) -> None:
    sector = serve(served(WISHES["redirect_uris"]))
    with office(tmp_path, outbound={"allow_loopback": False}) as strict:
        for address in INSIDE:
            url = address.format(port=sector.port)
            status, error, said = strict.refused(WISHES | {"sector_identifier_uri": url})
            assert (status, error) == (400, "invalid_client_metadata"), url
            assert "unreachable" in said
    assert sector.connections == 0


# ---- jwks_uri ----


def test_published_keys_are_fetched_when_they_are_needed(registry: Office, serve: Callable[..., Server]) -> None:
    """Not when somebody registers: whoever has an invitation cannot make us ask whom they like."""
    keys = serve(served(key_set(jwk("P-256", kid="one"))))
    registered = registry.register(
        token_endpoint_auth_method="private_key_jwt", jwks_uri=keys.url("/jwks.json"), client_name="Đất"
    )
    assert keys.connections == 0
    client = registry.client(registered)
    assert len(registry.house.client_keys.verification_keys(client, kid="one", alg="ES256")) == 1
    assert keys.requests[0].startswith(b"GET /jwks.json ")


# ---- software statements ----


def statement(key: Any = None, *, alg: str = "ES256", kid: str | None = "publisher", **claims: Any) -> str:
    now = clock.seconds()
    said: dict[str, Any] = {"iss": PUBLISHER, "iat": now, "exp": now + 600} | claims
    headers = {} if kid is None else {"kid": kid}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, private_key("P-256") if key is None else key, algorithm=alg, headers=headers)


def test_what_a_software_statement_says_wins(registry: Office) -> None:
    signed = statement(client_name="Đất đai", software_id="land-1", redirect_uris=["https://land.example/signed"])
    told = registry.register(software_statement=signed, software_id="mine", software_version="3").told
    assert told["redirect_uris"] == ["https://land.example/signed"]
    assert (told["client_name"], told["software_id"], told["software_version"]) == ("Đất đai", "land-1", "3")
    assert told["software_statement"] == signed


NAMES = {"client_name": "Bộ", "client_name#vi": "Bộ", "client_name#en": "Ministry", "client_name#en-GB": "Ministry"}


@pytest.mark.parametrize(
    "said, vi, en",
    [
        ({"client_name": "Kho bạc"}, "Kho bạc", "Kho bạc"),
        ({"client_name": "Kho bạc", "client_name#en": "Treasury"}, "Kho bạc", "Treasury"),
        ({"client_name#vi": "Kho bạc"}, "Kho bạc", "land.example"),
    ],
)  # fmt: skip
def test_what_a_software_statement_says_it_says_in_every_language(
    registry: Office, said: dict[str, str], vi: str, en: str
) -> None:
    """RFC 7591 sections 2.2 and 2.3: a name in one language more is no way round the name that was vouched for."""
    kept = registry.client(registry.register(software_statement=statement(**said), **NAMES))
    assert (kept.name("vi"), kept.name("en")) == (vi, en)


def test_a_statement_grants_no_more_than_the_invitation(registry: Office) -> None:
    signed = statement(scope="openid profile personal_number", minimum_level=1, sector="bank.example")
    registered = registry.register(registry.invite(minimum_level=2), software_statement=signed)
    kept = registry.client(registered)
    assert (kept.scopes, kept.minimum_level, kept.sector) == (("openid",), 2, "land.example")


@pytest.mark.parametrize(
    "changes", [{"kid": None}, {"aud": None}, {"aud": "OURS"}, {"aud": ["https://x.example", "OURS"]}]
)
def test_a_statement_may_name_us_or_nobody(registry: Office, changes: dict[str, Any]) -> None:
    issuer = registry.world.issuer
    if isinstance(changes.get("aud"), list):
        changes = {"aud": [issuer if one == "OURS" else one for one in changes["aud"]]}
    elif changes.get("aud"):
        changes = {"aud": issuer}
    assert registry.register(software_statement=statement(**changes)).id


HOUR = 3600
BAD_STATEMENTS: dict[str, Callable[[], Any]] = {
    "no JWT": lambda: "statement", "a number": lambda: 7, "an object": lambda: {"iss": PUBLISHER}, "empty": lambda: "",
    "another key": lambda: statement(private_key("P-256", 1)),
    "a key id that nobody has": lambda: statement(kid="other"), "an empty key id": lambda: statement(kid=""),
    "unsigned": lambda: jwt.encode({"iss": PUBLISHER}, None, algorithm="none"),  # type: ignore[arg-type]
    "signed with a secret": lambda: statement("s" * 32, alg="HS256"),
    "another algorithm": lambda: statement(private_key("RSA"), alg="RS256"),
    "expired": lambda: statement(exp=clock.seconds() - HOUR), "without an end": lambda: statement(exp=None),
    "without a beginning": lambda: statement(iat=None),
    "from the future": lambda: statement(iat=clock.seconds() + HOUR),
    "not yet": lambda: statement(nbf=clock.seconds() + HOUR),
    "for somebody else": lambda: statement(aud="https://x.example"),
    "a key of its own": lambda: jwt.encode(
        {"iss": PUBLISHER, "iat": clock.seconds(), "exp": clock.seconds() + 60}, private_key("P-256", 1),
        algorithm="ES256", headers={"jwk": jwk("P-256", 1)}),
    "too long": lambda: statement(client_name="x" * 9000),
}  # fmt: skip


@pytest.mark.parametrize("made", BAD_STATEMENTS.values(), ids=BAD_STATEMENTS.keys())
def test_a_statement_that_is_not_believed_is_invalid_software_statement(
    registry: Office, made: Callable[[], Any]
) -> None:
    status, error, said = registry.refused(WISHES | {"software_statement": made()})
    assert (status, error, said[:4]) == (400, "invalid_software_statement", "R05:")


@pytest.mark.parametrize("issuer", ["https://other.example", "", 7, None, [PUBLISHER]])
def test_a_statement_of_somebody_else_is_unapproved(registry: Office, issuer: Any) -> None:
    now = clock.seconds()
    said = {"iss": issuer, "iat": now, "exp": now + 600}
    # Encoded by hand, since the library that signs would refuse an issuer that is no text.
    signed = jwt.PyJWS().encode(json.dumps(said).encode(), private_key("P-256"), algorithm="ES256")
    status, error, _ = registry.refused(WISHES | {"software_statement": signed})
    assert (status, error) == (400, "unapproved_software_statement")


def test_no_statement_is_believed_where_no_issuer_is_named(tmp_path: Path) -> None:
    with office(tmp_path) as unaware:
        status, error, _ = unaware.refused(WISHES | {"software_statement": statement()})
        assert (status, error) == (400, "unapproved_software_statement")


def test_an_invitation_may_ask_for_a_statement(registry: Office) -> None:
    assert registry.refused(WISHES, statement_required=True)[1] == "unapproved_software_statement"
    assert registry.register(registry.invite(statement_required=True), software_statement=statement()).id


def test_whoever_came_with_a_statement_changes_nothing_without_one(registry: Office) -> None:
    registered = registry.register(software_statement=statement(client_name="Đất"))
    change = WISHES | {"client_id": registered.id}
    refused = registry.ask("PUT", registered.address, registered.token, json=change)
    assert (refused.status_code, refused.json()["error"]) == (400, "unapproved_software_statement")
    change["software_statement"] = statement(client_name="Đất và nước")
    changed = registry.ask("PUT", registered.address, registered.token, json=change)
    assert (changed.status_code, changed.json()["client_name"]) == (200, "Đất và nước")


@pytest.mark.parametrize("content", [None, "", "{}", json.dumps(key_set(jwk("P-256", private=True)))])
def test_an_issuer_without_good_keys_refuses_to_start(tmp_path: Path, content: str | None) -> None:
    keys = tmp_path / "publisher.json"
    if content is not None:
        keys.write_text(content)
    with pytest.raises(UnsafeSettings, match="statement_keys_file"):
        SoftwareStatements.configured(PUBLISHER, str(keys), audience="https://idp.example")


@pytest.mark.parametrize("half", [{"statement_issuer": PUBLISHER}, {"statement_keys_file": "keys.json"}])
def test_half_of_the_settings_for_statements_refuses_to_start(half: dict[str, str]) -> None:
    with pytest.raises(UnsafeSettings, match="goes with statement_keys_file"):
        load(mode="test", issuer="http://idp.localhost:9", registration=OPEN | half)
