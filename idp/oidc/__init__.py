"""The OpenID Provider on the wire: a file an endpoint. Authlib's server stands in `protocol.py` alone."""
