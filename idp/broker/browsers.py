"""What a browser says that it is, in the words of its makers: of anything that it says, only names that stand here."""

from __future__ import annotations

# The first that fits: each of those behind would fit as well, since browsers call themselves by others' names.
_FAMILIES = (
    ("coc_coc_browser", "Cốc Cốc"), ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("CrOS", "ChromeOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def named(user_agent: str) -> str:
    """Family and system, such as "Chrome, Windows"; empty where neither is known."""
    found = [next((name for mark, name in known if mark in user_agent), "") for known in (_FAMILIES, _SYSTEMS)]
    return ", ".join(filter(None, found))


def is_phone(user_agent: str) -> bool:
    """Whether it says that it is on a phone: all that are say so by this word."""
    return "Mobi" in user_agent
