"""The population register as verifier: who signs in is asked about, and what it tells of changes takes effect.

`checking` asks about one person (at a sign-in, at single sign-on, and again by a worker where it did not answer);
`feeds` reads what a register reports by itself. Both end sessions, and so grants, and never start one.
"""

from idp.registers.checking import Admission, Checking
from idp.registers.feeds import Feeds

__all__ = ["Admission", "Checking", "Feeds"]
