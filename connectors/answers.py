"""What a source sent, read strictly: refusals, JSON, HTTP answers, the parameters of a redirect."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote, unquote_plus

from connectors.base import Context, Documents, Failed, Failure, HttpAnswer, Input, OutboundError, Step

PARAMETERS_LIMIT_CHARACTERS = 16384
PARAMETERS_LIMIT = 32

# OAuth's and OpenID Connect's error codes (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750, Core 3.1.2.6); others: REFUSED.
ERRORS: Mapping[str, Failure] = {
    "access_denied": Failure.CANCELLED,
    "temporarily_unavailable": Failure.OVERLOADED,
    "unmet_authentication_requirements": Failure.LEVEL_TOO_LOW,
    **dict.fromkeys(
        (
            "invalid_request", "invalid_client", "unauthorized_client", "invalid_scope", "insufficient_scope",
            "unsupported_grant_type", "unsupported_response_type", "invalid_request_uri", "invalid_request_object",
            "request_not_supported", "request_uri_not_supported", "registration_not_supported",
        ),
        Failure.MISCONFIGURED,
    ),
}  # fmt: skip
_STATUS = {
    429: Failure.OVERLOADED,
    503: Failure.OVERLOADED,
    502: Failure.UNREACHABLE,
    504: Failure.TIMED_OUT,
}
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

P = ParamSpec("P")
T = TypeVar("T")
Self = TypeVar("Self")


class Refusal(ValueError):
    """Why a sign-in cannot go on; becomes the step `Failed`. `detail` holds no personal data and no token."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
        self.detail = detail

    def as_failed(self) -> Failed:
        return Failed(failure=self.failure, detail=self.detail)


def as_step(method: Callable[Concatenate[Self, P], Step]) -> Callable[Concatenate[Self, P], Step]:
    """A method that answers `Failed` where it would raise Refusal or OutboundError."""

    @wraps(method)
    def told(self: Self, /, *arguments: P.args, **named: P.kwargs) -> Step:
        try:
            return method(self, *arguments, **named)
        except (Refusal, OutboundError) as problem:
            return problem.as_failed()

    return told


def json_object(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object in `body`; raises Refusal for anything else, also for a name that is there twice, or NaN."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is not a JSON object")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def successful(answer: HttpAnswer, what: str, errors: Mapping[str, Failure], status: tuple[int, ...] = (200,)) -> bytes:
    """The body of a good answer; raises Refusal for any other, by the error code in it where there is one."""
    if answer.status in status:
        return answer.body
    if answer.status in _STATUS:
        raise Refusal(_STATUS[answer.status], f"{what} answered {answer.status}")
    if 400 <= answer.status < 500:
        try:
            payload = json_object(answer.body, what)
        except Refusal:
            payload = {}
        refuse_error(payload, what, errors)
        if answer.status in (401, 403):
            raise Refusal(Failure.MISCONFIGURED, f"{what} answered {answer.status}, perhaps not knowing our address")
    raise Refusal(Failure.BROKEN_ANSWER, f"{what} answered {answer.status}")


def refuse_error(payload: Mapping[str, Any], what: str, errors: Mapping[str, Failure]) -> None:
    """Raises Refusal where `payload` holds an `error`, whatever the HTTP status was."""
    if "error" in payload:
        failure, code = error_in(payload, errors)
        raise Refusal(failure, f"{what} answered {code}")


def error_in(payload: Mapping[str, Any], errors: Mapping[str, Failure]) -> tuple[Failure, str]:
    """What an error means, and its code for the log. The source's own codes (`errors`) win over the standard's.

    Sources that know more than OAuth has codes for say it in `error_description`, so its exact text is looked up too;
    it is never logged, since it is free text.
    """
    error, description = payload.get("error"), payload.get("error_description")
    code = error if isinstance(error, str) and _PLAIN_CODE.fullmatch(error) else "an unreadable error"
    for told in (description, error):
        if isinstance(told, str) and told in errors:
            return errors[told], code
    return ERRORS.get(code, Failure.REFUSED), code


def parameters(answer: Input, *, raw: frozenset[str] = frozenset()) -> dict[str, str]:
    """What came back with the person; raises Refusal for a parameter that is there twice (RFC 6749 section 3.1).

    In those named in `raw` a `+` is a `+`.
    """
    if answer.method == "POST":
        pairs = list(answer.form)
    else:
        if len(answer.raw_query) > PARAMETERS_LIMIT_CHARACTERS:
            raise Refusal(Failure.BROKEN_ANSWER, "the redirect is too long")
        pairs = [_decoded(part, raw) for part in answer.raw_query.split("&") if part]
    found = dict(pairs)
    if len(found) != len(pairs) or len(pairs) > PARAMETERS_LIMIT:
        raise Refusal(Failure.BROKEN_ANSWER, "a parameter of the redirect is repeated, or there are too many")
    return found


def _decoded(part: str, raw: frozenset[str]) -> tuple[str, str]:
    name, _, value = part.partition("=")
    try:
        name = unquote_plus(name, errors="strict")
        return name, unquote(value, errors="strict") if name in raw else unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        raise Refusal(Failure.BROKEN_ANSWER, "the redirect is not UTF-8") from None


def document(
    documents: Documents, url: str, parse: Callable[[bytes], T], *, newer_than_seconds: int | None = None
) -> T:
    """The published document, parsed. One that does not parse never replaces the last good copy.

    Raises the Refusal that `parse` raised where there is no good copy at all, or OutboundError.
    """
    refusals: list[Refusal] = []

    def check(body: bytes) -> None:
        try:
            parse(body)
        except Refusal as refusal:
            refusals.append(refusal)
            raise

    try:
        body = documents.read(url, check=check, newer_than_seconds=newer_than_seconds)
    except OutboundError:
        if refusals:
            raise refusals[-1] from None
        raise
    return parse(body)


def context_secret(context: Context, name: str) -> str:
    """The credential of this name; raises Refusal where the operator has not set it."""
    try:
        return context.secret(name)
    except KeyError:
        raise Refusal(Failure.MISCONFIGURED, f"the credential {name} is not set") from None
