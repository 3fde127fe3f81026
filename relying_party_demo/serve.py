"""The portal that the environment describes: `granian --interface wsgi relying_party_demo.serve:app`."""

from __future__ import annotations

import logging
import os

from .app import create_app
from .settings import read_settings

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
# Authlib and urllib3 write code verifiers, codes and tokens at DEBUG; keep them quiet whatever the level above becomes.
logging.getLogger("authlib").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.WARNING)

app = create_app(read_settings(os.environ))
