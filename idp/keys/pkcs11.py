"""Signing keys in a module of their own, by PKCS #11 (OASIS, version 2.40): made there, used there, never to leave it.

A process has one session of a token and one thread in a module at a time, because python-pkcs11 initialises modules
without a word about threads (C_Initialize with NULL, section 5.4). Whatever goes wrong is tried once more over a module
that has begun anew: sessions, tokens and modules get lost, and each vendor says so in other words.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import jwt
import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, PKCS11Error, TokenFlag
from pkcs11.types import Object, Session, SignMixin

from idp import clock
from idp.keys import PROBE, RSA_BITS, CannotSign, PublicKey
from idp.settings import Pkcs11

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib

LEFT_ALONE_SECONDS = 1.0  # after a failure, so that a module that hangs does not hold up every request
P256 = bytes.fromhex("06082a8648ce3d030107")  # its name in DER (RFC 5480 section 2.1.1.1)
ED25519 = bytes.fromhex("06032b6570")  # RFC 8410 section 3
# Once more wrong, and the token is locked: whoever has the right PIN has to log in by hand.
LOCKS_NEXT = TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED
BAD_PIN = (
    pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired, pkcs11.PinLocked,
    pkcs11.UserPinNotInitialized,
)  # fmt: skip
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a token makes keys for an algorithm, and signs with them."""

    kind: KeyType
    bits: int | None = None
    curve: Mapping[Attribute, bytes] = field(default_factory=dict)
    make: Mechanism
    sign: Mechanism
    parameters: Any = None
    digest: Callable[[bytes], bytes] = bytes  # what is done here and not there


WAYS: Final = {
    "RS256": Way(
        kind=KeyType.RSA, bits=RSA_BITS, make=Mechanism.RSA_PKCS_KEY_PAIR_GEN, sign=Mechanism.SHA256_RSA_PKCS
    ),
    "PS256": Way(  # RFC 7518 section 3.5: the salt is as long as the digest
        kind=KeyType.RSA, bits=RSA_BITS, make=Mechanism.RSA_PKCS_KEY_PAIR_GEN, sign=Mechanism.SHA256_RSA_PKCS_PSS,
        parameters=(Mechanism.SHA256, MGF.SHA256, 32),
    ),
    "ES256": Way(  # signs r and s, one after the other, as RFC 7518 section 3.4 wants them
        kind=KeyType.EC, curve={Attribute.EC_PARAMS: P256}, make=Mechanism.EC_KEY_PAIR_GEN, sign=Mechanism.ECDSA,
        digest=lambda data: hashlib.sha256(data).digest(),
    ),
    "EdDSA": Way(
        kind=KeyType.EC_EDWARDS, curve={Attribute.EC_PARAMS: ED25519}, make=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        sign=Mechanism.EDDSA,
    ),
}  # fmt: skip


