"""CMS that others make (OpenSSL, and the builder of `cryptography`), and every byte of it changed."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from connectors.answers import Refusal
from connectors.base import AutoPost, Done, Failed, Failure, Input, Step
from connectors.sandbox.cast import Part
from connectors.x509.signed_data import verified
from tests.connectors.circle import Circle
from tests.connectors.door import done, failure_of


def challenge_of(step: AutoPost) -> bytes:
    return base64.b64decode(dict(step.fields)["challenge"])


def answered(circle: Circle, step: AutoPost, signature: bytes) -> Step:
    form = (("RelayState", dict(step.fields)["RelayState"]), ("signature", base64.encodebytes(signature).decode()))
    return circle.resumed(step, Input(method="POST", form=form))


def signed_by_openssl(folder: Path, held: dict[str, str], content: bytes, *options: str) -> bytes:
    """What the command line tool makes of it; it is nobody's of ours."""
    for name, text in held.items():
        (folder / f"{name}.pem").write_text(text)
    (folder / "content").write_bytes(content)
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", "content", "-signer", "certificate.pem",
               "-inkey", "key.pem", "-certfile", "issuer.pem", *options]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


PSS = ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1")


@pytest.mark.parametrize(
    "part, options",
    [
        (Part.ORDINARY, ()),
        (Part.ORDINARY, ("-nodetach",)),
        (Part.ORDINARY, ("-keyid",)),
        (Part.ORDINARY, ("-cades",)),
        (Part.ORDINARY, ("-md", "sha512")),
        (Part.LOW_LEVEL, ("-md", "sha384")),
        (Part.ORDINARY_SECOND, ("-nosmimecap",)),
        (Part.ORDINARY_SECOND, ("-nodetach", "-stream")),
        (Part.ORDINARY_SECOND, PSS),
    ],
)
def test_a_signature_made_by_openssl_signs_somebody_in(
    circle: Circle, tmp_path: Path, part: Part, options: tuple[str, ...]
) -> None:
    step = circle.begun()
    signature = signed_by_openssl(tmp_path, circle.held_by(part), challenge_of(step), *options)
    assert done(answered(circle, step, signature))


@pytest.mark.parametrize(
    "options, failure",
    [
        (("-noattr",), Failure.WRONG_SIGNATURE),
        (("-md", "sha1"), Failure.WRONG_SIGNATURE),
        (("-md", "md5"), Failure.WRONG_SIGNATURE),
        (("-nocerts",), Failure.BROKEN_ANSWER),
        (("-econtent_type", "1.2.840.113549.1.9.16.1.4"), Failure.BROKEN_ANSWER),
        (("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:0"), Failure.WRONG_SIGNATURE),
        (("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_mgf1_md:sha512"), Failure.WRONG_SIGNATURE),
    ],
)
def test_what_openssl_can_also_make_is_refused_by_its_name(
    circle: Circle, tmp_path: Path, options: tuple[str, ...], failure: Failure
) -> None:
    step = circle.begun()
    signature = signed_by_openssl(tmp_path, circle.held_by(Part.ORDINARY_SECOND), challenge_of(step), *options)
    assert failure_of(answered(circle, step, signature)) == failure


@pytest.mark.parametrize("part", [Part.ORDINARY, Part.ORDINARY_SECOND])
def test_a_signature_made_by_another_library_signs_somebody_in(circle: Circle, part: Part) -> None:
    step, held = circle.begun(), circle.held_by(part)
    certificate = x509.load_pem_x509_certificate(held["certificate"].encode())
    key = load_pem_private_key(held["key"].encode(), None)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(challenge_of(step))
    builder = builder.add_signer(
        certificate, key, hashes.SHA256(), rsa_padding=pss if isinstance(key, rsa.RSAPrivateKey) else None
    )
    builder = builder.add_certificate(x509.load_pem_x509_certificate(held["issuer"].encode()))
    signature = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature])
    assert done(answered(circle, step, signature))


def test_without_the_authority_that_stands_between_there_is_no_path(circle: Circle, tmp_path: Path) -> None:
    step, held = circle.begun(), circle.held_by(Part.ORDINARY)
    signature = signed_by_openssl(
        tmp_path, held | {"issuer": circle.held_by(Part.ORDINARY_FOURTH)["certificate"]}, challenge_of(step)
    )
    assert failure_of(answered(circle, step, signature)) == Failure.CERTIFICATE_UNTRUSTED
    told = circle.configured(intermediates=[held["issuer"]])
    form = (("RelayState", dict(step.fields)["RelayState"]), ("signature", base64.b64encode(signature).decode()))
    circle.door.spent.clear()
    assert done(circle.resumed(step, Input(method="POST", form=form), told))


def test_a_changed_byte_anywhere_is_a_refusal_and_never_an_accident(circle: Circle, tmp_path: Path) -> None:
    challenge, held = b"a challenge", circle.held_by(Part.ORDINARY)
    signature = signed_by_openssl(tmp_path, held, challenge, "-nodetach")
    honest = verified(base64.b64encode(signature).decode())
    honest.check_content(challenge)
    issuer = x509.load_pem_x509_certificate(held["issuer"].encode())
    for position in range(len(signature)):
        for changed in (signature[position] ^ 0x01, 0xFF):
            spoiled = signature[:position] + bytes([changed]) + signature[position + 1 :]
            if spoiled == signature:
                continue
            try:
                found = verified(base64.b64encode(spoiled).decode())
                found.check_content(challenge)
            except Refusal:
                continue
            # What is not signed here may differ: versions, lists, and certificates, which the path will judge.
            if found.signer.tbs_certificate_bytes == honest.signer.tbs_certificate_bytes:
                assert (found.evidence, found.message_digest) == (honest.evidence, honest.message_digest)
            else:
                with pytest.raises((InvalidSignature, ValueError, TypeError)):
                    found.signer.verify_directly_issued_by(issuer)


@pytest.mark.parametrize("length", [0, 1, 2, 10, 100, 500, 1000])
def test_half_a_signature_is_none(circle: Circle, tmp_path: Path, length: int) -> None:
    step = circle.begun()
    signature = signed_by_openssl(tmp_path, circle.held_by(Part.ORDINARY), challenge_of(step))
    assert failure_of(answered(circle, step, signature[:length])) == Failure.BROKEN_ANSWER


def test_a_signature_with_something_behind_it_is_none(circle: Circle, tmp_path: Path) -> None:
    step = circle.begun()
    signature = signed_by_openssl(tmp_path, circle.held_by(Part.ORDINARY), challenge_of(step))
    assert failure_of(answered(circle, step, signature + b"\0")) == Failure.BROKEN_ANSWER


def test_an_older_signature_encoded_anew_is_still_a_replay(circle: Circle, tmp_path: Path) -> None:
    step, held = circle.begun(), circle.held_by(Part.ORDINARY)
    first = signed_by_openssl(tmp_path, held, challenge_of(step))
    assert isinstance(answered(circle, step, first), Done)
    longer = signed_by_openssl(tmp_path, held, challenge_of(step), "-nodetach")
    again = answered(circle, step, first)
    other = answered(circle, step, longer)
    assert isinstance(again, Failed) and isinstance(other, Failed)
    assert {again.failure, other.failure} == {Failure.REPLAYED}
