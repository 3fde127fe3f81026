"""BrowserSession: one sign-in known to every portal, for as long as it lasts, in one browser, for one person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from idp import clock
from idp.clients import Client
from idp.house import House
from idp.sessions import LOGOUT_NOTICE, SignedIn, Standing
from idp.sessions.cookies import Cookies
from idp.sessions.models import SessionRow
from idp.storage.outbox import Message
from tests.oidc.residents import assertion
from tests.sessions.rooms import furnished, later, registered

Opener = Callable[..., tuple[bytes, str]]


@pytest.fixture
def portal(house: House) -> Client:
    return registered(house, "ministry")


@pytest.fixture
def mai(house: House) -> bytes:
    return person(house)


def person(house: House) -> bytes:
    with house.database.write() as tx:
        return house.people.recognise(tx, assertion(), "population", 3).person.id


def signed_in(person_id: bytes, **changes: Any) -> SignedIn:
    given: dict[str, Any] = {
        "person_id": person_id, "source_id": "population", "source_kind": "population", "level": 3,
        "amr": ("pwd", "otp"), "auth_time": clock.seconds(),
    } | changes  # fmt: skip
    return SignedIn(**given)


@pytest.fixture
def open_session(house: House) -> Opener:
    def opened(person_id: bytes, cookie: str | None = None, **changes: Any) -> tuple[bytes, str]:
        with house.database.write() as tx:
            return house.sessions.open(tx, cookie, signed_in(person_id, **changes))

    return opened


def events(house: House, name: str) -> list[dict[str, Any]]:
    return [event for event in house.audit.export() if event["event"] == name]


# ---- opened ----


def test_a_session_is_what_the_sign_in_said(house: House, portal: Client, mai: bytes, open_session: Opener) -> None:
    session_id, cookie = open_session(mai, level=2, source_id="bank", source_kind="banking", auth_time=1_700_000_000)
    assert house.sessions.standing(cookie, portal) == Standing(
        session_id=session_id, person_id=mai, level=2, auth_time=1_700_000_000, source_id="bank",
        source_kind="banking", told_claims=None, agreed=False, sub=None, has_number=True,
    )  # fmt: skip


@pytest.mark.parametrize("cookie", [None, "", "guessed", "x" * 101, "x" * 5000, "bánh quy"])
def test_another_cookie_opens_nothing(
    house: House, portal: Client, mai: bytes, open_session: Opener, cookie: str | None
) -> None:
    open_session(mai)
    assert house.sessions.standing(cookie, portal) is None
    assert house.sessions.by_cookie(cookie) is None


def test_the_cookie_is_kept_nowhere(house: House, mai: bytes, open_session: Opener) -> None:
    _, cookie = open_session(mai)
    assert len(cookie) == 43
    with house.database.engine.connect() as connection:
        (row,) = connection.execute(SessionRow.__table__.select())
    assert not any(cookie in str(value) or cookie.encode() in bytes(str(value), "utf-8") for value in row)


def test_what_the_person_was_told_is_each_portal_s_own(
    house: House, portal: Client, mai: bytes, open_session: Opener
) -> None:
    _, cookie = open_session(mai)
    sister = registered(house, "sister", sector=portal.sector)
    with house.database.write() as tx:
        house.people.keep_told(
            tx, person_id=mai, client_id=portal.id, sector=portal.sector, claim_names=["name", "email"], agreed=True
        )
    told, untold = house.sessions.standing(cookie, portal), house.sessions.standing(cookie, sister)
    assert told and (told.told_claims, told.agreed) == (("name", "email"), True)
    assert untold and (untold.told_claims, untold.agreed) == (None, False)
    assert told.sub == untold.sub is not None  # of one sector: the sub was minted for both


def test_sessions_of_two_browsers_have_nothing_to_do_with_each_other(
    house: House, portal: Client, mai: bytes, open_session: Opener
) -> None:
    (first, one), (second, other) = open_session(mai), open_session(mai)
    assert first != second
    with house.database.write() as tx:
        house.sessions.end(tx, first, "in a test")
    assert house.sessions.standing(one, portal) is None
    assert house.sessions.standing(other, portal)


# ---- signed in once more in the same browser ----


def test_the_cookie_changes_at_every_sign_in(house: House, portal: Client, mai: bytes, open_session: Opener) -> None:
    """No session fixation: a value that somebody planted or saw before is worth nothing after."""
    session_id, before = open_session(mai, level=2)
    with later(10):
        again, after = open_session(mai, before, level=3, source_id="bank", source_kind="banking")
        assert again == session_id
        assert after != before
        assert house.sessions.standing(before, portal) is None
        standing = house.sessions.standing(after, portal)
        assert standing and (standing.level, standing.source_id, standing.auth_time) == (3, "bank", clock.seconds())


def test_a_planted_cookie_is_never_taken_over(house: House, portal: Client, mai: bytes, open_session: Opener) -> None:
    _, cookie = open_session(mai, "planted-by-somebody-else")
    assert cookie != "planted-by-somebody-else"
    assert house.sessions.standing("planted-by-somebody-else", portal) is None


def test_another_person_ends_the_first_one_s_session(
    house: House, portal: Client, mai: bytes, open_session: Opener
) -> None:
    first, before = open_session(mai)
    lan = person(house)
    second, after = open_session(lan, before)
    assert second != first
    assert house.sessions.standing(before, portal) is None
    standing = house.sessions.standing(after, portal)
    assert standing and standing.person_id == lan
    (ended,) = events(house, "session_ended")
    assert (ended["person_id"], ended["session_id"]) == (mai.hex(), first.hex())


def test_an_ended_session_is_not_gone_on_with(house: House, mai: bytes, open_session: Opener) -> None:
    first, before = open_session(mai)
    with house.database.write() as tx:
        house.sessions.end(tx, first, "in a test")
    second, _ = open_session(mai, before)
    assert second != first


# ---- how long ----


def test_a_session_lasts_its_lifetime_while_it_is_used(
    house: House, portal: Client, mai: bytes, open_session: Opener
) -> None:
    lifetimes = house.settings.lifetimes
    with later(0):  # from here on the clock stands still
        _, cookie = open_session(mai)
        with later(lifetimes.session_idle_seconds - 1):
            assert house.sessions.standing(cookie, portal)
        with later(lifetimes.session_idle_seconds):
            assert house.sessions.standing(cookie, portal) is None


def test_a_session_ends_at_its_time_however_much_it_is_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = furnished(
        tmp_path_factory.mktemp("house"), lifetimes={"session_seconds": 300, "session_idle_seconds": 3600}
    )
    portal, mai = registered(house, "ministry"), person(house)
    with later(0):
        with house.database.write() as tx:
            _, cookie = house.sessions.open(tx, None, signed_in(mai))
        with later(299):
            assert house.sessions.standing(cookie, portal)
        with later(301):
            assert house.sessions.standing(cookie, portal) is None
            assert house.sessions.by_cookie(cookie), "signing out is still possible, and tells the portals"


# ---- ended ----


def test_a_session_ends_once(house: House, portal: Client, mai: bytes, open_session: Opener) -> None:
    session_id, cookie = open_session(mai)
    with house.database.write() as tx:
        assert house.sessions.end(tx, session_id, "first")
        assert house.sessions.end(tx, session_id, "second") is None
        assert house.sessions.end(tx, b"nobody's session", "third") is None
    assert house.sessions.standing(cookie, portal) is None
    (ended,) = events(house, "session_ended")
    assert ended["details"] == {"reason": "first", "portals_told": 0}


@pytest.mark.parametrize("status", ["barred", "deceased"])
def test_a_person_who_is_barred_has_no_session(
    house: House, portal: Client, mai: bytes, open_session: Opener, status: str
) -> None:
    _, cookie = open_session(mai)
    for now, stands in ((status, False), ("active", True)):
        with house.database.write() as tx:
            assert house.people.set_status(tx, mai, now, "in a test")
        assert (house.sessions.standing(cookie, portal) is not None) is stands


def test_all_sessions_of_a_person_can_be_ended(house: House, portal: Client, mai: bytes, open_session: Opener) -> None:
    cookies = [open_session(mai)[1] for _ in range(3)]
    lan = open_session(person(house))[1]
    with house.database.write() as tx:
        assert house.sessions.end_all_of(tx, mai, "an operator said so") == 3
        assert house.sessions.end_all_of(tx, mai, "again") == 0
    assert [house.sessions.standing(cookie, portal) for cookie in cookies] == [None] * 3
    assert house.sessions.standing(lan, portal)


def test_nothing_is_told_to_portals_that_were_never_granted_anything(
    house: House, mai: bytes, open_session: Opener
) -> None:
    registered(house, "province", backchannel_logout_uri="https://province.example/out")
    session_id, _ = open_session(mai)
    with house.database.write() as tx:
        ended = house.sessions.end(tx, session_id, "in a test")
    assert ended and ended.told == ()
    messages: list[Message] = []
    house.outbox.deliver({LOGOUT_NOTICE: messages.append})
    assert messages == []


def test_a_session_has_another_name_at_every_portal(
    house: House, portal: Client, mai: bytes, open_session: Opener
) -> None:
    session_id, _ = open_session(mai)
    other, _ = open_session(mai)
    sister = registered(house, "sister", sector=portal.sector)
    names = {house.sessions.sid(each, client) for each in (session_id, other) for client in (portal, sister)}
    assert len(names) == 4
    assert house.sessions.sid(session_id, portal) in names
    assert all(session_id.hex() not in name for name in names)


# ---- cookies (RFC 6265bis) ----


@pytest.mark.parametrize("secure, prefix", [(True, "__Host-"), (False, "")])
def test_a_cookie_is_for_this_host_and_for_no_script(secure: bool, prefix: str) -> None:
    cookies = Cookies(secure=secure)
    kept, cleared = cookies.set_session("value")[0], cookies.clear_session()[0]
    for header in (kept, cookies.set_login("0" * 32, "value", 60), cleared):
        name, _, attributes = header.partition("=")
        assert name.startswith(prefix)
        assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in attributes.split(";")}
        assert ("Secure" in attributes) is secure
        assert "Domain" not in attributes
    assert cookies.session({f"{prefix}session": "value", "session": "other"}) == ("value" if secure else "other")
    assert "Max-Age" not in kept  # it goes when the browser closes


@pytest.mark.parametrize("secure, prefix", [(True, "__Host-"), (False, "")])
def test_a_cookie_that_scripts_may_read_tells_that_the_session_is_another_one_and_no_more(
    secure: bool, prefix: str
) -> None:
    """OpenID Connect Session Management section 4.2: a page of ours within a portal's must be able to read it."""
    cookies = Cookies(secure=secure)
    states = [cookies.set_session(value)[1] for value in ("value", "value", "another")]
    assert states[0] == states[1] != states[2]
    for header in (*states, cookies.clear_session()[1]):
        name, _, attributes = header.partition("=")
        assert name == cookies.state_name == f"{prefix}browser-state"
        value, *said = [part.strip() for part in attributes.split(";")]
        assert {"Path=/", "SameSite=None", "Secure"} <= set(said)
        assert "HttpOnly" not in said
        assert "value" not in value
    assert cookies.clear_session()[1].endswith("Max-Age=0")


def test_the_oldest_sign_ins_make_room(house: House) -> None:
    cookies = Cookies(secure=False)
    held = {f"login-{number:016}": "x" for number in range(5)} | {"session": "s", "other": "o"}
    assert cookies.clear_surplus_logins(held, most=10) == []
    gone = [header.partition("=")[0] for header in cookies.clear_surplus_logins(held, most=3)]
    assert gone == ["login-0000000000000000", "login-0000000000000001", "login-0000000000000002"]
