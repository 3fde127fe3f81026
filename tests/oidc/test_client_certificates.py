"""tls_client_auth and self_signed_tls_client_auth (RFC 8705 section 2), with the real nginx as the proxy before us."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.oidc.asserting import TYPE, Asserting, jwks, let_in, private_key, public_jwk, turned_away
from tests.oidc.certificates import SUBJECT, Held, authority, issued, name_of
from tests.oidc.residents import fresh_name, move_in
from tests.peers import nginx
from tests.world import Portal, World, world

BEGIN = "-----BEGIN%20CERTIFICATE-----"
DN = "CN=cổng,O=Sở Tư pháp\\, tỉnh,C=VN"  # as openssl x509 -subject -nameopt RFC2253,-esc_msb writes it
NAMES: dict[str, tuple[str, x509.GeneralName]] = {
    "dns": ("cong.example.vn", x509.DNSName("cong.example.vn")),
    "uri": ("urn:cong:1", x509.UniformResourceIdentifier("urn:cong:1")),
    "ip": ("203.0.113.7", x509.IPAddress(ipaddress.ip_address("203.0.113.7"))),
    "email": ("cong@example.vn", x509.RFC822Name("cong@example.vn")),
}


@dataclass
class Place:
    """A provider behind nginx, the authority that it trusts for portals, and one that it does not."""

    country: World
    proxy: nginx.Terminator
    folder: Path
    root: Held
    between: Held
    foreign: Held

    def portal(self, method: str = "tls_client_auth", **registration: Any) -> Portal:
        return self.country.portal(fresh_name(), token_endpoint_auth_method=method, **registration)

    def ask(self, portal: Portal, held: Held | None, *, at: str | None = None, **sent: Any) -> requests.Response:
        """A token request over TLS, by whoever holds this certificate."""
        form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": portal.redirect_uri,
                "code_verifier": "v" * 43, "client_id": portal.id} | sent.pop("form", {})  # fmt: skip
        if at is not None:
            return self.country.http.post(f"{at}/token", data=form, timeout=30, **sent)
        shown = None if held is None else held.files(self.folder)
        verify = str(self.proxy.trusted)
        return requests.post(f"{self.proxy.url}/token", data=form, verify=verify, timeout=30, cert=shown, **sent)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home, folder = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("certificates")
    root, foreign = authority("Root of portals"), authority("Root of portals")
    between = authority("Between", root)
    trusted = folder / "authorities.pem"
    trusted.write_bytes(root.pem + between.pem)
    settings = {
        "trusted_proxies": 1, "client_certificate_header": nginx.HEADER,
        "client_certificate_authorities_file": str(trusted),
        "limits": {"failed_authentications_per_client_per_minute": 1_000_000},
    }  # fmt: skip
    with world(tmp_path_factory.mktemp("country"), **settings) as country:
        host = urlsplit(country.settings.client_certificate_url)
        assert host.port is not None
        with nginx.terminator(home, host.port, host.netloc) as proxy:
            yield Place(country, proxy, folder, root, between, foreign)


@pytest.fixture
def portal(place: Place) -> Portal:
    return place.portal(tls_client_auth_subject_dn=DN)


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_whoever_shows_the_registered_certificate_redeems_a_code(place: Place, method: str) -> None:
    held = issued(place.between) if method == "tls_client_auth" else issued()
    known = {"tls_client_auth_subject_dn": DN} if method == "tls_client_auth" else {"jwks": jwks(held.jwk())}
    portal = place.portal(method, **known)
    code, request = move_in(place.country, portal).code(portal)
    answer = place.ask(portal, held, form={"code": code, "code_verifier": request.verifier})
    assert answer.status_code == 200, answer.text
    assert portal.claims(answer.json()["id_token"])["aud"] == portal.id


@pytest.mark.parametrize("kind", NAMES)
def test_a_portal_is_known_by_one_alternative_name(place: Place, kind: str) -> None:
    """RFC 8705 section 2.1.2."""
    registered, name = NAMES[kind]
    others = [other for of, (_, other) in NAMES.items() if of != kind]
    portal = place.portal(**{f"tls_client_auth_san_{kind}": registered})
    let_in(place.ask(portal, issued(place.between, names=[name])))
    let_in(place.ask(portal, issued(place.between, names=[*others, name], subject=x509.Name([]))))
    turned_away(place.ask(portal, issued(place.between, names=others)))
    turned_away(place.ask(portal, issued(place.between, subject=name_of((NameOID.COMMON_NAME, registered)))))


@pytest.mark.parametrize(
    "kind, registered, held, is_known",
    [
        ("dns", "cong.example.vn", "CONG.example.vn", True),
        ("dns", "cong.example.vn", "*.example.vn", False),
        ("dns", "cong.example.vn", "cong.example.vn.evil.example", False),
        ("dns", "*.example.vn", "cong.example.vn", False),
        ("email", "cong@example.vn", "CONG@example.vn", False),
        ("uri", "urn:cong:1", "urn:cong:10", False),
        ("ip", "2001:db8::1", "2001:0db8:0:0::1", True),
        ("ip", "203.0.113.7", "203.0.113.8", False),
    ],
)
def test_a_name_is_compared_in_full(place: Place, kind: str, registered: str, held: str, is_known: bool) -> None:
    kinds: dict[str, Callable[[str], x509.GeneralName]] = {
        "dns": x509.DNSName, "email": x509.RFC822Name, "uri": x509.UniformResourceIdentifier,
        "ip": lambda value: x509.IPAddress(ipaddress.ip_address(value)),
    }  # fmt: skip
    portal = place.portal(**{f"tls_client_auth_san_{kind}": registered})
    answer = place.ask(portal, issued(place.between, names=[kinds[kind](held)]))
    let_in(answer) if is_known else turned_away(answer)


@pytest.mark.parametrize(
    "registered, is_known",
    [
        (DN, True),
        ("2.5.4.3=cổng,2.5.4.10=Sở Tư pháp\\2C tỉnh,2.5.4.6=VN", True),
        ("C=VN,O=Sở Tư pháp\\, tỉnh,CN=cổng", False),  # the other way round is another name
        ("CN=cổng", False),
        ("CN=cổng,O=Sở Tư pháp\\, tỉnh", False),
        ("CN=CỔNG,O=Sở Tư pháp\\, tỉnh,C=VN", False),
        ("CN=cổng,O=Sở Tư pháp\\, tỉnh,C=VN,C=VN", False),
        ("OU=x,CN=cổng,O=Sở Tư pháp\\, tỉnh,C=VN", False),
    ],
)
def test_a_subject_is_compared_name_by_name(place: Place, registered: str, is_known: bool) -> None:
    """RFC 4514."""
    answer = place.ask(place.portal(tls_client_auth_subject_dn=registered), issued(place.between))
    let_in(answer) if is_known else turned_away(answer)


@pytest.mark.parametrize("written", ["RFC2253", "RFC2253,-esc_msb,utf8"])
def test_a_subject_is_registered_as_openssl_prints_it(place: Place, written: str) -> None:
    """Also the names for which RFC 4514 has no word."""
    more = ((NameOID.ORGANIZATION_IDENTIFIER, "VATVN-1"), (NameOID.SERIAL_NUMBER, "7"), (NameOID.TITLE, "a"),
            (NameOID.EMAIL_ADDRESS, "a@example.vn"), (NameOID.STREET_ADDRESS, "đường 1"), (NameOID.POSTAL_CODE, "1"),
            (NameOID.BUSINESS_CATEGORY, "x"), (NameOID.JURISDICTION_COUNTRY_NAME, "VN"),
            (NameOID.LOCALITY_NAME, "Hà Nội"), (NameOID.USER_ID, "u"), (NameOID.SURNAME, "s"))  # fmt: skip
    held = issued(place.between, subject=name_of(*SUBJECT, *more))
    command = ["openssl", "x509", "-noout", "-subject", "-nameopt", written]
    printed = subprocess.run(command, input=held.pem, capture_output=True, check=True).stdout.decode()
    let_in(place.ask(place.portal(tls_client_auth_subject_dn=printed.strip().removeprefix("subject=")), held))


@pytest.mark.parametrize(
    "kind, registered",
    [
        ("subject_dn", ""),  # a certificate may have an empty subject: that would let everybody in
        ("subject_dn", " "),
        ("subject_dn", "*"),
        ("subject_dn", "/C=VN/O=Sở Tư pháp, tỉnh/CN=cổng"),  # no RFC 4514
        ("san_ip", "cong.example.vn"),
        ("san_ip", ""),
        ("san_dns", ""),
    ],
)
def test_what_no_certificate_can_hold_is_not_registered(place: Place, kind: str, registered: str) -> None:
    with pytest.raises(ValueError, match=f"tls_client_auth_{kind}"):
        place.portal(**{f"tls_client_auth_{kind}": registered})


UNTRUSTED: dict[str, Callable[[Place], Held]] = {
    "by itself": lambda place: issued(),
    "by an authority of the same name": lambda place: issued(place.foreign),
    "by a foreign one between": lambda place: issued(authority("Between", place.foreign)),
    "by a portal's certificate": lambda place: issued(issued(place.between)),
    "run out": lambda place: issued(place.between, ends_in=timedelta(seconds=-60)),
    "for servers": lambda place: issued(place.between, purposes=[ExtendedKeyUsageOID.SERVER_AUTH]),
    "for signing code": lambda place: issued(place.between, purposes=[ExtendedKeyUsageOID.CODE_SIGNING]),
    "an authority's": lambda place: issued(place.between, is_authority=True),
}


@pytest.mark.parametrize("made", UNTRUSTED)
def test_a_certificate_that_no_authority_of_ours_vouches_for_is_refused(
    place: Place, portal: Portal, made: str
) -> None:
    """Section 2.1: nginx passes each of these on, and whose it is we find out ourselves."""
    turned_away(place.ask(portal, UNTRUSTED[made](place)))


@pytest.mark.parametrize("purposes", [[], [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]])
def test_a_certificate_for_everything_is_also_for_clients(place: Place, portal: Portal, purposes: list[Any]) -> None:
    let_in(place.ask(portal, issued(place.between, purposes=purposes)))
    let_in(place.ask(portal, issued(place.root, purposes=purposes)))


def test_without_its_certificate_nobody_is_let_in(place: Place, portal: Portal) -> None:
    turned_away(place.ask(portal, None))
    turned_away(place.ask(portal, None, form={"client_secret": "s"}))
    turned_away(place.ask(portal, issued(place.between), form={"client_id": ""}))
    turned_away(place.ask(portal, issued(place.between), form={"client_id": "nobody"}))


def test_with_its_certificate_a_second_way_is_refused(place: Place, portal: Portal) -> None:
    """Exactly what was registered, and nothing beside it."""
    turned_away(place.ask(portal, issued(place.between), form={"client_secret": "s"}))
    other = place.portal("client_secret_post")
    let_in(place.ask(other, issued(place.between), form={"client_secret": other.secret}))  # it proves nothing here
    turned_away(place.ask(other, issued(place.between)))


def test_what_a_client_writes_into_the_header_itself_is_not_believed(place: Place, portal: Portal) -> None:
    forged = {nginx.HEADER: quote(issued(place.between).pem.decode())}
    turned_away(place.ask(portal, None, headers=forged))
    turned_away(place.ask(portal, issued(), headers=forged))


def test_the_header_counts_on_the_host_for_certificates_alone(place: Place, portal: Portal) -> None:
    """Where no proxy overwrites it, it is a client's own word."""
    shown = {nginx.HEADER: quote(issued(place.between).pem.decode())}
    turned_away(place.ask(portal, None, at=place.country.issuer, headers=shown))
    let_in(place.ask(portal, None, at=place.country.settings.client_certificate_url, headers=shown))


