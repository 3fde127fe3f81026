"""What is sealed opens for its purpose, in its place, under its key, unchanged; and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.seal import KEY_BYTES, OVERHEAD_BYTES, BadSeal, Sealer, add_master_key, from_text, load_sealer, to_text
from idp.settings import UnsafeSettings

PLAIN, PURPOSE, PLACE = b"what must stay between us", "people.attributes", b"row 1"
REGIONS = {"key number": 0, "nonce, first": 1, "nonce, last": 12, "text, first": 13, "tag, first": -16, "tag, last": -1}


def changed(sealed: bytes, position: int, bits: int = 1) -> bytes:
    position %= len(sealed)
    return sealed[:position] + bytes([sealed[position] ^ bits]) + sealed[position + 1 :]


def refused(sealer: Sealer, sealed: bytes, purpose: str = PURPOSE, place: bytes = PLACE) -> bool:
    try:
        sealer.open(purpose, sealed, place)
    except BadSeal as problem:
        return PLAIN.decode() not in str(problem)
    return False


@pytest.mark.parametrize("plain", [b"", b"\x00", PLAIN, bytes(100_000)])
def test_what_was_sealed_opens(sealer: Sealer, plain: bytes) -> None:
    sealed = sealer.seal(PURPOSE, plain, PLACE)
    assert sealer.open(PURPOSE, sealed, PLACE) == plain
    assert len(sealed) == len(plain) + OVERHEAD_BYTES
    assert sealer.open_text(PURPOSE, sealer.seal_text(PURPOSE, plain)) == plain


@pytest.mark.parametrize("position", REGIONS.values(), ids=REGIONS)
def test_a_changed_bit_in_any_region_is_refused(sealer: Sealer, position: int) -> None:
    assert refused(sealer, changed(sealer.seal(PURPOSE, PLAIN, PLACE), position))


def test_a_change_of_any_bit_is_refused(sealer: Sealer) -> None:
    sealed = sealer.seal(PURPOSE, b"short", PLACE)
    assert all(refused(sealer, changed(sealed, place, 1 << bit)) for place in range(len(sealed)) for bit in range(8))


def test_the_number_of_another_key_that_we_have_is_refused() -> None:
    sealer = Sealer({1: bytes(32), 2: bytes(range(32))})
    assert refused(sealer, changed(sealer.seal(PURPOSE, PLAIN, PLACE), 0, 1 ^ 2))


def test_every_shortened_or_lengthened_value_is_refused(sealer: Sealer) -> None:
    sealed = sealer.seal(PURPOSE, PLAIN, PLACE)
    assert all(refused(sealer, sealed[:length]) for length in range(len(sealed)))
    assert refused(sealer, sealed + b"\x00")


@pytest.mark.parametrize(
    "purpose, place",
    [("people.other", PLACE), ("", PLACE), (PURPOSE, b"row 2"), (PURPOSE, b""), (PURPOSE + "row 1", b"")],
)
def test_another_purpose_or_place_is_refused(sealer: Sealer, purpose: str, place: bytes) -> None:
    assert refused(sealer, sealer.seal(PURPOSE, PLAIN, PLACE), purpose, place)


def test_another_master_key_is_refused(sealer: Sealer) -> None:
    assert refused(Sealer({1: bytes(32)}), sealer.seal(PURPOSE, PLAIN, PLACE))


def test_two_sealed_values_are_never_alike(sealer: Sealer) -> None:
    assert len({sealer.seal(PURPOSE, PLAIN, PLACE) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "A", "AAAA", "====", "ä", "AAAA AAAA", "A" * 39, "+/+/", "AB\n", "\x00"])
def test_a_text_that_is_no_sealed_value_is_refused_whatever_its_shape(sealer: Sealer, text: str) -> None:
    with pytest.raises(BadSeal):
        sealer.open_text(PURPOSE, text)


def test_a_text_has_one_spelling(sealer: Sealer) -> None:
    """Otherwise a code that was spent under one spelling could come back under another."""
    sealed = sealer.seal_text(PURPOSE, b"12")  # 31 bytes, so that the last character has bits to spare
    for other in (sealed + "=", sealed + "\n", " " + sealed, sealed[:-1] + chr(ord(sealed[-1]) + 1)):
        with pytest.raises(BadSeal):
            sealer.open_text(PURPOSE, other)


def test_base64url_is_unpadded_and_canonical() -> None:
    assert (to_text(b"\xfb\xff"), from_text("-_8")) == ("-_8", b"\xfb\xff")
    for other in ("-_9", "-_8=", "+/8", "-_8\n"):
        with pytest.raises(ValueError, match="base64"):
            from_text(other)


def test_an_index_is_the_same_for_the_same_value_and_tells_purposes_apart(sealer: Sealer) -> None:
    assert sealer.index("people.number", "001099000001") == sealer.index("people.number", "001099000001")
    assert sealer.index("people.number", "001099000001") != sealer.index("people.number", "001099000002")
    assert sealer.index("people.number", "001099000001") != sealer.index("links.subject", "001099000001")
    assert sealer.index("people.number", "1") != Sealer({1: bytes(32)}).index("people.number", "1")


def test_an_added_key_seals_from_now_on_and_leaves_what_was_sealed_and_indexed(tmp_path: Path) -> None:
    file = tmp_path / "master.keys"
    assert add_master_key(str(file)) == 1
    before = load_sealer(str(file))
    sealed, index = before.seal(PURPOSE, PLAIN, PLACE), before.index(PURPOSE, "value")
    assert add_master_key(str(file)) == 2
    after = load_sealer(str(file))
    assert after.open(PURPOSE, sealed, PLACE) == PLAIN
    assert after.index(PURPOSE, "value") == index
    assert after.seal(PURPOSE, PLAIN, PLACE)[0] == 2
    assert refused(before, after.seal(PURPOSE, PLAIN, PLACE)), "a worker that has not read the new key yet"


def test_the_key_file_is_for_its_owner_alone_from_its_first_moment(tmp_path: Path) -> None:
    file = tmp_path / "master.keys"
    for _ in range(2):
        add_master_key(str(file))
        assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.keys"]


GOOD = to_text(bytes(KEY_BYTES))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        GOOD,
        f"one {GOOD}",
        f"0 {GOOD}",
        f"256 {GOOD}",
        f"-1 {GOOD}",
        "1 ",
        "1 AAAA",
        f"1 {GOOD}=",
        f"1 {GOOD}\nrubbish",
        f"1 {to_text(bytes(KEY_BYTES + 1))}",
    ],
)
def test_a_key_file_that_is_none_is_refused_in_a_sentence_without_a_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / "master.keys"
    file.write_text(text, "ascii")
    with pytest.raises(UnsafeSettings, match=r"^master.keys[^\n]+$") as problem:
        load_sealer(str(file))
    assert GOOD not in str(problem.value)


def test_no_key_file_is_refused_with_the_command_that_makes_one() -> None:
    with pytest.raises(UnsafeSettings, match="idp keys new-master"):
        load_sealer("")
