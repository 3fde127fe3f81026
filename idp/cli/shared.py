"""What the commands share: the rooms, the operator's name, JSON in, tables out, and one sentence for each mistake."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from pydantic import ValidationError

from idp import clock
from idp.house import House, build
from idp.keys import CannotSign
from idp.seal import BadSeal
from idp.settings import UnsafeSettings, load
from idp.sources.apart import refuse_mixed_people
from idp.storage import schema
from idp.storage.database import Unreachable

TEXT_CHARACTERS = 200


class Wrong(click.ClickException):
    """What was asked cannot be done as it was asked; the text is one sentence that says why."""

    exit_code = 2


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """What an operator can put right is told in one sentence, without a traceback."""
    try:
        yield
    except (UnsafeSettings, schema.NotAtHead) as problem:
        raise Wrong(str(problem)) from None
    except BadSeal:
        raise Wrong("master_keys_file: these keys do not open what is in the database") from None
    except CannotSign as problem:
        raise click.ClickException(str(problem)) from None
    except Unreachable as problem:
        raise click.ClickException(f"a store does not answer: {problem}") from None


def open_house() -> House:
    """The rooms, over a database at the newest step. Raises what `in_one_sentence` tells."""
    house = build(load())
    schema.check_at_head(house.database)
    refuse_mixed_people(house.settings, house.people, house.sources)
    return house


# ---- options ----


def _plain_text(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    text = value.strip()
    if not text or len(text) > TEXT_CHARACTERS or not text.isprintable():
        raise click.BadParameter(f"one line of 1 to {TEXT_CHARACTERS} characters", param=parameter)
    return text


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


operator_option = click.option(
    "--operator", envvar="IDP_OPERATOR", default=_login_name, callback=_plain_text, metavar="NAME",
    help="Who does this, for the audit. [default: IDP_OPERATOR, or the login name]",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
secret_file_option = click.option(
    "--secret-file", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH",
    help="Write the secret to this file, mode 0600, and do not show it.",
)  # fmt: skip
secrets_option = click.option(
    "--secrets", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
    help="The folder that secrets are kept in, one file each.",
)  # fmt: skip


def reason_option(*, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--reason", required=required, callback=_plain_text, metavar="TEXT",
        help="Why, for the audit; no names or numbers of people.",
    )  # fmt: skip


# ---- in ----


def read_objects(file: IO[bytes]) -> list[dict[str, Any]]:
    """The JSON object in the file, or the objects of its list; raises Wrong."""
    try:
        read = json.loads(file.read(), object_pairs_hook=_without_repeats)
    except ValueError as problem:
        raise Wrong(f"{file.name}: not JSON: {problem}") from None
    objects = read if isinstance(read, list) else [read]
    if not objects or not all(isinstance(one, dict) for one in objects):
        raise Wrong(f"{file.name}: needs a JSON object, or a list of them")
    return objects


def read_object(file: IO[bytes]) -> dict[str, Any]:
    objects = read_objects(file)
    if len(objects) != 1:
        raise Wrong(f"{file.name}: needs one JSON object, not {len(objects)}")
    return objects[0]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name stands in it twice")
    return read


def faults(problem: ValidationError) -> str:
    """What is wrong, field by field, without the values: there may be secrets among them."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        for fault in problem.errors(include_input=False, include_url=False)
    )


def id_from_hex(value: str, what: str) -> bytes:
    """The 16 bytes of an id as the audit shows it; raises Wrong."""
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise Wrong(f"{value}: not the id of a {what}, which has 32 hexadecimal digits")
    return found


# ---- out ----


def instant(seconds: int | None) -> str | None:
    """As tables and JSON show it; None where there is none."""
    return None if seconds is None else clock.instant(seconds).isoformat(timespec="seconds")


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """The rows on standard output, as JSON or as a table under their names."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
    elif not rows:
        click.echo("none")
    else:
        names = list(rows[0])
        head = [name.upper().replace("_", " ") for name in names]
        lines = [head, *(["" if row[name] is None else str(row[name]) for name in names] for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
        for line in lines:
            click.echo("  ".join(f"{part:<{width}}" for part, width in zip(line, widths, strict=True)).rstrip())


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """The file holds the lines, mode 0600, and appears when it is whole; returns how many there are. Raises Wrong."""
    written = 0
    with secret_files() as drafted, drafted(path) as out:
        for line in lines:
            out.write(f"{line}\n")
            written += 1
    return written


Drafted = Callable[[Path], IO[str]]


@contextmanager
def secret_files() -> Iterator[Drafted]:
    """`drafted(path)` opens a file that appears under its name, mode 0600, if the block ends well; otherwise not.

    Put it around the transaction whose secrets the files hold. Raises Wrong for a place that cannot be written to.
    """
    drafts: dict[Path, Path] = {}

    def drafted(path: Path) -> IO[str]:
        draft = path.with_name(f".{path.name}.new")
        drafts[path] = draft
        draft.unlink(missing_ok=True)
        return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")

    try:
        yield drafted
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as problem:
        raise Wrong(f"{problem.filename}: cannot be written: {problem.strerror}") from None
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
