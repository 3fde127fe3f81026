"""The addresses at which a person signs in for a device that has no keyboard (RFC 8628 section 3.3).

GET  /device              type the code that the device shows; `user_code` fills it in (verification_uri_complete)
POST /device              a code was typed: a sign-in begins in this browser
GET  /device/<login>      which portal asks, from where and since when;  POST: it is mine, or it is not
GET  /device/<login>/end  the end of the sign-in: the device may go on, or not

Whoever sends the code of their own device to somebody else gets in as that person (section 5.4, BCP
247). So nothing goes on without a page that says so, also where the code came with a link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from flask import Blueprint, request
from werkzeug.wrappers import Response

from idp import clock, errors
from idp.broker import Answer, Journey, Login, Shelf, Step
from idp.broker.desk import Desk, see_other
from idp.broker.journey import customer_of
from idp.broker.telling import of_portal
from idp.clients import AuthenticationRequest, Client, Clients
from idp.devices import Device, Devices
from idp.errors import Refused
from idp.oidc.answering import need_of, sealed_code
from idp.oidc.device import FILLED_IN, PAGE
from idp.seal import Sealer
from idp.sessions import Standing
from idp.sources import Sources
from idp.storage import ShortLived
from idp.web import devices as pages
from idp.web import language

COUNTED_SECONDS = 60
# So many times `wrong_codes_per_minute` close the page for everybody. Before that the limit closes it only for networks
# that typed a wrong code within the minute: to lock out everybody else takes ten times the guesses at one a network,
# 16 200 networks at once instead of 90. Guessing stays hopeless: at the default, 1800 x 10 a minute x 1440 minutes are
# 26 million tries a day, of 20^8 = 25.6 billion codes; with 1000 devices waiting, all of that hits one device a day,
# and lets whoever hit it sign that device in as themselves.
CEILING_TIMES = 10
FILLED_IN_CHARACTERS = 40
Outcome = Literal["approved", "declined", "gone"]
OUTCOME = "outcome"
WRONG = "wrong-device-codes"
_OUTCOMES: dict[str, Outcome] = {"approved": "approved", "declined": "declined", "gone": "gone"}


@dataclass(frozen=True, kw_only=True)
class DeviceRoutes:
    devices: Devices
    journey: Journey
    desk: Desk
    shelf: Shelf
    clients: Clients
    sources: Sources
    sealer: Sealer
    short_lived: ShortLived
    codes_per_network_per_minute: int
    wrong_codes_per_minute: int

    def blueprint(self) -> Blueprint:
        room = Blueprint("device", __name__)
        room.get(PAGE, endpoint="code")(self._code)
        room.post(PAGE, endpoint="typed")(self._typed)
        room.get(f"{PAGE}/<login_id>", endpoint="question")(self._question)
        room.post(f"{PAGE}/<login_id>", endpoint="answered")(self._answered)
        room.get(f"{PAGE}/<login_id>/end", endpoint="end")(self._end)
        return room

    def _code(self) -> Response:
        filled_in = request.args.get(FILLED_IN, "")[:FILLED_IN_CHARACTERS]
        return pages.code(pages.DeviceCodePage(action_url=PAGE, user_code=filled_in), language.of_request())

    def _typed(self) -> Response:
        """What is wrong with a code is not said: unknown, expired and decided are one answer (section 5.1)."""
        typed, network = request.form.get("user_code", ""), request.remote_addr or ""
        device = self._guarded(typed, network)
        client = None if device is None else self.clients.find(device.client_id)
        if device is None or client is None or not client.enabled:
            page = pages.DeviceCodePage(action_url=PAGE, user_code=typed[:FILLED_IN_CHARACTERS], wrong=True)
            return pages.code(page, language.of_request())
        asked = replace(AuthenticationRequest.from_json(device.request), device=device.id.hex())
        need = need_of(asked, client, self.sources)
        started = self.journey.start(need, asked.to_json(), request.cookies, network)
        response = see_other(f"{PAGE}/{started.login_id}")
        for cookie in started.cookies:
            response.headers.add("Set-Cookie", cookie)
        return response

    def _guarded(self, typed: str, network: str) -> Device | None:
        """The device with this code; raises Refused for a flood of codes from one network, or of wrong ones from all.

        The counts are of a network and of everybody, not of a browser: who guesses begins each time with a new one.
        """
        customer = customer_of(network)
        if self._count(f"device-codes:{customer}") > self.codes_per_network_per_minute:
            raise Refused(errors.TOO_MANY_DEVICE_CODES, "from one network")
        wrong = self._counted(WRONG)
        if wrong >= self.wrong_codes_per_minute * CEILING_TIMES:
            raise Refused(errors.TOO_MANY_DEVICE_CODES, "from everywhere")
        if wrong >= self.wrong_codes_per_minute and self._counted(f"{WRONG}:{customer}"):
            raise Refused(errors.TOO_MANY_DEVICE_CODES, "from a network that guesses as well")
        device = self.devices.by_user_code(typed)
        if device is None:
            self._count(WRONG)
            self._count(f"{WRONG}:{customer}")
        return device

    def _count(self, what: str) -> int:
        return self.short_lived.count(what, COUNTED_SECONDS)

    def _counted(self, what: str) -> int:
        return self.short_lived.counted(what, COUNTED_SECONDS)

    def _question(self, login_id: str) -> Response:
        at = self.desk.at(login_id)
        if at is None:
            return self.desk.to_answer(login_id)
        device = self._device(at.login)
        if device is None:
            return see_other(f"{PAGE}/{login_id}/end")
        here = request.remote_addr or ""
        page = pages.DeviceQuestionPage(
            portal_vi=at.client.name_vi, portal_en=at.client.name_en, user_code=device.user_code,
            began_at=clock.instant(device.began_at), network=device.network,
            same_network=customer_of(device.network) == customer_of(here), action_url=f"{PAGE}/{login_id}",
            form_token=self.journey.form_token(at.login, request.cookies),
            of_portal=of_portal(at.client, at.login.need), place=_place(at.client),
            message=AuthenticationRequest.from_json(device.request).binding_message,
            at_counter=at.client.device_confirmation,
        )  # fmt: skip
        return pages.question(page, language.of_request(at.login.need.ui_locales))

    def _answered(self, login_id: str) -> Response:
        at = self.desk.at(login_id, with_form=True)
        if at is None:
            return self.desk.to_answer(login_id)
        decision = request.form.get("decision")
        if decision == "continue" and self._device(at.login) is None:
            return see_other(f"{PAGE}/{login_id}/end")
        if decision == "continue":
            self.shelf.note_confirmed(login_id, _session_of(at.standing))
            return self.desk.onward(login_id, at)
        if decision == "decline":
            self.journey.give_up(at.login, errors.ACCESS_DENIED)
            return self.desk.to_answer(login_id)
        return see_other(f"{PAGE}/{login_id}")

    def _end(self, login_id: str) -> Response:
        """What the person decided, kept for the device to ask for; the same page at every further visit."""
        login = self.journey.login(login_id, request.cookies)
        if login.need.is_our_own:
            return self.desk.to_answer(login_id)
        asked = AuthenticationRequest.from_json(login.request)
        if asked.device is None:
            return self.desk.to_answer(login_id)
        client = self.journey.client_of(login)
        outcome = self._outcome(login, asked, client)
        if outcome is None:
            at = self.desk.at(login_id)
            confirmed = at is not None and self.shelf.is_confirmed(login_id, _session_of(at.standing))
            return self.desk.onward(login_id, at) if confirmed else see_other(f"{PAGE}/{login_id}")
        confirmed = outcome == "approved" and client.device_confirmation
        page = pages.DeviceEndPage(
            portal_vi=client.name_vi, portal_en=client.name_en, outcome=outcome,
            number=self.devices.number(bytes.fromhex(asked.device), login.id) if confirmed else None,
        )  # fmt: skip
        return pages.end(page, language.of_request(login.need.ui_locales))

    def _outcome(self, login: Login, asked: AuthenticationRequest, client: Client) -> Outcome | None:
        """How the sign-in ended, kept so that every other of its pages leads here; None if it has not."""
        if login.answer is not None:
            return _OUTCOMES[login.answer.parameters[OUTCOME]]
        outcome = self._decided(login, asked, client)
        if outcome is not None:
            answer = Answer(redirect_uri="", parameters={OUTCOME: outcome}, mode="device", given_at=clock.seconds())
            self.shelf.keep_answer(login.id, answer)
        return outcome

    def _decided(self, login: Login, asked: AuthenticationRequest, client: Client) -> Outcome | None:
        """What became of the device; None as long as the person is not through with it."""
        device = self._device(login)
        if device is not None and not login.expired:
            if login.verdict is not None:
                self.devices.decline(device, login.id)
            elif not self._approved(device, login, asked, client):
                return None
        approved = self.devices.decided(bytes.fromhex(asked.device or ""), login.id)
        return "gone" if approved is None else "approved" if approved else "declined"

    def _approved(self, device: Device, login: Login, asked: AuthenticationRequest, client: Client) -> bool:
        """Whether the sign-in is at its end, confirmed and well; then the device is let in, or somebody was first."""
        standing = self.journey.standing(client, request.cookies)
        step = self.journey.step(login, client, standing)
        if step is Step.WRONG_PERSON and standing is not None:
            self.devices.decline(device, login.id)
            return True
        if step is not Step.ANSWER or standing is None:
            return False
        # This is a GET, which any page elsewhere can cause: it carries out what the same person said by a form of ours.
        if not self.shelf.is_confirmed(login.id, standing.session_id):
            return False
        self.devices.approve(
            device, login.id, sealed_code(self.sealer, asked, login.need, standing), person_id=standing.person_id,
            session_id=standing.session_id,
        )  # fmt: skip
        return True

    def _device(self, login: Login) -> Device | None:
        asked = None if login.need.is_our_own else AuthenticationRequest.from_json(login.request)
        if asked is None or asked.device is None:
            raise Refused(errors.LOGIN_GONE, "a sign-in that is for no device")
        return self.devices.open_one(bytes.fromhex(asked.device))


def _session_of(standing: Standing | None) -> bytes | None:
    return None if standing is None else standing.session_id


def _place(client: Client) -> str:
    """Where the portal is at home, as an operator registered it; of one that registered itself nobody has looked."""
    return "" if client.registered_itself else urlsplit(client.home_url).netloc
