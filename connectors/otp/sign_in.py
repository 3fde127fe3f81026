"""Signing in by a number and a one-time code that the source sends to the telephone it has on file.

    begin -> Ask(number) -> the source finds the telephone, sends a code -> Ask(code) -> Done

Nobody learns here whether a number exists. For a number that leads to no telephone the same page follows, with the
same sentence and an ending of a telephone that is always the same for that number, after the same calls to the source
and to the store: the calls about the code are then made with a reference that nobody has. What a source knows against
a person (locked, has died) it tells once the code was right, to who holds the telephone.

A code is accepted once, whoever asks at the same moment in whichever worker; a code that was right and is sent again
is REPLAYED. Nothing about codes is ever sent to the source twice.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import ClassVar

from connectors.answers import Refusal, as_step, parameters
from connectors.base import Ask, Assertion, Context, Done, Failure, Field, Input, LoginRequest, Step
from connectors.otp.limits import Guard, Limits

CODE = re.compile(r"[0-9]{4,8}", re.ASCII)
ENDING_DIGITS = 3
_SEPARATORS = str.maketrans("", "", " \u00a0\t.-")  # what people, and telephones that paste, put between digits
_CODE_FIELD = Field(name="code", label_id="field.one_time_code", secret=True, numeric=True)
_AT_NUMBER = b"{}"  # nothing is remembered before a number was typed


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Where a code for somebody would go, as the source names it. `ending` is what the visitor is shown of it."""

    reference: str  # of this one code
    person: str
    phone: str
    ending: str


class CodeProblem(StrEnum):
    """Why a code was not accepted."""

    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """What a sign-in remembers after a code was sent, or seemed to be (`expected` is then false)."""

    number: str
    reference: str
    person: str
    ending: str
    sent_at: float
    expected: bool


class OneTimePassword(ABC):
    """One source that sends codes; a kind of source says how it is asked, and what its answer means."""

    limits: Limits
    code_seconds: int
    number_label_id: ClassVar[str]

    @abstractmethod
    def read_number(self, typed: str) -> str | None:
        """The number in what was typed, without separators; None for what cannot be a number of this source."""

    @abstractmethod
    def limits_key(self, context: Context) -> bytes:
        """A secret of this source, the same in all workers."""

    @abstractmethod
    def recipient(self, context: Context, number: str) -> Recipient | None:
        """Whom a code would go to; None where there is nobody, or no telephone. Nothing is sent yet."""

    @abstractmethod
    def send(self, context: Context, reference: str) -> None:
        """The code is on its way; a reference that the source does not know is no error."""

    @abstractmethod
    def redeem(self, context: Context, number: str, reference: str, code: str) -> Assertion | CodeProblem:
        """What the source says of the person whose code this is; raises Refusal for what it has against them."""

    @as_step
    def begin(self, context: Context, request: LoginRequest) -> Step:  # noqa: ARG002 - nothing is asked before a number
        return self._ask_number()

    @as_step
    def resume(self, context: Context, state: bytes, answer: Input) -> Step:
        # Only a form of ours brings a number or a code: in an address either would stay in logs and histories.
        typed = parameters(answer) if answer.method == "POST" else {}
        remembered = json.loads(state)
        if not remembered:
            return self._at_number(context, typed, answer.network)
        sent = _Sent(**remembered)
        if typed.get("decision") == "resend":
            return self._send(context, sent.number, answer.network)
        return self._at_code(context, sent, typed, answer.network)

    # --- the number

    def _at_number(self, context: Context, typed: Mapping[str, str], network: str) -> Step:
        text = typed.get("number", "").translate(_SEPARATORS)
        if not text:
            return self._ask_number("problem.empty")
        number = self.read_number(text)
        if number is None:
            return self._ask_number("problem.not_a_number")
        return self._send(context, number, network)

    def _ask_number(self, problem_id: str | None = None) -> Ask:
        field = Field(name="number", label_id=self.number_label_id, numeric=True)
        return Ask(fields=(field,), state=_AT_NUMBER, problem_id=problem_id)

    def _send(self, context: Context, number: str, network: str) -> Step:
        """Whatever is known of the number, the same calls are made in the same order, and the same page follows."""
        guard = self._guard(context)
        guard.code_wanted(number, network)
        found = self.recipient(context, number)
        may_ring = guard.phone_may_ring(number if found is None else found.phone)
        expected = found is not None and may_ring
        sent = _Sent(
            number=number,
            reference=found.reference if found is not None and expected else context.fresh_value(),
            person=number if found is None else found.person,
            ending=_invented_ending(guard, number) if found is None else found.ending,
            sent_at=context.now().timestamp(),
            expected=expected,
        )
        self.send(context, sent.reference)
        return self._ask_code(sent)

    # --- the code

    def _at_code(self, context: Context, sent: _Sent, typed: Mapping[str, str], network: str) -> Step:
        code = typed.get("code", "").translate(_SEPARATORS)
        if not code:
            return self._ask_code(sent, "problem.empty")
        if context.now().timestamp() - sent.sent_at > self.code_seconds:
            return self._ask_code(sent, "problem.expired_code")
        if not CODE.fullmatch(code):
            return self._ask_code(sent, "problem.wrong_code")
        return self._redeemed(context, sent, code, network)

    def _redeemed(self, context: Context, sent: _Sent, code: str, network: str) -> Step:
        guard = self._guard(context)
        guard.code_tried(sent.reference, sent.number, network)
        may_try = guard.person_may_be_tried(sent.person)
        outcome = self.redeem(context, sent.number, sent.reference if may_try else context.fresh_value(), code)
        if not (sent.expected and may_try):
            outcome = CodeProblem.WRONG  # whatever the source says of a reference that is nobody's
        if outcome is CodeProblem.USED:
            raise Refusal(Failure.REPLAYED, "the code was used before")
        if isinstance(outcome, CodeProblem):
            return self._ask_code(sent, f"problem.{outcome}_code")
        if not context.spend(f"one-time code\n{sent.reference}", 2 * self.code_seconds):
            raise Refusal(Failure.REPLAYED, "the code was accepted before")
        return Done(assertion=outcome)

    def _ask_code(self, sent: _Sent, problem_id: str | None = None) -> Ask:
        return Ask(
            fields=(_CODE_FIELD,),
            state=json.dumps(asdict(sent), separators=(",", ":")).encode(),
            note_id="note.code_sent",
            note_values=(("phone", sent.ending),),
            problem_id=problem_id,
        )

    def _guard(self, context: Context) -> Guard:
        return Guard(context, self.limits, self.limits_key(context))


def _invented_ending(guard: Guard, number: str) -> str:
    """The ending of a telephone that does not exist: always the same for the number, else asking twice would tell."""
    lot = int.from_bytes(guard.hidden("invented ending", number)[:8], "big")
    return f"{lot % 10**ENDING_DIGITS:0{ENDING_DIGITS}}"
