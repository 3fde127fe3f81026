"""What only one place may touch: time, chance, the environment, the network, SQL, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.source import Module, modules, uses, within

TIME = ("time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today")
CHANCE = ("random", "secrets", "uuid", "os.urandom", "os.getrandom")
ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.putenv")
NETWORK = ("socket", "ssl", "http.client", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "smtplib")
SQL = ("sqlalchemy", "flask_sqlalchemy", "alembic", "sqlite3", "psycopg")
CODE_FROM_DATA = ("pickle", "marshal", "shelve", "subprocess", "os.system", "os.popen")


@dataclass(frozen=True, kw_only=True)
class Rule:
    names: tuple[str, ...]
    owners: tuple[str, ...]  # dotted names of modules; "*.models" is every module of that name
    sentence: str


DEMO = ("idp.cli.demo", "idp.cli.supervisor")  # starts the processes of the demo and asks after their health
SERVER = "idp.cli.rolling"  # opens the socket that we are asked at
IN_THE_PROVIDER = (
    Rule(names=TIME, owners=("idp.clock",), sentence="time is read through idp.clock"),
    Rule(names=CHANCE, owners=("idp.entropy",), sentence="chance comes from idp.entropy"),
    Rule(
        names=ENVIRONMENT, owners=("idp.settings", "idp.observe", "idp.cli"), sentence="settings come from idp.settings"
    ),
    Rule(names=NETWORK, owners=("idp.egress", SERVER, *DEMO), sentence="requests go out through idp.egress"),
    Rule(names=("redis",), owners=("idp.storage",), sentence="the short-lived store is reached through idp.storage"),
    Rule(names=SQL, owners=("idp.storage", "*.models"), sentence="SQL stands in models.py and idp.storage"),
    Rule(names=CODE_FROM_DATA, owners=DEMO, sentence="data never becomes code or a process"),
)
IN_THE_CONNECTORS = (
    Rule(names=TIME, owners=(), sentence="a connector reads time through Context.now"),
    Rule(names=CHANCE, owners=(), sentence="a connector gets chance through Context.fresh_value"),
    Rule(names=ENVIRONMENT, owners=(), sentence="a connector gets secrets through Context.secret"),
    Rule(names=NETWORK, owners=(), sentence="a connector asks through Context.http"),
    Rule(names=(*SQL, "redis", "flask"), owners=(), sentence="a connector sees neither the database nor a request"),
    Rule(names=CODE_FROM_DATA, owners=(), sentence="data never becomes code or a process"),
)


def ownership_faults(root: Path) -> list[str]:
    """Every use of something that another module owns."""
    faults = [fault for module in modules(root, "idp") for fault in _faults(module, IN_THE_PROVIDER)]
    for module in modules(root, "connectors"):
        if not within(module.name, "connectors.sandbox"):
            faults += _faults(module, IN_THE_CONNECTORS)
    return [*faults, *_spread_of_authlib(root)]


def _faults(module: Module, rules: tuple[Rule, ...]) -> Iterator[str]:
    told: set[tuple[int, str]] = set()
    for use in uses(module):
        for rule in rules:
            broken = any(within(use.name, name) for name in rule.names) and not _owns(module.name, rule.owners)
            if broken and (use.line, rule.sentence) not in told:
                told.add((use.line, rule.sentence))
                yield f"{module.at(use.line)}: {use.name}: {rule.sentence}"


def _owns(module: str, owners: tuple[str, ...]) -> bool:
    return any(module.endswith(owner[1:]) if owner.startswith("*") else within(module, owner) for owner in owners)


def _spread_of_authlib(root: Path) -> list[str]:
    """Authlib's traps are disarmed in one file, so one file knows it."""
    knowing = [module for module in modules(root, "idp") if any(within(use.name, "authlib") for use in uses(module))]
    outside = [module for module in knowing if not within(module.name, "idp.oidc")]
    faults = [f"{module.path}: Authlib is known to one file of idp.oidc only" for module in outside]
    if len(knowing) - len(outside) > 1:
        faults.append(f"Authlib is known to one file of idp.oidc only, not to {', '.join(m.path for m in knowing)}")
    return faults
