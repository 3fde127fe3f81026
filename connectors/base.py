"""What a connector is: the whole contract, on one page.

A connector speaks one protocol to one kind of source and says, in the words below, what the source said.
It is stateless: one object per (source, configuration version), shared by all threads. It never sees
cookies, the database or a Flask request, and it imports nothing of `idp`: everything it may use of the world
comes in the `Context`, the first argument of every call.

    begin(context, LoginRequest) -> Step          resume(context, state, Input) -> Step

`begin` starts a sign-in, `resume` goes on with it when the person (or the source) comes back. A step that
waits for somebody carries `state`: opaque bytes that the core seals, binds to browser, login, source and
version, and hands back to `resume` once. A source's refusal or fault is the step `Failed`, never an exception.
What a source may do beside (verify a person, say whom they represent, report changes) stands in `registers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from connectors.profile import Profile

STATE_LIMIT_BYTES = 4096


class Failure(StrEnum):
    """Every way in which a source can fail a sign-in; `idp.errors` has a row for each."""

    CANCELLED = "cancelled"  # the person said no at the source, or went back
    ACCOUNT_LOCKED = "account_locked"
    DECEASED = "deceased"  # the source says that the person has died
    REFUSED = "refused"  # the source said no, for a reason of its own
    LEVEL_TOO_LOW = "level_too_low"  # signed in, but more weakly than was owed
    UNREACHABLE = "unreachable"  # no connection, or the connection broke
    TIMED_OUT = "timed_out"
    OVERLOADED = "overloaded"  # 429 or 503: the source asks for patience
    BROKEN_ANSWER = "broken_answer"  # half an answer, garbage, too large, not of the protocol
    INCOMPLETE = "incomplete"  # a well-formed answer without an attribute that we cannot do without
    CONTRADICTORY = "contradictory"  # a well-formed answer about this person that cannot be true
    WRONG_SIGNATURE = "wrong_signature"  # also an algorithm or a key that was not agreed
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_NONCE = "wrong_nonce"
    WRONG_TIME = "wrong_time"  # expired, not yet valid, or an older sign-in than was asked for
    REPLAYED = "replayed"
    MISCONFIGURED = "misconfigured"  # the source rejects our own credentials or configuration
    TOO_OFTEN = "too_often"  # more codes asked for, or guessed, than we allow
    UNKNOWN_THERE = "unknown_there"  # the source knows nobody by these details
    WRONG_RECIPIENT = "wrong_recipient"  # sent to another address than the one it was asked for
    UNSAFE_DOCUMENT = "unsafe_document"  # XML with a DTD or entities, or too deep or too large to be read
    NO_CERTIFICATE = "no_certificate"  # the browser showed none
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"  # no path to an authority we trust, expired, or not for signing in
    CERTIFICATE_REVOKED = "certificate_revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"  # neither CRL nor OCSP could tell: refused
    NOT_A_PERSON = "not_a_person"  # an organisation's seal


class IdentifierType(StrEnum):
    """What kind of number an identifier is; the type is part of the key, since kinds share numbers."""

    PERSONAL_NUMBER = "personal_number"  # 12 digits (Law on Identification 2023, article 12)
    FORMER_NUMBER = "former_number"  # 9-digit identity card number; two people can share one
    TAX_CODE = "tax_code"
    INSURANCE_NUMBER = "insurance_number"
    HEALTH_CARD = "health_card"
    ENTERPRISE_CODE = "enterprise_code"
    PASSPORT = "passport"


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"


@dataclass(frozen=True, kw_only=True)
class Identifier:
    type: IdentifierType
    value: str
    state: str = "current"  # "current" or "former"


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name as the source sent it, family name first as Vietnamese has it; parts only where the source gave them."""

    full: str
    family: str | None = None
    middle: str | None = None
    given: str | None = None


@dataclass(frozen=True, kw_only=True)
class BirthDate:
    """A birth date whose day, or day and month, may be unknown (year-only dates are legal)."""

    year: int
    month: int | None = None
    day: int | None = None
    as_sent: str

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise ValueError("a birth date with a day needs a month")
        date(self.year, self.month or 1, self.day or 1)  # raises ValueError for a day that does not exist


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """An organisation that somebody may act for; `until` is the last day of that, None where no end is known."""

    tax_code: str
    name: str
    role: str | None = None
    authority: str | None = None
    until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """What one source says of one person who has just signed in there, checked as far as its protocol allows.

    `proofing` and `authentication` are 1 to 4, as the source means them; the core caps them as the operator set.
    """

    issuer: str
    subject: str  # the source's own, stable name for the person; never empty
    name: Name
    proofing: int
    authentication: int
    auth_time: datetime  # when the person proved themselves at the source, UTC
    means: tuple[str, ...]  # RFC 8176 values where one fits, e.g. ("pwd", "otp")
    evidence: bytes  # SHA-256 of the signed answer, so that it can be recognised and never replayed
    identifiers: tuple[Identifier, ...] = ()
    birth_date: BirthDate | None = None
    sex: Sex | None = None
    birth_place: str | None = None
    nationality: str | None = None
    email: str | None = None
    phone: str | None = None
    profile: Profile | None = None
    organisation: Organisation | None = None
    upstream_session: str | None = None  # the source's session, for its logout
    logout_hint: str | None = None  # what the source wants to see again at logout (its id_token)


