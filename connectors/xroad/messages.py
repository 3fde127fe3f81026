"""X-Road in both its flavours (PR-REST 1.0, PR-MESS 4.0), and what Viet Nam's NDXP asks beside it.

A request says who asks, what for, and under which id; an answer that does not say the same is another's. Who is
asked *about* stands in the body alone, never in an address or a header, since those are logged by every server on the
way: `X-Road-UserId` is a pseudonym made with a key that only we have.

Everything that is asked here only reads. So a request is sent once more, with the id it had, where the connection broke
before there was an answer; never after a time-out, when the other side is at work on it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml.etree import _Element
from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.answers import Refusal, context_secret, json_object, successful
from connectors.base import Context, Failure, HttpAnswer
from connectors.configuration import Address
from connectors.xml_documents import child, text_of
from connectors.xroad import soap

NAMESPACE = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
PROTOCOL_VERSION = "4.0"

_PART = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"
_MEMBER = re.compile(rf"{_PART}(/{_PART}){{3}}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_MEMBER_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
_MISCONFIGURED = (
    "AccessDenied", "UnknownService", "UnknownMember", "InvalidClientIdentifier", "InvalidServiceIdentifier",
    "InvalidProtocolVersion", "BadRequest",
)  # fmt: skip


class XRoadConfiguration(BaseModel):
    """How one service behind X-Road is reached.

    Its credentials are not here: `pseudonym_key`, and with `ndxp_user` also `api_key` and `signature_secret`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address = Field(description="where our security server, or NDXP, takes messages")
    client: str = Field(description="who we are there: instance/class/member/subsystem")
    provider: str = Field(description="whose service it is: instance/class/member/subsystem")
    issue: str = Field("", max_length=100, description="the agreement or case that we ask under (X-Road-Issue)")
    ndxp_user: str = Field("", max_length=100, description="our account for NDXP's signature; empty: none is asked")

    @field_validator("address")
    @classmethod
    def _address_has_no_query(cls, value: str) -> str:
        if urlsplit(value).query:
            raise ValueError("must have no query")
        return value.rstrip("/")

    @field_validator("client", "provider")
    @classmethod
    def _members_are_whole(cls, value: str) -> str:
        if not _MEMBER.fullmatch(value):
            raise ValueError("must be instance/class/member/subsystem, in plain letters and digits")
        return value

    @field_validator("issue", "ndxp_user")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        if not value.isascii() or not (value.isprintable() or not value) or ":" in value:
            raise ValueError("must be written in plain characters, without a colon")
        return value


def pseudonym(context: Context, about: str) -> str:
    """What stands for the person in headers: the same at every request, and told by nobody without our key.

    It is all letters, so that no part of it can be taken for somebody's number.
    """
    key = context_secret(context, "pseudonym_key")
    digest = hmac.new(key.encode(), about.encode(), hashlib.sha256).hexdigest()[:32]
    return "VN-" + digest.translate(_LETTERS)


# --- REST


def ask_rest(
    context: Context, configuration: XRoadConfiguration, service: str, path: str, payload: Mapping[str, Any], user: str
) -> tuple[dict[str, Any], bytes]:
    """The JSON object that the service answered, and its bytes; raises Refusal or OutboundError."""
    message_id = context.fresh_value()
    url = f"{configuration.address}/r1/{configuration.provider}/{service}/{path}"
    headers = {
        "X-Road-Client": configuration.client,
        "X-Road-Id": message_id,
        "X-Road-UserId": user,
        "Content-Type": "application/json",
        "Accept": "application/json",
        **_signature(context, configuration, url),
    }
    if configuration.issue:
        headers["X-Road-Issue"] = configuration.issue
    body = json.dumps(dict(payload), separators=(",", ":")).encode()
    answer = context.http.request("POST", url, headers=headers, body=body, idempotent=True)
    _refuse_error(answer)
    if answer.status in (401, 403):
        raise Refusal(Failure.MISCONFIGURED, f"the service answered {answer.status}, not knowing us or our signature")
    sent = successful(answer, "the service", {})
    # X-Road-Request-Id is the security servers' own and has no meaning to us; X-Road-Id is what they give back.
    told = (answer.headers.get(name) for name in ("x-road-id", "x-road-client", "x-road-service"))
    _check_echo(configuration, message_id, f"{configuration.provider}/{service}", *told)
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(Failure.BROKEN_ANSWER, "the service's answer is not JSON by its type")
    return json_object(sent, "the service's answer"), sent


def _refuse_error(answer: HttpAnswer) -> None:
    """X-Road-Error says that the fault lies on the way, whatever the status is; without it, it is the provider's."""
    error = answer.headers.get("x-road-error")
    if error is not None:
        code = error.strip()
        raise Refusal(_meaning(code), f"X-Road answered {code if _CODE.fullmatch(code) else 'an unreadable error'}")


