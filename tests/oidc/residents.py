"""People who are signed in already: their session stands, so that a test begins where its sentence begins."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import time_machine

from connectors.base import Assertion, BirthDate, Identifier, IdentifierType, Name, Sex
from connectors.profile import Address, Profile
from idp import clock
from idp.people.claims import CLAIMS
from idp.sessions import SignedIn
from tests.peers.visitor import Page
from tests.world import Asked, Browser, Portal, Tokens, World, parameters_of

_numbers = itertools.count(1)
PROFILE = Profile(
    nickname="Mai", preferred_username="mai.anh", profile="https://mai-anh.example/", website="https://blog.example/",
    picture="https://mai-anh.example/anh.png", zoneinfo="Asia/Ho_Chi_Minh", locale="vi-VN",
    address=Address(formatted="12 ngõ Sen\nXã Hoa\nVIỆT NAM", street_address="12 ngõ Sen", locality="Xã Hoa",
                    country="VIỆT NAM"),
)  # fmt: skip
EVERY_CLAIM = tuple(claim.name for claim in CLAIMS)


def fresh_name(prefix: str = "cong") -> str:
    """A name that no other test uses."""
    return f"{prefix}-{secrets.token_hex(6)}"


def assertion(**changes: Any) -> Assertion:
    """What a careful source says of somebody whom nobody has heard of before."""
    # All have one name and one birth date: their numbers lie far apart, so that none looks like a slip in another's.
    number = f"079000{next(_numbers) * 618_033 % 1_000_000:06}"
    said: dict[str, Any] = {
        "issuer": "http://population.localhost", "subject": secrets.token_hex(8),
        "name": Name(full="Nguyễn Thị Mai Anh", family="Nguyễn", middle="Thị Mai", given="Anh"),
        "proofing": 3, "authentication": 3, "auth_time": clock.now(), "means": ("pwd", "otp"),
        "evidence": hashlib.sha256(number.encode()).digest(),
        "identifiers": (
            Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number),
            Identifier(type=IdentifierType.FORMER_NUMBER, value=number[3:], state="former"),
        ),
        "birth_date": BirthDate(year=1992, month=8, day=5, as_sent="05/08/1992"), "sex": Sex.FEMALE,
        "email": "mai.anh@example.vn", "phone": "0912345678", "profile": PROFILE,
    }  # fmt: skip
    return Assertion(**(said | changes))


@dataclass
class Resident:
    """A person with a browser in which they are signed in."""

    country: World
    person_id: bytes
    session_id: bytes
    cookie: str
    browser: Browser

    @property
    def session(self) -> str:
        """The session as the audit names it."""
        return self.session_id.hex()

    def sid_at(self, portal: Portal) -> str:
        """The session as this portal knows it."""
        client = self.country.house.clients.find(portal.id)
        assert client is not None
        return self.country.house.sessions.sid(self.session_id, client)

    def asked(self, portal: Portal, **asked: str | None) -> dict[str, str]:
        """What the portal is told, where it can be told at once."""
        return told(self.browser.get(portal.ask(**asked).url), portal)

    def code(self, portal: Portal, **asked: str | None) -> tuple[str, Asked]:
        """A code and the request that it answers."""
        request = portal.ask(**asked)
        answer = told(self.browser.get(request.url), portal)
        assert "code" in answer, answer
        return answer["code"], request

    def tokens(self, portal: Portal, **asked: str | None) -> Tokens:
        request = portal.ask(**asked)
        return self.country.redeemed(portal, request, told(self.browser.get(request.url), portal))

    def is_signed_in(self, portal: Portal) -> bool:
        """Whether a portal that may not ask anybody gets a code."""
        return "code" in self.asked(portal, prompt="none")


def move_in(
    country: World, *portals: Portal, level: int = 3, source: str = "population", agreed: bool = False, **said: Any
) -> Resident:
    """A new person with a session of that level, told everything about these portals."""
    house, statement = country.house, assertion(**said)
    signed_in_at = int(statement.auth_time.timestamp())
    with house.database.write() as tx:
        person = house.people.recognise(tx, statement, source, statement.proofing).person
        signed_in = SignedIn(
            person_id=person.id, source_id=source, source_kind={"bank": "banking"}.get(source, source), level=level,
            amr=statement.means, auth_time=signed_in_at,
        )  # fmt: skip
        session_id, cookie = house.sessions.open(tx, None, signed_in)
        for portal in portals:
            client = house.clients.find(portal.id)
            assert client is not None
            house.people.keep_told(
                tx, person_id=person.id, client_id=client.id, sector=client.sector, claim_names=EVERY_CLAIM,
                agreed=agreed, offline=True,
            )  # fmt: skip
    browser = country.browser()
    carry(browser, cookie)
    return Resident(country, person.id, session_id, cookie, browser)


def carry(browser: Browser, cookie: str) -> None:
    """The browser has this session cookie, as if the provider had set it."""
    browser.cookies.set("session", cookie, domain="idp.localhost", path="/")


def told(page: Page, portal: Portal) -> dict[str, str]:
    """The parameters of the redirect to the portal that this page is."""
    assert page.status == 303, f"{page.status} {page.url}\n{page.html[:1500]}"
    assert page.location.startswith(portal.redirect_uri), page.location
    return parameters_of(page.location)


def seconds_later(seconds: int) -> time_machine.travel:
    """Within this context, and in all servers, it is so many seconds later."""
    return time_machine.travel(datetime.now(UTC).timestamp() + seconds, tick=True)
