"""XML encryption of an assertion for one service provider: AES-256-GCM under RSA-OAEP (XML Encryption 1.1)."""

from __future__ import annotations

import base64
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from connectors.sandbox.tax.xml import XENC, Element, add, element, tag

GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
OAEP = f"{XENC}rsa-oaep-mgf1p"
RSA15 = f"{XENC}rsa-1_5"


def encrypted(assertion: Element, certificate: x509.Certificate, *, rsa15: bool = False) -> Element:
    """An EncryptedAssertion that the holder of the certificate's key can open."""
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise ValueError("only RSA can be encrypted for")
    key, nonce = AESGCM.generate_key(256), secrets.token_bytes(12)
    content = nonce + AESGCM(key).encrypt(nonce, etree.tostring(assertion), None)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - what rsa-oaep-mgf1p is
    wrapped = public.encrypt(key, padding.PKCS1v15() if rsa15 else oaep)

    outer = element("saml:EncryptedAssertion")
    data = etree.SubElement(outer, tag("xenc:EncryptedData"), {"Type": f"{XENC}Element"}, nsmap={"xenc": XENC})
    add(data, "xenc:EncryptionMethod", Algorithm=GCM)
    encrypted_key = add(add(data, "ds:KeyInfo"), "xenc:EncryptedKey")
    method = add(encrypted_key, "xenc:EncryptionMethod", Algorithm=RSA15 if rsa15 else OAEP)
    if not rsa15:
        add(method, "ds:DigestMethod", Algorithm="http://www.w3.org/2000/09/xmldsig#sha1")
    for parent, value in ((encrypted_key, wrapped), (data, content)):
        add(add(parent, "xenc:CipherData"), "xenc:CipherValue", base64.b64encode(value).decode())
    return outer
