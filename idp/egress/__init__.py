"""The only way out by HTTP. `client` asks, `addresses` says where to."""

from idp.egress.client import Egress

__all__ = ["Egress"]
