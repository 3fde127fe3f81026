"""Digital IDs from the terminal: is this code genuine, and how fast and how safe is it to ask?"""

from __future__ import annotations

import base64
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import click

from idp import clock
from idp.cli.digital_id_bench import bench
from idp.cli.digital_id_desk import desk
from idp.cli.shared import Wrong
from idp.digital_id import (
    Answer,
    BadKey,
    BadList,
    Lists,
    Remembered,
    StatusList,
    TrustedKey,
    Unreadable,
    Verdict,
    national_card,
    read_cwt,
    read_jwt,
    read_keys,
    trust_lists,
)
from idp.digital_id import read as read_code
from idp.digital_id import verify as verified
from idp.digital_id.trust_lists import BadTrustList
from idp.digital_id.verification import FRESH_STATUS_SECONDS

FILE_BYTES = 16 * 1024 * 1024
EXIT_CODES = {Answer.GENUINE: 0, Answer.REFUSED: 1, Answer.GENUINE_STATUS_OLD: 3}
WORDS = {Answer.GENUINE: "genuine", Answer.REFUSED: "refused", Answer.GENUINE_STATUS_OLD: "genuine but status old"}
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("digital-id")
def digital_id() -> None:
    """Digital IDs as QR codes. These commands need no database, and no network but for what `desk` fetches."""


digital_id.add_command(bench)
digital_id.add_command(desk)


