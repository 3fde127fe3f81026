"""`./run demo`: the whole country on one machine, described by `config/demo/demo.toml`.

The first start prepares a data directory (keys, database, portals and sources registered with the operators' own
commands); every start runs the processes until Ctrl-C, a signal, or the death of one of them ends all.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from idp import entropy
from idp.cli.supervisor import Child, ChildFailed, Health, Stopped, Supervisor

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "config" / "demo" / "demo.toml"
PATIENCE_SECONDS = 90  # until everything is ready, on a slow machine with cold caches
OURS = ".motcua-demo"  # marks a data directory that we made, and so may empty
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE")

_GAP = re.compile(r"\$\{([a-z0-9_.-]+)\}")
_FRESH = re.compile(r'"@\{([a-z0-9-]+)\.(secret|public)\}"')


class CannotStart(Exception):
    """The demo cannot start; the text is one sentence that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The description of the demo, with every gap filled for one port base and one data directory."""

    data: Path
    files: Mapping[str, str]  # seeds, by the name that they get in the data directory
    prepare: list[dict[str, Any]]
    processes: list[dict[str, Any]]
    notes: list[str]  # lines below the table of addresses
    patience_seconds: float

    @property
    def fingerprint(self) -> str:
        """Changes with anything that prepared data depends on."""
        return hashlib.sha256(json.dumps([self.files, self.prepare], sort_keys=True).encode()).hexdigest()


def read_plan(path: Path, *, data: Path, port_base: int) -> Plan:
    """The plan at `path`; seeds are the files that it names, from its own folder. Raises CannotStart."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        seeds = {name: (path.parent / name).read_text("utf-8") for name in raw.get("seeds", [])}
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise CannotStart(f"the plan of the demo cannot be read: {problem}") from None
    values = {"data": str(data), "root": str(ROOT), "python": sys.executable, "bin": str(Path(sys.executable).parent)}
    for part in (*raw.get("prepare", []), *raw["process"]):
        part["env"] = raw.get("environments", {}).get(part.get("uses"), {}) | part.get("env", {})
    for process in raw["process"]:
        if "port" in process:
            process["port"] += port_base
            address = f"{process['host']}:{process['port']}"
            values |= {f"{process['name']}.port": str(process["port"]), f"{process['name']}.url": f"http://{address}"}
    filled = _filled({key: raw.get(key, []) for key in ("prepare", "process", "notes")}, values)
    return Plan(
        data=data, files={name: _filled(text, values) for name, text in seeds.items()},
        prepare=filled["prepare"], processes=filled["process"], notes=filled["notes"],
        patience_seconds=raw.get("patience_seconds", PATIENCE_SECONDS),
    )  # fmt: skip


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """`value` with each `${gap}` in its strings replaced; an unknown gap raises CannotStart."""
    if isinstance(value, str):
        return _GAP.sub(lambda gap: values[gap[1]] if gap[1] in values else _unknown(gap[1]), value)
    if isinstance(value, list):
        return [_filled(part, values) for part in value]
    if isinstance(value, dict):
        return {key: _filled(part, values) for key, part in value.items()}
    return value


def _unknown(gap: str) -> NoReturn:
    raise CannotStart(f"the plan of the demo speaks of ${{{gap}}}, which nothing defines")


# ---- before anything starts ----


def check_machine(plan: Plan) -> None:
    """Every port is free and every tool is here; otherwise raises CannotStart."""
    if any("app" in process for process in plan.processes) and find_spec("granian") is None:
        raise CannotStart("the server granian is not installed: ./run setup installs it")
    for process in plan.processes:
        command = process.get("command")
        if command and shutil.which(command[0]) is None:
            raise CannotStart(f"{process['name']} needs {command[0]}, which is not here: ./run setup installs it")
    for process in plan.processes:
        if "port" in process and (reason := _why_not_bindable(process["port"])):
            raise CannotStart(
                f"port {process['port']} of {process['name']} cannot be used ({reason}): end what uses it, or move "
                "the whole demo with --port-base 9400"
            )


