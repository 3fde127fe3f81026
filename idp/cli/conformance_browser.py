"""What the suite's browser does on our pages: where it types, what it presses, at which words it stops.

The suite runs the tasks of the first entry whose `match` fits the address that it opened, one page a task; `optional`
ones are passed over on any other page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WAIT_SECONDS = 10
Command = list[str | int]
REJECTING = ("fapi2-security-profile-final-user-rejects-authentication",)  # modules in which it must say no instead


@dataclass(frozen=True, kw_only=True)
class Automation:
    issuer: str
    suite: str
    username: str
    password: str = field(repr=False)

    def parts(self) -> dict[str, Any]:
        """`browser` and `override` of the suite's configuration."""
        override = {module: {"browser": [self._refusing()]} for module in REJECTING}
        return {"browser": [self._signing_in(), self._signing_out()], "override": override}

    def _signing_in(self) -> dict[str, Any]:
        pages = f"{self.issuer}/sign-in/*"
        typed: list[Command] = [["text", "id", "field-username", self.username],
                                ["text", "id", "field-password", self.password]]  # fmt: skip
        return self._asked(
            _task("Choose where to sign in", pages, _press("source", "conformance", "optional")),
            _task("Sign in", f"{pages}/visit/*", *typed, _press("decision", "continue")),
            _task("Go on after being told", f"{pages}/information*", _press("decision", "continue")),
        )

    def _refusing(self) -> dict[str, Any]:
        return self._asked(_task("Say no", f"{self.issuer}/sign-in/*", _press("decision", "cancel")))

    def _asked(self, *tasks: dict[str, Any]) -> dict[str, Any]:
        arrived = _task("Arrive", f"{self.suite}/callback*", ["wait", "id", "submission_complete", WAIT_SECONDS])
        return {"match": f"{self.issuer}/authorize*", "tasks": [*tasks, arrived]}

    def _signing_out(self) -> dict[str, Any]:
        return {
            "match": f"{self.issuer}/logout*",
            "tasks": [
                _task("Confirm", f"{self.issuer}/logout*", _press("decision", "sign_out", "optional")),
                _task("Arrive", f"{self.suite}/post_logout_redirect*"),
            ],
        }


def _press(name: str, value: str, *more: str) -> Command:
    return ["click", "css", f"button[name={name}][value={value}]", *more]


def _task(name: str, match: str, *commands: Command) -> dict[str, Any]:
    return {"task": name, "match": match, "optional": True, "commands": list(commands)}
