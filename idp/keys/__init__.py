"""Our signing keys: made, rotated with overlap, published as JWKS, and used. PyJWT signs and verifies.

A new key is published at once and signs only `PUBLISHED_BEFORE_USE_SECONDS` later, when portals that cache our JWKS
have seen it; the old one stays published until nothing that it signed can still be of interest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idp import clock, entropy
from idp.keys import models
from idp.seal import Sealer, to_text
from idp.storage import Database, Transaction
from idp.storage.changes import Changes
from idp.storage.database import Unreachable

ALGORITHMS = ("RS256", "ES256")
RSA_BITS = 2048  # NIST SP 800-57 part 1, table 2: 112 bits of strength until 2030
PUBLISHED_BEFORE_USE_SECONDS = 600
PUBLISHED_AFTER_USE_SECONDS = 86_400
CLOCK_SKEW_SECONDS = 60
ID_TOKEN_TYPE = "JWT"
TOPIC = "keys"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class NotOurs(Exception):
    """The token was not signed by us, or is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    kid: str
    alg: str
    private: PrivateKey
    active_from: int
    published_until: int | None

    def public_jwk(self) -> dict[str, Any]:
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            members = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            members = ECAlgorithm.to_jwk(public, as_dict=True)
        members.pop("key_ops", None)
        return members | {"kid": self.kid, "use": "sig", "alg": self.alg}


class Keys:
    """The keys in force in every worker, read again when somebody rotates."""

    def __init__(self, database: Database, sealer: Sealer, changes: Changes, issuer: str) -> None:
        self._database = database
        self._sealer = sealer
        self._changes = changes
        self._issuer = issuer
        self._cached: tuple[int, tuple[SigningKey, ...]] = (-1, ())

    def sign(self, claims: Mapping[str, Any], alg: str, typ: str = ID_TOKEN_TYPE) -> str:
        """The claims as a compact JWS with `kid`, signed by the key now active for `alg`."""
        key = self._active(alg)
        return jwt.encode(dict(claims), key.private, algorithm=alg, headers={"kid": key.kid, "typ": typ})

    def open_hint(self, token: str) -> dict[str, Any]:
        """The claims of an id_token of ours, however old, whose key is still published (OpenID Connect Core section
        3.1.2.1: a hint may have expired); raises NotOurs.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != ID_TOKEN_TYPE:
                raise NotOurs("another kind of token")  # we sign logout tokens too (RFC 8725 section 3.11)
            key = next(key for key in self._published() if (key.kid, key.alg) == (header.get("kid"), header.get("alg")))
            return jwt.decode(
                token, key.private.public_key(), algorithms=[key.alg], issuer=self._issuer, leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"], "verify_exp": False, "verify_aud": False},
            )  # fmt: skip
        except (jwt.PyJWTError, StopIteration, ValueError) as problem:
            raise NotOurs(type(problem).__name__) from None

    def jwks(self) -> bytes:
        """The public keys that portals may meet, as a JWK Set (RFC 7517 section 5)."""
        return json.dumps({"keys": [key.public_jwk() for key in self._published()]}).encode()

    def rotate(
        self, tx: Transaction, algorithms: Sequence[str] = ALGORITHMS, *, at_once: bool = False, withdraw: bool = False
    ) -> list[str]:
        """A successor stands for each algorithm's key; returns the new kids.

        `withdraw` is for a key that may be stolen: it signs, is published and is believed no more, from now on.
        """
        now = clock.seconds()
        active_from = now if at_once or withdraw else now + PUBLISHED_BEFORE_USE_SECONDS
        kids = []
        for alg in algorithms:
            if withdraw:
                tx.run(models.WITHDRAW, of_alg=alg, now=now, until=now)
            tx.run(models.NAME_SUCCESSOR, of_alg=alg, until=active_from + PUBLISHED_AFTER_USE_SECONDS)
            kids.append(self._add(tx, alg, now, active_from))
        self._changes.bump(tx, TOPIC)
        return kids

    def ensure(self) -> None:
        """There is a key for each algorithm."""
        with self._database.write() as tx:
            present = {row[1] for row in tx.all(models.FIND_ALL)}
            missing = [alg for alg in ALGORITHMS if alg not in present]
            if missing:
                self.rotate(tx, missing, at_once=True)

    def check(self) -> None:
        """Raises Unreachable unless there is a key to sign with for each algorithm: `idp keys ensure` makes them."""
        for alg in ALGORITHMS:
            self._active(alg)

    def listed(self) -> tuple[SigningKey, ...]:
        return self._all()

    def _add(self, tx: Transaction, alg: str, now: int, active_from: int) -> str:
        kid = f"{alg.lower()}-{to_text(entropy.chance(9))}"
        private: PrivateKey = (
            rsa.generate_private_key(65537, RSA_BITS) if alg == "RS256" else ec.generate_private_key(ec.SECP256R1())
        )
        plain = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        sealed = self._sealer.seal("signing_keys.private", plain, kid.encode())
        tx.run(models.ADD, kid=kid, alg=alg, private=sealed, made_at=now, active_from=active_from, published_until=None)
        return kid

    def _active(self, alg: str) -> SigningKey:
        """The key that signs: of those whose time has come, the one that stays published longest.

        So a key made for at once goes before one that was only published for later, and nothing is ever signed that
        loses its key before it has lost its interest.
        """
        now = clock.seconds()
        active = [key for key in self._all() if key.alg == alg and key.active_from <= now]
        if not active:
            raise Unreachable(f"no key for {alg}")
        return max(active, key=lambda key: math.inf if key.published_until is None else key.published_until)

    def _published(self) -> list[SigningKey]:
        now = clock.seconds()
        return [key for key in self._all() if key.published_until is None or key.published_until > now]

    def _all(self) -> tuple[SigningKey, ...]:
        number = self._changes.number(TOPIC)
        known_number, known = self._cached
        if known_number != number or not known:
            known = tuple(self._opened(row) for row in self._database.all(models.FIND_ALL))
            self._cached = (number, known)
        return known

    def _opened(self, row: Sequence[Any]) -> SigningKey:
        kid, alg, sealed, active_from, published_until = row
        plain = self._sealer.open("signing_keys.private", bytes(sealed), kid.encode())
        private = cast("PrivateKey", serialization.load_der_private_key(plain, password=None))
        return SigningKey(kid=kid, alg=alg, private=private, active_from=active_from, published_until=published_until)
