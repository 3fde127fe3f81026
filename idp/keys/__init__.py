"""Our signing keys: made, rotated with overlap, published, and used. PyJWT signs and verifies tokens; where the
settings name a PKCS #11 token, new keys are made in it and sign there (`pkcs11.py`).

There is a key for each algorithm of tokens, in the JWKS, and one apart for digital IDs, in the trust list. A new key is
published at once and signs only when those who hold a copy of what is published have seen it; the old one stays
published until nothing that it signed can still be of interest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import jwt
from cryptography.hazmat.primitives import serialization

from idp import clock, entropy
from idp.keys import models
from idp.keys.signing import (
    ALGORITHMS,
    CARDS,
    DEFAULT_ALGORITHM,
    PURPOSES,
    RSA_BITS,
    STANDBY,
    HeldKey,
    PrivateKey,
    PublicKey,
    SigningKey,
    algorithm_of,
    made_for,
)
from idp.seal import Sealer, to_text
from idp.settings import Pkcs11, UnsafeSettings
from idp.storage import Database, Transaction
from idp.storage.changes import Changes
from idp.storage.database import Unreachable

if TYPE_CHECKING:
    from idp.keys.pkcs11 import Token

DAY_SECONDS = 86_400
PUBLISHED_BEFORE_USE_SECONDS = 600
PUBLISHED_AFTER_USE_SECONDS = DAY_SECONDS
# Who checks cards without a network knows the keys of a week ago; and a card may be good for ten years.
CARD_KEY_BEFORE_USE_SECONDS = 8 * DAY_SECONDS
CARD_KEY_AFTER_USE_SECONDS = 3_660 * DAY_SECONDS
# All of these years are in one trust list, and verifiers read none with more than a hundred keys.
CARD_KEY_LEAST_AGE_SECONDS = 40 * DAY_SECONDS
_PUBLISHED = {  # before it signs, and after, in seconds; whether it is for cards
    False: (PUBLISHED_BEFORE_USE_SECONDS, PUBLISHED_AFTER_USE_SECONDS),
    True: (CARD_KEY_BEFORE_USE_SECONDS, CARD_KEY_AFTER_USE_SECONDS),
}
ROTATED = (*ALGORITHMS, CARDS)
CLOCK_SKEW_SECONDS = 60
ID_TOKEN_TYPE = "JWT"
ACCESS_TOKEN_TYPE = "at+jwt"
TOPIC = "keys"
PROBE = b"can you sign?"  # no JWS, since there is no dot in it


class NotOurs(Exception):
    """The token was not signed by us, or is not what it should be."""


class CannotSign(Unreachable):
    """The token with our signing keys cannot be used; the text says why, and names the setting."""


_JSON = json.JSONEncoder(separators=(",", ":"))


@lru_cache(maxsize=64)
def _header(alg: str, kid: str, typ: str) -> str:
    return to_text(json.dumps({"alg": alg, "kid": kid, "typ": typ}, separators=(",", ":")).encode())


class Keys:
    """The keys in force in every worker, read again when somebody rotates."""

    def __init__(
        self, database: Database, sealer: Sealer, changes: Changes, issuer: str, token: Token | None = None
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._changes = changes
        self._issuer = issuer
        self._token = token
        self._cached: tuple[int, tuple[SigningKey, ...]] = (-1, ())
        self._ready: dict[str, list[PrivateKey]] = {}
        self._signing: dict[str, tuple[int, tuple[SigningKey, ...], SigningKey]] = {}

    def sign(self, claims: Mapping[str, Any], alg: str, typ: str = ID_TOKEN_TYPE) -> str:
        """The claims as a compact JWS with `kid`, signed by the key now active for `alg`; raises CannotSign."""
        key = self._active(alg)
        payload = _JSON.encode(dict(claims)).encode()
        signed = f"{_header(alg, key.kid, typ)}.{to_text(payload)}"
        return f"{signed}.{to_text(key.signature(signed.encode()))}"

    def open_hint(self, token: str) -> dict[str, Any]:
        """The claims of an id_token of ours, however old, whose key is still published (OpenID Connect Core section
        3.1.2.1: a hint may have expired); raises NotOurs.
        """
        return self._opened_jwt(token, ID_TOKEN_TYPE, verify_exp=False)

    def open_access_token(self, token: str) -> dict[str, Any]:
        """The claims of an access token of ours (RFC 9068 section 4) that has not expired; raises NotOurs.

        Whom it is for is left to the caller to check.
        """
        return self._opened_jwt(token, ACCESS_TOKEN_TYPE, verify_exp=True)

    def _opened_jwt(self, token: str, typ: str, *, verify_exp: bool) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != typ:
                raise NotOurs("another kind of token")  # we sign logout tokens too (RFC 8725 section 3.11)
            key = next(key for key in self._published() if (key.kid, key.alg) == (header.get("kid"), header.get("alg")))
            return jwt.decode(
                token, key.private.public_key(), algorithms=[key.alg], issuer=self._issuer, leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"], "verify_exp": verify_exp, "verify_aud": False},
            )  # fmt: skip
        except (jwt.PyJWTError, StopIteration, ValueError) as problem:
            raise NotOurs(type(problem).__name__) from None

    def jwks(self) -> bytes:
        """The public keys that portals may meet, as a JWK Set (RFC 7517 section 5)."""
        return json.dumps({"keys": [key.public_jwk() for key in self._published()]}).encode()

    def of_cards(self) -> SigningKey:
        """The key that signs digital IDs now; raises Unreachable where there is none."""
        return self._active(CARDS)

    def all_of_cards(self) -> list[SigningKey]:
        """The keys that verifiers of digital IDs may meet: not those that were withdrawn."""
        return self._published(cards=True)

    def rotate(
        self, tx: Transaction, purposes: Sequence[str] = ROTATED, *, at_once: bool = False, withdraw: bool = False
    ) -> list[str]:
        """A successor stands for the key of each purpose, and a first key signs at once; returns the new kids.

        `withdraw` is for a key that may be stolen: it signs, is published and is believed no more, from now on.
        Raises CannotSign where the token cannot make what it should.
        """
        self.check_token(purposes)
        self._changes.bump(tx, TOPIC)  # first, for it locks the row: of those who rotate at once, each sees the last
        now = clock.seconds()
        kids = []
        for purpose in purposes:
            if withdraw:
                tx.run(models.WITHDRAW, of_alg=purpose, now=now, until=now)
            standby = tx.one(models.FIND_STANDBY, of_alg=STANDBY) if purpose == CARDS else None
            if standby is not None:
                kids += self._promote(tx, self._opened(standby[:-1]), standby[-1], now, at_once=at_once or withdraw)
                continue
            before, after = _PUBLISHED[purpose == CARDS]
            successor_from = now if at_once or withdraw else now + before
            succeeds = tx.run(models.NAME_SUCCESSOR, of_alg=purpose, until=successor_from + after, but="")
            kids.append(self._add(tx, purpose, now, successor_from if succeeds else now))
        return kids

    def _promote(self, tx: Transaction, standby: SigningKey, listed_from: int, now: int, *, at_once: bool) -> list[str]:
        """The key that stood by signs cards as soon as every verifier knows it, and another stands by; returns both.

        So a verifier who has an older trust list believes the next one, also when the key of before was stolen. One in
        a token that cannot be used any more is no help, and another takes its place.
        """
        kid = standby.kid
        if not self._is_at_hand(standby):
            tx.run(models.WITHDRAW, of_alg=STANDBY, now=now, until=now)
            kid, listed_from = self._add(tx, CARDS, now, now), now
        before, after = _PUBLISHED[True]
        signs_from = now if at_once else max(now, listed_from + before)
        tx.run(models.NAME_SUCCESSOR, of_alg=CARDS, until=signs_from + after, but=kid)
        tx.run(models.PROMOTE, of_kid=kid, new_alg=CARDS, now=now, signs_from=signs_from)
        return [kid, self._add(tx, STANDBY, now, now)]

    def _is_at_hand(self, key: SigningKey) -> bool:
        if key.held_by is None:
            return True
        return self._token is not None and self._token.label == key.held_by and self._token.has(key.kid)

    def make_ready(self, purposes: Sequence[str] = PURPOSES) -> None:
        """The next rotation by this process finds keys made: those of RSA take a second, and nobody else can write
        meanwhile where the rotation makes them.
        """
        for alg in map(algorithm_of, purposes):
            if self._token is None or not self._token.keeps(alg):
                self._ready.setdefault(alg, []).append(made_for(alg))

    def ensure(self) -> list[str]:
        """There is a key for each purpose; returns the kids of those that were missing."""
        with self._database.write() as tx:
            return self.renew(tx)

    def renew(self, tx: Transaction, older_than_seconds: int | None = None) -> list[str]:
        """Each purpose has a key, and one that is older than this has a successor; returns the new kids.

        Of any number of workers that do this at once, one makes the keys.
        """
        self._changes.bump(tx, TOPIC)
        due = _due(tx.all(models.FIND_MADE), older_than_seconds)
        return self.rotate(tx, due) if due else []

    def due(self, older_than_seconds: int | None = None) -> list[str]:
        """The purposes whose keys are to be renewed."""
        return _due(self._database.all(models.FIND_MADE), older_than_seconds)

    def check(self) -> None:
        """Raises Unreachable unless each purpose that has a key can be signed for, the one of all portals among
        them: `idp keys ensure` makes keys. A purpose that came with this release may lack one for a while.
        """
        for purpose in {DEFAULT_ALGORITHM, *(key.purpose for key in self._all())}:
            key = self._active(purpose)
            if isinstance(key.private, HeldKey):
                key.private.sign(PROBE)

    def check_token(self, purposes: Sequence[str] = PURPOSES) -> None:
        """Raises CannotSign unless the token, where there is one, lets us in and can make keys for its algorithms."""
        if self._token is not None:
            self._token.check(tuple(dict.fromkeys(map(algorithm_of, purposes))))

    def listed(self) -> tuple[SigningKey, ...]:
        return self._all()

    def _add(self, tx: Transaction, purpose: str, now: int, active_from: int) -> str:
        name, alg = CARDS if purpose == STANDBY else purpose.lower(), algorithm_of(purpose)
        kid = f"{name}-{to_text(entropy.chance(9))}"
        if self._token is not None and self._token.keeps(alg):
            held_by, sealed_as = self._token.label, "signing_keys.public"
            plain = self._token.make(kid, alg).public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        else:
            held_by, sealed_as = None, "signing_keys.private"
            plain = self._fresh(alg).private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        sealed = self._sealer.seal(sealed_as, plain, kid.encode())
        tx.run(
            models.ADD, kid=kid, alg=purpose, private=sealed, held_by=held_by, made_at=now, active_from=active_from,
            published_until=None,
        )  # fmt: skip
        return kid

    def _fresh(self, alg: str) -> PrivateKey:
        ready = self._ready.get(alg)
        return ready.pop() if ready else made_for(alg)

    def _active(self, purpose: str) -> SigningKey:
        """The key that signs: of those whose time has come, the one that stays published longest.

        So a key made for at once goes before one that was only published for later, and nothing is ever signed that
        loses its key before it has lost its interest.
        """
        now, known = clock.seconds(), self._all()
        found = self._signing.get(purpose)
        if found is None or found[0] != now or found[1] is not known:  # looked for once a second
            active = [key for key in known if key.purpose == purpose and key.active_from <= now]
            if not active:
                raise Unreachable(f"no key for {purpose}")
            longest = max(active, key=lambda key: math.inf if key.published_until is None else key.published_until)
            found = self._signing[purpose] = (now, known, longest)
        return found[2]

    def _published(self, *, cards: bool = False) -> list[SigningKey]:
        now = clock.seconds()
        there = [key for key in self._all() if key.published_until is None or key.published_until > now]
        return [key for key in there if (key.purpose in (CARDS, STANDBY)) == cards]

    def _all(self) -> tuple[SigningKey, ...]:
        number = self._changes.number(TOPIC)
        known_number, known = self._cached
        if known_number != number or not known:
            known = tuple(self._opened(row) for row in self._database.all(models.FIND_ALL))
            self._cached = (number, known)
        return known

    def _opened(self, row: Sequence[Any]) -> SigningKey:
        kid, purpose, sealed, held_by, active_from, published_until = row
        private: PrivateKey | HeldKey
        if held_by is None:
            plain = self._sealer.open("signing_keys.private", bytes(sealed), kid.encode())
            # We made it, and the seal says that nobody else wrote this. To prove once more that it is a key would cost
            # each thread a tenth of a second, all at the same moment, whenever keys are rotated.
            loaded = serialization.load_der_private_key(plain, password=None, unsafe_skip_rsa_key_validation=True)
            private = cast("PrivateKey", loaded)
        else:
            plain = self._sealer.open("signing_keys.public", bytes(sealed), kid.encode())
            private = self._held(
                kid, algorithm_of(purpose), held_by, cast("PublicKey", serialization.load_der_public_key(plain))
            )
        return SigningKey(
            kid=kid, purpose=purpose, private=private, held_by=held_by, active_from=active_from,
            published_until=published_until,
        )  # fmt: skip

    def _held(self, kid: str, alg: str, held_by: str, public: PublicKey) -> HeldKey:
        token = self._token

        def sign(data: bytes) -> bytes:
            if token is None or token.label != held_by:
                raise CannotSign(
                    f"keys.pkcs11.token: the key {kid} is in the token {held_by!r}, which is not named there"
                )
            return token.sign(kid, alg, public, data)

        return HeldKey(public=public, sign=sign)


def open_token(settings: Pkcs11) -> Token | None:
    """The token that new keys are made in, asked nothing yet; None where the settings name none."""
    if not settings.module:
        return None
    try:
        from idp.keys.pkcs11 import Token
    except ModuleNotFoundError:
        raise UnsafeSettings("keys.pkcs11: needs python-pkcs11: pip install 'motcua[pkcs11]'") from None
    return Token(settings)


def _due(made: Sequence[Sequence[Any]], older_than_seconds: int | None) -> list[str]:
    """The purposes without a key, and those whose newest is older than this."""
    ages: dict[str, int] = {row[0]: clock.seconds() - row[1] for row in made}

    def is_due(purpose: str) -> bool:
        if purpose not in ages or older_than_seconds is None:
            return purpose not in ages
        if purpose == STANDBY:
            return False  # its turn comes with that of the key of cards
        return ages[purpose] >= max(older_than_seconds, CARD_KEY_LEAST_AGE_SECONDS if purpose == CARDS else 0)

    return list(filter(is_due, PURPOSES))


__all__ = [
    "ALGORITHMS", "CARDS", "DEFAULT_ALGORITHM", "PURPOSES", "ROTATED", "RSA_BITS", "STANDBY", "TOPIC", "CannotSign",
    "HeldKey", "Keys", "NotOurs", "PrivateKey", "PublicKey", "SigningKey", "open_token",
]  # fmt: skip
