"""Cases: what the rules leave open, for clerks to decide; and who is joined, parted and linked by them, with the way
back.
"""

from idp.cases.joining import By, CannotBe, Done, Joining, Link, Overtaken
from idp.cases.queue import Case, Cases, Decision

__all__ = ["By", "CannotBe", "Case", "Cases", "Decision", "Done", "Joining", "Link", "Overtaken"]
