"""What an attacker does with a source's answer on its way through the browser: sends it twice, or changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.base import AutoPost, Connector, Context, Done, Input, LoginRequest, Redirect, Step
from idp import entropy
from idp.sources.robot import pairs, with_pairs

Lie = Callable[[Input], Input]


class Tampered:
    """A connector (`connectors.base.Connector`) with somebody between it and the browser."""

    def __init__(self, connector: Connector, lie: Lie) -> None:
        self._connector = connector
        self._lie = lie
        self._begun: LoginRequest | None = None
        self._was_elsewhere = False  # the answer to come is the source's own, and not a form of ours
        self.has_lied = False

    def begin(self, context: Context, request: LoginRequest) -> Step:
        self._begun = request
        return self._noted(self._connector.begin(context, request))

    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        if self._lie is to_another_visit:
            state = self._state_of_another(context) or state
            return self._noted(self._connector.resume(context, state, answer))
        told = self._lie(answer)
        self.has_lied = self.has_lied or pairs(told) != pairs(answer) or self._lie is again
        step = self._connector.resume(context, state, told)
        if self._lie is again and isinstance(step, Done):
            return self._connector.resume(context, state, answer)
        return self._noted(step)

    def _noted(self, step: Step) -> Step:
        self._was_elsewhere = isinstance(step, Redirect | AutoPost)
        return step

    def _state_of_another(self, context: Context) -> bytes | None:
        """What another sign-in that has just begun remembers; None where the answer is not the source's own."""
        if self._begun is None or not self._was_elsewhere:
            return None
        other = self._connector.begin(context, replace(self._begun, handle=entropy.short_handle()))
        self.has_lied = isinstance(other, Redirect | AutoPost)
        return other.state if isinstance(other, Redirect | AutoPost) else None


def again(answer: Input) -> Input:
    """The answer as it is: it is told a second time once it was taken."""
    return answer


def changed(answer: Input) -> Input:
    """The longest value with one character changed in its middle."""
    said = pairs(answer)
    longest = max(range(len(said)), key=lambda at: len(said[at][1]))
    name, value = said[longest]
    middle = len(value) // 2
    other = "A" if value[middle] != "A" else "B"
    said[longest] = (name, f"{value[:middle]}{other}{value[middle + 1 :]}")
    return with_pairs(answer, said)


def without_state(answer: Input) -> Input:
    return with_pairs(answer, [(name, value) for name, value in pairs(answer) if name != "state"])


def from_elsewhere(answer: Input) -> Input:
    """As another source would answer, in the same browser (RFC 9207)."""
    elsewhere = {"iss": "https://elsewhere.invalid"}
    return with_pairs(answer, [(name, elsewhere.get(name, value)) for name, value in pairs(answer)])


def to_another_visit(answer: Input) -> Input:
    """The answer as it is, taken to a sign-in that it does not belong to."""
    return answer


LIES: dict[str, Lie] = {
    "replayed answer": again,
    "changed answer": changed,
    "answer without state": without_state,
    "answer of another source": from_elsewhere,
    "answer to another visit": to_another_visit,
}
