"""The file of test identities that a contract check goes by: who they are at the source, what is to be said of them.

{"identities": [{"label": "ordinary", "fill": {"number": "001088000101", "password": "…"},
                 "expect": {"assertion": {"name": "…", "birth_date": "1988-03-14", "level": 2}}}],
 "required": ["ordinary", "locked"], "faults_url": "/_sandbox/faults", "faults_beside": "issuer",
 "faults": [{"label": "slow", "fault": {"fault": "slow", "seconds": 9}, "expect": ["timed_out"]}]}

A verifier's identity has a `pivot` instead of what to `fill`, and expects a `verdict`; a business register's has a
`personal_number` and expects `organisations` (their tax codes). `faults_beside` names the address in the source's
configuration that `faults_url` is relative to. Anything unknown is refused.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.base import Failure
from connectors.registers import Agreement

LABEL = r"^[a-z0-9][a-z0-9_ -]{0,59}$"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpectedAssertion(_Part):
    """What the source has to say of somebody; what is left out is not looked at."""

    name: str | None = None
    birth_date: str | None = Field(None, pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    personal_number: str | None = None  # "" is: none may be asserted
    former_number: str | None = None
    proofing: int | None = Field(None, ge=1, le=4)
    level: int | None = Field(None, ge=1, le=4, description="the least that the sign-in may be worth")
    tax_code: str | None = None


class ExpectedVerdict(_Part):
    agreement: Agreement
    alive: bool | None = None
    rectified: bool = False


class Expected(_Part):
    assertion: ExpectedAssertion | None = None
    failure: tuple[Failure, ...] = ()
    verdict: ExpectedVerdict | None = None
    organisations: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Expected:
        named = [self.assertion, self.failure or None, self.verdict, self.organisations]
        if sum(each is not None for each in named) != 1:
            raise ValueError("exactly one of assertion, failure, verdict and organisations")
        return self


class AskedPivot(_Part):
    number: str
    name: str
    birth_date: str = Field("", pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?)?$")
    former: bool = False  # the number is one of an old identity card


class Identity(_Part):
    label: str = Field(pattern=LABEL)
    level: int = Field(1, ge=1, le=4)
    fill: dict[str, str] = {}
    certificate_pem: str | None = None
    pivot: AskedPivot | None = None
    personal_number: str | None = None
    expect: Expected


class Fault(_Part):
    """A way to fail that the source can be told; afterwards the first identity has to meet one of the failures."""

    label: str = Field(pattern=LABEL)
    fault: dict[str, str | int | float | bool]
    expect: tuple[Failure, ...] = Field(min_length=1)


class Identities(_Part):
    identities: tuple[Identity, ...] = Field(min_length=1)
    required: tuple[str, ...] = ("ordinary",)
    faults_url: str | None = None
    faults_beside: str | None = None
    faults: tuple[Fault, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Identities:
        labels = [*(one.label for one in self.identities), *(one.label for one in self.faults)]
        if len(set(labels)) != len(labels):
            raise ValueError("a label stands in it twice")
        missing = sorted(set(self.required) - set(labels))
        if missing:
            raise ValueError(f"required, and not there: {', '.join(missing)}")
        if self.faults and not self.faults_url:
            raise ValueError("faults without faults_url")
        if self.faults_url and not self.faults_beside and not self.faults_url.startswith(("http://", "https://")):
            raise ValueError("faults_url is relative, and faults_beside does not say to which address")
        return self