def _check_echo(
    configuration: XRoadConfiguration,
    message_id: str,
    service: str,
    told_id: str | None,
    told_client: str | None,
    told_service: str | None,
) -> None:
    """The id comes back always (PR-REST section 4.3, PR-MESS section 2.2); who asked and what for, where REST tells."""
    if told_id != message_id:
        raise Refusal(Failure.WRONG_NONCE, "the answer has another message's id, or none")
    if told_client not in (None, configuration.client):
        raise Refusal(Failure.WRONG_AUDIENCE, "the answer is for another client")
    if told_service not in (None, service):
        raise Refusal(Failure.WRONG_ISSUER, "the answer is another service's")


def _meaning(code: str) -> Failure:
    """X-Road's error codes: `Client.…` for what we did wrong, `Server.ServerProxy.…` for what failed on the way."""
    if code.startswith("Client") or code.rpartition(".")[2] in _MISCONFIGURED:
        return Failure.MISCONFIGURED
    return Failure.TIMED_OUT if "Timeout" in code else Failure.UNREACHABLE


# --- SOAP


def ask_soap(
    context: Context, configuration: XRoadConfiguration, body: _Element, user: str, message_id: str
) -> tuple[_Element, bytes]:
    """The one element in the answer's body, and the answer's bytes; raises Refusal or OutboundError.

    The service's code is the name of the element asked with (PR-MESS section 2.3).
    """
    operation = etree.QName(body).localname
    headers = {
        "Content-Type": "application/xml; charset=utf-8",
        "Accept": "text/xml, application/xml",
        "SOAPAction": '""',
        "X-Road-Client": configuration.client,
        **_signature(context, configuration, configuration.address),
    }
    message = soap.envelope(_soap_header(configuration, operation, message_id, user), body)
    answer = context.http.request("POST", configuration.address, headers=headers, body=message, idempotent=True)
    _refuse_error(answer)
    try:
        came = soap.opened(answer, "the service's answer")
    except soap.Fault as fault:
        raise Refusal(_fault_meaning(fault.code), f"the service answered with the fault {fault.code}") from None
    client, service = (_told_identifier(came.header, name) for name in ("client", "service"))
    if client is None or service is None:
        raise Refusal(Failure.INCOMPLETE, "the answer does not say whose it is")
    told_id = text_of(came.header, f"{{{NAMESPACE}}}id")
    _check_echo(configuration, message_id, f"{configuration.provider}/{operation}", told_id, client, service)
    return came.body, answer.body


def _soap_header(configuration: XRoadConfiguration, operation: str, message_id: str, user: str) -> list[_Element]:
    names = {"xro": NAMESPACE, "iden": IDENTIFIERS}

    def identifier(name: str, object_type: str, parts: Mapping[str, str]) -> _Element:
        element = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=names)
        element.set(f"{{{IDENTIFIERS}}}objectType", object_type)
        for part, value in parts.items():
            etree.SubElement(element, f"{{{IDENTIFIERS}}}{part}").text = value
        return element

    def plain(name: str, value: str) -> _Element:
        element = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=names)
        element.text = value
        return element

    client = dict(zip(_MEMBER_PARTS, configuration.client.split("/"), strict=True))
    provider = dict(zip(_MEMBER_PARTS, configuration.provider.split("/"), strict=True))
    header = [
        identifier("client", "SUBSYSTEM", client),
        identifier("service", "SERVICE", {**provider, "serviceCode": operation}),
        plain("id", message_id),
        plain("userId", user),
    ]
    if configuration.issue:
        header.append(plain("issue", configuration.issue))
    return [*header, plain("protocolVersion", PROTOCOL_VERSION)]


def _told_identifier(header: _Element, name: str) -> str | None:
    element = child(header, f"{{{NAMESPACE}}}{name}")
    if element is None:
        return None
    parts = (*_MEMBER_PARTS, "serviceCode")
    return "/".join(text for part in parts if (text := text_of(element, f"{{{IDENTIFIERS}}}{part}")) is not None)


def _fault_meaning(code: str) -> Failure:
    """SOAP's own codes (section 4.4.1) are the provider's; those with more behind them are X-Road's."""
    if code in ("Client", "MustUnderstand", "VersionMismatch"):
        return Failure.MISCONFIGURED
    return _meaning(code) if "." in code else Failure.BROKEN_ANSWER


# --- NDXP


def _signature(context: Context, configuration: XRoadConfiguration, url: str) -> dict[str, str]:
    """NDXP's headers: `Basic base64(user:sha256(endpoint + user + timestamp + secret))`, the endpoint without a query.

    Seen in use by portals that ask the population register; there is no published specification of it.
    """
    user = configuration.ndxp_user
    if not user:
        return {}
    timestamp = str(int(context.now().timestamp() * 1000))
    secret = context_secret(context, "signature_secret")
    digest = hashlib.sha256(f"{url}{user}{timestamp}{secret}".encode()).hexdigest()
    proof = base64.b64encode(f"{user}:{digest}".encode()).decode("ascii")
    return {
        "ApiKey": context_secret(context, "api_key"),
        "Timestamp": timestamp,
        "Authorization": f"Basic {proof}",
    }
