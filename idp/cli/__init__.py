"""`idp`: what operators do from a terminal. Every command is in the file of its subject, loaded when it is used."""

from __future__ import annotations

import gc
from importlib import import_module

import click

_COMMANDS = {
    "migrate": "database",
    "keys": "keys",
    "portals": "portals",
    "sources": "sources",
    "people": "people",
    "cases": "cases",
    "cards": "cards",
    "digital-id": "digital_id",
    "sessions": "people",
    "audit": "audit",
    "outbox": "database",
    "expire": "database",
    "serve": "processes",
    "worker": "processes",
    "conformance": "conformance",
    "demo": "processes",
}  # fmt: skip


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"idp.cli.{_COMMANDS[cmd_name]}"), cmd_name.replace("-", "_"))
        return command

    def invoke(self, ctx: click.Context) -> object:
        from idp.cli.shared import in_one_sentence

        with in_one_sentence():
            return super().invoke(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def commands() -> None:
    """Một Cửa, one door to every public service: the operators' commands.

    Settings come from config/default.toml, the file that IDP_CONFIG names, and IDP_… variables. What changes something
    is written to the audit with the name of --operator, of IDP_OPERATOR, or of your login.

    Exit codes: 0 done, 1 it could not be done (a check failed, a store does not answer), 2 it was asked wrongly.
    """


def main() -> None:
    """The console script: logs go to standard error, so that what a command prints can be piped."""
    gc.disable()  # what every command needs is kept: to look for garbage among it takes a tenth of the time of loading
    from idp import observe
    from idp.cli import shared  # noqa: F401

    gc.freeze()
    gc.enable()
    observe.configure("WARNING")
    commands.main(prog_name="idp")
