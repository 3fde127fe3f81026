"""OpenID Connect, as this side of it is spoken."""
