"""Our cookies: what they are called and how they are set. Under TLS they are bound to this very host (`__Host-`)."""

from __future__ import annotations

from collections.abc import Mapping

SESSION = "session"
LOGIN = "login-"  # one a sign-in: parallel sign-ins and a sign-out in another tab leave each other alone
LOGIN_MARK_CHARACTERS = 16


class Cookies:
    def __init__(self, *, secure: bool) -> None:
        self._prefix = "__Host-" if secure else ""
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    def session(self, cookies: Mapping[str, str]) -> str | None:
        return cookies.get(self._prefix + SESSION)

    def login(self, cookies: Mapping[str, str], login_id: str) -> str | None:
        return cookies.get(self._login_name(login_id))

    def set_session(self, value: str) -> str:
        """A Set-Cookie value; the cookie goes when the browser closes."""
        return f"{self._prefix}{SESSION}={value}{self._attributes}"

    def clear_session(self) -> str:
        return f"{self._prefix}{SESSION}={self._attributes}; Max-Age=0"

    def set_login(self, login_id: str, value: str, seconds: int) -> str:
        return f"{self._login_name(login_id)}={value}{self._attributes}; Max-Age={seconds}"

    def clear_surplus_logins(self, cookies: Mapping[str, str], most: int) -> list[str]:
        """Set-Cookie values that make room for one more sign-in: names sort by time, the oldest go."""
        names = sorted(name for name in cookies if name.startswith(self._prefix + LOGIN))
        surplus = names[: max(0, len(names) - most + 1)]
        return [f"{name}={self._attributes}; Max-Age=0" for name in surplus]

    def _login_name(self, login_id: str) -> str:
        return f"{self._prefix}{LOGIN}{login_id[:LOGIN_MARK_CHARACTERS]}"
