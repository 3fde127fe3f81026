"""Banks: customers known by identity papers, compared with the chip of the card or with VNeID since 2025.

One kind, many banks by configuration. The profile is strict: PAR, private_key_jwt and PKCE. A bank vouches for who
somebody is up to level 2 (Circular 17/2024/TT-NHNN), and gives no account data.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Failure, Kind
from connectors.claims import Claims, Person
from connectors.configuration import Level
from connectors.openid.configuration import OpenIdConnectConfiguration
from connectors.openid.sign_in import OpenIdConnect
from connectors.profile import Profile


class BankingClaims(BaseModel):
    """What a bank calls the claims."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    personal_number: str = "national_id"
    former_number: str = "old_national_id"
    name: str = "name"
    birth_date: str = "birthdate"
    sex: str = "gender"
    phone: str = "phone_number"
    email: str = "email"
    phone_verified: str = "phone_number_verified"
    email_verified: str = "email_verified"


class BankingConfiguration(OpenIdConnectConfiguration):
    client_auth: Literal["private_key_jwt"] = "private_key_jwt"
    par: Literal["required"] = "required"
    pkce: Literal[True] = True
    nonce: Literal[True] = True
    scopes: tuple[str, ...] = ("openid", "profile", "email", "phone")
    acr_values: dict[Level, str] = Field({1: "bank:pwd", 2: "bank:otp"})
    acr_levels: dict[str, Level] = Field({"bank:pwd": 1, "bank:otp": 2})
    error_map: dict[str, Failure] = Field({"account_locked": Failure.ACCOUNT_LOCKED})
    proofing: Literal[1, 2] = Field(2, description="how sure the bank is of its customers; 2 since Circular 17/2024")
    claims: BankingClaims = BankingClaims()


class Banking(OpenIdConnect[BankingConfiguration]):
    def person(self, claims: Claims, acr_level: int) -> Person:
        names = self.configuration.claims
        return Person(
            name=claims.name(names.name),
            proofing=self.configuration.proofing,
            authentication=acr_level,
            identifiers=claims.identifiers(names.personal_number, names.former_number),
            birth_date=claims.birth_date(names.birth_date),
            sex=claims.sex(names.sex),
            email=claims.email(names.email),
            phone=claims.text(names.phone),
            profile=Profile(
                email_verified=claims.says_so(names.email_verified), phone_verified=claims.says_so(names.phone_verified)
            ),
        )


KIND = Kind(name="banking", configuration=BankingConfiguration, connector=Banking, ceiling=2)
