"""What an operator may write into any source's configuration: addresses that may be asked, and levels."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field


def origin(url: str) -> str:
    """Scheme, host and port; raises ValueError unless it is https, or http on *.localhost."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    plain = parts.scheme == "http" and (host == "localhost" or host.endswith(".localhost"))
    if not host or "@" in parts.netloc or parts.fragment or not (parts.scheme == "https" or plain):
        raise ValueError("must be an https address, without a user name and a fragment")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("must be written in plain characters")
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _has_origin(value: str) -> str:
    origin(value)
    return value


def _has_origin_or_is_empty(value: str) -> str:
    return _has_origin(value) if value else value


Address = Annotated[str, AfterValidator(_has_origin)]
OptionalAddress = Annotated[str, AfterValidator(_has_origin_or_is_empty)]  # empty where there is none
Origins = tuple[Address, ...]
Level = Annotated[int, Field(ge=1, le=4)]
