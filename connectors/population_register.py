"""The population register as verifier: asked behind X-Road whether a person exists, agrees and is alive.

It asserts nothing, so it has no level of its own. Two operations can be configured: `XacThucThongTinCongDan` answers
yes or no and is preferred, since we then learn nothing that we do not have; `TraCuuThongTinCongDan` gives the whole
person, who is compared here and forgotten. One never stands in for the other. The change feed is an operation of ours
in the same style.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal

from lxml import etree
from lxml.etree import _Element
from pydantic import Field, field_validator

from connectors import population_answers
from connectors.answers import Refusal
from connectors.base import (
    BirthDate,
    Check,
    Context,
    Failed,
    Failure,
    Identifier,
    IdentifierType,
    Kind,
    Name,
    OutboundError,
)
from connectors.registers import Agreement, Changes, Pivot, Verdict
from connectors.xroad.checks import run_checks
from connectors.xroad.messages import XRoadConfiguration, ask_soap, pseudonym

REQUESTS = "http://dancuquocgia.bca"
VERIFY: Literal["XacThucThongTinCongDan"] = "XacThucThongTinCongDan"
CHANGES = "TraCuuBienDong"
CEILING = 4  # of nothing: a verifier asserts no sign-in, and an operator must not have to think of a level for it

_NUMBERS = {IdentifierType.PERSONAL_NUMBER: "SoDinhDanh", IdentifierType.FORMER_NUMBER: "SoCMND"}
_ANYBODY = re.compile(r"[0-9]{12}")
_NOBODY = Pivot(  # no province has 000
    identifier=Identifier(type=IdentifierType.PERSONAL_NUMBER, value="000000000000"),
    name=Name(full="Không Có Ai"),
    birth_date=BirthDate(year=1970, month=1, day=1, as_sent="19700101"),
)


class PopulationRegisterConfiguration(XRoadConfiguration):
    operation: Literal["XacThucThongTinCongDan", "TraCuuThongTinCongDan"] = Field(
        VERIFY, description="the yes/no form, or the look-up where the agreement has no other"
    )
    integration_code: str = Field("037", max_length=20, description="MaTichHop")
    procedure: str = Field("", max_length=60, description="MaDVC: the public service that we ask for")
    official: str = Field(min_length=1, max_length=60, description="MaCanBo: who asks; an account, not a person")
    unit: str = Field(min_length=1, max_length=60, description="MaDonVi: the unit that asks")
    account: str = Field(min_length=1, max_length=60, description="TaiKhoan")
    page_size: int = Field(200, ge=1, le=500, description="changes asked for at a time")

    @field_validator("official", "unit", "account", "procedure", "integration_code")
    @classmethod
    def _is_printable(cls, value: str) -> str:
        if value and not value.isprintable():
            raise ValueError("must be printable")
        if _ANYBODY.fullmatch(value):
            raise ValueError("must not be a personal number")
        return value


class PopulationRegister:
    def __init__(self, configuration: PopulationRegisterConfiguration) -> None:
        self.configuration = configuration

    # --- Verifier

    def verify(self, context: Context, pivot: Pivot) -> Verdict | Failed:
        """Whether the register knows this person by these details; what it says otherwise is `Failed`."""
        operation = self.configuration.operation
        try:
            user = pseudonym(context, f"{pivot.identifier.type} {pivot.identifier.value}")
            body, evidence = self._asked(context, operation, user, _details(pivot))
            if operation == VERIFY:
                read, found = population_answers.read_verification, "KetQuaXacThuc"
            else:
                read, found = population_answers.read_lookup, "CongdanCollection"
            about_person = population_answers.inside(body, operation, found)
        except (Refusal, OutboundError) as problem:
            return problem.as_failed()
        try:
            return read(context, about_person, pivot, evidence)
        except Refusal as problem:
            # The register works, and what it has on this one person makes no sense: no reason to call it broken.
            unlikely = problem.failure is Failure.BROKEN_ANSWER
            return Failed(failure=Failure.CONTRADICTORY if unlikely else problem.failure, detail=problem.detail)

    # --- ReportsChanges

    def changes(self, context: Context, after: str) -> Changes | Failed:
        """What happened after the cursor, which is a whole number; "" is the beginning."""
        cursor, limit = after or "0", self.configuration.page_size
        try:
            if not population_answers.CURSOR.fullmatch(cursor):
                raise Refusal(Failure.MISCONFIGURED, "the cursor is none of this register's")
            details = [_element("ViTri", cursor), _element("SoLuong", str(limit))]
            body, _ = self._asked(context, CHANGES, "VN-system", details)
            feed = population_answers.inside(body, CHANGES, "DanhSachBienDong")
            return population_answers.read_changes(feed, cursor, limit)
        except (Refusal, OutboundError) as problem:
            return problem.as_failed()

    # --- Checkable

    def checks(self, context: Context) -> list[Check]:
        """Our credentials, its clock and its speed, tried on a number that nobody has, and on an empty page."""

        def about_nobody(watched: Context) -> str | None:
            verdict = self.verify(watched, _NOBODY)
            if isinstance(verdict, Failed):
                return f"{verdict.failure.value}: {verdict.detail}"
            return None if verdict.agreement is Agreement.UNKNOWN else "it knows somebody by a number that nobody has"

        def feed(watched: Context) -> str | None:
            page = self.changes(watched, "")
            return f"{page.failure.value}: {page.detail}" if isinstance(page, Failed) else None

        return run_checks(context, self.configuration.address, {"answers": about_nobody, "change feed": feed})

    def _asked(self, context: Context, operation: str, user: str, details: list[_Element]) -> tuple[_Element, bytes]:
        configuration, message_id = self.configuration, context.fresh_value()
        body = etree.Element(f"{{{REQUESTS}}}{operation}", nsmap={"bca": REQUESTS})
        told = {
            "MaYeuCau": message_id,
            "MaDVC": configuration.procedure,
            "MaTichHop": configuration.integration_code,
            "MaCanBo": configuration.official,
            "MaDonVi": configuration.unit,
            "TaiKhoan": configuration.account,
        }
        body.extend([_element(name, value) for name, value in told.items()] + details)
        answer, sent = ask_soap(context, configuration, body, user, message_id)
        return answer, hashlib.sha256(sent).digest()


def _details(pivot: Pivot) -> list[_Element]:
    """The person, as both operations ask for them: the register itself compares, so it needs all three."""
    number = _NUMBERS.get(pivot.identifier.type)
    if number is None or pivot.birth_date is None:
        raise Refusal(Failure.INCOMPLETE, "the register is asked with a personal or former number and a birth date")
    born = pivot.birth_date
    date = etree.Element(f"{{{REQUESTS}}}NgayThangNamSinh")
    if born.month is None or born.day is None:
        date.append(_element("Nam", f"{born.year:04}"))
    else:
        date.append(_element("NgayThangNam", f"{born.year:04}{born.month:02}{born.day:02}"))
    try:
        name = _element("HoVaTen", unicodedata.normalize("NFC", pivot.name.full))
    except ValueError:
        raise Refusal(Failure.INCOMPLETE, "the name has a character that XML cannot hold") from None
    return [_element(number, pivot.identifier.value), name, date]


def _element(name: str, value: str) -> _Element:
    element = etree.Element(f"{{{REQUESTS}}}{name}")
    element.text = value
    return element


KIND = Kind(
    name="population_register",
    configuration=PopulationRegisterConfiguration,
    connector=PopulationRegister,
    ceiling=CEILING,
)
