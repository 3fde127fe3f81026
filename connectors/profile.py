"""What a few sources know of a person beside their identity, in the words of OpenID Connect Core section 5.1."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

PAGES = ("profile", "picture", "website")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where somebody lives; `formatted` has it whole, a line each (OpenID Connect Core section 5.1.1)."""

    formatted: str
    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Only what the source said by itself. `profile`, `picture` and `website` are https addresses (ValueError).

    `email_verified` and `phone_verified` are of the e-mail address and telephone number in the same assertion.
    """

    nickname: str | None = None
    preferred_username: str | None = None
    profile: str | None = None
    picture: str | None = None
    website: str | None = None
    zoneinfo: str | None = None  # like Asia/Ho_Chi_Minh
    locale: str | None = None  # like vi-VN
    address: Address | None = None
    email_verified: bool = False
    phone_verified: bool = False

    def __post_init__(self) -> None:
        for name in PAGES:
            address = urlsplit(getattr(self, name) or "https://none")
            if address.scheme != "https" or not address.netloc:
                raise ValueError(f"{name} is not an https address")
