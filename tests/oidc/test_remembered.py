"""What of a request travels within codes and tokens: small, ours alone to read or to make, and readable for months."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from idp import errors
from idp.errors import Refused
from idp.oidc.remembered import LIMIT_BYTES, NOTHING, Remembered, unpacked
from idp.oidc.verified_claims import read
from tests.oidc.assured import EVERYTHING, wanted

USUAL = read(wanted("name", "birthdate", "personal_number", verification=EVERYTHING))
SEVERAL = read([wanted("name"), wanted("gender", birthdate={"values": ["1992-08-05", "1992"]})])

REQUESTS = [
    Remembered(acr_series=1), Remembered(userinfo=USUAL), Remembered(id_token=USUAL), Remembered(userinfo=SEVERAL),
    Remembered(acr_series=9, userinfo=USUAL, id_token=SEVERAL),
]  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_what_was_packed_is_unpacked(request_: Remembered) -> None:
    packed = request_.packed()
    assert unpacked(packed) == request_
    assert 0 < len(packed) <= 160


def test_a_request_that_asks_for_nothing_of_it_takes_no_room() -> None:
    assert NOTHING.packed() == Remembered(userinfo=None).packed() == b""
    assert unpacked(b"") is NOTHING


def test_what_comes_after_the_sign_in_has_nothing_of_its_id_token() -> None:
    whole = Remembered(acr_series=1, id_token=USUAL, userinfo=SEVERAL)
    assert whole.beyond_sign_in == Remembered(acr_series=1, userinfo=SEVERAL)
    assert Remembered(id_token=USUAL).beyond_sign_in.packed() == b""


def test_more_than_codes_can_carry_is_refused() -> None:
    words = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(40)]
    asked: Any = read(wanted(name={"values": words}))
    with pytest.raises(Refused) as problem:
        Remembered(userinfo=asked).packed()
    assert problem.value.failure is errors.BAD_VERIFIED_CLAIMS
    assert LIMIT_BYTES * 4 / 3 < 1536  # with all else a code stays below what we read


def test_what_was_packed_by_an_earlier_release_can_be_read() -> None:
    """Refresh tokens live for months: the words that they were packed with stay as they are."""
    asked = read(wanted("name", "birthdate", verification={"trust_framework": None, "time": None}))
    packed = bytes.fromhex("430435227c89085e0cb7e172178695b500")
    assert unpacked(packed) == Remembered(acr_series=1, userinfo=asked)
