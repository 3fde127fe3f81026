"""The population register's own sign-in, in the likeness of VNeID, with its habits.

It authenticates us by a secret in the body, its codes hold a raw `+`, and it tells two levels: of the account (how the
person was proofed, 1 or 2: Decree 69/2024/ND-CP) and of the sign-in (1 to 4). An account of level 1 was opened from
data alone, one of level 2 before an official with face and fingerprints, so they count as proofing 1 and 3. A level
that is missing or unknown counts as 1.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Failure, Kind
from connectors.claims import Claims, Person
from connectors.configuration import Level
from connectors.openid.client_authentication import Method
from connectors.openid.configuration import OpenIdConnectConfiguration
from connectors.openid.sign_in import OpenIdConnect

HIGHEST_AUTHENTICATION_LEVEL = 4


class PopulationClaims(BaseModel):
    """What the register calls the claims; the parts of a name and of a place lie inside claims of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    personal_number: str = "citizenPid"
    former_number: str = "formerIdentityNumber"
    name: str = "fullName"
    name_parts: str = "nameParts"
    family_name: str = "ho"
    middle_name: str = "chuDem"
    given_name: str = "ten"
    birth_date: str = "birthDate"
    sex: str = "gender"
    birth_place: str = "placeOfBirthRegistration"
    birth_place_name: str = "name"
    account_level: str = "accountLevel"
    authentication_level: str = "authenticationLevel"


class PopulationConfiguration(OpenIdConnectConfiguration):
    client_auth: Method = "client_secret_post"
    raw_code: bool = True
    acr_values: dict[Level, str] = Field({1: "level1", 2: "level2", 3: "level3", 4: "level4"})
    error_map: dict[str, Failure] = Field(
        {"account_locked": Failure.ACCOUNT_LOCKED, "person_deceased": Failure.DECEASED}
    )
    proofing: dict[int, Level] = Field({1: 1, 2: 3}, description="what each level of an account is worth")
    claims: PopulationClaims = PopulationClaims()


class Population(OpenIdConnect[PopulationConfiguration]):
    def person(self, claims: Claims, acr_level: int) -> Person:
        names, proofing = self.configuration.claims, self.configuration.proofing
        parts = claims.part(names.name_parts)
        account = claims.level(names.account_level, max(proofing, default=0))
        return Person(
            name=claims.name(
                names.name,
                {
                    "family": parts.text(names.family_name),
                    "middle": parts.text(names.middle_name),
                    "given": parts.text(names.given_name),
                },
            ),
            proofing=proofing.get(account or 0, 1),
            authentication=claims.level(names.authentication_level, HIGHEST_AUTHENTICATION_LEVEL) or acr_level,
            identifiers=claims.identifiers(names.personal_number, names.former_number),
            birth_date=claims.birth_date(names.birth_date),
            sex=claims.sex(names.sex),
            birth_place=claims.part(names.birth_place).text(names.birth_place_name),
        )


KIND = Kind(name="population", configuration=PopulationConfiguration, connector=Population, ceiling=3)
