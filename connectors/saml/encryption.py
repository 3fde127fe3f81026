"""Encrypted assertions, opened by xmlsec with our keys: AES-GCM under RSA-OAEP, and nothing older.

RSA 1.5 and AES-CBC tell whoever may ask often enough what they hide (Bleichenbacher 1998, Jager and Somorovsky 2011).
That something was encrypted for us says nothing of who wrote it: everybody has our public key. Signatures do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from connectors.answers import Refusal
from connectors.base import Failure
from connectors.saml.documents import ENCRYPTION, Element, children, name, only_child, read_document, removed
from connectors.saml.keys import Pair

if TYPE_CHECKING:
    import xmlsec

CONTENT = frozenset(f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm" for bits in (128, 192, 256))
KEY_TRANSPORT = frozenset({f"{ENCRYPTION}rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"})
_WHAT = "the encrypted assertion"


def decrypted(encrypted: Element, pairs: tuple[Pair, ...]) -> Element:
    """The assertion inside an EncryptedAssertion, read as carefully as what came; raises Refusal."""
    _check_form(encrypted)
    for pair in pairs:
        opened = _opened(encrypted, pair)
        if opened is not None:
            assertion = read_document(opened, _WHAT)
            if assertion.tag != name("saml", "Assertion"):
                raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} is no assertion")
            return assertion
    raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} cannot be opened with any key of ours")


def _check_form(encrypted: Element) -> None:
    """One encrypted key, inside or beside, by agreed algorithms; nothing that would be fetched from elsewhere."""
    data = only_child(encrypted, "xenc:EncryptedData", Failure.BROKEN_ANSWER, "the encrypted data")
    keys = [*children(data, "ds:KeyInfo/xenc:EncryptedKey"), *children(encrypted, "xenc:EncryptedKey")]
    if len(keys) != 1 or len(list(encrypted.iter(name("xenc", "EncryptedKey")))) != 1:
        raise Refusal(Failure.BROKEN_ANSWER, f"{_WHAT} has not exactly one key")
    if next(encrypted.iter(name("xenc", "CipherReference")), None) is not None:
        raise Refusal(Failure.UNSAFE_DOCUMENT, f"{_WHAT} lies elsewhere")
    for element, agreed in ((data, CONTENT), (keys[0], KEY_TRANSPORT)):
        method = only_child(element, "xenc:EncryptionMethod", Failure.BROKEN_ANSWER, "the method of encryption")
        if method.get("Algorithm") not in agreed:
            raise Refusal(Failure.WRONG_SIGNATURE, f"{_WHAT} has an algorithm that was not agreed")


def _opened(encrypted: Element, pair: Pair) -> bytes | None:
    """In two steps, each with one key that we name: xmlsec is given no store in which to look for others."""
    import xmlsec  # a C library of some weight: only who is sent something encrypted loads it

    pem = pair.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        ours = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
        sent = _decrypted(_copy(encrypted, "EncryptedKey"), ours)
        content_key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, sent)
        return _decrypted(_copy(encrypted, "EncryptedData"), content_key)
    except (xmlsec.Error, ValueError, TypeError):
        return None


def _decrypted(element: Element, key: xmlsec.Key) -> bytes:
    import xmlsec

    context = xmlsec.EncryptionContext()
    context.key = key
    opened: Any = context.decrypt(element)
    if not isinstance(opened, bytes):
        raise TypeError("not bytes")
    return opened


def _copy(encrypted: Element, local: str) -> Element:
    """That part alone, without hints where its key might be found, and without a type.

    For what is said to be an element, xmlsec would read that element itself, before anybody has looked at it.
    """
    (part,) = encrypted.iter(name("xenc", local))
    copy = etree.fromstring(etree.tostring(part, with_tail=False))
    removed([*children(copy, "ds:KeyInfo"), *children(copy, "xenc:ReferenceList")])
    copy.attrib.pop("Type", "")
    return copy
