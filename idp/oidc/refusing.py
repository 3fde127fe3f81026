"""What is noted of a failure, for those who are asked why: in the audit, the log and the metrics; and what is told."""

from __future__ import annotations

from contextlib import suppress

import structlog

from idp import errors, observe
from idp.audit import Audit
from idp.errors import Failure, Refused
from idp.keys import CannotSign
from idp.storage.database import Unreachable

RETRY_AFTER = ("Retry-After", "5")  # in seconds, while a store is away or too much comes at once
Headers = tuple[tuple[str, str], ...]
log = structlog.get_logger()


def note_refusal(audit: Audit, failure: Failure, *, detail: str = "", client_id: str | None = None) -> None:
    """The refusal is on record; `detail` names what was wrong with the request, and holds nobody's data."""
    audit.refused(failure, client_id=client_id)
    observe.REFUSALS.labels(failure.code).inc()
    log.info("refused", code=failure.code, detail=detail, client=client_id)


def failure_of(problem: Exception, audit: Audit) -> tuple[Failure, Headers]:
    """What whoever asked is told of this, as JSON or on a page, and with which headers. What it was is in the log."""
    if isinstance(problem, Refused):
        with suppress(Unreachable):  # the refusal stands, whether or not it can be written down
            audit.refused(problem.failure)
        log.info("refused", code=problem.failure.code, detail=problem.detail)
        return problem.failure, ()
    if isinstance(problem, CannotSign):
        log.error("cannot_sign", problem=str(problem))
        return errors.CANNOT_SIGN, (RETRY_AFTER,)
    if isinstance(problem, Unreachable):
        log.error("unreachable", problem=str(problem))
        return errors.STORE_UNREACHABLE, (RETRY_AFTER,)
    log.exception("unforeseen", kind=type(problem).__name__)
    return errors.INTERNAL, ()