@digital_id.command()
@click.argument("code", metavar="FILE|TEXT|-")
@click.option("--key", "keys", type=_FILE, multiple=True, metavar="FILE", help="Trusted: PEM, JWK(S).")
@click.option("--trust-list", type=_FILE, metavar="FILE", help="What the issuer has at /trust-list; needs --issuer.")
@click.option("--issuer", metavar="URL", help="The only `iss` that these keys count for.")
@click.option("--lenient", is_flag=True, help="These issuers do not keep to the strict form.")
@click.option("--status-list", "lists", type=_FILE, multiple=True, metavar="FILE", help="A status list, JWT or CWT.")
@click.option(
    "--fresh-seconds", type=click.IntRange(0), default=FRESH_STATUS_SECONDS, metavar="N",
    help=f"How old a status list may be ({FRESH_STATUS_SECONDS}).",
)  # fmt: skip
@click.option("--at", "instant", metavar="INSTANT", help="As if it were then: 2026-11-22T08:00:00Z, or seconds.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of words.")
@click.pass_context
def verify(
    ctx: click.Context, code: str, keys: Sequence[Path], trust_list: Path | None, issuer: str | None, lenient: bool,
    lists: Sequence[Path], fresh_seconds: int, instant: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell whether the text of a QR code is genuine, and what it says.

    The text is in a file, is given as it is, or comes from standard input (-). Without a status list a card can be
    genuine, but nobody knows whether it was revoked.

    A presence code is genuine if it was made just now; that it was not shown before, only a counter can know. The code
    of the national card, which nobody signed, is read and never genuine.

    Exit codes: 0 genuine, 3 genuine but its status is old or not known, 1 refused, 2 asked wrongly.
    """
    now = clock.seconds() if instant is None else _instant(instant)
    trusted = [key for path in keys for key in _keys(path, issuer, strict=not lenient)]
    trusted += _keys_of_list(trust_list, issuer, now)
    if not trusted:
        raise Wrong("--key or --trust-list: whose codes are believed?")
    text = _text(code)
    if national_card.looks_like_one(text):
        click.echo(_of_national_card(text, as_json=as_json))
        ctx.exit(EXIT_CODES[Answer.REFUSED])
    statuses = Lists(_lists(lists, text, trusted, now))
    verdict = verified(text, trusted, now, statuses, fresh_status_seconds=fresh_seconds, seen=Remembered())
    click.echo(_printable(json.dumps(_told(verdict), ensure_ascii=False, indent=2)) if as_json else _in_words(verdict))
    ctx.exit(EXIT_CODES[verdict.answer])


def _instant(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 13:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"--at {text}: neither 2026-11-22T08:00:00Z nor seconds since 1970") from None
    if moment.tzinfo is None:
        raise Wrong(f"--at {text}: of which time zone? End it with Z for UTC")
    return int(moment.timestamp())


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except OSError as problem:
        raise Wrong(f"{path}: cannot be read: {problem.strerror}") from None
    if len(data) > FILE_BYTES:
        raise Wrong(f"{path}: larger than {FILE_BYTES} bytes")
    return data


def _keys(path: Path, issuer: str | None, *, strict: bool) -> list[TrustedKey]:
    try:
        return read_keys(_bytes(path), issuer, strict=strict)
    except BadKey as problem:
        raise Wrong(f"{path}: {problem}") from None


def _keys_of_list(path: Path | None, issuer: str | None, now: int) -> list[TrustedKey]:
    if path is None:
        return []
    if issuer is None:
        raise Wrong("--trust-list: whose is it? Add --issuer")
    try:
        return trust_lists.read(_bytes(path).decode("ascii", "replace").strip(), issuer, now).trusted()
    except BadTrustList as problem:
        raise Wrong(f"{path}: {problem}") from None


def _text(code: str) -> str:
    """What is in the file of this name, or else the name itself. What is no text of a code is for `verify` to say."""
    if code == "-":
        return sys.stdin.buffer.read(FILE_BYTES).decode("utf-8", "replace")
    try:
        is_file = Path(code).is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        is_file = False
    return _bytes(Path(code)).decode("utf-8", "replace") if is_file else code


def _lists(paths: Sequence[Path], text: str, keys: list[TrustedKey], now: int) -> list[StatusList]:
    """The lists that are the card's and can be believed; of the others it is told why not."""
    try:
        reference = read_code(text).card.status
    except Unreadable:
        return []
    if reference is None:
        return []
    found = []
    for path in paths:
        data = _bytes(path)
        try:
            if data.startswith(b"eyJ"):
                found.append(read_jwt(data.decode("ascii", "replace").strip(), keys, now, reference.uri))
            else:
                found.append(read_cwt(data, keys, now, reference.uri))
        except BadList as problem:
            click.echo(f"{path}: not believed: {problem}", err=True)
    return found


def _of_national_card(text: str, *, as_json: bool) -> str:
    try:
        said = _plain(dataclasses.asdict(national_card.read_national_card(text)))
    except national_card.NotANationalCard as problem:
        said = {"verified": False, "reason": str(problem)}
    if as_json:
        return _printable(json.dumps({"answer": "not verified", "national_card": said}, ensure_ascii=False, indent=2))
    lines = ["not verified: the code of a national card, which anybody can print"]
    return "\n".join([*lines, *(f"  {name}: {_short(name, value)}" for name, value in said.items())])


def _told(verdict: Verdict) -> dict[str, Any]:
    card = {} if verdict.card is None else dataclasses.asdict(verdict.card)
    return {
        "answer": verdict.answer.value, "decodes": verdict.decodes, "genuine": verdict.genuine,
        "reason": None if verdict.reason is None else verdict.reason.value,
        "leniencies": sorted(one.value for one in verdict.leniencies),
        "status": None if verdict.status is None else verdict.status.value,
        "status_as_of": _time(verdict.status_as_of),
        "shown_at": _time(verdict.shown_at),
        "card": {name: _plain(value) for name, value in card.items() if value not in (None, {}, ())},
    }  # fmt: skip


def _in_words(verdict: Verdict) -> str:
    told = _told(verdict)
    why = "" if told["reason"] is None else f": {told['reason'].replace('_', ' ')}"
    lines = [f"{WORDS[verdict.answer]}{why}"]
    if told["status"]:
        lines.append(f"  status: {told['status']}, as of {told['status_as_of'] or 'never'}")
    lines += [f"  presence code, made at {told['shown_at']}"] if told["shown_at"] else []
    lines += [f"  not strict: {', '.join(told['leniencies'])}"] if told["leniencies"] else []
    if told["card"] and not verdict.genuine:
        lines.append("  it says what follows, and nobody vouches for it:")
    for name, value in told["card"].items():
        shown = _time(value) if name in ("issued_at", "expires_at", "not_before") else value
        lines.append(f"  {name}: {_short(name, shown)}")
    return "\n".join(lines)


def _short(name: str, value: Any) -> str:
    """On one line, so that nothing in a code can look like an answer of ours."""
    if name in ("photo", "biometrics"):
        return "there"
    return _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    """JSON without what moves a terminal or turns its direction: strangers wrote what is in a code."""
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else clock.instant(seconds).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    """As JSON can tell it: bytes in base64url."""
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
