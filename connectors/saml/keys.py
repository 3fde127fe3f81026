"""Our own keys for SAML, as an operator keeps them: PEM with private keys and the certificates that belong to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.answers import Refusal, context_secret
from connectors.base import Context, Failure

SIGNING_KEY, DECRYPTION_KEY = "signing_key", "decryption_key"
RSA_BITS = range(2048, 8193)
PAIRS_LIMIT = 3  # the one in use, the one before it, and the one announced to follow

_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A private key, and the certificate under which it is published."""

    private: rsa.RSAPrivateKey
    certificate: x509.Certificate


def signing_pairs(context: Context) -> tuple[Pair, ...]:
    """Our pairs, the one that signs first; raises Refusal where the operator has set none, or none that serves."""
    return read_pairs(context_secret(context, SIGNING_KEY), SIGNING_KEY)


def decryption_pairs(context: Context) -> tuple[Pair, ...]:
    """Our pairs for what is encrypted for us: those of `decryption_key`, or the signing ones where it is not set."""
    try:
        secret = context.secret(DECRYPTION_KEY)
    except KeyError:
        return signing_pairs(context)
    return read_pairs(secret, DECRYPTION_KEY)


@lru_cache(maxsize=64)
def read_pairs(secret: str, what: str) -> tuple[Pair, ...]:
    """The pairs in PEM text, in the order of their private keys; raises Refusal for a key without its certificate."""
    blocks = [(found[1], found[0].encode()) for found in _BLOCK.finditer(secret)]
    try:
        privates = [load_pem_private_key(block, None) for kind, block in blocks if kind.endswith("PRIVATE KEY")]
        certificates = [x509.load_pem_x509_certificate(block) for kind, block in blocks if kind == "CERTIFICATE"]
    except (ValueError, TypeError):
        raise Refusal(Failure.MISCONFIGURED, f"{what} is not PEM of an open key and its certificate") from None
    if not 1 <= len(privates) <= PAIRS_LIMIT:
        raise Refusal(Failure.MISCONFIGURED, f"{what} holds no private key, or more than {PAIRS_LIMIT}")
    pairs = []
    for private in privates:
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size not in RSA_BITS:
            raise Refusal(Failure.MISCONFIGURED, f"{what} holds a key that is not RSA of 2048 bits or more")
        public = private.public_key()
        fitting = [one for one in certificates if one.public_key() == public]
        if not fitting:
            raise Refusal(Failure.MISCONFIGURED, f"{what} holds a private key without its certificate")
        pairs.append(Pair(private=private, certificate=fitting[-1]))
    return tuple(pairs)
