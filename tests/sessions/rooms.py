"""The rooms without an address of their own, on a fresh database: no server, no source, no page."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import time_machine
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idp import clock, keys, seal
from idp.clients import Client, Registration
from idp.house import House, build
from idp.keys.models import ADD
from idp.keys.signing import algorithm_of, made_for
from idp.settings import load
from tests.storage.places import make_tables

ISSUER = "http://idp.localhost:9"


def furnished(directory: Path, *, with_keys: bool = True, **changes: Any) -> House:
    """A house with empty tables and, unless one wants none, one signing key for each purpose."""
    master_keys = directory / "master.keys"
    if not master_keys.exists():
        seal.add_master_key(str(master_keys))
    given: dict[str, Any] = {
        "mode": "test", "issuer": ISSUER, "master_keys_file": str(master_keys),
        "database_url": f"sqlite:///{directory}/motcua.db", "outbound": {"allow_loopback": True},
    }  # fmt: skip
    house = build(load(**(given | changes)))
    make_tables(house.database.engine)
    if with_keys:
        give_keys(house)
    return house


def give_keys(house: House) -> None:
    """A key for each purpose signs from now on, as after `house.keys.ensure()`.

    The houses of a process have the same, for to make RSA keys takes longer than all else that a house needs. A house
    with a token has keys of its own, made there.
    """
    if house.settings.keys.pkcs11.module:
        house.keys.ensure()
        return
    now = clock.seconds()
    with house.database.write() as tx:
        house.changes.bump(tx, keys.TOPIC)
        for purpose, plain in _made().items():
            kid = f"{purpose.lower()}-{secrets.token_urlsafe(9)}"
            sealed = house.sealer.seal("signing_keys.private", plain, kid.encode())
            tx.run(
                ADD, kid=kid, alg=purpose, private=sealed, held_by=None, made_at=now, active_from=now,
                published_until=None,
            )  # fmt: skip


@cache
def _made() -> dict[str, bytes]:
    """For each purpose a private key, PKCS #8."""
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {each: made_for(algorithm_of(each)).private_bytes(*form) for each in keys.PURPOSES}


def another_worker(house: House) -> House:
    """The same provider in another process, so to speak: nothing is shared but the stores."""
    return build(house.settings)


def registered(house: House, client_id: str, **registration: Any) -> Client:
    """A portal of its own sector."""
    given: dict[str, Any] = {
        "name_vi": f"Cổng {client_id}", "name_en": f"Portal {client_id}", "home_url": f"https://{client_id}.example/",
        "redirect_uris": [f"https://{client_id}.example/cb"], "sector": f"{client_id}.example",
    } | registration  # fmt: skip
    with house.database.write() as tx:
        house.clients.add(tx, client_id, Registration(**given))
    found = house.clients.find(client_id)
    assert found is not None
    return found


def later(seconds: int) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC).timestamp() + seconds, tick=False)
