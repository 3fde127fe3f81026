"""The journey's one decision: from what is known, what comes next. Everything else carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from idp.clients import Client
from idp.people import claims
from idp.sessions import Standing


class Step(StrEnum):
    SIGN_IN = "sign_in"  # choose a source and prove yourself there
    TELL = "tell"  # see what goes to the portal, and agree where that is asked
    ANSWER = "answer"  # all is there that the portal asked for
    WRONG_PERSON = "wrong_person"  # signed in, but not as the person the portal named


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one sign-in is for. Knows nothing of OpenID's wire: `oidc` translates."""

    client_id: str
    claim_names: tuple[str, ...]
    owed_level: int
    wished_level: int = 1
    authenticated_after: int = 0  # the proof must not be older than this instant
    sign_in_again: bool = False  # the person must prove themselves within this sign-in
    choose_again: bool = False  # the person wants to choose whom to be
    tell_again: bool = False
    only_person: str | None = None  # hexadecimal id; "" is nobody
    ui_locales: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What has been done within this sign-in, beyond what the session shows."""

    signed_in: bool = False
    told: bool = False


def next_step(need: Need, client: Client, standing: Standing | None, progress: Progress) -> Step:
    """Where this sign-in goes next, decided from stored state alone, whatever page, tab or click it comes from."""
    if standing is None or not _good_enough(need, standing, progress):
        return Step.SIGN_IN
    if need.only_person is not None and standing.person_id.hex() != need.only_person:
        return Step.WRONG_PERSON if progress.signed_in else Step.SIGN_IN
    if _must_be_told(need, client, standing, progress):
        return Step.TELL
    return Step.ANSWER


def _good_enough(need: Need, standing: Standing, progress: Progress) -> bool:
    if standing.level < need.owed_level:
        return False
    # A proof within this sign-in is fresh, also where the source's clock is a little slow. And a wish for a higher
    # level is tried once, and never stands in the way.
    stale = standing.auth_time < need.authenticated_after
    again = stale or need.sign_in_again or need.choose_again or standing.level < need.wished_level
    return progress.signed_in or not again


def owes_consent(need: Need, client: Client) -> bool:
    """Whether the person must agree, and not only be told: where the registration says so, and there is what."""
    return client.consent_required and bool(claims.personal(need.claim_names))


def _must_be_told(need: Need, client: Client, standing: Standing, progress: Progress) -> bool:
    if standing.sub is None or standing.told_claims is None:
        return True
    if not set(need.claim_names) <= set(standing.told_claims):
        return True
    if owes_consent(need, client) and not standing.agreed:
        return True
    return need.tell_again and not progress.told
