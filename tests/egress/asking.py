"""A way out with a test's limits, and the refusals it gives."""

from __future__ import annotations

import pytest

from connectors.base import OutboundError
from idp.egress import Egress
from idp.settings import Outbound

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def limits(**changes: object) -> Outbound:
    values: dict[str, object] = {
        "connect_seconds": 2,
        "total_seconds": 5,
        "answer_bytes": 100_000,
        "visits_at_once": 2,
        "allow_loopback": True,
        "certificate_authorities_file": "",
    }
    return Outbound.model_validate(values | changes)


def refusal(egress: Egress, url: str, **options: object) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        egress.request("GET", url, **options)  # type: ignore[arg-type]
    return caught.value