@pytest.mark.parametrize("header", ["x", BEGIN, "%00", "a" * 9000, f"{BEGIN}%0AAAAA%0A{BEGIN.replace('BEGIN', 'END')}"])
def test_a_header_that_holds_no_certificate_is_malformed(place: Place, portal: Portal, header: str) -> None:
    at = place.country.settings.client_certificate_url
    answer = place.ask(portal, None, at=at, headers={nginx.HEADER: header})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_self_signed_certificate_is_known_by_the_key_set(place: Place) -> None:
    """Section 2.2: the certificate itself, not its key nor its names; two while it is being replaced."""
    one, two = issued(), issued()
    portal = place.portal("self_signed_tls_client_auth", jwks=jwks(one.jwk(kid="1"), two.jwk(kid="2")))
    for held in (one, two):
        let_in(place.ask(portal, held))
    turned_away(place.ask(portal, issued()))
    turned_away(place.ask(portal, issued(place.between)))
    turned_away(place.ask(portal, issued(key=one.key)))


def test_a_key_without_its_certificate_is_none(place: Place) -> None:
    held = issued()
    portal = place.portal("self_signed_tls_client_auth", jwks=jwks({**held.jwk(), "x5c": [issued_der(held)]}))
    let_in(place.ask(portal, held))
    bare = {name: value for name, value in held.jwk().items() if name != "x5c"}
    turned_away(place.ask(place.portal("self_signed_tls_client_auth", jwks=jwks(bare)), held))