@dataclass(frozen=True, kw_only=True)
class LoginRequest:
    """A sign-in to begin. `handle` is the short value to use as `state` (or RelayState) on the wire."""

    handle: str
    callback_url: str
    level: int  # the level owed, 1 to 4: ask the source for this, it may give more
    force: bool = False  # the person must prove themselves now
    max_age_seconds: int | None = None
    ui_locales: tuple[str, ...] = ("vi", "en")
    network: str = ""  # an opaque name of the network that the browser is on, for limits


@dataclass(frozen=True, kw_only=True)
class Input:
    """What came back. `raw_query` is the query as received: one real source's code holds a `+` that must survive."""

    method: str
    raw_query: str = ""
    form: tuple[tuple[str, str], ...] = ()
    client_certificate_pem: str | None = None
    network: str = ""  # as in LoginRequest


@dataclass(frozen=True, kw_only=True)
class Redirect:
    url: str
    state: bytes


@dataclass(frozen=True, kw_only=True)
class AutoPost:
    """The browser posts `fields` to `url` and comes back to the callback address, with the handle as RelayState."""

    url: str
    fields: tuple[tuple[str, str], ...]
    state: bytes


@dataclass(frozen=True, kw_only=True)
class Field:
    name: str
    label_id: str  # a message id of the translations
    secret: bool = False
    numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A form on a page of ours; what the person types comes back as `Input.form`.

    `note_id` is the message id of a sentence above the form, with `note_values` in it; `problem_id` of one that says
    what was wrong with the last answer.
    """

    fields: tuple[Field, ...]
    state: bytes
    note_id: str | None = None
    note_values: tuple[tuple[str, str], ...] = ()
    problem_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class NeedClientCertificate:
    """The person shows a certificate in the TLS handshake; it comes back as `Input.client_certificate_pem`."""

    state: bytes


@dataclass(frozen=True, kw_only=True)
class Wait:
    seconds: int
    state: bytes
    qr: str | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    assertion: Assertion


@dataclass(frozen=True, kw_only=True)
class Failed:
    failure: Failure
    detail: str  # for the operator's log; never personal data, never a token


Step = Redirect | AutoPost | Ask | NeedClientCertificate | Wait | Done | Failed


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes


class OutboundError(Exception):
    """The source could not be asked; `failure` is UNREACHABLE, TIMED_OUT, OVERLOADED or BROKEN_ANSWER."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
        self.detail = detail

    def as_failed(self) -> Failed:
        return Failed(failure=self.failure, detail=self.detail)


class Http(Protocol):
    """The one way out. Follows no redirects; raises OutboundError; any HTTP status is an answer, not an error."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotent: bool = False,  # may be tried once more after a reset connection
    ) -> HttpAnswer: ...


class Documents(Protocol):
    """A source's published documents (metadata, keys), fetched lazily, with the last good copy kept for bad days."""

    def read(self, url: str, *, check: Callable[[bytes], None], newer_than_seconds: int | None = None) -> bytes:
        """The document at `url`; `check` raises ValueError for one that must not replace the last good copy.

        `newer_than_seconds` asks for a copy no older than that (for a key id nobody has seen yet); the core
        limits how often this really fetches. Raises OutboundError when there is no copy at all.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that a connector may use of the world."""

    http: Http
    documents: Documents
    now: Callable[[], datetime]
    fresh_value: Callable[[], str]  # 256 bits of chance, URL-safe
    secret: Callable[[str], str]  # a credential of this source by name; raises KeyError
    spend: Callable[[str, int], bool]  # spend(value, seconds): True the first time, across all workers
    count: Callable[[str, int], int]  # count(name, seconds): how often by now, this time included, across all workers
    note: Callable[..., None]  # note(event, **fields): to the log; never personal data


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of `sources check`."""

    name: str
    passed: bool
    detail: str
    milliseconds: float = 0.0


@runtime_checkable
class Connector(Protocol):
    """One protocol spoken to one source that signs people in."""

    def begin(self, context: Context, request: LoginRequest) -> Step: ...

    def resume(self, context: Context, state: bytes, answer: Input) -> Step: ...


@runtime_checkable
class Checkable(Protocol):
    def checks(self, context: Context) -> list[Check]:
        """Every test that can be made without a person: discovery, TLS, clock, algorithms, keys, latency."""
        ...


@runtime_checkable
class SignsOut(Protocol):
    def sign_out(self, context: Context, *, logout_hint: str | None, return_url: str, handle: str) -> str | None:
        """The URL at which the source ends its own session, or None where it offers none."""
        ...


@runtime_checkable
class HasMetadata(Protocol):
    def metadata(self, context: Context) -> tuple[str, bytes]:
        """What we publish for this source to read (media type, document): our JWKS, our SAML metadata."""
        ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One line of the registry: what a source of this kind is called and which class speaks to it."""

    name: str
    configuration: type[BaseModel]  # validation and, later, the operator's form in one
    connector: Callable[[Any], Any]  # takes a configuration; gives a `Connector`, or one of the roles in `registers`
    ceiling: int  # the highest level this kind may ever assert; an operator can only lower it
