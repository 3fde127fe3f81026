"""Portals: what each registered, what it may do, and the request it makes."""

from idp.clients.binding import Binding
from idp.clients.client import Client
from idp.clients.registration import Registration
from idp.clients.registry import ChangedMeanwhile, Clients, UnknownClient
from idp.clients.requests import AuthenticationRequest

__all__ = [
    "AuthenticationRequest", "Binding", "ChangedMeanwhile", "Client", "Clients", "Registration", "UnknownClient",
]  # fmt: skip