class Token:
    """The token that the settings name; a process asks it when there is something to sign, and no earlier."""

    def __init__(self, settings: Pkcs11) -> None:
        self.label = settings.token
        self._pin_file = Path(settings.pin_file)
        self._algorithms = settings.algorithms
        self._module = _MODULES.setdefault(settings.module, _Module(settings.module))
        self._refused_pin: str | None = None
        self._left_alone_until = 0.0

    def keeps(self, alg: str) -> bool:
        """Whether new keys for this algorithm are made in the token."""
        return alg in self._algorithms

    def check(self, algorithms: Sequence[str]) -> None:
        """Raises CannotSign unless the token lets us in, and knows what its keys for these algorithms need."""
        there = self._asked(lambda session: session.token.slot.get_mechanisms())
        for alg in filter(self.keeps, algorithms):
            lacking = [way for way in (WAYS[alg].make, WAYS[alg].sign) if way not in there]
            if lacking:
                named = " and ".join(f"CKM_{way.name}" for way in lacking)
                raise CannotSign(
                    f"keys.pkcs11.algorithms: the token {self.label!r} has no {named} for {alg}; "
                    "left out there, its keys are sealed in the database"
                )

    def make(self, kid: str, alg: str) -> PublicKey:
        """There is a key in the token that `kid` names, that no one can read or take out, and that has signed once.

        Returns its public half; raises CannotSign.
        """
        public = self._asked(lambda session: self._made(session, kid, alg))
        self.sign(kid, alg, public, PROBE)
        return public

    def sign(self, kid: str, alg: str, public: PublicKey, data: bytes) -> bytes:
        """The signature as it stands in a JWS (RFC 7518 section 3), verified with the public half that is published:
        what the module gives us is another program's word. Raises CannotSign.
        """
        way, algorithm = WAYS[alg], jwt.get_algorithm_by_name(alg)

        def signed(session: Session) -> bytes:
            key = self._key(session, kid)
            signature = key.sign(way.digest(data), mechanism=way.sign, mechanism_param=way.parameters)
            if not algorithm.verify(data, public, signature):
                raise pkcs11.SignatureInvalid
            return signature

        return self._asked(signed)

    def has(self, kid: str) -> bool:
        """Whether the token still holds the private key of this name; raises CannotSign where it cannot be asked."""
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: kid.encode()}
        return self._asked(lambda session: any(True for _ in session.get_objects(wanted)))

    def _asked(self, work: Callable[[Session], T]) -> T:
        """What the work gives; it is done once more, over a module that has begun anew, where it failed."""
        with self._module.lock:
            if clock.monotonic() < self._left_alone_until:
                raise CannotSign(f"keys.pkcs11: the token {self.label!r} failed a moment ago")
            with suppress(PKCS11Error):
                return work(self._session())
            try:
                self._module.begin_anew()
                return work(self._session())
            except PKCS11Error as problem:
                self._left_alone_until = clock.monotonic() + LEFT_ALONE_SECONDS
                raise self._failure(problem) from None

    def _failure(self, problem: PKCS11Error) -> CannotSign:
        if self._module.library is None:
            return CannotSign(f"keys.pkcs11.module: {self._module.path} cannot be loaded, or does not start")
        return CannotSign(f"keys.pkcs11: the token {self.label!r} cannot be used: {type(problem).__name__}")

    def _session(self) -> Session:
        known = self._module.sessions.get(self.label)
        if known is None:
            known = self._module.sessions[self.label] = self._logged_in()
        return known

    def _logged_in(self) -> Session:
        """A session with the PIN of the file. One that was refused is not tried again: that locks tokens."""
        try:
            pin = self._pin_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise CannotSign(f"keys.pkcs11.pin_file: {self._pin_file} cannot be read") from None
        if pin == self._refused_pin:
            raise self._bad_pin("was refused, and is not tried again before the file has another")
        token = self._module.loaded().get_token(token_label=self.label)
        if token.flags & LOCKS_NEXT:
            raise self._bad_pin("is not tried, since the token is locked or would be after one more wrong one")
        try:
            return token.open(user_pin=pin)
        except BAD_PIN as problem:
            self._refused_pin = pin
            raise self._bad_pin(f"is refused: {type(problem).__name__}") from None

    def _bad_pin(self, what: str) -> CannotSign:
        return CannotSign(f"keys.pkcs11.pin_file: the PIN of the token {self.label!r} {what}")

    def _made(self, session: Session, kid: str, alg: str) -> PublicKey:
        way = WAYS[alg]
        with session.token.open(rw=True) as writing:  # logged in, as all sessions of a process are
            public, private = writing.generate_keypair(
                way.kind, way.bits, id=kid.encode(), label=kid, store=True, mechanism=way.make,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY, public_template=way.curve,
                private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )  # fmt: skip
            if not (private[Attribute.ALWAYS_SENSITIVE] and private[Attribute.NEVER_EXTRACTABLE]):
                private.destroy()
                raise CannotSign(f"keys.pkcs11: the token {self.label!r} makes keys that could be taken out of it")
            return _public_half(way, public)

    def _key(self, session: Session, kid: str) -> SignMixin:
        known = self._module.keys.get((self.label, kid))
        if known is None:
            found = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=kid.encode())
            known = self._module.keys[self.label, kid] = cast("SignMixin", found)
        return known


class _Module:
    """A module as this process has it. Sessions and keys are numbers, which begin at one again when it does: so they
    are forgotten all at once.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.library: lib | None = None
        self.forget()

    def forget(self) -> None:
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}
        self.keys: dict[tuple[str, str], SignMixin] = {}

    def loaded(self) -> lib:
        if self.library is None:
            self.library = pkcs11.lib(self.path)
        return self.library

    def begin_anew(self) -> None:
        self.sessions.clear()
        self.keys.clear()
        library = self.loaded()
        with suppress(PKCS11Error):  # a module that was lost, or came here by a fork, has nothing to end
            library.finalize()
        library.initialize()


_MODULES: dict[str, _Module] = {}


def _forget_all() -> None:
    """In a forked process: its parent's sessions are not its own, and a lock may be held by a thread that is not here
    (section 5.4: a child initialises the module for itself).
    """
    for module in _MODULES.values():
        module.forget()


os.register_at_fork(after_in_child=_forget_all)


def _public_half(way: Way, key: Object) -> PublicKey:
    if way.kind is KeyType.RSA:
        exponent, modulus = (int.from_bytes(key[name]) for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    point: bytes = key[Attribute.EC_POINT]  # as an OCTET STRING, and bare where a vendor read the standard otherwise
    if way.kind is KeyType.EC:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[-65:])
    return ed25519.Ed25519PublicKey.from_public_bytes(point[-32:])
