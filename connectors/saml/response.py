"""A SAML response, opened: from what the browser brought to the one assertion that the source has signed.

| what is wrong | failure |
|---|---|
| too large, too deep, a DTD, entities, comments, instructions | UNSAFE_DOCUMENT |
| not base64, not XML, not a SAML 2.0 response, no assertion in it, cannot be opened with our keys | BROKEN_ANSWER |
| no signature; one by a key that the source does not publish; SHA-1, RSA 1.5, AES-CBC; transforms | WRONG_SIGNATURE |
| a second assertion, or one, a response or a signature where none belongs; one id twice (wrapping) | WRONG_SIGNATURE |
| encrypted, and signed neither inside nor around: anybody can encrypt for us | WRONG_SIGNATURE |
| `Issuer` is not exactly the source's entity id | WRONG_ISSUER |
| `Destination` is not our callback address | WRONG_RECIPIENT |
| a status other than success | as `STATUS` and the configuration have it |

What the assertion itself must say stands in `connectors.saml.assertion`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime

from cryptography import x509

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.saml.configuration import SamlConfiguration
from connectors.saml.documents import DOCUMENT_LIMIT_BYTES, Element, children, name, only_child, read_document, text_of
from connectors.saml.encryption import decrypted
from connectors.saml.keys import Pair
from connectors.saml.signatures import is_signed, signed_part

ENCODED_LIMIT_CHARACTERS = DOCUMENT_LIMIT_BYTES * 3 // 2  # base64, broken into lines
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
STATUS: Mapping[str, Failure] = {
    f"urn:oasis:names:tc:SAML:2.0:status:{code}": failure
    for code, failure in {
        "AuthnFailed": Failure.REFUSED,
        "RequestDenied": Failure.REFUSED,
        "NoPassive": Failure.REFUSED,
        "UnknownPrincipal": Failure.UNKNOWN_THERE,
        "NoAuthnContext": Failure.LEVEL_TOO_LOW,
        "InvalidNameIDPolicy": Failure.MISCONFIGURED,
        "RequestUnsupported": Failure.MISCONFIGURED,
        "UnsupportedBinding": Failure.MISCONFIGURED,
        "VersionMismatch": Failure.MISCONFIGURED,
        "Requester": Failure.MISCONFIGURED,
        "Responder": Failure.REFUSED,
    }.items()
}  # SAML core section 3.2.2.2
STATUS_DEPTH = 5
_RESPONSE, _ASSERTION = "the response", "the assertion"


def read_response(encoded: str) -> tuple[Element, bytes]:
    """The response, of which nothing has been verified, and the bytes that it came in; raises Refusal."""
    if len(encoded) > ENCODED_LIMIT_CHARACTERS:
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{_RESPONSE} is too large to be read")
    try:
        body = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(Failure.BROKEN_ANSWER, f"{_RESPONSE} is not base64") from None
    root = read_document(body, _RESPONSE)
    if root.tag != name("samlp", "Response") or root.get("Version") != "2.0":
        raise Refusal(Failure.BROKEN_ANSWER, "what came is not a SAML 2.0 response")
    return root, body


def check_envelope(root: Element, configuration: SamlConfiguration) -> None:
    """The response is this source's, and was sent here (SAML core section 3.2.2, profiles section 4.1.4.2)."""
    issuers = children(root, "saml:Issuer")
    if len(issuers) > 1 or any(text_of(issuer) != configuration.idp_entity_id for issuer in issuers):
        raise Refusal(Failure.WRONG_ISSUER, f"{_RESPONSE} names another issuer")
    if root.get("Destination") != configuration.callback_url:
        raise Refusal(Failure.WRONG_RECIPIENT, f"{_RESPONSE} was sent to another address, or to none")


def refusal_in(root: Element, configuration: SamlConfiguration) -> Refusal | None:
    """Why the source signed nobody in; None where it did. The innermost code that anybody knows tells most."""
    codes = list(_status_codes(root))
    if codes == [SUCCESS]:
        return None
    known = {**STATUS, **configuration.status_failures}
    for code in reversed(codes[1:] or codes):
        if code in known:
            return Refusal(known[code], f"{_RESPONSE} has the status {code.rpartition(':')[2][:60]}")
    return Refusal(STATUS.get(codes[0], Failure.REFUSED), f"{_RESPONSE} has a status that nobody has named to us")


def _status_codes(root: Element) -> Iterator[str]:
    element = only_child(root, "samlp:Status", Failure.BROKEN_ANSWER, f"the status of {_RESPONSE}")
    code = only_child(element, "samlp:StatusCode", Failure.BROKEN_ANSWER, f"the status of {_RESPONSE}")
    for _ in range(STATUS_DEPTH):
        yield code.get("Value", "")
        inner = children(code, "samlp:StatusCode")
        if not inner:
            return
        code = inner[0]


def signed_assertion(
    root: Element, configuration: SamlConfiguration, certificates: tuple[x509.Certificate, ...],
    pairs: tuple[Pair, ...], now: datetime,
) -> Element:  # fmt: skip
    """The assertion as it was signed, and nothing else; raises Refusal, UnknownKey where another key may have it."""
    _check_places(root, _RESPONSE)
    response_signed = is_signed(root)
    if response_signed:
        root = signed_part(root, certificates, now, _RESPONSE)
    assertion, was_encrypted = _assertion_in(root, pairs)
    if configuration.encryption_required and not was_encrypted:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_ASSERTION} is not encrypted, as was agreed")
    if is_signed(assertion):
        return signed_part(assertion, certificates, now, _ASSERTION)
    if not response_signed:
        how = "encrypted, but signed by nobody" if was_encrypted else "not signed"
        raise Refusal(Failure.WRONG_SIGNATURE, f"{_ASSERTION} is {how}")
    return assertion


def _assertion_in(root: Element, pairs: tuple[Pair, ...]) -> tuple[Element, bool]:
    plain, encrypted = children(root, "saml:Assertion"), children(root, "saml:EncryptedAssertion")
    if not plain and not encrypted:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_RESPONSE} holds no assertion")
    if len(plain) + len(encrypted) > 1:
        raise Refusal(Failure.WRONG_SIGNATURE, f"{_RESPONSE} holds more than one assertion")
    if plain:
        return plain[0], False
    assertion = decrypted(encrypted[0], pairs)
    _check_places(assertion, _ASSERTION)
    return assertion, True


def _check_places(root: Element, what: str) -> None:
    """Each assertion, response and signature stands where the schema's plainest reading has it (against wrapping)."""
    in_a_response = root.tag == name("samlp", "Response")
    for element in root.iter(name("samlp", "Response"), name("saml", "Assertion"), name("saml", "EncryptedAssertion")):
        belongs = in_a_response and element.getparent() is root and element.tag != root.tag
        if element is not root and not belongs:
            raise Refusal(Failure.WRONG_SIGNATURE, f"{what} holds an assertion or a response where none belongs")
    for signature in root.iter(name("ds", "Signature")):
        parent = signature.getparent()
        if parent is not root and parent not in children(root, "saml:Assertion"):
            raise Refusal(Failure.WRONG_SIGNATURE, f"{what} holds a signature where none belongs")
