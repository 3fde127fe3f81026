"""Codes and access tokens: sealed values of one purpose each, which fit where they must and fail closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from idp import clock, entropy
from idp.clients import Binding
from idp.clients.registry import CLIENT_ID_LIMIT_CHARACTERS
from idp.oidc.http import Parameters, with_parameters
from idp.oidc.sealed import (
    CODE_LIMIT_CHARACTERS,
    NONCE_LIMIT_CHARACTERS,
    AccessToken,
    Code,
    RefreshToken,
    Unreadable,
    open_access_token,
    open_code,
    read_refresh_token,
    redirect_mark,
    refresh_token,
    resource_mark,
    seal_access_token,
    seal_code,
)
from idp.people.claims import BY_NAME, SCOPES
from idp.seal import Sealer, from_text, to_text
from tests.world import parameters_of

SEALER = Sealer({1: bytes(range(32))})
OTHER = Sealer({1: bytes(range(1, 33))})
LIFETIME = 60
CHALLENGE = to_text(bytes(range(32)))


def later(seconds: int) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC).timestamp() + seconds, tick=False)


def code(**changes: Any) -> Code:
    given: dict[str, Any] = {
        "grant_id": entropy.ordered_id(), "session_id": entropy.ordered_id(), "person_id": entropy.random_id(),
        "client_id": "portal", "redirect_uri": redirect_mark("https://portal.example/cb"), "code_challenge": CHALLENGE,
        "nonce": "n", "scopes": ("openid", "profile"), "id_token_claims": ("name",),
        "userinfo_claims": ("name", "email"), "auth_time": 1_700_000_000, "level": 3, "issued_at": clock.seconds(),
    } | changes  # fmt: skip
    return Code(**given)


def token(**changes: Any) -> AccessToken:
    now = clock.seconds()
    given: dict[str, Any] = {
        "id": entropy.random_id(), "grant_id": entropy.ordered_id(), "client_id": "portal", "issued_at": now,
        "expires_at": now + 300, "scopes": ("openid", "profile"),
    } | changes  # fmt: skip
    return AccessToken(**given)


# ---- codes ----


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"nonce": None}, {"code_challenge": None}, {"nonce": None, "code_challenge": None},
        {"client_id": "x" * CLIENT_ID_LIMIT_CHARACTERS, "nonce": "n" * NONCE_LIMIT_CHARACTERS},
        {"scopes": SCOPES, "id_token_claims": tuple(BY_NAME), "userinfo_claims": tuple(BY_NAME)},
        {"scopes": (), "id_token_claims": (), "userinfo_claims": ()}, {"level": 1}, {"auth_time": 2**32 - 1},
        {"mandate_id": b"mandate."}, {"dpop_jkt": bytes(range(32))}, {"resource": resource_mark("https://api.example/")},
        {"mandate_id": b"mandate.", "nonce": None, "code_challenge": None, "resource": bytes(16)},
    ],
)  # fmt: skip
def test_a_code_is_read_as_it_was_written(changes: dict[str, Any]) -> None:
    made = code(**changes)
    text = seal_code(SEALER, made)
    assert open_code(SEALER, text, LIFETIME) == made
    assert len(text) <= CODE_LIMIT_CHARACTERS
    assert text.isascii()


def test_the_longest_of_everything_still_fits() -> None:
    """512 characters: what every portal's column, log and proxy holds."""
    longest = code(
        client_id="x" * CLIENT_ID_LIMIT_CHARACTERS, nonce="n" * NONCE_LIMIT_CHARACTERS, scopes=SCOPES,
        userinfo_claims=tuple(BY_NAME), id_token_claims=tuple(BY_NAME), mandate_id=b"mandate.",
        dpop_jkt=bytes(32), resource=bytes(16),
    )  # fmt: skip
    assert len(seal_code(SEALER, longest)) <= CODE_LIMIT_CHARACTERS
    assert NONCE_LIMIT_CHARACTERS >= 64
    assert len(seal_access_token(SEALER, token(client_id="x" * CLIENT_ID_LIMIT_CHARACTERS))) <= CODE_LIMIT_CHARACTERS


def test_a_code_lives_for_its_lifetime() -> None:
    text = seal_code(SEALER, code())
    with later(LIFETIME - 2):
        assert open_code(SEALER, text, LIFETIME)
    for seconds in (LIFETIME + 1, 86_400, -10):
        with later(seconds), pytest.raises(Unreadable):
            open_code(SEALER, text, LIFETIME)


def test_two_codes_are_never_alike() -> None:
    made = code()
    assert seal_code(SEALER, made) != seal_code(SEALER, made)


# ---- access tokens ----


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"scopes": SCOPES}, {"binding": Binding("jkt", bytes(range(32)))}, {"exchanged": True},
        {"binding": Binding("x5t#S256", bytes(range(1, 33)))}, {"resource": "https://api.example/" + "x" * 490},
        {"grant_id": None, "scopes": (), "api_scopes": ("tax.read", "tax.file")},
    ],
)  # fmt: skip
def test_a_token_is_read_as_it_was_written(changes: dict[str, Any]) -> None:
    made = token(**changes)
    text = seal_access_token(SEALER, made)
    assert open_access_token(SEALER, text) == made
    assert text.startswith("mc_at_")


