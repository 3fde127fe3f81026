"""COSE (RFC 9052): what is signed by one key (COSE_Sign1), made and taken apart; what is encrypted, opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.digital_id import cbor, trust
from idp.digital_id.reasons import Leniency, Reason, Unreadable
from idp.digital_id.trust import Signer, TrustedKey

SIGN1, ENCRYPT0, CWT = 18, 16, 61  # tags; RFC 8392 section 6 for the last
_TAG_OF_ONE_BYTE = 0xC0  # for tags up to 23
ALGORITHM, CRITICAL, KEY_ID, IV, TYPE = 1, 2, 4, 5, 16  # header parameters; RFC 9596 for the last
_OURS = frozenset({ALGORITHM, KEY_ID, TYPE})
_A256GCM, _KEY_BYTES, _IV_BYTES = 3, 32, 12


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A COSE_Sign1 that nobody has verified yet. `message` is what the signature is over."""

    alg: str
    key_id: bytes | None
    kind: object
    unverified_payload: bytes
    signature: bytes
    message: bytes
    unknown: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> bytes:
        """The same for every text of what was signed."""
        return hashlib.sha256(self.message).digest()


def signed(payload: bytes, signer: Signer, key_id: bytes, kind: str | None = None) -> bytes:
    """The payload as a tagged COSE_Sign1, with everything that matters in the protected header."""
    header: dict[int, Any] = {ALGORITHM: trust.NUMBERS[signer.alg], KEY_ID: key_id}
    if kind is not None:
        header[TYPE] = kind
    protected = cbor.encode(header)
    signature = signer.signature(_to_be_signed(protected, payload))
    if signer.alg == "ES256":
        signature = trust.lowered(signature)
    return bytes([_TAG_OF_ONE_BYTE | SIGN1]) + cbor.encode([protected, {}, payload, signature])


def opened(data: bytes, met: set[Leniency], decryption_keys: Sequence[bytes] = ()) -> Signed | bytes:
    """What is signed, or the bare claims of what is encrypted and not signed; adds to `met`. Raises Unreadable."""
    tag, parts = _untagged(data, met)
    if tag == SIGN1:
        return _signed(parts, met)
    if tag != ENCRYPT0:
        raise Unreadable(Reason.NOT_COSE)
    met.add(Leniency.ENCRYPTED)
    inner = _decrypted(parts, decryption_keys)
    if inner[:1] not in (b"\xd2", b"\xd8"):  # tag 18, or 61 around it
        return inner
    tag, parts = _untagged(inner, met)
    if tag != SIGN1:
        raise Unreadable(Reason.NOT_COSE)
    return _signed(parts, met)


def candidates(of: Signed, keys: Iterable[TrustedKey]) -> list[TrustedKey]:
    """The keys that may have signed this: those of its id, or where it names none, all of its algorithm."""
    if of.key_id is None:
        return [key for key in keys if key.alg == of.alg]
    return [key for key in keys if of.key_id in key.ids]


def signer_of(of: Signed, keys: Iterable[TrustedKey]) -> TrustedKey | Reason:
    """The key that signed this, by its own algorithm, or why there is none."""
    if not of.signature:
        return Reason.NOT_SIGNED
    possible = candidates(of, keys)
    if not possible:
        return Reason.UNKNOWN_KEY
    able = [key for key in possible if key.alg == of.alg]
    if not able:
        return Reason.WRONG_ALGORITHM
    return next((key for key in able if key.verifies(of.signature, of.message)), Reason.BAD_SIGNATURE)


def _untagged(data: bytes, met: set[Leniency]) -> tuple[int, list[Any]]:
    tags, item = cbor.without_tags(data)
    if tags[:1] == [CWT]:
        met.add(Leniency.CWT_TAG)
        tags = tags[1:]
    parts = cbor.decode(item)
    if len(tags) != 1 or not isinstance(parts, list):
        raise Unreadable(Reason.NOT_COSE)
    if not data.endswith(bytes([_TAG_OF_ONE_BYTE | tags[0] & 31]) + cbor.encode(parts)):
        met.add(Leniency.NOT_DETERMINISTIC)
    return tags[0], parts


