"""The population register's sign-in, in the likeness of VNeID: OpenID Connect with habits of its own.

- The token endpoint takes only `application/x-www-form-urlencoded` (JSON gets 415), with the client's secret in it.
- A code holds a raw `+`, sent back as it is: whoever reads it as a space loses it.
- Claims have the register's names; levels are numbers on two axes, of the account and of the sign-in.
"""

from __future__ import annotations

import secrets
from typing import Any

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import register_record
from connectors.sandbox.source import Account, Level, SignIn, Source

LEVEL_LIMIT_OF_LOW_ACCOUNT = 2  # an account of level 1 was never proofed in person: nothing to compare a face with


class Register(Source):
    kind = "population"
    signing_algorithm = "RS256"
    client_authentication = "client_secret_post"
    requires_par = False
    requires_pkce = False
    levels = (
        Level(number=1, acr="level1", means=("pwd",)),
        Level(number=2, acr="level2", means=("pwd", "otp")),
        Level(number=3, acr="level3", means=("pwd", "otp", "face")),
        Level(number=4, acr="level4", means=("pwd", "otp", "face", "fpt")),
    )
    claims_supported = (
        "sub", "auth_time", "accountLevel", "authenticationLevel", "citizenPid", "fullName", "nameParts", "birthDate",
        "gender", "placeOfBirthRegistration", "formerIdentityNumber",
    )  # fmt: skip

    def account(self, citizen: Citizen) -> Account:
        usual = super().account(citizen)
        return Account(
            exists=citizen.in_register,
            refusal="person_deceased" if citizen.deceased else usual.refusal,
            highest_level=usual.highest_level if citizen.account_level >= 2 else LEVEL_LIMIT_OF_LOW_ACCOUNT,
        )

    def new_code(self) -> str:
        return f"{secrets.token_hex(12)}+{secrets.token_hex(12)}+"

    def id_token_claims(self, sign_in: SignIn) -> dict[str, Any]:
        return {"auth_time": sign_in.auth_time, "sid": sign_in.session_id, **_levels(sign_in)}

    def userinfo_claims(self, sign_in: SignIn) -> dict[str, Any]:
        record = register_record(sign_in.citizen, seed=self.settings.seed)
        claims: dict[str, Any] = {
            "citizenPid": record.personal_number,
            "fullName": record.full_name,
            "nameParts": {"ho": record.family, "chuDem": record.middle, "ten": record.given},
            "birthDate": record.birth_date,
            "gender": "Nam" if record.sex == "male" else "Nữ",
            "placeOfBirthRegistration": {"code": record.place_code, "name": record.place},
            **_levels(sign_in),
        }
        return claims if record.former_number is None else {**claims, "formerIdentityNumber": record.former_number}

    def lower(self, claims: dict[str, Any]) -> None:
        claims["authenticationLevel"] = 1


def _levels(sign_in: SignIn) -> dict[str, Any]:
    return {"accountLevel": sign_in.citizen.account_level, "authenticationLevel": sign_in.level}
