"""A signed assertion, checked: SAML core section 2 and the Web Browser SSO profile, section 4.1.4.3.

| what is wrong | failure |
|---|---|
| not of version 2.0; conditions that nobody knows; not one bearer confirmation, not one sign-in in it | BROKEN_ANSWER |
| `Issuer` is not exactly the source's entity id | WRONG_ISSUER |
| an `AudienceRestriction` without us, or none at all | WRONG_AUDIENCE |
| `Recipient` is not our callback address | WRONG_RECIPIENT |
| `NotBefore`, `NotOnOrAfter`, `IssueInstant`; `AuthnInstant` in the future, or older than was asked for | WRONG_TIME |
| seen before, by any worker | REPLAYED |
| `InResponseTo`, here or of the response, is not our request: also where nobody had asked | WRONG_NONCE |
| no `NameID` of the agreed format | INCOMPLETE |
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.answers import Refusal
from connectors.base import Context, Failure
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import BEARER, Element, children, name, only_child, read_instant, text_of

SUBJECT_LIMIT_CHARACTERS = 255
SPENT_SECONDS_LIMIT = 86_400  # an older one is refused by IssueInstant anyway
HINT_LIMIT_CHARACTERS = 2048
_KNOWN_CONDITIONS = frozenset(name("saml", one) for one in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
_WHAT = "the assertion"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an assertion must agree with. Instants are seconds since 1970."""

    request_id: str
    now: datetime
    started_at: float
    oldest_auth_time: float | None  # None: any will do


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What the assertion says, checked."""

    subject: str
    auth_time: datetime
    context_class: str
    session_index: str | None
    logout_hint: str | None
    attributes: Mapping[str, Any]  # a text; a list of texts where there are several


def checked(
    context: Context, assertion: Element, answered_to: str | None, configuration: SamlConfiguration, expected: Expected
) -> Statement:
    """What the assertion says, when it is this sign-in's; raises Refusal. `answered_to` is of the response."""
    if assertion.get("Version") != "2.0" or not assertion.get("ID"):
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} is not of SAML 2.0")
    issuer = only_child(assertion, "saml:Issuer", Failure.WRONG_ISSUER, f"the issuer of {_WHAT}")
    if text_of(issuer) != configuration.idp_entity_id:
        raise Refusal(Failure.WRONG_ISSUER, f"{_WHAT} names another issuer")
    leeway = timedelta(seconds=configuration.leeway_seconds)
    conditions = only_child(assertion, "saml:Conditions", Failure.WRONG_AUDIENCE, f"the condition of {_WHAT}")
    _check_audience(conditions, configuration.entity_id)
    subject = only_child(assertion, "saml:Subject", Failure.INCOMPLETE, "the subject")
    confirmation = _confirmation(subject)
    if confirmation.get("Recipient") != configuration.callback_url:
        raise Refusal(Failure.WRONG_RECIPIENT, f"{_WHAT} is meant for another address")
    _check_lifetime(conditions, expected.now, leeway)
    ends_at = _check_lifetime(confirmation, expected.now, leeway, must_end=True)
    _spend(context, assertion, ends_at, expected.now, leeway)
    if {answered_to, confirmation.get("InResponseTo")} != {expected.request_id}:
        raise Refusal(Failure.WRONG_NONCE, f"{_WHAT} does not answer the request of this sign-in")
    _check_age(assertion, expected, leeway)
    return _statement(assertion, subject, configuration, expected, leeway)


def _check_audience(conditions: Element, entity_id: str) -> None:
    if any(one.tag not in _KNOWN_CONDITIONS for one in conditions):
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has a condition that we do not know")
    restrictions = children(conditions, "saml:AudienceRestriction")
    named = [[text_of(one) for one in children(each, "saml:Audience")] for each in restrictions]
    if not named or any(entity_id not in audiences for audiences in named):
        raise Refusal(Failure.WRONG_AUDIENCE, f"{_WHAT} was made for another")


def _confirmation(subject: Element) -> Element:
    bearers = [one for one in children(subject, "saml:SubjectConfirmation") if one.get("Method") == BEARER]
    if len(bearers) != 1:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has not exactly one bearer confirmation")
    return only_child(bearers[0], "saml:SubjectConfirmationData", Failure.WRONG_RECIPIENT, "whom it is confirmed to")


