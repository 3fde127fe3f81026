"""Certificates: their paths, their revocation, what they say, and what was signed with them."""
