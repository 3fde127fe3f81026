"""`/sign`: the token's plug-in, played by pages. It shows what is to be signed, asks for the PIN, and
posts the result.

In: `challenge` (base64), `return_url`, `RelayState`. Back, to `return_url`: `RelayState`, and `signature` (CMS in
base64) or `error` (cancelled, locked).
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Blueprint, Response, jsonify, request

from connectors.sandbox import control
from connectors.sandbox.answers import HUGE_BODY_BYTES, be_unavailable_for, page
from connectors.sandbox.authority.faults import CERTIFICATE, SIGNATURE, FaultName
from connectors.sandbox.authority.signing import signed
from connectors.sandbox.authority.state import SigningRequest, authority
from connectors.sandbox.authority.tokens import Token
from connectors.sandbox.businesses import BUSINESS_CAST, Business, Firm
from connectors.sandbox.cast import CAST, ONE_TIME_CODE, Part
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.errors import PageProblem

CHALLENGE_LIMIT_BYTES = 4096
SEALS = (Firm.ORDINARY, Firm.PARENT)
SCRIPT_POLICY = "; script-src 'self'"

blueprint = Blueprint("authority", __name__)


@blueprint.post("/sign")
def sign() -> Response:
    wanted = _wanted()
    return _page(authority().interactions.put(wanted), wanted)


def _wanted() -> SigningRequest:
    return_url = request.form.get("return_url", "")
    try:
        challenge = base64.b64decode(request.form.get("challenge", ""), validate=True)
        challenge.decode()
    except (binascii.Error, ValueError):
        challenge = b""
    parts = urlsplit(return_url)
    if not 0 < len(challenge) <= CHALLENGE_LIMIT_BYTES or parts.scheme not in ("http", "https") or not parts.hostname:
        vietnamese = "Yêu cầu ký số không hợp lệ. Hãy quay lại dịch vụ và thử lại."
        raise PageProblem("invalid_request", vietnamese, "A challenge in base64 and a return_url are needed.")
    return SigningRequest(challenge=challenge, return_url=return_url, relay_state=request.form.get("RelayState", ""))


def _page(interaction: str, wanted: SigningRequest, problem: tuple[str, str] | None = None) -> Response:
    return page(
        "sign.html",
        422 if problem else 200,
        interaction=interaction,
        asking=urlsplit(wanted.return_url).netloc,
        challenge=wanted.challenge.decode(),
        cast=CAST,
        seals=[BUSINESS_CAST[firm] for firm in SEALS],
        problem=problem,
        number=request.form.get("number", ""),
        pin=ONE_TIME_CODE,
    )


@blueprint.post("/sign/decide")
def decide() -> Response:
    """One of four forms: a number with the PIN, a citizen's button, a seal's button, or the cancel button."""
    interaction = request.form.get("interaction", "")
    wanted = authority().interactions.get(interaction)
    if wanted is None:
        vietnamese = "Trang ký số này đã hết hạn hoặc đã dùng rồi. Hãy quay lại dịch vụ và thử lại."
        raise PageProblem("expired", vietnamese, "This page has expired or was used. Go back and start again.")
    if "seal" in request.form:
        business = next((one for one in BUSINESS_CAST if one.tax_code == request.form["seal"]), BUSINESS_CAST[0])
        return _posted(interaction, wanted, seal=business)
    if "cancel" in request.form:
        return _posted(interaction, wanted, error="cancelled")
    quick = "citizen" in request.form
    citizen = authority().population.find(request.form["citizen" if quick else "number"])
    if citizen is None:
        return _page(interaction, wanted, ("Không tìm thấy chứng thư của người này.", "Nobody has this number."))
    if not quick and request.form.get("pin") != ONE_TIME_CODE:
        return _page(interaction, wanted, ("Mã PIN không đúng.", "The PIN is wrong."))
    be_unavailable_for(citizen, "sign")
    if citizen.locked:
        return _posted(interaction, wanted, error="locked")
    return _posted(interaction, wanted, citizen=citizen)


def _posted(
    interaction: str, wanted: SigningRequest, *,
    citizen: Citizen | None = None, seal: Business | None = None, error: str | None = None,
) -> Response:  # fmt: skip
    """The page that posts the answer to whoever asked, by itself or by its button."""
    state = authority()
    state.interactions.take(interaction)
    fields = {"RelayState": wanted.relay_state}
    if error is not None:
        fields["error"] = error
    elif seal is not None:
        fields["signature"] = _encoded(signed(state.tokens.seal_of(seal), wanted.challenge, None, _others()))
    elif citizen is not None:
        lie = state.faults.strike({*SIGNATURE, FaultName.HUGE_ANSWER}, "sign", citizen)
        if lie is not None and lie.fault == FaultName.WRONG_RELAY_STATE:
            fields["RelayState"] = f"{wanted.relay_state}x"
        fields["signature"] = _told(citizen, wanted, lie.fault if lie else None)
    response = page("signed.html", return_url=wanted.return_url, fields=fields)
    response.headers["Content-Security-Policy"] += SCRIPT_POLICY
    return response


def _told(citizen: Citizen, wanted: SigningRequest, lie: str | None) -> str:
    """What the token says; and it is remembered, so that it can be said again."""
    state = authority()
    if lie == FaultName.GARBAGE:
        return _encoded(b"not a signature at all")
    if lie == FaultName.HUGE_ANSWER:
        return "A" * HUGE_BODY_BYTES
    last = state.last_signatures.get(citizen.personal_number)
    if lie == FaultName.REPLAYED and last is not None:
        return _encoded(last)
    signature = signed(_token(citizen), wanted.challenge, lie, _others())
    state.last_signatures.put(signature, citizen.personal_number)
    return _encoded(signature)


def _token(citizen: Citizen) -> Token:
    """The person's token, or the false one that a fault puts into their hand."""
    state = authority()
    lie = state.faults.strike(CERTIFICATE, "sign", citizen)
    if lie is None:
        return state.tokens.of(citizen, state.employer(citizen))
    return state.tokens.lying(citizen, BUSINESS_CAST[Firm.ORDINARY], FaultName(lie.fault))


def _others() -> Token:
    return authority().tokens.of(CAST[Part.ORDINARY_FOURTH], None)


def _encoded(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


@blueprint.get(f"{control.PREFIX}/certificates/<number>")
def certificate(number: str) -> tuple[Response, int]:
    """A person's key and certificate, in PEM, for a test to show in a handshake; `?renew=1` makes new ones."""
    if (refused := control.refuse_other_sites()) is not None:
        return refused
    state = authority()
    citizen = state.population.find(number)
    if citizen is None:
        return jsonify(error="there is no such citizen"), 404
    if request.args.get("renew"):
        state.tokens.of(citizen, state.employer(citizen), renew=True)
    token = _token(citizen)
    private = token.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate_pem = token.certificate.public_bytes(Encoding.PEM).decode()
    return jsonify(certificate=certificate_pem, key=private, issuer=token.authority.pem), 200
