"""Every way in which the tax office can be told to fail or to lie, and where."""

from __future__ import annotations

from enum import StrEnum

from connectors.sandbox.fault_book import AVAILABILITY, MISSING_CLAIM, OTHER_CLAIMS

PATHS = {"/metadata": "metadata", "/sso": "sso", "/login": "login", "/slo": "slo"}
XSW = tuple(f"xsw{number}" for number in range(1, 9))  # signature wrapping, as the literature numbers it


class Lie(StrEnum):
    """What a response can be made of instead of the truth."""

    # What it says, rightly signed.
    WRONG_RECIPIENT = "wrong_recipient"
    WRONG_DESTINATION = "wrong_destination"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_IN_RESPONSE_TO = "wrong_in_response_to"
    WRONG_ISSUER = "wrong_issuer"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    OLD_AUTH_TIME = "old_auth_time"  # a day old, whatever ForceAuthn asked
    LOWER_LEVEL = "lower_level"
    MISSING_ATTRIBUTE = "missing_attribute"  # no tax code; `missing_claim` takes the name of any other

    # Who signed it, and how.
    TAMPERED = "tampered"  # changed after signing
    UNSIGNED = "unsigned"
    WRONG_KEY = "wrong_key"  # a stranger's signature under our certificate
    KEY_IN_KEYINFO = "key_in_keyinfo"  # a stranger's, with the stranger's certificate beside it
    SHA1 = "sha1"
    ENCRYPTED_UNSIGNED = "encrypted_unsigned"
    RSA15 = "rsa15"  # the assertion's key encrypted by RSA 1.5
    COMMENT_IN_NAMEID = "comment_in_nameid"  # canonicalisation drops it, so the signature still fits
    TWO_ASSERTIONS = "two_assertions"  # both signed
    REPLAYED = "replayed"  # one that this client has had before

    # What the document does to its reader.
    XXE = "xxe"
    BILLION_LAUGHS = "billion_laughs"
    HUGE_DOCUMENT = "huge_document"  # 10 MB
    DEEP_DOCUMENT = "deep_document"


PERSON = ("locked", "deceased")  # after the password: told as a status
TOLD = frozenset({*Lie, *XSW, MISSING_CLAIM, OTHER_CLAIMS})

CATALOGUE: dict[str, frozenset[str]] = {
    **dict.fromkeys(AVAILABILITY, frozenset(PATHS.values())),
    **dict.fromkeys((*PERSON, *sorted(TOLD)), frozenset({"sso"})),
}
