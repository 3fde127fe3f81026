"""A source of invented people, for a provider that is being tested: a form of ours, a user name, one password for all.

It proves nothing of anybody and vouches for everything, so it can be configured in the provider's conformance mode
alone, over a database that holds nobody else. It asks nobody, counts nothing and never locks: checkers sign the same
people in hundreds of times an hour.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from connectors import profile
from connectors.answers import as_step, parameters
from connectors.base import (
    Ask,
    Assertion,
    BirthDate,
    Context,
    Done,
    Identifier,
    IdentifierType,
    Input,
    Kind,
    LoginRequest,
    Name,
    Sex,
    Step,
)
from connectors.base import Field as FormField

LEVEL = 4
_FIELDS = (
    FormField(name="username", label_id="field.user_name"),
    FormField(name="password", label_id="field.password", secret=True),
)
_STATE = b"{}"  # nothing is remembered between two tries


class Residence(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    street_address: str
    locality: str
    region: str
    postal_code: str
    country: str

    @property
    def formatted(self) -> str:
        return "\n".join((self.street_address, self.locality, f"{self.region} {self.postal_code}", self.country))


class TestPerson(BaseModel):
    """Somebody who does not exist, with a value for every standard claim (OpenID Connect Core section 5.1)."""

    __test__ = False  # pytest: this is no test

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = Field(min_length=1, max_length=60)
    personal_number: str = Field(pattern=r"^000[0-9]{9}$", description="of no province, so that it is nobody's")
    family_name: str
    middle_name: str
    given_name: str
    nickname: str
    birth_date: date
    sex: Sex
    email: str
    phone: str
    profile: str
    picture: str
    website: str
    zoneinfo: str
    locale: str
    address: Residence


class ConformanceConfiguration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    password: str = Field(min_length=1, max_length=200)
    people: tuple[TestPerson, ...] = Field(min_length=1)


class Conformance:
    def __init__(self, configuration: ConformanceConfiguration) -> None:
        self.configuration = configuration
        self._people = {person.username: person for person in configuration.people}

    @as_step
    def begin(self, context: Context, request: LoginRequest) -> Step:  # noqa: ARG002 - nothing depends on them
        return Ask(fields=_FIELDS, state=_STATE)

    @as_step
    def resume(self, context: Context, state: bytes, answer: Input) -> Step:  # noqa: ARG002 - nothing is remembered
        typed = parameters(answer) if answer.method == "POST" else {}
        if not typed.get("username"):
            return Ask(fields=_FIELDS, state=_STATE, problem_id="problem.empty")
        person = self._people.get(typed["username"])
        knows = hmac.compare_digest(typed.get("password", "").encode(), self.configuration.password.encode())
        if person is None or not knows:
            return Ask(fields=_FIELDS, state=_STATE, problem_id="problem.not_recognised")
        return Done(assertion=_assertion(person, context))


def _assertion(person: TestPerson, context: Context) -> Assertion:
    born = person.birth_date
    parts = (person.family_name, person.middle_name, person.given_name)
    return Assertion(
        issuer="conformance",
        subject=person.username,
        name=Name(full=" ".join(parts), family=parts[0], middle=parts[1], given=parts[2]),
        proofing=LEVEL,
        authentication=LEVEL,
        auth_time=context.now(),
        means=("pwd",),
        evidence=hashlib.sha256(context.fresh_value().encode()).digest(),
        identifiers=(Identifier(type=IdentifierType.PERSONAL_NUMBER, value=person.personal_number),),
        birth_date=BirthDate(year=born.year, month=born.month, day=born.day, as_sent=born.isoformat()),
        sex=person.sex,
        email=person.email,
        phone=person.phone,
        profile=_profile(person),
    )


def _profile(person: TestPerson) -> profile.Profile:
    address = profile.Address(formatted=person.address.formatted, **person.address.model_dump())
    details = person.model_dump(include={"nickname", "profile", "picture", "website", "zoneinfo", "locale"})
    return profile.Profile(
        **details, preferred_username=person.username, address=address, email_verified=True, phone_verified=True
    )


KIND = Kind(name="conformance", configuration=ConformanceConfiguration, connector=Conformance, ceiling=LEVEL)
