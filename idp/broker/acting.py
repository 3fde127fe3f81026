"""Acting for an organisation: what registers say, shown to the person, and what they choose of it.

A register is asked by the personal number of whoever has just come; what it said is kept for minutes and within this
one sign-in, so that what a form says is only ever a choice among it.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from connectors.base import Failed, Organisation, OutboundError
from connectors.registers import KnowsOrganisations
from idp.broker.shelf import Login, Shelf
from idp.clients import Client
from idp.errors import PERSON_BARRED, Refused
from idp.people import People
from idp.sessions import Sessions, Standing
from idp.sessions.mandates import as_json, from_json
from idp.sources import Source, Sources
from idp.storage import Database

MYSELF = "myself"
OFFER_SECONDS = 300
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Listed:
    register: str
    organisation: Organisation


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Whom somebody may act for; not `complete` where a register did not answer."""

    person: str
    listed: tuple[Listed, ...]
    complete: bool


class Acting:
    def __init__(
        self, *, database: Database, people: People, sources: Sources, sessions: Sessions, shelf: Shelf
    ) -> None:
        self._database = database
        self._people = people
        self._sources = sources
        self._sessions = sessions
        self._shelf = shelf

    def offer(self, login: Login, standing: Standing) -> Offer:
        """Whom this person may act for, as registers said in this sign-in; raises Refused for nobody we know."""
        person = self._people.find(standing.person_id)
        if person is None or person.personal_number is None:
            raise Refused(PERSON_BARRED, "the person is gone, or their number")
        name, kept = person.name or "", self._shelf.offer(login.id, standing.session_id)
        if kept is not None:
            known = tuple(Listed(register=register, organisation=from_json(text)) for register, text in kept)
            return Offer(person=name, listed=known, complete=True)
        answers = [self._ask(source, person.personal_number) for source in self._sources.having(KnowsOrganisations)]
        listed = tuple(each for answer in answers for each in answer or ())
        complete = all(answer is not None for answer in answers)
        if complete:
            texts = [(each.register, as_json(each.organisation)) for each in listed]
            self._shelf.keep_offer(login.id, standing.session_id, texts, OFFER_SECONDS)
        return Offer(person=name, listed=listed, complete=complete)

    def choose(self, login: Login, client: Client, standing: Standing, chosen: str) -> bool:
        """It is kept for whom the person acts at this portal; False for an organisation that is not theirs."""
        listed = None
        if chosen != MYSELF:
            offer = self.offer(login, standing)
            listed = next((each for each in offer.listed if each.organisation.tax_code == chosen), None)
            if listed is None:
                return False
        with self._database.write() as tx:
            self._sessions.mandates.keep(
                tx, session_id=standing.session_id, person_id=standing.person_id, client_id=client.id,
                organisation=None if listed is None else listed.organisation,
                register=None if listed is None else listed.register,
            )  # fmt: skip
        self._shelf.note_acted(login.id, standing.session_id)
        return True

    def _ask(self, source: Source, personal_number: str) -> tuple[Listed, ...] | None:
        """What one register says; None where it does not answer."""
        try:
            with self._sources.call(source, "organisations") as call:
                answer: tuple[Organisation, ...] | Failed = source.connector.organisations(
                    call.context, personal_number
                )
                call.note_answer(answer)
        except OutboundError as problem:
            answer = problem.as_failed()
        if isinstance(answer, Failed):
            log.warning("register_silent", source=source.id, failure=answer.failure.value, detail=answer.detail)
            return None
        return tuple(Listed(register=source.id, organisation=each) for each in answer)
