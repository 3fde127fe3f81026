"""Device authorization on the wire (RFC 8628): what a device is told, while it waits and when somebody has decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from idp import clock
from idp.audit.models import AuditRow
from idp.clients.registration import DEVICE_CODE
from idp.devices import LETTERS
from idp.devices.models import DeviceRow
from idp.worker import Worker
from tests.oidc.asserting import asserting
from tests.oidc.devices import OFFLINE, TELEVISION, Device, agreed, begin, begun, declined, heading, typed
from tests.oidc.holder import Holder, asked, posted, refreshed, refused
from tests.oidc.residents import Resident
from tests.world import Portal, World

Portals = Callable[..., Portal]
Residents = Callable[..., Resident]


@pytest.fixture
def television(portals: Portals) -> Portal:
    return portals(**TELEVISION)


def let_in(resident: Resident, device: Device) -> None:
    """Somebody who is signed in already, and was told, says that the device is theirs."""
    page = agreed(resident.browser, typed(resident.browser, device))
    assert heading(page) == "Bạn có thể quay lại thiết bị của mình"


def test_a_device_gets_its_codes_and_the_page_to_show(television: Portal, country: World) -> None:
    """Section 3.2."""
    answer = begin(television)
    told = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert told["verification_uri"] == f"{country.issuer}/device"
    assert told["verification_uri_complete"] == f"{country.issuer}/device?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    first, second = told["user_code"].split("-")
    assert len(first) == len(second) == 4 and set(first + second) <= set(LETTERS)
    assert len(told["device_code"]) >= 43  # 256 bits


def test_neither_code_is_kept_readable(television: Portal, country: World) -> None:
    device = begun(television)
    row = country.house.database.one(select(DeviceRow.__table__).where(DeviceRow.client_id == television.id))
    assert row is not None
    kept = b" ".join(
        str(value).encode() if isinstance(value, str | int) else value for value in row if value is not None
    )
    for secret in (device.told["device_code"], device.code, device.code.replace("-", "")):
        assert secret.encode() not in kept


def test_twenty_letters_without_vowels() -> None:
    """Section 6.1: no words come about by chance, and no letter is taken for another or for a digit."""
    assert len(set(LETTERS)) == 20 and not set(LETTERS) & set("AEIOUY")


def test_the_device_is_told_to_wait_until_somebody_lets_it_in(television: Portal, residents: Residents) -> None:
    device = begun(television)
    refused(device.ask(), "authorization_pending", "V02")
    resident = residents(television)
    let_in(resident, device)
    answer = device.ask()
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["token_type"], told["scope"]) == ("Bearer", "openid profile")
    assert "refresh_token" not in told
    claims = television.claims(told["id_token"])
    userinfo = television.userinfo(told["access_token"]).json()
    assert (claims["acr"], claims["sid"], userinfo["sub"]) == ("LoA3", resident.sid_at(television), claims["sub"])
    assert userinfo["name"] == "Nguyễn Thị Mai Anh"
    assert {"nonce", "code", "state"}.isdisjoint(claims)


def test_who_asks_too_often_waits_five_seconds_longer_each_time(television: Portal) -> None:
    """Section 3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests"."""
    device = begun(television)
    with time_machine.travel(clock.seconds() + 10, tick=False) as now:
        for after, error in [(0, "pending"), (2, "slow"), (9, "pending"), (8, "slow"), (13, "slow"), (19, "pending")]:
            now.shift(after)
            code, wire = {"pending": ("V02", "authorization_pending"), "slow": ("V03", "slow_down")}[error]
            refused(device.ask(), wire, code)


def test_who_was_let_in_is_not_slowed_down(television: Portal, residents: Residents) -> None:
    device = begun(television)
    refused(device.ask(), "authorization_pending", "V02")
    let_in(residents(television), device)
    assert device.ask().status_code == 200


def test_a_device_that_was_declined_is_told_so(television: Portal, residents: Residents) -> None:
    resident, device = residents(television), begun(television)
    assert heading(declined(resident.browser, typed(resident.browser, device))) == "Thiết bị đã bị từ chối"
    for _ in range(2):
        refused(device.ask(), "access_denied", "V04")


def test_a_device_that_nobody_lets_in_is_told_when_it_is_too_late(television: Portal, residents: Residents) -> None:
    device = begun(television)
    with time_machine.travel(clock.seconds() + 601):
        refused(device.ask(), "expired_token", "V05")
        page = typed(residents(television).browser, device)
        assert page.status == 422


def test_a_device_that_was_let_in_and_did_not_ask_in_time_gets_nothing(
    television: Portal, residents: Residents
) -> None:
    device = begun(television)
    let_in(residents(television), device)
    with time_machine.travel(clock.seconds() + 601):
        refused(device.ask(), "expired_token", "V05")


def test_a_device_code_buys_once_and_what_it_bought_ends_when_it_comes_again(
    television: Portal, residents: Residents
) -> None:
    device = begun(television)
    let_in(residents(television), device)
    token = device.ask().json()["access_token"]
    assert television.userinfo(token).status_code == 200
    refused(device.ask(), "invalid_grant", "T03")
    assert television.userinfo(token).status_code == 401


def test_a_device_code_is_of_use_to_its_own_client_alone(
    television: Portal, portals: Portals, residents: Residents
) -> None:
    device, other = begun(television), portals(**TELEVISION)
    let_in(residents(television), device)
    refused(Device(other, device.told).ask(), "invalid_grant", "V01")
    assert device.ask().status_code == 200