def _check_lifetime(element: Element, now: datetime, leeway: timedelta, *, must_end: bool = False) -> datetime | None:
    begins, ends = element.get("NotBefore"), element.get("NotOnOrAfter")
    if begins is not None and read_instant(begins, "NotBefore") > now + leeway:
        raise Refusal(Failure.WRONG_TIME, f"{_WHAT} is not valid yet")
    if ends is None and not must_end:
        return None
    ends_at = read_instant(ends, "NotOnOrAfter")
    if ends_at <= now - leeway:
        raise Refusal(Failure.WRONG_TIME, f"{_WHAT} has expired")
    return ends_at


def _spend(context: Context, assertion: Element, ends_at: datetime | None, now: datetime, leeway: timedelta) -> None:
    until = (ends_at or now) + leeway
    seconds = min(max(math.ceil((until - now).total_seconds()) + 1, 1), SPENT_SECONDS_LIMIT)
    if not context.spend(f"assertion {assertion.get('ID')}", seconds):
        raise Refusal(Failure.REPLAYED, f"{_WHAT} was used before")


def _check_age(assertion: Element, expected: Expected, leeway: timedelta) -> None:
    issued_at = read_instant(assertion.get("IssueInstant"), "IssueInstant")
    if issued_at > expected.now + leeway:
        raise Refusal(Failure.WRONG_TIME, f"{_WHAT} is from the future")
    if issued_at.timestamp() < expected.started_at - leeway.total_seconds():
        raise Refusal(Failure.WRONG_TIME, f"{_WHAT} is older than this sign-in")


def _statement(
    assertion: Element, subject: Element, configuration: SamlConfiguration, expected: Expected, leeway: timedelta
) -> Statement:
    told = only_child(assertion, "saml:AuthnStatement", Failure.BROKEN_ANSWER, "how the person signed in")
    auth_time = read_instant(told.get("AuthnInstant"), "AuthnInstant")
    if auth_time > expected.now + leeway:
        raise Refusal(Failure.WRONG_TIME, "AuthnInstant is in the future")
    oldest = expected.oldest_auth_time
    if oldest is not None and auth_time.timestamp() < oldest - leeway.total_seconds():
        raise Refusal(Failure.WRONG_TIME, "the sign-in at the source is older than was asked for")
    ends = told.get("SessionNotOnOrAfter")
    if ends is not None and read_instant(ends, "SessionNotOnOrAfter") <= expected.now - leeway:
        raise Refusal(Failure.WRONG_TIME, "the session at the source is over")
    named = _name_id(subject, configuration.name_id_format)
    classes = children(told, "saml:AuthnContext/saml:AuthnContextClassRef")
    session_index = told.get("SessionIndex")
    return Statement(
        subject=str(text_of(named)),
        auth_time=auth_time,
        context_class=(text_of(classes[0]) if len(classes) == 1 else None) or "",
        session_index=session_index,
        logout_hint=_hint(named, session_index),
        attributes=_attributes(assertion),
    )


def _name_id(subject: Element, name_id_format: str) -> Element:
    named = only_child(subject, "saml:NameID", Failure.INCOMPLETE, "the NameID")
    if named.get("Format") != name_id_format:
        raise Refusal(Failure.INCOMPLETE, "the NameID is not of the agreed format")
    text = text_of(named)
    if text is None or len(text) > SUBJECT_LIMIT_CHARACTERS:
        raise Refusal(Failure.INCOMPLETE, "the NameID is not a text of up to 255 characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise Refusal(Failure.BROKEN_ANSWER, "the NameID holds control characters")
    return named


def _hint(named: Element, session_index: str | None) -> str | None:
    """What a LogoutRequest must name, as compact JSON; None where it is too long to keep."""
    qualifiers = {key: named.get(key) for key in ("Format", "NameQualifier", "SPNameQualifier")}
    hint = {"id": text_of(named), **qualifiers, "session": session_index}
    told = json.dumps({key: value for key, value in hint.items() if value}, separators=(",", ":"), ensure_ascii=False)
    return told if len(told) <= HINT_LIMIT_CHARACTERS else None


def _attributes(assertion: Element) -> dict[str, Any]:
    """Each attribute by its Name: a text, or a list where there are several; raises Refusal for one told twice."""
    found: dict[str, Any] = {}
    for attribute in children(assertion, "saml:AttributeStatement/saml:Attribute"):
        key = attribute.get("Name", "")
        if key in found:
            raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has one attribute twice")
        values = [text for value in children(attribute, "saml:AttributeValue") if (text := text_of(value)) is not None]
        found[key] = values[0] if len(values) == 1 else values or None
    return found
