"""Sealing: what is kept in confidence is kept under a key, bound to its place, and says which key that was.

AES-256-GCM-SIV (RFC 8452), because one key seals more values than AES-GCM's random nonces allow
(NIST SP 800-38D section 8.3 stops at 2^32). Every purpose has its own key, derived from the master key by
HKDF (RFC 5869). A sealed value is `key number (1) | nonce (12) | ciphertext and tag`.
"""

from __future__ import annotations

import base64
import hmac
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp import entropy
from idp.settings import UnsafeSettings

KEY_BYTES = 32
NONCE_BYTES = 12
OVERHEAD_BYTES = 1 + NONCE_BYTES + 16


class BadSeal(Exception):
    """The value was not sealed here, not for this purpose and place, or was changed."""


class Sealer:
    """Seals, opens and indexes under the master keys; the last key seals, all of them open."""

    def __init__(self, master_keys: dict[int, bytes]) -> None:
        if not master_keys or any(len(key) != KEY_BYTES or not 0 < number < 256 for number, key in master_keys.items()):
            raise UnsafeSettings("master keys: at least one key of 32 bytes, numbered 1 to 255")
        self._masters = master_keys
        self._current = max(master_keys)
        self._index_master = master_keys[min(master_keys)]  # stays when keys are added, or no index would be found
        self._box = lru_cache(maxsize=256)(self._make_box)
        self._index_key = lru_cache(maxsize=64)(self._make_index_key)

    def seal(self, purpose: str, plain: bytes, place: bytes = b"") -> bytes:
        """`plain`, readable again only by `open` with the same purpose and place."""
        nonce = entropy.chance(NONCE_BYTES)
        sealed = self._box(self._current, purpose).encrypt(nonce, plain, place)
        return bytes((self._current,)) + nonce + sealed

    def open(self, purpose: str, sealed: bytes, place: bytes = b"") -> bytes:
        """What was sealed; raises BadSeal."""
        if len(sealed) < OVERHEAD_BYTES or sealed[0] not in self._masters:
            raise BadSeal(purpose)
        try:
            return self._box(sealed[0], purpose).decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place)
        except InvalidTag:
            raise BadSeal(purpose) from None

    def index(self, purpose: str, value: str) -> bytes:
        """A keyed fingerprint (HMAC-SHA256) by which a sealed value can be looked up and not be guessed."""
        return hmac.digest(self._index_key(purpose), value.encode(), "sha256")

    def seal_text(self, purpose: str, plain: bytes) -> str:
        return to_text(self.seal(purpose, plain))

    def open_text(self, purpose: str, sealed: str) -> bytes:
        """What `seal_text` sealed; raises BadSeal for anything else, whatever its shape."""
        try:
            return self.open(purpose, from_text(sealed))
        except ValueError:
            raise BadSeal(purpose) from None

    def _make_box(self, number: int, purpose: str) -> AESGCMSIV:
        return AESGCMSIV(_derived(self._masters[number], f"seal:{purpose}"))

    def _make_index_key(self, purpose: str) -> bytes:
        return _derived(self._index_master, f"index:{purpose}")


def to_text(value: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_text(value: str) -> bytes:
    """The bytes of an unpadded base64url text; raises ValueError for any other, also for a non-canonical one."""
    if not value.isascii():
        raise ValueError("not base64url")
    decoded = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    if to_text(decoded) != value:
        raise ValueError("not canonical base64url")
    return decoded


def load_sealer(master_keys_file: str) -> Sealer:
    """The sealer whose keys stand in the file, one `number base64url` a line; raises UnsafeSettings."""
    if not master_keys_file:
        raise UnsafeSettings("master_keys_file: is not set; `idp keys new-master FILE` makes one")
    keys: dict[int, bytes] = {}
    for line in Path(master_keys_file).read_text("ascii").splitlines():
        number, _, value = line.strip().partition(" ")
        try:
            keys[int(number)] = from_text(value)
        except ValueError:
            raise UnsafeSettings(f"master_keys_file: a line is not `number base64url`: line {len(keys) + 1}") from None
    return Sealer(keys)


def add_master_key(path: str) -> int:
    """The file holds one more master key, which seals from the next start on; returns its number."""
    file = Path(path)
    lines = file.read_text("ascii").splitlines() if file.exists() else []
    number = max((int(line.split()[0]) for line in lines), default=0) + 1
    lines.append(f"{number} {to_text(entropy.chance(KEY_BYTES))}")
    draft = file.with_name(file.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")
    draft.replace(file)
    return number


def _derived(master: bytes, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"motcua {info}".encode()).derive(master)
