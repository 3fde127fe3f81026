"""Our own pages as a portal: people sign in to their account by the same journey as anywhere else."""

from __future__ import annotations

from idp.clients.client import Client
from idp.settings import Settings
from idp.web.language import text

OWN_ID = "@account"  # no registration can have it
ACCOUNT = "/account"


def own_client(settings: Settings) -> Client:
    """The account, as the journey knows portals: it is told nothing, and gets no code."""
    home = f"{settings.issuer}{ACCOUNT}"
    return Client(
        id=OWN_ID, enabled=True, secret_fingerprint=None, name_vi=text("vi", "account.name"),
        name_en=text("en", "account.name"), home_url=home, redirect_uris=(home,), sector=OWN_ID,
    )  # fmt: skip
