"""The tax office's sign-in, by SAML 2.0: which tax code belongs to which personal number.

A citizen's personal number is their tax code since July 2025 (Circular 86/2024/TT-BTC); codes of ten digits from before
are told by accounts that have not been brought together yet. Names come in capitals, and of some people a year of
birth, or a former number, is all that is on file. The office vouches up to level 2.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.answers import Refusal
from connectors.base import Failure, Identifier, IdentifierType, Kind
from connectors.claims import Claims, Person
from connectors.configuration import Level
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.sign_in import Saml

PASSWORD_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
TWO_FACTOR_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"
STATUS_PREFIX = "urn:x-tax:status:"

# Ten digits; with three more, a dependent unit's; twelve, a person's since July 2025 (Circular 86/2024/TT-BTC).
PERSONAL_DIGITS = 12
_TAX_CODE = re.compile(r"[0-9]{10}(-?[0-9]{3})?|[0-9]{12}")


class TaxAttributes(BaseModel):
    """What the office calls the attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tax_code: str = "maSoThue"
    personal_number: str = "soDinhDanh"
    former_number: str = "soCmnd"
    name: str = "hoTen"
    birth_date: str = "ngaySinh"
    sex: str = "gioiTinh"
    phone: str = "dienThoai"
    email: str = "email"


class TaxConfiguration(SamlConfiguration):
    context_classes: dict[Level, str] = Field({1: PASSWORD_CLASS, 2: TWO_FACTOR_CLASS})
    context_levels: dict[str, Level] = Field({PASSWORD_CLASS: 1, TWO_FACTOR_CLASS: 2})
    context_means: dict[str, tuple[str, ...]] = Field({PASSWORD_CLASS: ("pwd",), TWO_FACTOR_CLASS: ("pwd", "otp")})
    status_failures: dict[str, Failure] = Field(
        {
            f"{STATUS_PREFIX}cancelled": Failure.CANCELLED,
            f"{STATUS_PREFIX}locked": Failure.ACCOUNT_LOCKED,
            f"{STATUS_PREFIX}deceased": Failure.DECEASED,
        }
    )
    proofing: Literal[1, 2] = Field(2, description="how sure the office is of its taxpayers")
    attributes: TaxAttributes = TaxAttributes()


class Tax(Saml[TaxConfiguration]):
    def person(self, claims: Claims, context_level: int) -> Person:
        names = self.configuration.attributes
        code = _tax_code(claims, names.tax_code)
        return Person(
            name=claims.name(names.name),
            proofing=self.configuration.proofing,
            authentication=context_level,
            identifiers=(code, *self._numbers(claims, code)),
            birth_date=claims.birth_date(names.birth_date),
            sex=claims.sex(names.sex),
            email=claims.email(names.email),
            phone=claims.text(names.phone),
        )

    def _numbers(self, claims: Claims, code: Identifier) -> tuple[Identifier, ...]:
        """The numbers beside the tax code: none have to be, where that is the personal number (since July 2025)."""
        names = self.configuration.attributes
        sent = claims.text(names.personal_number) or claims.text(names.former_number)
        if sent is None and len(code.value) == PERSONAL_DIGITS:
            return ()
        return claims.identifiers(names.personal_number, names.former_number)


def _tax_code(claims: Claims, attribute: str) -> Identifier:
    value = claims.text(attribute)
    if value is None or not _TAX_CODE.fullmatch(value) or not value.strip("0"):
        raise Refusal(Failure.INCOMPLETE, f"the source did not send a tax code in {attribute}")
    return Identifier(type=IdentifierType.TAX_CODE, value=value)


KIND = Kind(name="tax", configuration=TaxConfiguration, connector=Tax, ceiling=2)
