"""What a person is shown before a portal may read it: every claim by a name that people use, each once."""

from __future__ import annotations

from collections.abc import Mapping

from idp.people.claims import ClaimValue
from idp.web.pages import ClaimLine
from idp.web.words import ClaimLabel

_LABELS: dict[str, ClaimLabel] = {
    "name": ClaimLabel.NAME,
    "family_name": ClaimLabel.FAMILY_NAME,
    "middle_name": ClaimLabel.MIDDLE_NAME,
    "given_name": ClaimLabel.GIVEN_NAME,
    "birthdate": ClaimLabel.BIRTHDATE,
    "gender": ClaimLabel.GENDER,
    "email": ClaimLabel.EMAIL,
    "phone_number": ClaimLabel.PHONE_NUMBER,
    "personal_number": ClaimLabel.PERSONAL_NUMBER,
    "HoVaTen": ClaimLabel.NAME,
    "SoDinhDanh": ClaimLabel.PERSONAL_NUMBER,
    "SoCMND": ClaimLabel.FORMER_NUMBER,
    "NgayThangNamSinh": ClaimLabel.BIRTHDATE,
    "ThuDienTu": ClaimLabel.EMAIL,
    "SoDienThoai": ClaimLabel.PHONE_NUMBER,
}
# Facts about the sign-in or about other claims, not about the person: true of everybody who comes here.
UNTOLD = frozenset(
    {"updated_at", "email_verified", "phone_number_verified", "LoaiTaiKhoan", "TechID", "loAs", "loginIdp"}
)
_MASKED = frozenset({ClaimLabel.PERSONAL_NUMBER, ClaimLabel.FORMER_NUMBER})


def lines_to_tell(values: Mapping[str, ClaimValue]) -> tuple[ClaimLine, ...]:
    """A line for each thing that the portal learns; a claim under two names is one line."""
    lines: dict[ClaimLabel, ClaimLine] = {}
    for name, value in values.items():
        if name in UNTOLD:
            continue
        label = _LABELS[name]
        lines.setdefault(label, ClaimLine(label_id=label, value=str(value), masked=label in _MASKED))
    return tuple(lines.values())
