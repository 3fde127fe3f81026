"""The journey's one decision: from what is known, what comes next. Everything else carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from idp.clients import Client
from idp.clients.own import OWN_ID
from idp.people import claims
from idp.sessions import Standing
from idp.sessions.mandates import Mandate

ACTING_LEVEL = 2
BY_PHONE_LEVEL = 3  # the most that a session on a phone vouches for: what a screen shows can be passed on (RFC 10027)


class Step(StrEnum):
    SIGN_IN = "sign_in"  # choose a source and prove yourself there
    CHECK = "check"  # the population register is asked about the person again; nobody has to do anything for that
    ACT_FOR = "act_for"  # say whether to act for oneself or for an organisation
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
    offline: bool = False  # the portal wants to go on reading when the person has left
    act_for: bool = False  # the portal serves organisations too, and there is a register that knows who acts for them
    only_person: str | None = None  # hexadecimal id; "" is nobody
    adds_to: str | None = None  # hexadecimal id of whoever is signed in and wants one more way to come in
    ui_locales: tuple[str, ...] = ()
    answered_at: str = ""  # the portal's address that the answer goes to; of a device, no address; of ours, the page

    @property
    def is_our_own(self) -> bool:
        """Whether it is for the account, and no portal gets anything."""
        return self.client_id == OWN_ID


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What has been done within this sign-in, beyond what the session shows."""

    signed_in: bool = False
    told: bool = False
    acted: bool = False  # said for whom they act
    checked: bool = False  # the register was asked, or could not be
    by_phone: bool = False  # a session on a phone vouched for this browser: chosen anew, and proved when it was


def next_step(need: Need, client: Client, standing: Standing | None, progress: Progress) -> Step:
    """Where this sign-in goes next, decided from stored state alone, whatever page, tab or click it comes from."""
    if standing is None or not _good_enough(need, standing, progress):
        return Step.SIGN_IN
    if need.only_person is not None and standing.person_id.hex() != need.only_person:
        return Step.WRONG_PERSON if progress.signed_in or progress.by_phone else Step.SIGN_IN
    if standing.check_due and not (progress.checked or progress.signed_in):  # who signs in is asked about then
        return Step.CHECK
    if _must_say_for_whom(need, standing, progress):
        return Step.ACT_FOR
    if _must_be_told(need, client, standing, progress):
        return Step.TELL
    return Step.ANSWER


def _good_enough(need: Need, standing: Standing, progress: Progress) -> bool:
    if standing.level < need.owed_level:
        return False
    # A proof within this sign-in is fresh, also where the source's clock is a little slow. And a wish for a higher
    # level is tried once, and never stands in the way.
    stale = standing.auth_time < need.authenticated_after
    elsewhere = need.choose_again or standing.level < need.wished_level
    again = stale or need.sign_in_again or (elsewhere and not progress.by_phone)
    return progress.signed_in or not again


def may_come_by_phone(need: Need) -> bool:
    """Whether a session that stands elsewhere can do at all: not where the person must prove themselves anew, or more
    surely than can be over a picture that somebody else may pass on.
    """
    return not need.sign_in_again and need.adds_to is None and need.owed_level <= BY_PHONE_LEVEL


def is_met_by(need: Need, level: int, auth_time: int) -> bool:
    """Whether a sign-in of that level and instant, in whatever browser, is sure and fresh enough."""
    return level >= need.owed_level and auth_time >= need.authenticated_after


def may_act_for(need: Need, standing: Standing) -> bool:
    """Whether organisations can be offered: a register is asked by the number of somebody who is surely that person."""
    return need.act_for and standing.has_number and standing.level >= ACTING_LEVEL


def acts_for(need: Need, standing: Standing) -> Mandate | None:
    """For which organisation the person acts at this portal, if for one."""
    return standing.mandate if may_act_for(need, standing) else None


def names_to_tell(need: Need, standing: Standing) -> tuple[str, ...]:
    """The claims that this portal may read of this person now: nothing of organisations where they act for none."""
    return claims.without_organisation(need.claim_names) if acts_for(need, standing) is None else need.claim_names


def owes_consent(need: Need, client: Client) -> bool:
    """Whether the person must agree, and not only be told: where the registration says so, and there is what."""
    return client.consent_required and bool(claims.personal(need.claim_names))


def _must_say_for_whom(need: Need, standing: Standing, progress: Progress) -> bool:
    if not may_act_for(need, standing):
        return False
    again = (need.choose_again or need.tell_again) and not progress.acted
    return again or not standing.said_for_whom


def _must_be_told(need: Need, client: Client, standing: Standing, progress: Progress) -> bool:
    if need.is_our_own:
        return False
    if standing.sub is None or standing.told_claims is None:
        return True
    if not set(names_to_tell(need, standing)) <= set(standing.told_claims):
        return True
    if owes_consent(need, client) and not standing.agreed:
        return True
    if need.offline and not standing.told_offline:
        return True
    return need.tell_again and not progress.told
