"""A refusal that a portal is told, noted for those who are asked why: in the audit, the log and the metrics."""

from __future__ import annotations

import structlog

from idp import observe
from idp.audit import Audit
from idp.errors import Failure

log = structlog.get_logger()


def note_refusal(audit: Audit, failure: Failure, *, detail: str = "", client_id: str | None = None) -> None:
    """The refusal is on record; `detail` names what was wrong with the request, and holds nobody's data."""
    audit.refused(failure, client_id=client_id)
    observe.REFUSALS.labels(failure.code).inc()
    log.info("refused", code=failure.code, detail=detail, client=client_id)