@pytest.mark.parametrize(
    "given, error, code",
    [({"device_code": None}, "invalid_request", "T07"), ({"device_code": "guessed"}, "invalid_grant", "V01"),
     ({"device_code": "ký tự"}, "invalid_grant", "V01"), ({"device_code": "a" * 5000}, "invalid_request", "T07")],
)  # fmt: skip
def test_what_is_no_device_code_is_refused(television: Portal, given: dict[str, Any], error: str, code: str) -> None:
    refused(begun(television).ask(**given), error, code)


def test_a_client_that_is_not_registered_for_it_has_no_devices(portal: Portal) -> None:
    refused(begin(portal), "unauthorized_client", "T23")
    refused(asked(portal, DEVICE_CODE, device_code="x"), "unauthorized_client", "T23")


@pytest.mark.parametrize(
    "parameters, error, code",
    [({"scope": None}, "invalid_scope", "A08"), ({"scope": "openid email"}, "invalid_scope", "A08"),
     ({"scope": "profile"}, "invalid_scope", "A08"), ({"resource": "https://api.example"}, "invalid_target", "A25"),
     ({"max_age": "soon"}, "invalid_request", "A04"), ({"claims": "{"}, "invalid_request", "A04"),
     ({"claims": '{"id_token": {"acr": {"essential": true, "value": "LoA4"}}}'},
      "unmet_authentication_requirements", "A16")],
)  # fmt: skip
def test_a_request_that_cannot_be_met_is_refused_at_once(
    television: Portal, parameters: dict[str, str | None], error: str, code: str
) -> None:
    refused(begin(television, **parameters), error, code)


def test_a_client_must_prove_who_it_is(portals: Portals) -> None:
    """Section 3.1: as at the token endpoint."""
    portal = portals(**TELEVISION | {"token_endpoint_auth_method": "client_secret_basic"})
    answer = portal.world.http.post(
        f"{portal.world.issuer}/device_authorization", data={"scope": "openid"}, auth=(portal.id, "guessed"), timeout=30
    )
    refused(answer, "invalid_client", "T01")
    assert begin(portal).status_code == 200


def test_a_client_proves_itself_by_its_key_at_both_endpoints(portals: Portals, residents: Residents) -> None:
    signer = asserting(portals, **TELEVISION | {"token_endpoint_auth_method": "private_key_jwt"})
    form: dict[str, str | None] = {"scope": "openid profile"}
    device = Device(signer.portal, posted(signer.portal, "/device_authorization", form, signer=signer).json())
    let_in(residents(signer.portal), device)
    answer = asked(signer.portal, DEVICE_CODE, signer=signer, device_code=device.told["device_code"])
    assert answer.status_code == 200, answer.text


def test_tokens_are_bound_to_the_key_of_the_device(portals: Portals, residents: Residents) -> None:
    """RFC 9449 section 5."""
    television, holder = portals(**TELEVISION | {"dpop_bound_access_tokens": True}), Holder()
    device = begun(television)
    let_in(residents(television), device)
    refused(device.ask(), "invalid_dpop_proof", "D01")
    answer = Device(television, device.told, holder).ask()
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert television.userinfo(answer.json()["access_token"]).status_code == 401


def test_a_device_goes_on_when_the_person_has_left(portals: Portals, residents: Residents) -> None:
    """OpenID Connect Core section 11."""
    television = portals(**OFFLINE)
    resident, device = residents(television), begun(television, scope="openid profile offline_access")
    let_in(resident, device)
    told = device.ask().json()
    house = television.world.house
    with house.database.write() as tx:
        house.sessions.end(tx, resident.session_id, "signed out")
    again = refreshed(television, told["refresh_token"])
    assert again.status_code == 200, again.text
    assert television.userinfo(again.json()["access_token"]).json()["name"] == "Nguyễn Thị Mai Anh"


def test_what_is_decided_is_on_record_and_to_begin_and_to_wait_are_not(
    television: Portal, residents: Residents, country: World
) -> None:
    device = begun(television)
    for _ in range(3):
        device.ask()
    let_in(residents(television), device)
    device.ask()
    declined_one = begun(television)
    browser = country.browser()
    declined(browser, typed(browser, declined_one))
    rows = country.house.database.all(
        select(AuditRow.event, AuditRow.person_id).where(AuditRow.client_id == television.id)
    )
    events = [event for event, _ in rows if event != "refused"]
    assert sorted(events) == ["device_approved", "device_declined", "granted"]
    assert all((person_id is not None) == (event in ("device_approved", "granted"))
               for event, person_id in rows if event != "refused")  # fmt: skip
    assert "motcua_devices_begun_total" in country.http.get(f"{country.issuer}/metrics", timeout=30).text
    refusals = [event for event, _ in rows if event == "refused"]
    assert len(refusals) == 1, "the one that the person declined"


def test_who_must_sign_its_requests_has_no_devices(portals: Portals) -> None:
    """FAPI 2.0 Message Signing section 5.3: what a device asks for would not be signed."""
    signer = asserting(
        portals, **TELEVISION | {"token_endpoint_auth_method": "private_key_jwt", "require_signed_request_object": True}
    )
    answer = posted(signer.portal, "/device_authorization", {"scope": "openid"}, signer=signer)
    refused(answer, "invalid_request", "A24")


def test_a_device_that_is_long_past_is_forgotten(television: Portal, country: World) -> None:
    device = begun(television)
    with time_machine.travel(clock.seconds() + 600 + 86_390):
        Worker(country.house).expire()
        refused(device.ask(), "expired_token", "V05")
    with time_machine.travel(clock.seconds() + 600 + 86_410):
        Worker(country.house).expire()
        refused(device.ask(), "invalid_grant", "V01")
