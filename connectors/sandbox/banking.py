"""A bank that signs its customers in for others: strict OpenID Connect, and a customer file with a file's errors.

PAR (RFC 9126), private_key_jwt (RFC 7523) and PKCE with S256 (RFC 7636) are required; id_tokens are ES256.
"""

from __future__ import annotations

from typing import Any

from connectors.sandbox.citizen import Citizen
from connectors.sandbox.copies import BankRecord, bank_record
from connectors.sandbox.source import Level, SignIn, Source


class Banking(Source):
    kind = "banking"
    signing_algorithm = "ES256"
    client_authentication = "private_key_jwt"
    requires_par = True
    requires_pkce = True
    levels = (
        Level(number=1, acr="bank:pwd", means=("pwd",)),
        Level(number=2, acr="bank:otp", means=("pwd", "otp")),
        # Compared with the chip of the identity card, as banks must since 2025 (Circular 17/2024/TT-NHNN).
        Level(number=3, acr="bank:face", means=("pwd", "otp", "face")),
    )
    claims_supported = (
        "sub", "acr", "amr", "auth_time", "sid", "name", "gender", "birthdate", "national_id", "old_national_id",
        "phone_number", "phone_number_verified", "email", "email_verified",
    )  # fmt: skip

    def subject(self, citizen: Citizen) -> str:
        return self._record(citizen).customer_number

    def id_token_claims(self, sign_in: SignIn) -> dict[str, Any]:
        level, record = self.level(sign_in.level), self._record(sign_in.citizen)
        signing_in = {"acr": level.acr, "amr": list(level.means), "auth_time": sign_in.auth_time}
        return {**signing_in, "sid": sign_in.session_id, **_identity(record)}

    def userinfo_claims(self, sign_in: SignIn) -> dict[str, Any]:
        record = self._record(sign_in.citizen)
        contact: dict[str, Any] = {"phone_number": record.phone, "phone_number_verified": True}
        if record.email is not None:
            contact |= {"email": record.email, "email_verified": False}
        return {**_identity(record), **contact}

    def lower(self, claims: dict[str, Any]) -> None:
        if "acr" in claims:
            claims |= {"acr": self.levels[0].acr, "amr": list(self.levels[0].means)}

    def _record(self, citizen: Citizen) -> BankRecord:
        stranger = self.population.citizens[(citizen.index * 7 + 13) % len(self.population)]
        return bank_record(
            citizen,
            seed=self.settings.seed,
            source=self.settings.name,
            strangers_number=stranger.personal_number,
        )


def _identity(record: BankRecord) -> dict[str, Any]:
    claims = {"name": record.name, "gender": record.sex, "birthdate": record.birth_date}
    numbers = {"national_id": record.national_id, "old_national_id": record.old_national_id}
    return {**claims, **{name: number for name, number in numbers.items() if number is not None}}
