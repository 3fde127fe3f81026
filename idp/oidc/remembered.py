"""What of a request is remembered beside the names of claims: the words for `acr`, what is asked of verified claims.

It travels within the code, the refresh token and the access token, each of which is sealed or signed by us: few portals
ask for any of it, and nobody else pays for them.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

from idp import errors
from idp.errors import Refused
from idp.oidc.verified_claims import Asked, names_to_tell

LIMIT_BYTES = 1024  # packed; what portals ask for has 100 to 200
# What requests are made of, the commonest last (RFC 1950 section 2.2). It never changes: refresh tokens that live for
# months were packed with it.
_WORDS = (
    b'"created_at":"date_of_expiry":"check_id":"essential":"organization":"derived_claims":{"SoCMND":null,"SoDinhDanh":'
    b'"HoVaTen":"NgayThangNamSinh":"personal_number":"gender":null,"middle_name":null,{"values":["LoA4","LoA2","LoA3"]}'
    b'{"max_age":"check_method":{"values":["data","auth"]}"population_register""bank_account""tax""social_security"'
    b'{"acr":1,"id_token":"userinfo":[{"verification":{"trust_framework":{"values":["vn_nd69_2024"]},"assurance_level":'
    b'null,"time":null,"evidence":[{"type":{"values":["electronic_record"]},"record":{"type":null,"source":{"name":null}'
    b'},"check_details":[{"check_method":null,"time":null}]}]},"claims":{"name":null,"given_name":null,"family_name":'
    b'null,"birthdate":null}}]}'
)


@dataclass(frozen=True, kw_only=True)
class Remembered:
    acr_series: int = 0  # in which words the portal asked for levels; 0: LoA1 to LoA4
    id_token: Asked | None = None  # of verified claims, there and at userinfo
    userinfo: Asked | None = None

    @property
    def names_to_tell(self) -> tuple[str, ...]:
        return names_to_tell(self.userinfo, self.id_token) if self.userinfo or self.id_token else ()

    @property
    def beyond_sign_in(self) -> Remembered:
        """What later answers still need of it: an id_token tells claims but once."""
        return replace(self, id_token=None)

    def packed(self) -> bytes:
        """As few bytes, none for a request that asks for nothing of this; raises Refused for too much."""
        if not (self.acr_series or self.id_token or self.userinfo):
            return b""
        said = {"acr": self.acr_series, "id_token": self.id_token, "userinfo": self.userinfo}
        said = {name: value for name, value in said.items() if value}
        press = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, zdict=_WORDS)
        packed = press.compress(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()) + press.flush()
        if len(packed) > LIMIT_BYTES:
            raise Refused(errors.BAD_VERIFIED_CLAIMS, "more than can be remembered")
        return packed


def unpacked(packed: bytes) -> Remembered:
    """What we packed before."""
    if not packed:
        return NOTHING
    plain = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_WORDS).decompress(packed)
    said: dict[str, Any] = json.loads(plain)
    return Remembered(acr_series=said.get("acr", 0), id_token=said.get("id_token"), userinfo=said.get("userinfo"))


NOTHING = Remembered()
