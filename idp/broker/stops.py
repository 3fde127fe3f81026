"""Where a visit waits: the steps of the contract that wait for somebody, and how the shelf keeps them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from connectors.base import Ask, AutoPost, Field, NeedClientCertificate, Redirect
from idp.seal import from_text, to_text

Stop = Redirect | AutoPost | Ask | NeedClientCertificate
_KINDS: dict[str, type[Stop]] = {each.__name__: each for each in (Redirect, AutoPost, Ask, NeedClientCertificate)}


def as_values(stop: Stop) -> dict[str, Any]:
    """The stop as values that JSON has."""
    return asdict(stop) | {"state": to_text(stop.state), "kind": type(stop).__name__}


def from_values(kept: dict[str, Any]) -> Stop:
    values = dict(kept, state=from_text(kept["state"]))
    kind = _KINDS[values.pop("kind")]
    if kind is Ask:
        values["fields"] = tuple(Field(**each) for each in values["fields"])
        values["note_values"] = tuple(tuple(pair) for pair in values["note_values"])
    elif kind is AutoPost:
        values["fields"] = tuple(tuple(pair) for pair in values["fields"])
    return kind(**values)
