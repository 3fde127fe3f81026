"""Portals: what each registered, what it may do, and the request it makes."""

from idp.clients.client import Client, Registration
from idp.clients.registry import Clients, UnknownClient
from idp.clients.requests import AuthenticationRequest

__all__ = ["AuthenticationRequest", "Client", "Clients", "Registration", "UnknownClient"]
