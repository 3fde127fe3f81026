"""The portals that know a person: what each may read, and how that is taken back.

POST /account/portals    one portal (`portal`) may read nothing more
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from idp import clock
from idp.account import models
from idp.account.door import Door
from idp.audit import Audit
from idp.broker.desk import see_other
from idp.broker.telling import labels_of
from idp.clients import Clients
from idp.clients.own import ACCOUNT
from idp.people.portals import forget, known_at
from idp.sessions import Standing
from idp.storage import Database
from idp.web.account import PortalRow

PORTALS = f"{ACCOUNT}/portals"
WITHDRAWN = "the person withdrew"


@dataclass(frozen=True, kw_only=True)
class Portals:
    database: Database
    door: Door
    clients: Clients
    audit: Audit

    def stand_in(self, room: Blueprint) -> None:
        room.post(PORTALS, endpoint="withdraw")(self.withdraw)

    def rows(self, person_id: bytes) -> tuple[PortalRow, ...]:
        """The portals that the person was told of, newest first."""
        found = [(each, self.clients.find(each.client_id)) for each in known_at(self.database, person_id)]
        return tuple(
            PortalRow(
                id=client.id, name_vi=client.name_vi, name_en=client.name_en, since=clock.instant(each.at),
                details=labels_of(each.claim_names), reads_on=each.offline,
            )
            for each, client in found
            if client is not None
        )  # fmt: skip

    def withdraw(self) -> Response:
        """The portal's grants are void and the person was told nothing of it: the next sign-in there begins with that.

        What a code holds that was given out before, and not yet redeemed, the portal still gets for as long as codes
        live; what it has already received is beyond us.
        """
        standing = self.door.standing()
        if standing is None:
            return see_other(ACCOUNT)
        self.door.check_form()
        known = {each.client_id for each in known_at(self.database, standing.person_id)}
        if (client_id := request.form.get("portal", "")) in known:
            self._end_all_at(client_id, standing)
        return see_other(url_for("account.page") + "#portals")

    def _end_all_at(self, client_id: str, standing: Standing) -> None:
        person_id = standing.person_id
        with self.database.write() as tx:
            if not forget(tx, person_id, client_id):
                return  # by another click, and with it all that was granted
            ended = tx.all(models.END_GRANTS_AT, of_person=person_id, of_client=client_id, now=clock.seconds())
            for row in ended:
                self.audit.grant_revoked(
                    tx, person_id=person_id, client_id=client_id, session_id=bytes(row[0]), reason=WITHDRAWN
                )
            self.audit.withdrawn(
                tx, person_id=person_id, session_id=standing.session_id, client_id=client_id, grants=len(ended)
            )
