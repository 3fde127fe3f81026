"""DPoP (RFC 9449): whoever sends this request holds the private key of the proof that came with it, now, for this.

Every check of section 4.3 is made here, and each refusal is named in the log. A proof is spent once among all workers,
in the short-lived store. A nonce of ours is a keyed fingerprint of the time and of the moment since which that store
remembers: so every worker knows it again, nothing is kept for it, and one that fits was given out after the last loss.
Whoever sends a proof without one, made when the store may not have been there yet, is asked to repeat it with one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import jwt

from idp import clock, entropy, errors
from idp.clients import Binding
from idp.clients.jwks import PRIVATE_MEMBERS, RSA_BITS
from idp.errors import Refused
from idp.oidc.http import Request
from idp.oidc.strict_json import is_jti, is_number
from idp.seal import Sealer, from_text, to_text
from idp.storage import ShortLived

HEADER = "dpop"
NONCE_HEADER = "DPoP-Nonce"
PROOF_TYPE = "dpop+jwt"
PROOF_ALGORITHMS = ("ES256", "PS256", "EdDSA")  # asymmetric, and allowed by FAPI 2.0 section 5.4
PROOF_CHARACTERS = 4096
PROOF_SECONDS = 60  # how old a proof may be; section 11.1: seconds or minutes
CLOCK_SKEW_SECONDS = 15  # how far ahead a clock may be, a client's or that of a machine of ours; FAPI 2.0 asks for ten
NONCE_PERIOD_SECONDS = 120  # a nonce is good for this one and the one before

# What makes up each kind of public key, in the order of its thumbprint (RFC 7638 section 3.2, RFC 8037 section 2).
_MEMBERS = {"ES256": ("crv", "kty", "x", "y"), "EdDSA": ("crv", "kty", "x"), "PS256": ("e", "kty", "n")}
# 65537 is the one exponent that anybody uses; with a large one of a stranger's choice we would calculate for long.
_FIXED = {
    "ES256": {"kty": "EC", "crv": "P-256"}, "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "PS256": {"kty": "RSA", "e": "AQAB"},
}  # fmt: skip
# Names another key, or changes what is signed. A `kid` does neither: the key is in the header.
_REFUSED_HEADERS = frozenset({"jku", "x5u", "x5c", "crit", "b64", "zip"})

_SHAPES: dict[str, Callable[[Any], bool]] = {
    "jti": is_jti, "htm": lambda value: isinstance(value, str), "htu": lambda value: isinstance(value, str),
    "iat": is_number,
}  # fmt: skip


class Proofs:
    """`origins`: the issuer's, then those of other host names under which the same endpoints are reached."""

    def __init__(
        self, *, short_lived: ShortLived, sealer: Sealer, origins: Sequence[str], nonce_required: bool
    ) -> None:
        self._short_lived = short_lived
        self._sealer = sealer
        self._issuer = _origin(origins[0])
        self._others = {urlsplit(origin).netloc: _origin(origin) for origin in origins[1:]}
        self._nonce_required = nonce_required
        self._since = 0  # since when the store remembers, as it said last

    def check(
        self, request: Request, *, access_token: str | None = None, binding: Binding | None = None
    ) -> Binding | None:
        """The key that this request was made with, its proof spent; None where there is no proof.

        With an access token the proof must be about it (`ath`) and made with the key of its `binding`.
        Raises Refused: BAD_DPOP_PROOF or USE_DPOP_NONCE.
        """
        proof = request.headers.get(HEADER)
        if proof is None:
            return None
        if len(proof) > PROOF_CHARACTERS or "," in proof:
            raise _bad("there are two proofs, or one is too long")  # a server joins two headers of one name by a comma
        key, alg, thumbprint = _key(proof)
        shown = Binding("jkt", thumbprint)
        if binding is not None and binding != shown:
            raise _bad("it is made with another key than the token is bound to")
        claims = _claims(proof, key, alg)
        if claims["htm"] != request.method:
            raise _bad("htm")
        if _resource(claims["htu"]) != (self._reached_at(request), request.path):
            raise _bad("htu")
        if access_token is not None and claims.get("ath") != to_text(entropy.fingerprint(access_token)):
            raise _bad("ath")
        self._spend(thumbprint, claims)
        return shown

    def nonce(self) -> str:
        """What a proof made now must hold where we ask for that (section 8)."""
        return self._nonce(clock.seconds() // NONCE_PERIOD_SECONDS, self._short_lived.since())

    def for_next(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The header by which an answer to this request says with which nonce the next one is to be made."""
        if not (self._nonce_required and self._since and HEADER in request.headers):
            return ()
        return ((NONCE_HEADER, self._nonce(clock.seconds() // NONCE_PERIOD_SECONDS, self._since)),)

    def _reached_at(self, request: Request) -> str:
        """The origin at which the sender sees this request. What the Host header says chooses between ours alone."""
        return self._others.get(request.headers.get("host", "").lower(), self._issuer)

    def _spend(self, thumbprint: bytes, claims: Mapping[str, Any]) -> None:
        """The proof is used up, and was made when the store would have known of its use; raises Refused."""
        given = claims.get("nonce")
        if given is None and self._nonce_required:
            raise Refused(errors.USE_DPOP_NONCE)
        name = f"dpop:{to_text(entropy.fingerprint(thumbprint + claims['jti'].encode('ascii')))}"
        since = self._short_lived.spend(name, PROOF_SECONDS + 2 * CLOCK_SKEW_SECONDS)
        if since is None:
            raise _bad("used before")
        self._since = since
        # Both the client's clock and that of the machine which noticed the loss may be off, each to its side.
        is_safe = claims["iat"] > since + 2 * CLOCK_SKEW_SECONDS if given is None else self._is_known(given, since)
        if not is_safe:
            raise Refused(errors.USE_DPOP_NONCE)

    def _is_known(self, nonce: Any, since: int) -> bool:
        if not isinstance(nonce, str) or not nonce.isascii():
            return False
        period = clock.seconds() // NONCE_PERIOD_SECONDS
        return any(entropy.same(nonce, self._nonce(each, since)) for each in (period, period - 1))

    def _nonce(self, period: int, since: int) -> str:
        return to_text(self._sealer.index("dpop.nonce", f"{period} {since}")[:18])


def _key(proof: str) -> tuple[jwt.PyJWK, str, bytes]:
    """The public key in the proof's header, its algorithm, its thumbprint (RFC 7638)."""
    try:
        header = jwt.get_unverified_header(proof)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _bad("no JWT") from None
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.get("typ") != PROOF_TYPE:
        raise _bad("typ")
    if alg not in PROOF_ALGORITHMS:
        raise _bad("alg")
    if refused := _REFUSED_HEADERS.intersection(header):
        raise _bad(f"the header holds {', '.join(sorted(refused))}")
    if not isinstance(jwk, dict) or PRIVATE_MEMBERS.intersection(jwk):
        raise _bad("jwk is missing, or is a private key")
    return _public_key(jwk, alg)


def _public_key(jwk: Mapping[str, Any], alg: str) -> tuple[jwt.PyJWK, str, bytes]:
    """Only what the thumbprint covers is taken from the key, and in one way of writing it."""
    public = {name: jwk.get(name) for name in _MEMBERS[alg]}
    if public | _FIXED[alg] != public:
        raise _bad("jwk does not fit alg")
    try:
        if any(from_text(str(public[name]))[:1] == b"" for name in public.keys() - _FIXED[alg].keys()):
            raise _bad("jwk is no key")
        key = jwt.PyJWK(public, algorithm=alg)
    except (jwt.PyJWTError, ValueError):
        raise _bad("jwk is no key") from None
    if alg == "PS256" and (key.key.key_size not in RSA_BITS or from_text(str(public["n"]))[0] == 0):
        raise _bad("an RSA key of an odd size")
    canonical = json.dumps(public, separators=(",", ":"), sort_keys=True)
    return key, alg, hashlib.sha256(canonical.encode()).digest()


def _claims(proof: str, key: jwt.PyJWK, alg: str) -> Mapping[str, Any]:
    """What the proof says, its signature checked; it is fresh."""
    try:
        claims = jwt.decode(
            proof, key, algorithms=[alg], leeway=CLOCK_SKEW_SECONDS,
            options={
                "require": ["jti", "htm", "htu", "iat"], "verify_iat": False, "verify_aud": False, "verify_iss": False,
                "verify_sub": False, "verify_jti": False, "verify_exp": True, "verify_nbf": True,
            },
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, RecursionError) as problem:
        raise _bad(type(problem).__name__) from None
    for name, has_shape in _SHAPES.items():
        if not has_shape(claims[name]):
            raise _bad(name)
    if not -CLOCK_SKEW_SECONDS <= clock.seconds() - claims["iat"] <= PROOF_SECONDS:
        raise _bad("iat")
    return claims


def _resource(url: str) -> tuple[str, str] | None:
    """Origin and path of an address, without query and fragment, in normal form (section 4.3, RFC 3986 section 6.2)."""
    try:
        return _origin(url), urlsplit(url).path or "/"
    except ValueError:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    user = f"{parts.username}@" if parts.username is not None else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}"


def _bad(which: str) -> Refused:
    return Refused(errors.BAD_DPOP_PROOF, which)
