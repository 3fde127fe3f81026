"""Why a code is not genuine, how far a readable one departs from the strict form, and what is said of its status."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Each way in which a code is no good, or is good with a doubt; the values are ends of message ids."""

    # it cannot be read
    TOO_LONG = "too_long"
    BAD_TEXT = "bad_text"
    BAD_COMPRESSION = "bad_compression"
    TOO_LARGE = "too_large"
    BAD_CBOR = "bad_cbor"
    TOO_DEEP = "too_deep"
    TOO_MANY_KEYS = "too_many_keys"
    DUPLICATE_KEY = "duplicate_key"
    INDEFINITE_LENGTH = "indefinite_length"
    TRAILING_BYTES = "trailing_bytes"
    NOT_COSE = "not_cose"
    CRITICAL_HEADER = "critical_header"
    UNKNOWN_ALGORITHM = "unknown_algorithm"
    ENCRYPTED = "encrypted"
    CANNOT_DECRYPT = "cannot_decrypt"
    NO_IDENTITY = "no_identity"
    BAD_CLAIM = "bad_claim"
    # it can be read, and is not genuine
    NOT_SIGNED = "not_signed"
    UNKNOWN_KEY = "unknown_key"
    WITHDRAWN_KEY = "withdrawn_key"
    WRONG_ALGORITHM = "wrong_algorithm"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    UNKNOWN_CLAIMS = "unknown_claims"
    NOT_STRICT = "not_strict"
    NO_EXPIRY = "no_expiry"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUED_AHEAD = "issued_ahead"  # in the future: it is the reader's clock that is wrong, as a rule
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    UNKNOWN_STATUS = "unknown_status"  # the list says something that we do not know, or has no such place
    # it is a presence code, and not good for one
    PRESENCE_ONLINE = "presence_online"  # only who made it can say: it has to be sent there
    PRESENCE_UNKNOWN = "presence_unknown"  # none that was made here, or not lately
    PRESENCE_NOT_HOLDER = "presence_not_holder"  # the key that the card names did not sign it
    PRESENCE_NOT_THIS_CARD = "presence_not_this_card"
    PRESENCE_OLD = "presence_old"
    PRESENCE_SEEN = "presence_seen"
    PRESENCE_NOT_REMEMBERED = "presence_not_remembered"  # nobody here remembers which were shown
    # it is genuine, but nobody can say that it still was lately
    STATUS_NOT_KNOWN = "status_not_known"
    STATUS_OLD = "status_old"


class Leniency(Enum):
    """What others write otherwise than the strict form has it, and is understood all the same."""

    CWT_TAG = "cwt_tag"  # 61(18(…))
    WRAPPED_CLAIM = "wrapped_claim"  # claim 169 is a byte string that holds the map
    SINGLE_BIOMETRIC = "single_biometric"  # one map where a list of maps belongs
    NUMBER_AS_TEXT = "number_as_text"  # "1" for 1
    PHOTO_AS_TEXT = "photo_as_text"  # base64 for bytes
    NO_KEY_ID = "no_key_id"
    KEY_ID_UNPROTECTED = "key_id_unprotected"
    KEY_ID_LENGTH = "key_id_length"  # not the eight bytes of the strict form
    UNPROTECTED_HEADER = "unprotected_header"
    ENCRYPTED = "encrypted"
    NOT_DETERMINISTIC = "not_deterministic"  # CBOR that RFC 8949 section 4.2.1 would write otherwise
    HIGH_S = "high_s"  # an ECDSA signature of which everybody can make a second one
    PADDED = "padded"  # bits that every reader passes over are not all zero: somebody may have changed the text
    MISSING_CLAIM = "missing_claim"  # iss, exp or iat


class Unreadable(Exception):
    """The text is no code that we can read, for the reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
