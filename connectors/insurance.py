"""Social insurance: the gateway as a register that can be asked, and as a sign-in by a one-time code.

The register's operation, `KQNhanLichSuKCB`, is the gateway's own: a number, a name and a birth date go in, and a code
in `maKetQua` says whether they belong together. It also returns where somebody was treated: that is never read.

The sign-in is our addition to the contract, in the gateway's style and in both its versions; nobody but our own
simulator offers it yet:

    TimNoiNhanMa      maThe                  -> maGiaoDich, maSoBHXH, maSdt, sdtChe: whose telephone; nothing is sent
    GuiMaXacThuc      maGiaoDich             -> the code is sent
    KiemTraMaXacThuc  maGiaoDich, maXacThuc  -> hoTen, ngaySinh, gioiTinh, maSoBHXH, soCCCD

`maSdt` is an opaque, stable name of the telephone, `sdtChe` shows its last digits. A code is good for one use and for
longer than `code_seconds`, and the gateway allows more tries at one code than `limits.tries_per_code`, so that it is
always us who refuse, alike for everybody. What somebody proves this way is that they hold a telephone: level 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar, Literal

from pydantic import Field

from connectors.answers import Refusal, context_secret
from connectors.base import (
    Assertion,
    BirthDate,
    Check,
    Context,
    Failed,
    Failure,
    Identifier,
    IdentifierType,
    Kind,
)
from connectors.claims import Claims
from connectors.insurance_gateway import OK, Gateway, GatewayConfiguration, Reply
from connectors.otp.limits import Limits
from connectors.otp.sign_in import ENDING_DIGITS, CodeProblem, OneTimePassword, Recipient
from connectors.registers import Agreement, Pivot, Verdict

HISTORY, RECIPIENT, SEND, REDEEM = "KQNhanLichSuKCB", "TimNoiNhanMa", "GuiMaXacThuc", "KiemTraMaXacThuc"

# What `maKetQua` of the history says of number, name and birth date; the gateway's own table, as far as it is known.
# A card that is out of use says nothing about whose it is, so that it is neither a yes nor a no.
AGREEMENTS: Mapping[str, Agreement] = {
    OK: Agreement.AGREES,
    "003": Agreement.AGREES,  # an old card, out of use, and a new one
    "004": Agreement.AGREES,  # an old card, still good, and a new one
    **dict.fromkeys(("060", "061", "070", "080"), Agreement.DIFFERS),  # name, name but for its first letter, date, sex
    **dict.fromkeys(("050", "051", "052", "053"), Agreement.UNKNOWN),
}
CANNOT_TELL = frozenset({"001", "002", "010", "090", "110", "120", "121", "122", "123", "124", "130"})

# Of our own operations. Whoever is locked, has died or has no telephone gets no code, and hears of none of it here.
NOBODY_TO_SEND_TO = frozenset({"050", "051", "052", "053", "920", "931", "932"})
UNKNOWN_TRANSACTION = "921"
_CODE_PROBLEMS: Mapping[str, CodeProblem] = {
    UNKNOWN_TRANSACTION: CodeProblem.WRONG,
    "922": CodeProblem.WRONG,
    "923": CodeProblem.EXPIRED,
    "924": CodeProblem.USED,
}
_AGAINST_PERSON: Mapping[str, Failure] = {
    "925": Failure.TOO_OFTEN,
    "931": Failure.ACCOUNT_LOCKED,
    "932": Failure.DECEASED,
}

_PERSONAL_NUMBER = re.compile(r"[0-9]{12}", re.ASCII)
_INSURANCE_NUMBER = re.compile(r"[0-9]{10}", re.ASCII)
_MASKED = re.compile(rf"[^0-9]{{1,20}}([0-9]{{{ENDING_DIGITS}}})")
_REFERENCE = re.compile(r"[!-~]{8,200}")
_ASKED_BY = frozenset(
    {
        IdentifierType.PERSONAL_NUMBER,
        IdentifierType.FORMER_NUMBER,
        IdentifierType.INSURANCE_NUMBER,
        IdentifierType.HEALTH_CARD,
    }
)


class InsuranceConfiguration(GatewayConfiguration):
    proofing: Literal[1, 2] = Field(
        1, description="how sure the insurer is of its members; 2 where its records agree with the population register"
    )
    code_seconds: int = Field(180, ge=60, le=600, description="how long a code is taken after it was sent")
    limits: Limits = Limits()


class Insurance(OneTimePassword):
    number_label_id: ClassVar[str] = "field.insurance_or_personal_number"

    def __init__(self, configuration: InsuranceConfiguration) -> None:
        self.configuration = configuration
        self.limits = configuration.limits
        self.code_seconds = configuration.code_seconds
        self.gateway = Gateway(configuration)

    # --- signing in

    def read_number(self, typed: str) -> str | None:
        fits = _INSURANCE_NUMBER.fullmatch(typed) or _PERSONAL_NUMBER.fullmatch(typed)
        return typed if fits else None

    def limits_key(self, context: Context) -> bytes:
        """A secret of its own if there is one: with the password, counts and invented endings would change too."""
        with suppress(KeyError):
            return context.secret("limits_key").encode()
        return context_secret(context, "password").encode()

    def recipient(self, context: Context, number: str) -> Recipient | None:
        reply = self.gateway.ask(context, RECIPIENT, {"maThe": number}, idempotent=True)
        if reply.code in NOBODY_TO_SEND_TO:
            return None
        if reply.code != OK:
            raise _unknown_code(RECIPIENT, reply)
        claims = Claims(reply.values, context)
        reference, person, phone, masked = map(claims.text, ("maGiaoDich", "maSoBHXH", "maSdt", "sdtChe"))
        ending = _MASKED.fullmatch(masked or "")
        if not reference or not person or not phone or ending is None:
            raise Refusal(Failure.INCOMPLETE, f"{RECIPIENT} does not say where a code would go")
        if not _REFERENCE.fullmatch(reference):
            raise Refusal(Failure.BROKEN_ANSWER, f"{RECIPIENT} names a transaction that cannot be sent back")
        return Recipient(reference=reference, person=person, phone=phone, ending=ending[1])

    def send(self, context: Context, reference: str) -> None:
        reply = self.gateway.ask(context, SEND, {"maGiaoDich": reference}, idempotent=False)
        if reply.code not in (OK, UNKNOWN_TRANSACTION):
            raise _unknown_code(SEND, reply)

    def redeem(self, context: Context, number: str, reference: str, code: str) -> Assertion | CodeProblem:
        values = {"maGiaoDich": reference, "maXacThuc": code}
        reply = self.gateway.ask(context, REDEEM, values, idempotent=False)
        if reply.code in _CODE_PROBLEMS:
            return _CODE_PROBLEMS[reply.code]
        if reply.code in _AGAINST_PERSON:
            raise Refusal(_AGAINST_PERSON[reply.code], f"{REDEEM} answered {reply.code}")
        if reply.code != OK:
            raise _unknown_code(REDEEM, reply)
        # What is said of a person is the same every time; the transaction makes it evidence of this one sign-in.
        evidence = hashlib.sha256(reply.evidence + reference.encode()).digest()
        return self._assertion(context, number, reply, evidence)

    def _assertion(self, context: Context, number: str, reply: Reply, evidence: bytes) -> Assertion:
        claims = Claims(reply.values, context)
        identifiers = _identifiers(claims)
        insured = [one.value for one in identifiers if one.type is IdentifierType.INSURANCE_NUMBER]
        if not insured:
            raise Refusal(Failure.INCOMPLETE, "the gateway did not send maSoBHXH")
        _insist_on(number, identifiers, "the sign-in")
        return Assertion(
            issuer=self.configuration.address,
            subject=insured[0],
            name=claims.name("hoTen"),
            proofing=self.configuration.proofing,
            authentication=1,  # a telephone number was written down once; who holds it now, nobody has looked
            auth_time=context.now(),
            means=("otp", "sms"),
            evidence=evidence,
            identifiers=identifiers,
            birth_date=claims.birth_date("ngaySinh"),
            sex=claims.sex("gioiTinh"),
        )

    # --- besides signing in

    def verify(self, context: Context, pivot: Pivot) -> Verdict | Failed:
        """What the gateway says of these details (`connectors.registers.Verifier`); it never says who is alive."""
        try:
            return self._verdict(context, pivot)
        except Refusal as refusal:
            return refusal.as_failed()

    def _verdict(self, context: Context, pivot: Pivot) -> Verdict:
        if pivot.identifier.type not in _ASKED_BY:
            raise Refusal(Failure.REFUSED, "the gateway knows no numbers of this type")
        if pivot.birth_date is None:
            raise Refusal(Failure.INCOMPLETE, "the gateway is not asked without a birth date")
        values = self.history_values(context, pivot.identifier.value, pivot.name.full, pivot.birth_date)
        reply = self.gateway.ask(context, HISTORY, values, idempotent=True)
        if reply.code in CANNOT_TELL:
            raise Refusal(Failure.REFUSED, f"{HISTORY} answered {reply.code}")
        if reply.code not in AGREEMENTS:
            raise _unknown_code(HISTORY, reply)
        agreement = AGREEMENTS[reply.code]
        aliases = self._aliases(context, pivot.identifier, reply) if agreement is Agreement.AGREES else ()
        return Verdict(
            agreement=agreement, alive=None, at=context.now(), evidence=reply.evidence, aliases=aliases,
        )  # fmt: skip

    def history_values(self, context: Context, number: str, name: str, born: BirthDate) -> dict[str, str]:
        return {
            "maThe": number,
            "hoTen": name,
            "ngaySinh": _as_the_gateway_writes(born),
            "hoTenCb": self.configuration.official_name,
            "cccdCb": context_secret(context, "official_number"),
        }

    def _aliases(self, context: Context, asked: Identifier, reply: Reply) -> tuple[Identifier, ...]:
        claims = Claims(reply.values, context)
        numbers = _identifiers(claims)
        card = claims.text("maThe") if asked.type is IdentifierType.HEALTH_CARD else None
        cards = () if card is None else (Identifier(type=IdentifierType.HEALTH_CARD, value=card),)
        _insist_on(asked.value, (*numbers, *cards), HISTORY)
        return tuple(one for one in numbers if one.value != asked.value)

    def checks(self, context: Context) -> list[Check]:
        from connectors.insurance_checks import run_checks

        return run_checks(context, self)


def _identifiers(claims: Claims) -> tuple[Identifier, ...]:
    """The numbers in an answer. `soCCCD` holds an old card's nine digits where nobody ever brought a new one."""
    found: list[Identifier] = []
    insurance_number = claims.text("maSoBHXH")
    if insurance_number is not None:
        # Ten digits, or since August 2025 the personal number in its place.
        fits = _INSURANCE_NUMBER.fullmatch(insurance_number) or _PERSONAL_NUMBER.fullmatch(insurance_number)
        if fits is None:
            raise Refusal(Failure.BROKEN_ANSWER, "maSoBHXH is not a number")
        found.append(Identifier(type=IdentifierType.INSURANCE_NUMBER, value=insurance_number))
    if claims.text("soCCCD") is not None:
        with suppress(Refusal):  # an unreadable one is noted, and is as good as none
            found.extend(claims.identifiers("soCCCD", ""))
    return tuple(found)


def _insist_on(number: str, identifiers: tuple[Identifier, ...], what: str) -> None:
    """Raises Refusal where the answer is about nobody, or about somebody else than was asked for."""
    if not identifiers:
        raise Refusal(Failure.INCOMPLETE, f"{what} names no number")
    if number not in [one.value for one in identifiers]:
        raise Refusal(Failure.WRONG_NONCE, f"{what} tells of somebody else")


def _as_the_gateway_writes(born: BirthDate) -> str:
    """`20/02/1979`, `02/1979` or `1979`, as much as is known."""
    parts = [f"{part:02}" for part in (born.day, born.month) if part is not None]
    return "/".join([*parts, f"{born.year:04}"])


def _unknown_code(operation: str, reply: Reply) -> Refusal:
    return Refusal(Failure.BROKEN_ANSWER, f"{operation} answered {reply.code}, which is in no table")


KIND = Kind(name="insurance", configuration=InsuranceConfiguration, connector=Insurance, ceiling=1)
