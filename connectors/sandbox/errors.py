"""The ways in which a source answers that something is wrong."""

from __future__ import annotations

from flask import Response


class ProtocolError(Exception):
    """A refusal in OAuth's words: JSON from a back-channel endpoint, parameters of a redirect in the browser."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class PageProblem(Exception):
    """A refusal that only the person can be told, because it is not certain where to send them back."""

    def __init__(self, error: str, vietnamese: str, english: str) -> None:
        super().__init__(f"{error}: {english}")
        self.error = error
        self.vietnamese = vietnamese
        self.english = english


class Unavailable(Exception):
    """A fault wants no answer but this one."""

    def __init__(self, response: Response) -> None:
        super().__init__("unavailable on purpose, by a fault")
        self.response = response
