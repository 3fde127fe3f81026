"""Device authorization (RFC 8628): what a device is told, when it begins and when it asks whether it is let in.

The person's side of it is `device_routes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from idp import errors
from idp.broker import Journey
from idp.clients import Client
from idp.clients.names import checked_name
from idp.clients.registration import DEVICE_CODE
from idp.devices import Devices, Waiting, shown
from idp.devices.numbers import Tried, tried
from idp.errors import Failure, Refused
from idp.oidc.client_authentication import Authenticated
from idp.oidc.http import Parameters, Request, Response, as_json
from idp.oidc.reading import Reader
from idp.oidc.sealed import Code, Unreadable, open_code
from idp.seal import Sealer
from idp.sources import Sources
from idp.storage import ShortLived

PATH = "/device_authorization"
PAGE = "/device"  # short, since people type it
MESSAGE = "binding_message"  # as in OpenID Connect CIBA section 7.1
FILLED_IN = "user_code"  # the page's parameter in verification_uri_complete (section 3.3.1)

_REFUSED = {
    Waiting.DECLINED: errors.DEVICE_DECLINED,
    Waiting.EXPIRED: errors.DEVICE_EXPIRED,
    Waiting.UNKNOWN: errors.BAD_DEVICE_CODE,
}
CONFIRMED_WITHIN_SECONDS = 120  # from the beginning: whoever is asked at a counter stands there
MESSAGE_CHARACTERS = 100
_ASK_AGAIN = {Waiting.PENDING: errors.DEVICE_PENDING, Waiting.TOO_SOON: errors.DEVICE_TOO_SOON}


@dataclass(frozen=True, kw_only=True)
class DeviceAuthorization:
    """`/device_authorization` (section 3.1), for clients that are registered for it."""

    reader: Reader
    devices: Devices
    journey: Journey
    sources: Sources
    issuer: str
    seconds: int
    wait_seconds: int

    def __call__(self, request: Request, parameters: Parameters, authenticated: Authenticated) -> Response:
        """The two codes, and where a person types the short one (section 3.2); raises Refused."""
        client = authenticated.client
        if DEVICE_CODE not in client.grant_types:
            raise Refused(errors.GRANT_NOT_ALLOWED)
        if client.is_public:  # any other must have proven who it is before it can fill the table
            self.journey.count_network(request.network)
        asked = self.reader.of_device(parameters, client)
        if asked.owed_level > self.sources.highest_level():
            raise Refused(errors.UNMET_LEVEL)
        asked = replace(asked, binding_message=_message(parameters.as_dict().get(MESSAGE, "")))
        seconds = min(self.seconds, CONFIRMED_WITHIN_SECONDS) if client.device_confirmation else self.seconds
        begun = self.devices.begin(
            client.id, asked.to_json(), request.network, seconds=seconds, wait_seconds=self.wait_seconds
        )
        user_code, page = shown(begun.user_code), f"{self.issuer}{PAGE}"
        told = {
            "device_code": begun.device_code, "user_code": user_code, "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({FILLED_IN: user_code})}",
            "expires_in": seconds, "interval": self.wait_seconds,
        }  # fmt: skip
        return as_json(200, told)


@dataclass(frozen=True, kw_only=True)
class DeviceCodes:
    """What the token endpoint knows of devices (sections 3.4 and 3.5)."""

    devices: Devices
    sealer: Sealer
    short_lived: ShortLived
    seconds: int

    def granted(self, device_code: str | None, client: Client, confirmation: str | None) -> Code | Failure:
        """What the person granted to this client's device, or that it shall ask again; raises Refused.

        To ask is how devices wait. It is no refusal that anybody has to hear of.
        """
        if device_code is None:
            raise Refused(errors.BAD_TOKEN_REQUEST, "device_code is missing")
        found = self.devices.code(device_code, client.id)
        if not isinstance(found, Waiting):
            unconfirmed = self._unconfirmed(device_code, confirmation) if client.device_confirmation else None
            if unconfirmed is not None:
                return unconfirmed
            try:
                return open_code(self.sealer, found, self.seconds)
            except Unreadable:
                raise Refused(errors.DEVICE_EXPIRED) from None
        if found in _ASK_AGAIN:
            return _ASK_AGAIN[found]
        raise Refused(_REFUSED[found])

    def _unconfirmed(self, device_code: str, confirmation: str | None) -> Failure | None:
        """What is still asked of a portal whose person said yes; None if it brought their number. Raises Refused."""
        approval = self.devices.approval(device_code)
        if approval is None:
            raise Refused(errors.DEVICE_DECLINED, "three wrong numbers, a moment ago")
        if confirmation is None:
            return errors.CONFIRMATION_REQUIRED
        device_id, number = approval
        key = f"device-numbers:{device_id.hex()}"
        found = tried(self.short_lived, key, CONFIRMED_WITHIN_SECONDS, typed=confirmation, right=number)
        if found is Tried.RIGHT:
            return None
        if found is Tried.WRONG:
            return errors.CONFIRMATION_WRONG
        self.devices.withdraw(device_id)
        raise Refused(errors.CONFIRMATION_FAILED)


def _message(given: str) -> str:
    """The portal's words, fit to stand on our page beside our own; raises Refused."""
    try:
        if len(given) <= MESSAGE_CHARACTERS:
            return checked_name(given)
    except ValueError:
        pass
    raise Refused(errors.BAD_PARAMETER, MESSAGE)
