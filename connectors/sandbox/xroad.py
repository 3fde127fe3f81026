"""X-Road as the sandbox has it: one party plays the security servers and the register behind them.

It lets in only whom its file of members names: by X-Road's own headers, and by NDXP's signature. What is refused on the
way is X-Road's fault, told in its way; what the register refuses, in the register's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

from flask import Request, Response
from pydantic import BaseModel, ConfigDict, TypeAdapter

from connectors.sandbox.clients_file import ClientsFile

CLOCK_SECONDS = 300
_PERSONAL_NUMBER = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


class Member(BaseModel):
    """One client in the file: its X-Road name, and its account at NDXP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str  # instance/class/member/subsystem
    user: str
    api_key: str
    signature_secret: str


class OnTheWay(Exception):
    """X-Road itself refuses; the code is one of its own (PR-REST section 4.6)."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


class Unsigned(Exception):
    """NDXP's signature is missing or wrong."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, under which id, and for whom by a pseudonym."""

    member: Member
    message_id: str
    user_id: str


class Members(ClientsFile[Member]):
    def __init__(self, file: Path | None) -> None:
        super().__init__(file, TypeAdapter(list[Member]), lambda member: member.client)

    def let_in(self, request: Request, url: str, *, client: str | None, message_id: str | None, user_id: str) -> Asked:
        """Who asks; raises OnTheWay for a stranger or a message without its headers, Unsigned for a bad signature."""
        if not client or not message_id:
            raise OnTheWay("Client.MissingHeader", "who asks, or the id of the message, is missing")
        if request.headers.get("X-Road-Client", client) != client:
            raise OnTheWay("Client.InconsistentHeaders", "two names of who asks")
        if _PERSONAL_NUMBER.search(user_id):
            raise OnTheWay("Client.BadRequest", "the user id must not be a personal number")
        member = self.get(client)
        if member is None:
            raise OnTheWay("Server.ServerProxy.AccessDenied", "this client may not use the service")
        _check_signature(request, url, member)
        return Asked(member=member, message_id=message_id, user_id=user_id)


def _check_signature(request: Request, url: str, member: Member) -> None:
    timestamp = request.headers.get("Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) == 13):
        raise Unsigned
    if abs(time.time() - int(timestamp) / 1000) > CLOCK_SECONDS:
        raise Unsigned
    signed = f"{url}{member.user}{timestamp}{member.signature_secret}".encode()
    proof = f"{member.user}:{hashlib.sha256(signed).hexdigest()}".encode()
    wanted = f"Basic {base64.b64encode(proof).decode('ascii')}"
    same_proof = hmac.compare_digest(wanted.encode(), request.headers.get("Authorization", "").encode())
    same_key = hmac.compare_digest(member.api_key.encode(), request.headers.get("ApiKey", "").encode())
    if not (same_proof and same_key):
        raise Unsigned


def rest_error(problem: OnTheWay) -> Response:
    """PR-REST section 4.6: the header says that the error is X-Road's, the body what it was."""
    body = json.dumps({"type": problem.code, "message": problem.why, "detail": "0b5c1d3e"})
    return Response(body, status=500, mimetype="application/json", headers={"X-Road-Error": problem.code})
