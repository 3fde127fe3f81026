"""The page for clerks, which verifies in the browser itself and keeps working without network.

GET /counter             the page
GET /counter/worker.js   the service worker that keeps it
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response

from idp.digital_id import Reason
from idp.web import counter, language
from idp.web.counter import SCOPE, WORKER, CounterPage

# The last two beside those of `idp.digital_id`, which is always given its keys: a browser may not have them, or not any
# more.
REASONS = (*(reason.value for reason in Reason), "trust_list_missing", "trust_list_stale")


@dataclass(frozen=True, kw_only=True)
class CounterPages:
    """`decode_url`: where pictures are read for browsers that cannot do it; a desk service has that."""

    issuer: str
    decode_url: str = ""

    def blueprint(self) -> Blueprint:
        room = Blueprint("counter", __name__)
        room.get(SCOPE, endpoint="page")(self.page)
        room.get(WORKER, endpoint="worker")(self.worker)
        return room

    def page(self) -> Response:
        return counter.counter(self._page(), language.of_request())

    def worker(self) -> Response:
        return counter.worker(self._page())

    def _page(self) -> CounterPage:
        return CounterPage(issuer=self.issuer, reasons=REASONS, decode_url=self.decode_url)
