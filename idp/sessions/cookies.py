"""Our cookies: what they are called and how they are set. Under TLS they are bound to this very host (`__Host-`)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

SESSION = "session"
BROWSER_STATE = "browser-state"  # OpenID Connect Session Management 1.0 section 4.2: changes when the session does
LOGIN = "login-"  # one a sign-in: parallel sign-ins and a sign-out in another tab leave each other alone
LOGIN_MARK_CHARACTERS = 16


# Within a portal's page a cookie can be read only so. Without TLS, on *.localhost, Chromium and Firefox keep such a one
# as well; where it is missing, every portal is told that the session has changed.
_READ_IN_FRAMES = "; Path=/; SameSite=None; Secure"


def browser_state(session: str) -> str:
    """What a script may know of the session cookie: that it is another one. The cookie is 256 bits of chance."""
    return sha256(b"browser state\n" + session.encode()).hexdigest()[:32]


class Cookies:
    def __init__(self, *, secure: bool) -> None:
        self._prefix = "__Host-" if secure else ""
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    def session(self, cookies: Mapping[str, str]) -> str | None:
        return cookies.get(self._prefix + SESSION)

    def login(self, cookies: Mapping[str, str], login_id: str) -> str | None:
        return cookies.get(self._login_name(login_id))

    @property
    def state_name(self) -> str:
        """What the cookie is called that our page in a portal's frame reads."""
        return self._prefix + BROWSER_STATE

    def set_session(self, value: str) -> tuple[str, str]:
        """Two Set-Cookie values: the session's, and that of its state; both cookies go when the browser closes."""
        return (
            f"{self._prefix}{SESSION}={value}{self._attributes}",
            f"{self.state_name}={browser_state(value)}{_READ_IN_FRAMES}",
        )

    def clear_session(self) -> tuple[str, str]:
        return (
            f"{self._prefix}{SESSION}={self._attributes}; Max-Age=0",
            f"{self.state_name}={_READ_IN_FRAMES}; Max-Age=0",
        )

    def set_login(self, login_id: str, value: str, seconds: int) -> str:
        return f"{self._login_name(login_id)}={value}{self._attributes}; Max-Age={seconds}"

    def clear_surplus_logins(self, cookies: Mapping[str, str], most: int) -> list[str]:
        """Set-Cookie values that make room for one more sign-in: names sort by time, the oldest go."""
        names = sorted(name for name in cookies if name.startswith(self._prefix + LOGIN))
        surplus = names[: max(0, len(names) - most + 1)]
        return [f"{name}={self._attributes}; Max-Age=0" for name in surplus]

    def _login_name(self, login_id: str) -> str:
        return f"{self._prefix}{LOGIN}{login_id[:LOGIN_MARK_CHARACTERS]}"
