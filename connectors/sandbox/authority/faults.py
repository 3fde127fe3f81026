"""Every way in which the authority, or the token in somebody's hand, can be told to fail or to lie, and where."""

from __future__ import annotations

from enum import StrEnum

PATHS: dict[str, str] = {
    "/sign": "sign",
    "/sign/decide": "sign",
    "/ocsp": "ocsp",
    "/crl/root.crl": "crl",
    "/crl/issuing-1.crl": "crl",
    "/crl/issuing-2.crl": "crl",
    "/crl/issuing-3.crl": "crl",
    "/anchors.pem": "anchors",
}


class FaultName(StrEnum):
    SLOW = "slow"
    DOWN = "down"

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_CA = "wrong_ca"  # a stranger's authority, of the same name
    WRONG_PURPOSE = "wrong_purpose"  # for servers
    NOT_FOR_SIGNING = "not_for_signing"  # keyEncipherment alone
    WEAK_KEY = "weak_key"  # RSA of 1024 bits
    OTHER_PLACES = "other_places"  # CRL and OCSP at a host of somebody else's
    SEAL = "seal"  # an organisation's
    SEAL_AND_PERSON = "seal_and_person"  # a person's, issued to the organisation
    CMND12 = "cmnd12"  # the personal number as CMND:
    NO_UID = "no_uid"
    MALFORMED_UID = "malformed_uid"
    CONTRADICTORY_UIDS = "contradictory_uids"  # two personal numbers

    WRONG_CHALLENGE = "wrong_challenge"  # something else is signed
    REPLAYED = "replayed"  # the last signature that this token made
    TAMPERED = "tampered"  # the signature is changed by one bit
    WEAK_DIGEST = "weak_digest"  # SHA-1
    NO_SIGNED_ATTRIBUTES = "no_signed_attributes"
    OTHER_CERTIFICATE = "other_certificate"  # one key signs, another's certificate goes with it
    TWO_SIGNERS = "two_signers"
    WRONG_RELAY_STATE = "wrong_relay_state"
    GARBAGE = "garbage"  # no CMS at all

    REVOKED = "revoked"  # while it is set, on lists and in answers; it counts nothing down
    REVOKED_AUTHORITY = "revoked_authority"  # likewise: the issuing authority, on the root's list
    CRL_STALE = "crl_stale"
    CRL_UNREACHABLE = "crl_unreachable"
    CRL_WRONG_SIGNER = "crl_wrong_signer"
    OCSP_UNKNOWN = "ocsp_unknown"
    OCSP_STALE = "ocsp_stale"
    OCSP_WRONG_SIGNER = "ocsp_wrong_signer"
    OCSP_UNREACHABLE = "ocsp_unreachable"
    OCSP_OTHER_NONCE = "ocsp_other_nonce"
    OCSP_WITHOUT_NONCE = "ocsp_without_nonce"  # made three days ago, as for many who ask the same, good for three more
    HUGE_ANSWER = "huge_answer"  # 3 MiB


CERTIFICATE = frozenset(
    {
        FaultName.EXPIRED, FaultName.NOT_YET_VALID, FaultName.WRONG_CA, FaultName.WRONG_PURPOSE,
        FaultName.NOT_FOR_SIGNING, FaultName.WEAK_KEY, FaultName.OTHER_PLACES, FaultName.SEAL,
        FaultName.SEAL_AND_PERSON, FaultName.CMND12, FaultName.NO_UID, FaultName.MALFORMED_UID,
        FaultName.CONTRADICTORY_UIDS,
    }
)  # fmt: skip
SIGNATURE = frozenset(
    {
        FaultName.WRONG_CHALLENGE, FaultName.REPLAYED, FaultName.TAMPERED, FaultName.WEAK_DIGEST,
        FaultName.NO_SIGNED_ATTRIBUTES, FaultName.OTHER_CERTIFICATE, FaultName.TWO_SIGNERS,
        FaultName.WRONG_RELAY_STATE, FaultName.GARBAGE,
    }
)  # fmt: skip
LIST = frozenset({FaultName.CRL_STALE, FaultName.CRL_UNREACHABLE, FaultName.CRL_WRONG_SIGNER})
RESPONDER = frozenset(
    {
        FaultName.OCSP_UNKNOWN, FaultName.OCSP_STALE, FaultName.OCSP_WRONG_SIGNER, FaultName.OCSP_UNREACHABLE,
        FaultName.OCSP_OTHER_NONCE, FaultName.OCSP_WITHOUT_NONCE,
    }
)  # fmt: skip
STANDING = (FaultName.REVOKED, FaultName.REVOKED_AUTHORITY)


def _endpoints_of(name: FaultName) -> frozenset[str]:
    if name in (FaultName.SLOW, FaultName.DOWN):
        return frozenset(PATHS.values())
    if name in LIST or name == FaultName.REVOKED_AUTHORITY:
        return frozenset({"crl"})
    if name in RESPONDER:
        return frozenset({"ocsp"})
    if name == FaultName.REVOKED:
        return frozenset({"crl", "ocsp"})
    return frozenset({"crl", "ocsp", "sign"}) if name == FaultName.HUGE_ANSWER else frozenset({"sign"})


CATALOGUE: dict[str, frozenset[str]] = {name: _endpoints_of(name) for name in FaultName}
