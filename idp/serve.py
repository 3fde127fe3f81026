"""The WSGI application for a server to import: `granian --interface wsgi idp.serve:app`."""

import gc

from idp import shedding
from idp.app import create_app

# Nearly nothing that a request makes refers to itself, so there is little for the collector to find, and much to look
# through: what is there from the start is left out of it, and it looks at the rest a hundred times less often.
COLLECTED_AFTER_ALLOCATIONS = 70_000

app = create_app(lines_together=True)
app.wsgi_app = shedding.around(app)  # type: ignore[method-assign]
gc.collect()
gc.freeze()
gc.set_threshold(COLLECTED_AFTER_ALLOCATIONS)
