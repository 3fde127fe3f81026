"""For those who check digital IDs: the lists that they fetch, and the page of clerks."""

from idp.counter.lists import ListRoutes
from idp.counter.page import CounterPages

__all__ = ["CounterPages", "ListRoutes"]
