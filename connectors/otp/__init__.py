"""Signing in by a number and a one-time code, on pages of ours."""
