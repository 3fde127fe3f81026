"""What an OpenID Provider publishes: its metadata (OpenID Connect Discovery 1.0, RFC 8414) and its keys (RFC 7517)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from connectors.answers import Refusal, json_object
from connectors.base import Failure
from connectors.configuration import origin

DOCUMENT_LIMIT_BYTES = 262144
RSA_BITS = range(2048, 8193)  # RFC 7518 section 3.3; beyond it, verifying is a way to keep us busy
KEYS_LIMIT = 100

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVE_ALGORITHMS = {
    "secp256r1": frozenset({"ES256"}),
    "secp384r1": frozenset({"ES384"}),
    "secp521r1": frozenset({"ES512"}),
}
_READERS: Mapping[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


@dataclass(frozen=True, kw_only=True)
class Metadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    everything: Mapping[str, Any]

    @property
    def names_itself(self) -> bool:
        """Whether its redirects carry `iss` (RFC 9207 section 3)."""
        return self.everything.get("authorization_response_iss_parameter_supported") is True

    def offers(self, member: str, value: str, default: tuple[str, ...] = ()) -> bool:
        """Whether `value` stands in the list `member`."""
        listed = self.everything.get(member, default)
        return isinstance(listed, list | tuple) and value in listed


@dataclass(frozen=True, kw_only=True)
class Key:
    """A published key that can verify; `algorithms` are those that its type, size and own words allow."""

    kid: str | None
    algorithms: frozenset[str]
    value: PublicKey


@lru_cache(maxsize=512)
def parse_metadata(body: bytes, issuer: str, origins: frozenset[str]) -> Metadata:
    """The metadata; raises Refusal for another issuer's (Discovery section 4.3), or one that leads to other hosts."""
    values = _limited(body, "the discovery document")
    if values.get("issuer") != issuer:
        raise Refusal(Failure.WRONG_ISSUER, "the discovery document names another issuer")

    def endpoint(name: str) -> str | None:
        url = values.get(name)
        if url is None:
            return None
        try:
            pinned = isinstance(url, str) and origin(url) in origins
        except ValueError:
            pinned = False
        if not pinned:
            raise Refusal(Failure.MISCONFIGURED, f"{name} is not https, or not at a configured origin")
        return str(url)

    def needed(name: str) -> str:
        url = endpoint(name)
        if url is None:
            raise Refusal(Failure.BROKEN_ANSWER, f"the discovery document has no {name}")
        return url

    return Metadata(
        issuer=issuer,
        authorization_endpoint=needed("authorization_endpoint"),
        token_endpoint=needed("token_endpoint"),
        jwks_uri=needed("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        end_session_endpoint=endpoint("end_session_endpoint"),
        pushed_authorization_request_endpoint=endpoint("pushed_authorization_request_endpoint"),
        everything=MappingProxyType(values),
    )


@lru_cache(maxsize=512)
def parse_keys(body: bytes) -> tuple[Key, ...]:
    """The keys that can verify, without odd, weak and private ones; raises Refusal where there is none."""
    listed = _limited(body, "the key document").get("keys")
    if not isinstance(listed, list) or len(listed) > KEYS_LIMIT:
        raise Refusal(Failure.BROKEN_ANSWER, "the key document has no list of keys")
    keys = tuple(key for key in map(_key, listed) if key is not None)
    if not keys:
        raise Refusal(Failure.BROKEN_ANSWER, "the key document has no usable key")
    return keys


def _limited(body: bytes, what: str) -> dict[str, Any]:
    if len(body) > DOCUMENT_LIMIT_BYTES:
        raise Refusal(Failure.BROKEN_ANSWER, f"{what} is too large")
    return json_object(body, what)


def _key(jwk: Any) -> Key | None:
    if not isinstance(jwk, dict) or jwk.get("kty") not in _READERS or jwk.get("use", "sig") != "sig":
        return None
    if "d" in jwk:  # whoever published a private key has lost it
        return None
    kid, stated = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str | None) or not isinstance(stated, str | None):
        return None
    try:
        value = _READERS[jwk["kty"]].from_jwk(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    able = _algorithms(value)
    algorithms = able & {stated} if stated is not None else able
    return Key(kid=kid, algorithms=algorithms, value=value) if algorithms else None


def _algorithms(key: object) -> frozenset[str]:
    if isinstance(key, rsa.RSAPublicKey):
        return RSA_ALGORITHMS if key.key_size in RSA_BITS else frozenset()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVE_ALGORITHMS.get(key.curve.name, frozenset())
    return frozenset({"EdDSA"}) if isinstance(key, ed25519.Ed25519PublicKey) else frozenset()


def key_for(keys: tuple[Key, ...], kid: str | None, algorithm: str) -> Key | None:
    """The one key for this id and algorithm; a token without a key id is served where there is only one to choose."""
    fitting = [key for key in keys if algorithm in key.algorithms and (kid is None or key.kid == kid)]
    return fitting[0] if len(fitting) == 1 else None
