"""What a person is shown before a portal may read it: every claim by a name that people use, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from idp.people import claims
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
_MASKED = frozenset({ClaimLabel.PERSONAL_NUMBER, ClaimLabel.FORMER_NUMBER})


def lines_to_tell(names: Sequence[str], values: Mapping[str, ClaimValue]) -> tuple[ClaimLine, ...]:
    """A line for each thing that the portal may read; a claim under two names is one line.

    What is not known yet is told too: once a source brings it, the portal may read it.
    """
    lines: dict[ClaimLabel, ClaimLine] = {}
    for name in claims.personal(names):
        label, value = _LABELS[name], values.get(name)
        line = ClaimLine(label_id=label, value="" if value is None else str(value), masked=label in _MASKED)
        if label not in lines or not lines[label].value:
            lines[label] = line
    return tuple(lines.values())
