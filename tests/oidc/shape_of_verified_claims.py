"""The published form of `verified_claims` (OpenID Identity Assurance Schema Definition 1.0, and its JSON schema) in our
own words, as far as we use it: what is there must be of this form, and nothing else may be there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _in_utc(text: str) -> str:
    """`YYYY-MM-DDThh:mm[:ss]TZD`, where IDA section 9 wants UTC."""
    assert text.endswith("Z") and datetime.fromisoformat(text).utcoffset() is not None, text
    return text


Time = Annotated[str, AfterValidator(_in_utc)]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CheckDetails(_Part):
    """Section 5.4.4.3."""

    check_method: Text
    organization: Text = "left out"
    check_id: Text = "left out"
    time: Time = "1970-01-01T00:00:00Z"


class RecordSource(_Part):
    name: Text


class Record(_Part):
    type: Text
    source: RecordSource = RecordSource(name="left out")


class Evidence(_Part):
    type: Literal["electronic_record"]
    check_details: Annotated[list[CheckDetails], Field(min_length=1)] = [CheckDetails(check_method="left out")]
    record: Record = Record(type="left out")
    derived_claims: Annotated[dict[str, Text], Field(min_length=1)] = {"left": "out"}


class Verification(_Part):
    """Section 5.4: the trust framework must be there."""

    trust_framework: Text
    assurance_level: Text = "left out"
    time: Time = "1970-01-01T00:00:00Z"
    evidence: Annotated[list[Evidence], Field(min_length=1)] = [Evidence(type="electronic_record")]


class VerifiedClaims(_Part):
    """Section 5.2."""

    verification: Verification
    claims: Annotated[dict[str, Text], Field(min_length=1)]


def assert_well_formed(told: Any) -> None:
    """A single object or an array of them (section 5.2)."""
    for each in told if isinstance(told, list) else [told]:
        VerifiedClaims.model_validate(each)
