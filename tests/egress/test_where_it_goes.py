"""Which URLs, hosts and addresses are asked at all."""

from __future__ import annotations

import ipaddress

import pytest

from connectors.base import Failure
from idp.egress import Egress
from idp.egress.addresses import may_be_asked
from tests.egress.asking import limits, refusal

NOT_PUBLIC = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.7", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::808:808",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "https:///path",
        "https://name:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/#fragment",
        "https://example.com/ a",
        "https://example.com/\r\nHost: other",
        "https://exämple.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://example.com./",
        "https://-example.com/",
        f"https://example.com/{'a' * 9000}",
    ],
)
def test_what_is_not_plainly_an_https_url_is_not_asked(egress: Egress, url: str) -> None:
    problem = refusal(egress, url)
    assert problem.failure is Failure.UNREACHABLE
    assert problem.detail.startswith("GET: no address that may be asked")  # it was not even looked up
    assert "secret" not in problem.detail


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_address_but_a_public_one_is_asked_by_number_or_by_name(address: str) -> None:
    egress = Egress(limits(allow_loopback=False), resolver=lambda _: ["9.9.9.9", address])
    host = f"[{address}]" if ":" in address else address
    assert "address" in refusal(egress, f"https://{host}/").detail
    # One bad address among a name's good ones is enough.
    assert "address" in refusal(egress, "https://source.example/").detail


@pytest.mark.parametrize("address", ["9.9.9.9", "113.160.0.1", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert may_be_asked(ipaddress.ip_address(address), (), allow_loopback=False)


@pytest.mark.parametrize("url", ["http://localhost:1/", "https://localhost/", "http://bank.localhost:1/"])
def test_loopback_is_not_asked_without_permission(url: str) -> None:
    def resolve(host: str) -> list[str]:
        raise AssertionError(host)

    problem = refusal(Egress(limits(allow_loopback=False), resolver=resolve), url)
    assert problem.failure is Failure.UNREACHABLE and "address" in problem.detail


def test_permission_for_loopback_is_for_names_that_say_so(egress: Egress) -> None:
    rebound = Egress(limits(), resolver=lambda _: ["127.0.0.1"])
    for problem in (
        refusal(egress, "http://127.0.0.1:1/"),
        refusal(egress, "https://127.0.0.1:1/"),
        refusal(rebound, "https://source.example/"),
        refusal(rebound, "http://source.example/"),
    ):
        assert problem.failure is Failure.UNREACHABLE and "refused" not in problem.detail  # not even tried


def test_a_network_is_reached_where_it_was_approved_and_only_there() -> None:
    def refused(address: str, *networks: str) -> bool:
        egress = Egress(limits(allow_loopback=False, connect_seconds=0.1), resolver=lambda _: [address])
        return "address" in refusal(egress.for_networks(*networks), "https://security-server.example/").detail

    approved = [ipaddress.ip_network("10.20.0.0/24"), ipaddress.ip_network("fd12:3456::/32")]
    for address in ("10.20.0.7", "fd12:3456::7", "9.9.9.9"):
        assert may_be_asked(ipaddress.ip_address(address), approved, allow_loopback=False)
    for address in ("10.20.1.7", "fd12:3457::7", "192.168.0.1"):
        assert refused(address, "10.20.0.0/24", "fd12:3456::/32")
    for address in ("169.254.169.254", "fd00:ec2::254", "127.0.0.1", "::1", "0.0.0.0", "fe80::1", "224.0.0.1"):
        assert refused(address, "0.0.0.0/0", "::/0")  # what no approval opens
