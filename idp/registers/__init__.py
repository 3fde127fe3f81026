"""The population register as verifier: who signs in is asked about, and what it tells of changes takes effect.

`checking` asks about one person (at a sign-in, at single sign-on, and again by a worker where it did not answer);
`feeds` reads what a register reports by itself. Both end sessions, and so grants, and never start one. `combining` says
what the register and several sources together make of how well somebody is proofed.
"""

from idp.registers.checking import Admission, Checking
from idp.registers.combining import Combining
from idp.registers.feeds import Feeds

__all__ = ["Admission", "Checking", "Combining", "Feeds"]
