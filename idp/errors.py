"""The catalogue of failures: one row each, told three ways.

The person sees words (translations `error.<code>.title` and `.text`) with the code and the request id, the wire
gets the error code of its specification, the operator gets the hint. `docs/errors.md` is generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Failure as SourceFailure

CATALOGUE: dict[str, Failure] = {}


@dataclass(frozen=True)
class Failure:
    """One way to fail. `error` is the wire's word, `description` its English text (RFC 6749 section 5.2: no quotes)."""

    code: str
    error: str
    status: int
    description: str
    hint: str

    def __post_init__(self) -> None:
        if self.code in CATALOGUE:
            raise ValueError(f"two failures are called {self.code}")
        CATALOGUE[self.code] = self


class Refused(Exception):
    """What was asked is refused for the reason in `failure`; `detail` is for the log and holds no personal data."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure.code} {failure.error}: {detail or failure.description}")
        self.failure = failure
        self.detail = detail


def _row(code: str, error: str, status: int, description: str, hint: str) -> Failure:
    return Failure(code, error, status, description, hint)


# G: requests of any kind
NOT_FOUND = _row("G01", "not_found", 404, "there is nothing at this address", "a wrong link, or an old one")
WRONG_METHOD = _row("G02", "invalid_request", 405, "this address does not take that method", "see the Allow header")
TOO_LARGE = _row("G03", "invalid_request", 413, "the request is too large", "raise limits.request_bytes only with a reason")
WRONG_CONTENT_TYPE = _row("G04", "invalid_request", 415, "the body must be application/x-www-form-urlencoded", "a client library sends JSON, or no content type")
INTERNAL = _row("G05", "server_error", 500, "something went wrong on our side", "find the request id in the log; this is a fault of ours")
TOO_MANY = _row("G06", "temporarily_unavailable", 429, "too many requests, try again shortly", "a flood, or a portal in a loop; see the client and network counters")
STORE_UNREACHABLE = _row("G07", "temporarily_unavailable", 503, "a store cannot be reached, try again shortly", "look at /health/ready: database or short-lived store")
MALFORMED = _row("G08", "invalid_request", 400, "the request is malformed", "see the detail in the log")
CANNOT_SIGN = _row("G09", "temporarily_unavailable", 503, "nothing can be signed just now, try again shortly", "the PKCS #11 token with the signing keys does not answer or does not let us in; the log says which, `idp keys ensure` tries it")
OVERLOADED = _row("G10", "temporarily_unavailable", 503, "too busy just now, try again shortly", "more comes than we can do (overload.*): start more workers, see docs/capacity.md; or a store or source has become slow, see the metrics")

# A: the authorization request (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6)
UNKNOWN_CLIENT = _row("A01", "unauthorized_client", 400, "this client is not known here", "`idp portals list`; the portal sends a wrong client_id")
BAD_REDIRECT_URI = _row("A02", "invalid_request", 400, "redirect_uri is missing or not registered", "redirect_uri must equal a registered one, character for character")
REPEATED_PARAMETER = _row("A03", "invalid_request", 400, "a parameter is repeated", "RFC 6749 section 3.1 forbids it")
BAD_PARAMETER = _row("A04", "invalid_request", 400, "a parameter is malformed or too long", "the log names the parameter")
BAD_RESPONSE_TYPE = _row("A05", "unsupported_response_type", 400, "only response_type=code is supported", "implicit and hybrid flows are not offered")
PKCE_REQUIRED = _row("A06", "invalid_request", 400, "PKCE with code_challenge_method S256 is required", "RFC 7636; a client may be exempted by policy, with nonce instead")
NONCE_REQUIRED = _row("A07", "invalid_request", 400, "nonce is required for this client", "the client is exempt from PKCE, so it owes a nonce")
BAD_SCOPE = _row("A08", "invalid_scope", 400, "scope is missing openid, or asks for what this client was not granted", "`idp portals list` shows the granted scopes")
BAD_REQUEST_OBJECT = _row("A09", "invalid_request_object", 400, "the request object is malformed, or not signed, addressed or dated as it must be", "RFC 9101 section 6; the log names the check that failed")
BAD_REQUEST_URI = _row("A10", "invalid_request_uri", 400, "request_uri is not registered, expired, used before, or cannot be read", "RFC 9101 section 5.2, RFC 9126 section 2.2; the log says which")
REGISTRATION_PARAMETER = _row("A11", "registration_not_supported", 400, "the registration parameter is not supported", "self-issued providers only")
BAD_PROMPT = _row("A12", "invalid_request", 400, "prompt=none excludes other values", "OpenID Connect Core section 3.1.2.1")
BAD_RESPONSE_MODE = _row("A13", "invalid_request", 400, "this response_mode is not supported for this client", "discovery lists the supported ones; a client of fapi2_message_signing takes only signed answers")
LOGIN_REQUIRED = _row("A14", "login_required", 400, "the person has to sign in", "prompt=none and no session good enough")
CONSENT_REQUIRED = _row("A15", "consent_required", 400, "the person has to be told or asked first", "prompt=none and a page is owed")
UNMET_LEVEL = _row("A16", "unmet_authentication_requirements", 400, "no source reaches the level asked for", "OpenID Connect Core Unmet Authentication Requirements 1.0; check source levels and caps")
ACCESS_DENIED = _row("A17", "access_denied", 400, "the person declined", "cancelled by the person")
CLIENT_DISABLED = _row("A18", "unauthorized_client", 403, "this client is switched off", "`idp portals enable`")
HINT_MISMATCH = _row("A19", "login_required", 400, "somebody else is signed in", "id_token_hint names another person")
BAD_HINT = _row("A20", "invalid_request", 400, "id_token_hint is not one of ours", "forged, foreign, or signed with a key long gone")
LOGIN_EXPIRED = _row("A21", "access_denied", 400, "the person took too long to sign in", "lifetimes.login_seconds")
INTERACTION_REQUIRED = _row("A22", "interaction_required", 400, "the person has to come here first", "prompt=none, and the population register has to be asked again (verification.max_age_seconds), or the person has to say for whom they act")
PUSH_REQUIRED = _row("A23", "invalid_request", 400, "this client must push its requests to the endpoint for that", "RFC 9126: require_pushed_authorization_requests, or a FAPI profile")
SIGNED_REQUEST_REQUIRED = _row("A24", "invalid_request", 400, "this client must sign its requests", "RFC 9101: require_signed_request_object, or fapi2_message_signing")
BAD_TARGET = _row("A25", "invalid_target", 400, "resource must name one API, which this client may call", "RFC 8707; `idp portals list` shows may_call")
REQUEST_URI_PUSHED = _row("A26", "invalid_request", 400, "a pushed request must not hold request_uri", "RFC 9126 section 2.1")
DPOP_KEY_DIFFERS = _row("A27", "invalid_request", 400, "dpop_jkt is not the key of the DPoP proof", "RFC 9449 section 10.1")
PUSHED_SCOPE = _row("A28", "invalid_request", 400, "the pushed scope is missing openid, or asks for what this client was not granted", "A08, at the endpoint for pushed requests")
PUSHED_RESPONSE_TYPE = _row("A29", "invalid_request", 400, "the pushed response_type must be code", "A05, at the endpoint for pushed requests")
NO_KEY_FOR_ANSWER = _row("A30", "invalid_request", 400, "this client registered encrypted answers and shows no key for them", "jwks or jwks_uri holds no key that fits authorization_encrypted_response_alg, or cannot be fetched")
NOT_FOR_CODES = _row("A31", "unauthorized_client", 400, "this client is not registered for authorization codes", "grant_types lacks authorization_code")
BAD_VERIFIED_CLAIMS = _row("A32", "invalid_request", 400, "verified_claims asks in a form that is none, or for too much", "OpenID Connect for Identity Assurance 1.0 section 5; at most ten of anything")

# T: the token endpoint, as RFC 6749 section 5.2 has it
BAD_CLIENT_AUTHENTICATION = _row("T01", "invalid_client", 401, "client authentication failed", "wrong secret, wrong method, or a bad assertion")
BAD_CODE = _row("T02", "invalid_grant", 400, "the code is unknown, expired or not this client's", "codes live lifetimes.code_seconds")
SPENT_CODE = _row("T03", "invalid_grant", 400, "the code was used before; what it bought is revoked", "a portal that retries, or a stolen code")
CODE_REDIRECT_MISMATCH = _row("T04", "invalid_grant", 400, "redirect_uri differs from the authorization request", "RFC 6749 section 4.1.3")
PKCE_FAILED = _row("T05", "invalid_grant", 400, "code_verifier does not fit the challenge", "RFC 7636 section 4.6")
BAD_GRANT_TYPE = _row("T06", "unsupported_grant_type", 400, "this grant_type is not supported", "discovery lists the supported ones")
BAD_TOKEN_REQUEST = _row("T07", "invalid_request", 400, "the token request is malformed", "a parameter is missing, repeated or too long")
SESSION_OVER = _row("T08", "invalid_grant", 400, "the session ended before the code was used", "signed out, or the person or client was switched off")
BAD_REFRESH_TOKEN = _row("T20", "invalid_grant", 400, "the refresh token is unknown, expired, revoked or not this client's", "the person or the source was switched off, the session ended, or the grant was unused for too long")
REUSED_REFRESH_TOKEN = _row("T21", "invalid_grant", 400, "the refresh token was replaced before; what it bought is revoked", "RFC 9700 section 4.14.2: a stolen token, or a client that does not keep the new one (lifetimes.refresh_grace_seconds)")
SCOPE_TOO_WIDE = _row("T22", "invalid_scope", 400, "scope asks for more than was granted", "RFC 6749 section 6; for systems, `idp portals list` shows api_scopes")
GRANT_NOT_ALLOWED = _row("T23", "unauthorized_client", 400, "this client is not registered for this grant_type", "`idp portals list` shows grant_types")
KEY_DIFFERS = _row("T24", "invalid_grant", 400, "the DPoP proof is made with another key than the code or token is bound to", "RFC 9449 sections 5 and 10")
NO_CERTIFICATE_SHOWN = _row("T25", "invalid_request", 400, "this client must show its TLS client certificate", "RFC 8705 section 3; the proxy hands it on in client_certificate_header")
BAD_SUBJECT_TOKEN = _row("T26", "invalid_request", 400, "subject_token is not a token that this client may exchange", "RFC 8693 section 2.2.2: expired, revoked, exchanged before, or granted to somebody else")
BAD_EXCHANGE = _row("T27", "invalid_request", 400, "a token is exchanged for one access token, for one API and one purpose", "RFC 8693 section 2.1: subject_token_type and requested_token_type access_token, resource, one word of scope, no actor_token")
NO_KEY_FOR_TOKEN = _row("T28", "invalid_request", 400, "this client registered encrypted tokens and shows no key for them", "jwks or jwks_uri holds no key that fits id_token_encrypted_response_alg, or cannot be fetched")
TOO_LOW_FOR_API = _row("T29", "invalid_request", 400, "the API asks for a higher level than the person signed in at", "RFC 8693 section 2.2.2; the API's minimum_level, which the portal can ask for by acr_values")

# I: introspection and revocation (RFC 7662 section 2.1, RFC 7009 section 2.1)
NO_TOKEN_NAMED = _row("I01", "invalid_request", 400, "token is missing", "the request must hold one token, whatever its kind")
SPENT_ASSERTION = _row("T09", "invalid_client", 401, "the client assertion was used before", "jti must be new in every assertion, also when a request is repeated; or a replay")
ASSERTION_AUDIENCE = _row("T10", "invalid_client", 401, "aud of the client assertion does not name this provider as it must", "the issuer as a string; a client without FAPI 2.0 may name the token endpoint, or the one that it asks")
ASSERTION_TIME = _row("T11", "invalid_client", 401, "the client assertion is expired, not valid yet, or valid for too long", "good for 10 minutes from iat, or exp at most so far ahead (FAPI 2.0: exp, 5 minutes); nbf and iat at most 10 seconds ahead; or a clock is off")
ASSERTION_INCOMPLETE = _row("T12", "invalid_client", 401, "the client assertion lacks exp or jti, or its iss or sub is not the client_id", "RFC 7523 section 3, OpenID Connect Core section 9")

# U: userinfo (RFC 6750 section 3.1)
NO_TOKEN = _row("U01", "invalid_request", 401, "an access token is required", "Authorization: Bearer ...")
BAD_TOKEN = _row("U02", "invalid_token", 401, "the access token is expired, revoked or not ours", "the portal must sign the person in again")
TOKEN_IN_QUERY = _row("U03", "invalid_request", 400, "access tokens are not taken from the query", "RFC 9700 section 4.3.2: they leak through logs and Referer")
TOKEN_ELSEWHERE = _row("U04", "invalid_token", 401, "the access token is for another API", "RFC 8707: the portal asked for it with resource; for userinfo it asks without")
NOT_A_PERSONS_TOKEN = _row("U05", "insufficient_scope", 403, "the access token opens nobody's claims", "it was granted to a system, or without the scope openid")
NO_KEY_FOR_USERINFO = _row("U06", "invalid_request", 400, "this client registered encrypted userinfo and shows no key for it", "jwks or jwks_uri holds no key that fits userinfo_encrypted_response_alg, or cannot be fetched")
LEVEL_TOO_LOW = _row("U07", "insufficient_user_authentication", 401, "the person has to sign in again, at a higher level", "RFC 9470; the portal's minimum_level was raised after it got its token")

# D: proof of possession (RFC 9449 section 12.2)
BAD_DPOP_PROOF = _row("D01", "invalid_dpop_proof", 400, "the DPoP proof is missing, malformed, used before or not for this request", "RFC 9449 section 4.3; the log names the check that failed")
USE_DPOP_NONCE = _row("D02", "use_dpop_nonce", 400, "the DPoP proof must hold the nonce of the DPoP-Nonce header", "RFC 9449 section 8; the client repeats the request with it")
NOT_THE_HOLDER = _row("D03", "invalid_token", 401, "the access token must be shown together with the key or certificate that it is bound to", "sent as Bearer though bound to a DPoP key, as DPoP though not, or without its TLS client certificate (RFC 9449 section 7, RFC 8705 section 3); the log says which")

# R: portals that register themselves (RFC 7591 section 3.2.2, RFC 7592 section 2)
NO_REGISTRATION_TOKEN = _row("R01", "invalid_token", 401, "a token is required to register, or to manage a registration", "Authorization: Bearer with an initial access token (`idp portals invite`), or with the registration_access_token")
BAD_REGISTRATION_TOKEN = _row("R02", "invalid_token", 401, "the token is unknown, expired, used up, replaced or another client's", "`idp portals invitations`; a registration_access_token is replaced at each change, and void once an operator changed the portal")
BAD_CLIENT_METADATA = _row("R03", "invalid_client_metadata", 400, "the client metadata cannot be registered", "the answer says which member, the portal must change it")
BAD_CLIENT_REDIRECT_URI = _row("R04", "invalid_redirect_uri", 400, "a redirect_uri cannot be registered", "https, or for native apps a scheme of their own or loopback; no fragment, no wildcard")
BAD_SOFTWARE_STATEMENT = _row("R05", "invalid_software_statement", 400, "the software statement is malformed, expired or not signed by its issuer", "RFC 7591 section 2.3; registration.statement_keys_file")
UNAPPROVED_STATEMENT = _row("R06", "unapproved_software_statement", 400, "the software statement is missing, or of an issuer that is not approved here", "registration.statement_issuer; the invitation may ask for one")
NOT_JSON = _row("R07", "invalid_client_metadata", 415, "the body must be application/json", "RFC 7591 section 3.1")

# V: devices that somebody signs in for elsewhere (RFC 8628 section 3.5)
BAD_DEVICE_CODE = _row("V01", "invalid_grant", 400, "the device_code is unknown, or not this client's", "the device must begin anew")
DEVICE_PENDING = _row("V02", "authorization_pending", 400, "nobody has decided yet; ask again after the interval", "RFC 8628 section 3.5; the person has still to type the code and sign in")
DEVICE_TOO_SOON = _row("V03", "slow_down", 400, "the device asks too often; from now on it must wait 5 seconds longer", "RFC 8628 section 3.5; the device does not keep to interval")
DEVICE_DECLINED = _row("V04", "access_denied", 400, "the person declined", "or gave up on the way; the device may begin anew")
DEVICE_EXPIRED = _row("V05", "expired_token", 400, "nobody decided in time", "lifetimes.device_code_seconds; the device must begin anew")
TOO_MANY_DEVICE_CODES = _row("V06", "temporarily_unavailable", 429, "too many codes of devices were typed, try again shortly", "limits.device_codes_per_network_per_minute, or limits.wrong_device_codes_per_minute from everywhere: somebody guesses")

CONFIRMATION_REQUIRED = _row("V07", "confirmation_required", 400, "the person said yes; ask for the number on their phone, and send it as confirmation", "the portal is registered with device_confirmation (docs/portals.md)")
CONFIRMATION_WRONG = _row("V08", "confirmation_required", 400, "confirmation is not the number on the person's phone; ask once more", "mistyped, or guessed; the third wrong one ends it")
CONFIRMATION_FAILED = _row("V09", "access_denied", 400, "three wrong numbers were sent as confirmation", "the device must begin anew; several in a row: somebody at the device has the yes of people elsewhere")

# N: a card that is shown now, by a presence code
NO_PRESENCE_CODE = _row("N01", "bad_text", 400, "the body must be JSON with a presence code as its member code", "a card, or another text, was sent; cards are verified where they are scanned")
PRESENCE_UNKNOWN = _row("N02", "presence_unknown", 404, "this presence code was not made here, or minutes ago", "forged, or kept for longer than cards/showing.py remembers")
PRESENCE_OLD = _row("N03", "presence_old", 410, "this presence code is older than 45 seconds", "a photograph, or a slow hand: the holder shows the next one")
PRESENCE_SEEN = _row("N04", "presence_seen", 409, "this presence code was shown before", "a second scan, or a copy: the holder shows the next one")
SHOWN_SUSPENDED = _row("N05", "suspended", 409, "the card that is shown is suspended", "its holder suspended it since the code was made")
SHOWN_REVOKED = _row("N06", "revoked", 410, "the card that is shown has been revoked", "`idp cards show` tells why")
BAD_PHONE_KEY = _row("N07", "bad_holder_key", 400, "the key of the phone is none, or was not proven in time", "the page was left open, or its proof is not by that key; the person tries again")

# H: a phone that signs a computer in
PHONE_CODE_OVER = _row("H01", "invalid_request", 400, "the code that was scanned is out of date, was scanned before, or is none of ours", "a code is good for ten seconds and for one phone; a picture of one that was passed on, or a slow network")
PHONE_DECLINED = _row("H02", "access_denied", 403, "the person said no on the phone", "changed their mind, or was sent the code of somebody else's screen: several in a row are an attack")
PHONE_NUMBER_WRONG = _row("H03", "access_denied", 403, "the number from the phone was typed wrongly three times", "mistyped; or somebody at the computer guessed, and has the person's yes: ask them")
PHONE_TOO_LATE = _row("H04", "access_denied", 403, "nobody finished with the phone in time", "a code waits for two minutes; the person can begin again")
PHONE_NOT_ENOUGH = _row("H05", "access_denied", 403, "a session on a phone is not enough for this sign-in", "it ended meanwhile, is too weak or too old, or the portal wants the person to prove themselves anew; the pages do not offer it")
PHONE_ELSEWHERE = _row("H06", "access_denied", 403, "the phone is on another network than the computer", "phone.other_network is refuse: both must reach us from one address")

# E: end of session (OpenID Connect RP-Initiated Logout 1.0)
BAD_LOGOUT_HINT = _row("E01", "invalid_request", 400, "id_token_hint is not one of ours", "forged, foreign, or for another client")
BAD_LOGOUT_RETURN = _row("E02", "invalid_request", 400, "post_logout_redirect_uri is not registered", "it must equal a registered one, and needs id_token_hint")

# L: the journey
LOGIN_GONE = _row("L01", "invalid_request", 400, "this sign-in is not known any more", "older than a day, answered, or never begun")
OTHER_BROWSER = _row("L02", "invalid_request", 400, "this sign-in belongs to another browser", "a link was passed on, cookies are blocked, or login CSRF was tried")
ALREADY_ANSWERED = _row("L03", "invalid_request", 400, "this sign-in is already finished", "back button or a second click after the code expired")
UNKNOWN_STATE = _row("L04", "invalid_request", 400, "this answer belongs to no sign-in of ours", "unsolicited, replayed, or too late")
FOREIGN_STATE = _row("L05", "invalid_request", 400, "this answer was begun at another source", "mix-up attempt, or a callback address configured twice")
SOURCE_GONE = _row("L06", "temporarily_unavailable", 400, "the chosen source is not available", "disabled or unknown: `idp sources list`")
BAD_FORM = _row("L07", "invalid_request", 400, "this form is out of date", "the form token is missing or another browser's")
SOURCE_TOO_WEAK = _row("L08", "invalid_request", 400, "the chosen source does not reach the level", "the choice page does not offer it; the form was changed")

# P: who somebody is
PERSON_CONFLICT = _row("P01", "access_denied", 403, "what the source says does not agree with what is known", "same number, other name or birth date: never linked by itself; see the audit events")
PERSON_INCOMPLETE = _row("P02", "access_denied", 403, "the source gave too little to know who this is", "no current personal number, or no name")
PERSON_BARRED = _row("P03", "access_denied", 403, "this person cannot be signed in", "marked deceased or barred")
REGISTER_DIFFERS = _row("P04", "access_denied", 403, "the population register has other details for this number", "name or birth date differ from the source's; the person must have one of the two put right; see the audit events")
REGISTER_UNKNOWN = _row("P05", "access_denied", 403, "the population register knows nobody by this number", "a wrong number at the source, or somebody whom the register does not have yet")
STRONGER_FIRST = _row("P07", "access_denied", 403, "a stronger way to sign in cannot be added to a weaker one", "the person has to sign in by the stronger one, and add the weaker")
REGISTER_SILENT = _row("P06", "temporarily_unavailable", 503, "the population register cannot be asked just now", "verification.refuse_without_from_level: at this level nobody enters unchecked; `idp sources check`")

# S: sources; one row for each connectors.base.Failure
_SOURCE_ROWS: dict[SourceFailure, tuple[str, str, str, str]] = {
    SourceFailure.CANCELLED: ("S01", "access_denied", "the person cancelled at the source", "nothing to do"),
    SourceFailure.ACCOUNT_LOCKED: ("S02", "access_denied", "the source has locked this account", "the person must ask the source"),
    SourceFailure.DECEASED: ("S03", "access_denied", "the source does not let this person sign in", "reported deceased; treat with care"),
    SourceFailure.REFUSED: ("S04", "access_denied", "the source refused the sign-in", "see the source's own error in the log"),
    SourceFailure.LEVEL_TOO_LOW: ("S05", "access_denied", "the sign-in at the source was too weak", "the source gave less than was asked"),
    SourceFailure.UNREACHABLE: ("S06", "temporarily_unavailable", "the source cannot be reached", "`idp sources check`"),
    SourceFailure.TIMED_OUT: ("S07", "temporarily_unavailable", "the source did not answer in time", "`idp sources check`"),
    SourceFailure.OVERLOADED: ("S08", "temporarily_unavailable", "the source asks for patience", "429 or 503 from the source"),
    SourceFailure.BROKEN_ANSWER: ("S09", "temporarily_unavailable", "the source's answer cannot be read", "half an answer, or not of the protocol"),
    SourceFailure.INCOMPLETE: ("S10", "access_denied", "the source's answer lacks something needed", "a claim is missing; check the scopes agreed"),
    SourceFailure.WRONG_SIGNATURE: ("S11", "access_denied", "the source's signature is not valid", "tampered, wrong key or wrong algorithm"),
    SourceFailure.WRONG_ISSUER: ("S12", "access_denied", "the answer names another issuer", "mix-up, or the source changed its issuer"),
    SourceFailure.WRONG_AUDIENCE: ("S13", "access_denied", "the answer was meant for somebody else", "client_id at the source differs"),
    SourceFailure.WRONG_NONCE: ("S14", "access_denied", "the answer does not belong to this sign-in", "nonce or state does not fit: replay or injection"),
    SourceFailure.WRONG_TIME: ("S15", "access_denied", "the answer is too old or from the future", "expired, or a clock is off: `idp sources check`"),
    SourceFailure.REPLAYED: ("S16", "access_denied", "the answer was used before", "replay"),
    SourceFailure.MISCONFIGURED: ("S17", "temporarily_unavailable", "the source does not accept us", "our credentials or configuration at the source"),
    SourceFailure.TOO_OFTEN: ("S18", "access_denied", "too many codes were asked for or tried", "limits per person, number and network; a flood, or a guesser"),
    SourceFailure.UNKNOWN_THERE: ("S19", "access_denied", "the source knows nobody by these details", "mistyped, or not registered there"),
    SourceFailure.WRONG_RECIPIENT: ("S20", "access_denied", "the answer was sent to another address", "Destination or Recipient is not our callback address: mix-up, or the source has an old one"),
    SourceFailure.UNSAFE_DOCUMENT: ("S21", "access_denied", "the source's document is not safe to read", "a DTD, entities, or too deep or too large: an attack, or a broken source"),
    SourceFailure.NO_CERTIFICATE: ("S22", "access_denied", "no certificate was shown", "no USB token in the machine, or the choice was cancelled"),
    SourceFailure.CERTIFICATE_UNTRUSTED: ("S23", "access_denied", "the certificate is not one to sign in with", "expired, not for this use, or from an authority that the source's configuration does not trust"),
    SourceFailure.CERTIFICATE_REVOKED: ("S24", "access_denied", "the certificate was revoked", "the person must ask the authority that issued it"),
    SourceFailure.REVOCATION_UNKNOWN: ("S25", "temporarily_unavailable", "nobody can say whether the certificate was revoked", "neither CRL nor OCSP answered: `idp sources check`"),
    SourceFailure.CONTRADICTORY: ("S27", "access_denied", "the source contradicts itself", "what it says of one person cannot be true; the log says what"),
    SourceFailure.NOT_A_PERSON: ("S26", "access_denied", "the certificate is an organisation's seal", "it names no person; a personal certificate is needed"),
}  # fmt: skip

FROM_SOURCE: dict[SourceFailure, Failure] = {
    kind: _row(code, error, 502 if error == "temporarily_unavailable" else 403, description, hint)
    for kind, (code, error, description, hint) in _SOURCE_ROWS.items()
}


def as_table() -> str:
    """The catalogue as the Markdown table that the documentation holds."""
    lines = ["| code | wire error | status | what it means | hint for the operator |", "|---|---|---|---|---|"]
    for row in CATALOGUE.values():
        lines.append(f"| {row.code} | `{row.error}` | {row.status} | {row.description} | {row.hint} |")
    return "\n".join(lines) + "\n"
