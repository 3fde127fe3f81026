"""Everything that can go wrong in front of a person; the words for each code are in `words.py`."""

from __future__ import annotations

# Our code -> HTTP status of the page that tells it.
STATUS = {
    "access_denied": 403,
    "level_not_reached": 403,
    "sign_in_needed": 403,
    "provider_busy": 503,
    "provider_unreachable": 503,
    "portal_not_ready": 503,
    "request_refused": 502,
    "untrusted_answer": 502,
    "sign_in_expired": 400,
    "bad_request": 400,
    "not_found": 404,
    "internal": 500,
}

# What the provider may answer instead of a code (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6, and its registered
# extension unmet_authentication_requirements) -> our code. Anything else is `request_refused`.
OF_AUTHORIZATION = {
    "access_denied": "access_denied",
    "login_required": "sign_in_needed",
    "interaction_required": "sign_in_needed",
    "consent_required": "sign_in_needed",
    "account_selection_required": "sign_in_needed",
    "unmet_authentication_requirements": "level_not_reached",
    "temporarily_unavailable": "provider_busy",
    "server_error": "provider_busy",
}

# What the token endpoint may answer (RFC 6749 5.2).
OF_TOKEN = {
    "invalid_grant": "sign_in_expired",  # the code was too old, or used already
    "invalid_client": "portal_not_ready",  # our own credentials are wrong: the person can do nothing about it
    "temporarily_unavailable": "provider_busy",
    "server_error": "provider_busy",
}


class Failure(Exception):
    """Stops the request and shows the page for `code`, with a way to try again where there is one."""

    def __init__(self, code: str, *, service_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUS[code]
        self.service_id = service_id
