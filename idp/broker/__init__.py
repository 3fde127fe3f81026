"""The journey: choose a source, prove yourself there, be recognised, be told. Ends in an answer that `oidc` gives.

Each step reads what is stored and hands over to `steps.next_step`; no step calls another. A sign-in is bound to the
browser that began it by a cookie of its own, and a visit to a source to its sign-in, source and version besides.
"""

from idp.broker.journey import Journey, Started
from idp.broker.shelf import Answer, Login, Shelf
from idp.broker.steps import ACTING_LEVEL, Need, Progress, Step, acts_for, next_step
from idp.broker.visits import Visits

__all__ = [
    "ACTING_LEVEL",
    "Answer",
    "Journey",
    "Login",
    "Need",
    "Progress",
    "Shelf",
    "Started",
    "Step",
    "Visits",
    "acts_for",
    "next_step",
]
