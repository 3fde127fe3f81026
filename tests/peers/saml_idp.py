"""npm's samlp as a SAML 2.0 identity provider, in a process of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping

from tests.peers import read_line, start_script, stop


@contextlib.contextmanager
def saml_idp(
    *, accounts: Mapping[str, Mapping[str, str]], key: str, cert: str, callback_url: str, **environment: str
) -> Iterator[str]:
    """Run `saml_idp.mjs` and give its entity id; `environment` holds the other variables that its head explains."""
    variables = {"ACCOUNTS": json.dumps(accounts), "KEY": key, "CERT": cert, "CALLBACK_URL": callback_url}
    process = start_script("saml_idp.mjs", {**variables, **environment})
    try:
        yield read_line(process)["issuer"]
    finally:
        stop(process)