def _signed(parts: list[Any], met: set[Leniency]) -> Signed:
    if len(parts) != 4 or not all(isinstance(parts[at], bytes) for at in (0, 2, 3)) or not isinstance(parts[1], dict):
        raise Unreadable(Reason.NOT_COSE)
    protected, unprotected, payload, signature = parts
    header = _header(protected, met)
    number = header.get(ALGORITHM)
    if not isinstance(number, int) or number not in trust.ALGORITHMS:
        raise Unreadable(Reason.UNKNOWN_ALGORITHM)
    if CRITICAL in header or CRITICAL in unprotected:
        raise Unreadable(Reason.CRITICAL_HEADER)  # we know none that could be (RFC 9052 section 3.1)
    alg = trust.ALGORITHMS[number]
    if alg == "ES256" and not trust.is_low(signature):
        met.add(Leniency.HIGH_S)
    return Signed(
        alg=alg, key_id=_key_id(header, unprotected, met), kind=header.get(TYPE), unverified_payload=payload,
        signature=signature, message=_to_be_signed(protected, payload),
        unknown={f"protected/{key}": value for key, value in header.items() if key not in _OURS}
        | {f"unprotected/{key}": value for key, value in unprotected.items() if key != KEY_ID},
    )  # fmt: skip


def _header(protected: bytes, met: set[Leniency]) -> dict[Any, Any]:
    if not protected:
        return {}
    header = cbor.decode(protected)
    if not isinstance(header, dict):
        raise Unreadable(Reason.NOT_COSE)
    if cbor.encode(header) != protected:
        met.add(Leniency.NOT_DETERMINISTIC)
    return header


def _key_id(header: dict[Any, Any], unprotected: dict[Any, Any], met: set[Leniency]) -> bytes | None:
    if unprotected:
        met.add(Leniency.KEY_ID_UNPROTECTED if KEY_ID in unprotected else Leniency.UNPROTECTED_HEADER)
    found = header.get(KEY_ID, unprotected.get(KEY_ID))
    if found is None:
        met.add(Leniency.NO_KEY_ID)
        return None
    if not isinstance(found, bytes):
        raise Unreadable(Reason.NOT_COSE)
    if len(found) != trust.KEY_ID_BYTES:
        met.add(Leniency.KEY_ID_LENGTH)
    return found


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cbor.encode(["Signature1", protected, b"", payload])  # RFC 9052 section 4.4


def _decrypted(parts: list[Any], keys: Sequence[bytes]) -> bytes:
    """RFC 9052 section 5.3, with A256GCM alone."""
    if len(parts) != 3 or not isinstance(parts[0], bytes) or not isinstance(parts[2], bytes):
        raise Unreadable(Reason.NOT_COSE)
    protected, unprotected, ciphertext = parts
    header = _header(protected, set())
    if CRITICAL in header:
        raise Unreadable(Reason.CRITICAL_HEADER)
    if header.get(ALGORITHM) != _A256GCM:
        raise Unreadable(Reason.UNKNOWN_ALGORITHM)
    iv = header.get(IV, unprotected.get(IV) if isinstance(unprotected, dict) else None)
    if not isinstance(iv, bytes) or len(iv) != _IV_BYTES:
        raise Unreadable(Reason.NOT_COSE)
    if not keys:
        raise Unreadable(Reason.ENCRYPTED)
    beside = cbor.encode(["Encrypt0", protected, b""])
    for key in keys:
        if len(key) != _KEY_BYTES:
            continue
        try:
            return AESGCM(key).decrypt(iv, ciphertext, beside)
        except InvalidTag:
            continue
    raise Unreadable(Reason.CANNOT_DECRYPT)
