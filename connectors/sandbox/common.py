"""What every running source has, whatever it speaks: its people, its faults, its log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from flask import current_app

from connectors.sandbox.fault_book import Faults
from connectors.sandbox.population import Population
from connectors.sandbox.request_log import RequestLog
from connectors.sandbox.settings import RefusesToStart, Settings


class Common:
    """`paths` names the endpoints, so that `slow` and `down` can strike before a request is looked at."""

    def __init__(
        self, settings: Settings, *, catalogue: Mapping[str, Collection[str]], paths: Mapping[str, str]
    ) -> None:
        self.settings = settings
        self.paths = paths
        self.population = Population(settings.seed, settings.citizens)
        self.log = RequestLog()
        self.faults = Faults(self.population.find, catalogue)
        for fault in settings.faults:
            try:
                self.faults.add(fault)
            except ValueError as problem:
                raise RefusesToStart(f"SANDBOX_FAULTS: {dict(fault)} is not a fault: {problem}") from problem

    def rotate_keys(self, *, keep_old: bool) -> list[str] | None:  # noqa: ARG002
        """New signing keys, and the names of those now published; None where the source has none."""
        return None


def common() -> Common:
    """The source that answers the current request, as far as all sources are alike."""
    return cast(Common, current_app.extensions["sandbox"])
