"""`flask --app idp source …`, `… people …` and `… digital-id …`: the same commands, by Flask's own."""

from __future__ import annotations

import click

from idp.cli import digital_id as of_digital_id
from idp.cli import people as of_people
from idp.cli.contracts import contract, reports
from idp.cli.shared import in_one_sentence
from idp.cli.sources import check


class _Told(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        with in_one_sentence():
            return super().invoke(ctx)


source = _Told("source", help="Test one source.", commands={"check": check, "contract": contract, "reports": reports})
people = _Told("people", help="What `idp people` does.", commands=of_people.people.commands)
digital_id = _Told("digital-id", help="What `idp digital-id` does.", commands=of_digital_id.digital_id.commands)