def _why_not_bindable(port: int) -> str:
    """Browsers try both loopback addresses for *.localhost, so both must be free; "" if they are."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as attempt:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                attempt.bind((address, port))
        except OverflowError:
            return "ports end at 65535"
        except OSError as problem:
            if family == socket.AF_INET or problem.errno == errno.EADDRINUSE:  # no IPv6 here is no fault
                return (problem.strerror or str(problem)).lower()
    return ""


def open_data(data: Path) -> IO[str]:
    """The data directory exists, is ours and private, and this process holds its lock until the file is closed."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (data / OURS).exists():
            if any(data.iterdir()):
                raise CannotStart(f"{data} holds other things: name an empty or a new directory with --data")
            (data / OURS).touch()
        data.chmod(0o700)
        (data / "logs").mkdir(exist_ok=True)
        lock = (data / OURS).open("w")
    except OSError as problem:
        raise CannotStart(f"the data directory {data} cannot be used: {problem.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"a demo is running with its data in {data}: end it, or use --data and --port-base") from None
    return lock


def prepare(plan: Plan, supervisor: Supervisor, tell: Callable[[str], None]) -> None:
    """The data directory holds what the processes need; what an older or interrupted preparation left is gone."""
    mark = plan.data / "prepared"
    before, done = _read_mark(mark)
    fresh = before != plan.fingerprint
    if fresh:
        tell("the plan of the demo changed: starting anew" if before else "first start")
        mark.unlink(missing_ok=True)
        _empty(plan.data)
        for name, text in plan.files.items():
            (plan.data / name).write_text(_with_secrets(text, plan.data), "utf-8")
    for step in plan.prepare:
        name, depends_on = step["say"], _contents(step.get("again_when_changed"))
        if fresh or done.get(name) != depends_on:
            tell(name)
            supervisor.run(Child(
                name=name, command=step["command"], environment=_environment(step["env"]),
                log=plan.data / "logs" / "prepare.log",
            ))  # fmt: skip
        done[name] = depends_on
    mark.write_text(json.dumps([plan.fingerprint, done]), "utf-8")


def _read_mark(mark: Path) -> tuple[str, dict[str, str]]:
    """The fingerprint of the plan that was prepared and of what each step depended on; empty if nobody can tell."""
    try:
        before, done = json.loads(mark.read_text("utf-8"))
        return str(before), dict(done)
    except (OSError, ValueError, TypeError):
        return "", {}


def _contents(folder: str | None) -> str:
    """A fingerprint of the files in a folder below the root; "" for none."""
    files = sorted((ROOT / folder).glob("*.*")) if folder else []
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest() if files else ""


def _empty(data: Path) -> None:
    for entry in data.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry.name != "logs":
                shutil.rmtree(entry)
        elif entry.name != OURS:
            entry.unlink()


def _with_secrets(text: str, data: Path) -> str:
    """Each "@{name.secret}" and "@{name.public}" of a seed is a fresh one, which `name.secret` or `name.key` keeps."""

    def fresh(gap: re.Match[str]) -> str:
        file = data / f"{gap[1]}.{'secret' if gap[2] == 'secret' else 'key'}"
        if not file.exists():
            file.write_text(entropy.opaque_value() if gap[2] == "secret" else _private_jwk(), "utf-8")
        kept = file.read_text("utf-8")
        return json.dumps(kept if gap[2] == "secret" else {k: v for k, v in json.loads(kept).items() if k != "d"})

    return _FRESH.sub(fresh, text)


def _private_jwk() -> str:
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return json.dumps(key | {"kid": entropy.short_handle(), "alg": "ES256", "use": "sig"})


# ---- while it runs ----


def children(plan: Plan) -> Iterator[Child]:
    for process in plan.processes:
        health = None
        if "port" in process:
            health = Health(host=process["host"], port=process["port"], path=process.get("health", "/"))
        yield Child(
            name=process["name"], command=process.get("command") or _granian(process),
            environment=_environment(process.get("env", {})), log=plan.data / "logs" / f"{process['name']}.log",
            health=health,
        )  # fmt: skip


def _granian(process: Mapping[str, Any]) -> list[str]:
    options = {
        "--interface": "wsgi", "--host": "127.0.0.1", "--port": process["port"], "--http": "1",
        "--workers": process.get("workers", 1), "--blocking-threads": process.get("threads", 4),
        "--workers-kill-timeout": 2, "--log-level": "warning",
    }  # fmt: skip
    return [
        *(sys.executable, "-m", "granian", "--no-ws"),
        *(str(word) for option in options.items() for word in option),
        process["app"],
    ]


def _environment(own: Mapping[str, Any]) -> dict[str, str]:
    """A child sees what its part of the plan says, and of this machine only what any program needs."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        **{name: str(value) for name, value in own.items()},
    }


def table(plan: Plan) -> str:
    """The addresses, and whom to sign in as."""
    rows = [
        (f"http://{process['host']}:{process['port']}", process.get("title", process["name"]))
        for process in plan.processes
        if "port" in process
    ]
    width = max((len(address) for address, _ in rows), default=0)
    lines = ["", *(f"  {address:<{width}}  {title}" for address, title in rows), ""]
    lines += [f"  {line}".rstrip() for line in plan.notes]
    return "\n".join([*lines, f"\n  Logs: {plan.data / 'logs'}    Ctrl-C ends everything.", ""])


def run(plan: Plan, tell: Callable[[str], None]) -> NoReturn:
    """Does not return while the demo lives; raises CannotStart, ChildFailed or Stopped."""
    with open_data(plan.data), Supervisor(ROOT) as supervisor:
        check_machine(plan)
        prepare(plan, supervisor, tell)
        for child in children(plan):
            tell(f"starting {child.name}")
            supervisor.start(child)
        supervisor.wait_until_ready(
            plan.patience_seconds, lambda name, seconds: tell(f"{name} is ready ({seconds:.1f} s)")
        )
        tell(table(plan))
        print("ready", flush=True)
        supervisor.watch()


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when asked to end, 1 when a process failed, 2 when nothing could be started."""
    parser = argparse.ArgumentParser(prog="./run demo", description="The whole country on this machine.")
    parser.add_argument("--port-base", type=int, default=8400, metavar="N", help="the provider's port (8400)")
    parser.add_argument("--data", type=Path, default=ROOT / ".demo", metavar="DIR", help="where it keeps its data")
    parser.add_argument("--quiet", action="store_true", help="say only `ready`, and what goes wrong")
    parser.add_argument("--plan", type=Path, default=PLAN, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    os.umask(0o077)

    def tell(line: str) -> None:
        if not chosen.quiet:
            print(line if line.startswith("\n") else f"· {line}", flush=True)

    try:
        run(read_plan(chosen.plan, data=chosen.data.resolve(), port_base=chosen.port_base), tell)
    except (Stopped, KeyboardInterrupt):
        tell("ended")
        return 0
    except CannotStart as problem:
        print(f"demo: {problem}.", file=sys.stderr)
        return 2
    except ChildFailed as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