def test_a_self_signed_certificate_that_has_run_out_is_refused(place: Place) -> None:
    held = issued(ends_in=timedelta(seconds=-60))
    turned_away(place.ask(place.portal("self_signed_tls_client_auth", jwks=jwks(held.jwk())), held))


def test_discovery_names_the_host_for_certificates_and_every_method(place: Place) -> None:
    """RFC 8705 sections 3.3 and 5."""
    document = place.country.http.get(f"{place.country.issuer}/.well-known/openid-configuration", timeout=30).json()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    methods = {"tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt", "client_secret_jwt"}
    assert methods < set(document["token_endpoint_auth_methods_supported"])
    aliases = document["mtls_endpoint_aliases"]
    assert {"token_endpoint", "userinfo_endpoint"} <= aliases.keys()
    for name, address in aliases.items():
        path = address.removeprefix(place.country.settings.client_certificate_url)
        assert document[name] == place.country.issuer + path, name
        answer = requests.post(f"{place.proxy.url}{path}", verify=str(place.proxy.trusted), timeout=30)
        assert answer.status_code in {400, 401, 415}, (name, answer.text)


def test_an_assertion_may_name_the_endpoint_as_it_is_reached_there(place: Place) -> None:
    portal = place.portal("private_key_jwt", jwks=jwks(public_jwk("ES256", kid="k1")))
    signer = Asserting(portal, "ES256", private_key("ES256"))
    for origin, is_ours in ((place.country.settings.client_certificate_url, True), (place.proxy.url, False)):
        form = {"client_assertion": signer.signed(aud=f"{origin}/token"), "client_assertion_type": TYPE}
        answer = place.ask(portal, issued(), form=form)
        let_in(answer) if is_ours else turned_away(answer, "T10")


def test_a_token_is_bound_to_the_certificate_and_good_with_no_other(place: Place) -> None:
    """RFC 8705 section 3; the client proves itself by a secret, and shows a certificate beside it."""
    held = issued()
    portal = place.portal("client_secret_post", tls_client_certificate_bound_access_tokens=True)
    code, request = move_in(place.country, portal).code(portal)
    form = {"code": code, "code_verifier": request.verifier, "client_secret": portal.secret}
    assert place.ask(portal, None, form=form).json()["error"] == "invalid_request"
    token = place.ask(portal, held, form=form).json()["access_token"]
    for shown, status in ((held, 200), (issued(key=held.key), 401), (issued(place.between), 401), (None, 401)):
        answer = requests.get(
            f"{place.proxy.url}/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=30,
            verify=str(place.proxy.trusted), cert=None if shown is None else shown.files(place.folder),
        )  # fmt: skip
        assert answer.status_code == status, answer.text
    assert portal.userinfo(token).status_code == 401


def issued_der(held: Held) -> str:
    chain: str = held.jwk()["x5c"][0]
    return chain
