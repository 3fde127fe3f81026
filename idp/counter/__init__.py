"""For those who check digital IDs: the lists that they fetch, and the page of clerks."""

from idp.counter.lists import ListRoutes
from idp.counter.page import CounterPages
from idp.counter.presence import PresenceRoutes

__all__ = ["CounterPages", "ListRoutes", "PresenceRoutes"]
