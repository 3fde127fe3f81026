"""Cases: what the rules leave open, for clerks to decide; and who is joined, parted and linked by them, with the way
back.
"""

from idp.cases.decisions import Decision
from idp.cases.joining import By, CannotBe, Done, Joining, Link, Overtaken
from idp.cases.queue import Case, Cases

__all__ = ["By", "CannotBe", "Case", "Cases", "Decision", "Done", "Joining", "Link", "Overtaken"]
