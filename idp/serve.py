"""The WSGI application for a server to import: `granian --interface wsgi idp.serve:app`."""

import gc
from typing import Any

# Nearly nothing that a request makes refers to itself, so there is little for the collector to find, and much to look
# through: what is there from the start is left out of it, and it looks at the rest a hundred times less often. While
# all is loaded it does not look at all, which would be a tenth of the time that a process needs until it serves.
COLLECTED_AFTER_ALLOCATIONS = 70_000


def _loaded() -> Any:
    gc.disable()
    from idp import shedding
    from idp.app import create_app

    app = create_app(lines_together=True)
    app.wsgi_app = shedding.around(app)  # type: ignore[method-assign]
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER_ALLOCATIONS)
    gc.enable()
    return app


app = _loaded()