@pytest.mark.parametrize("generation", [0, 1, 2**32 - 1])
def test_a_refresh_token_is_the_same_whoever_makes_it(generation: int) -> None:
    """So that of many who replace one at once all can be given the same successor, and nothing of it is kept."""
    made = RefreshToken(entropy.ordered_id(), generation)
    text = refresh_token(SEALER, made)
    both = Sealer({1: bytes(range(32)), 2: bytes(range(2, 34))})
    assert refresh_token(both, made) == text, "also after a new master key"
    assert read_refresh_token(both, text) == made
    assert text.startswith("mc_rt_")
    assert len(text) < 100


def test_no_refresh_token_can_be_made_up() -> None:
    text = refresh_token(SEALER, RefreshToken(entropy.ordered_id(), 7))
    raw = from_text(text.removeprefix("mc_rt_"))
    changed = [raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in range(len(raw))]
    for wrong in (*changed, raw[:-1], raw[:20], raw + b"x", b""):
        with pytest.raises(Unreadable):
            read_refresh_token(SEALER, f"mc_rt_{to_text(wrong)}")
    for other in (text.removeprefix("mc_rt_"), text + "=", text + "é", "mc_rt_", "mc_rt_" + "A" * 600):
        with pytest.raises(Unreadable):
            read_refresh_token(SEALER, other)
    with pytest.raises(Unreadable):
        read_refresh_token(OTHER, text)


def test_a_token_lives_until_it_expires() -> None:
    text = seal_access_token(SEALER, token())
    with later(298):
        assert open_access_token(SEALER, text)
    with later(301), pytest.raises(Unreadable):
        open_access_token(SEALER, text)


# ---- both: of one purpose, of one house, unchanged ----


def test_each_has_its_own_purpose() -> None:
    sealed_code, sealed_token = seal_code(SEALER, code()), seal_access_token(SEALER, token())
    for wrong in (sealed_token, sealed_token.removeprefix("mc_at_")):
        with pytest.raises(Unreadable):
            open_code(SEALER, wrong, LIFETIME)
    for wrong in (sealed_code, f"mc_at_{sealed_code}"):
        with pytest.raises(Unreadable):
            open_access_token(SEALER, wrong)


def test_another_house_reads_neither() -> None:
    with pytest.raises(Unreadable):
        open_code(OTHER, seal_code(SEALER, code()), LIFETIME)
    with pytest.raises(Unreadable):
        open_access_token(OTHER, seal_access_token(SEALER, token()))


def test_one_sealed_before_a_new_master_key_is_still_read() -> None:
    made = replace(code())
    both = Sealer({1: bytes(range(32)), 2: bytes(range(2, 34))})
    assert open_code(both, seal_code(SEALER, made), LIFETIME) == made
    with pytest.raises(Unreadable):
        open_code(SEALER, seal_code(both, made), LIFETIME)


def test_no_byte_of_them_can_be_changed() -> None:
    text = seal_code(SEALER, code())
    raw = from_text(text)
    for place in range(len(raw)):
        changed = to_text(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        with pytest.raises(Unreadable):
            open_code(SEALER, changed, LIFETIME)


@settings(derandomize=True, database=None, deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=240).map(to_text) | st.text("AQgw-_=", max_size=60))
def test_nothing_else_is_either(text: str) -> None:
    with pytest.raises(Unreadable):
        open_code(SEALER, text, LIFETIME)
    with pytest.raises(Unreadable):
        open_access_token(SEALER, text)
    with pytest.raises(Unreadable):
        open_access_token(SEALER, f"mc_at_{text}")


# ---- the parameters around them ----


@pytest.mark.parametrize(
    "url", ["https://a.example/cb", "https://a.example/cb?x=1", "https://a.example/cb?", "https://a.example/cb?x"]
)
def test_parameters_are_added_to_whatever_is_there(url: str) -> None:
    added = with_parameters(url, code="c+/=", state="a b&c=d", iss=None)
    assert added.startswith(url)
    names = dict(Parameters.parse(added.partition("?")[2]).pairs)
    assert (names["code"], names["state"], names.get("iss")) == ("c+/=", "a b&c=d", None)
    assert "??" not in added
    assert parameters_of(with_parameters("https://a.example/cb", code="c")) == {"code": "c"}


def test_an_empty_parameter_is_an_absent_one_and_a_repeated_one_is_noticed() -> None:
    """RFC 6749 section 3.1."""
    parsed = Parameters.parse("a=&b=1&c=2&c=&b=1&d=x+y%20z")
    assert parsed.as_dict() == {"b": "1", "c": "2", "d": "x y z"}
    assert parsed.repeated() == {"b"}
