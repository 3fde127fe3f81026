"""The headers that keep a page ours: nothing from elsewhere, in nobody's frame, in no cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote, urlsplit

import structlog
from flask import Response, current_app

from idp.settings import Settings

log = structlog.get_logger()
HSTS_SECONDS = 31_536_000  # a year, RFC 6797 section 6.1.1
REMEMBERED_POLICIES = 1000  # portals and their ways

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_LOOPBACK_6 = re.compile(r"\[::1\](:[0-9]{1,5})?")  # an app on the person's own device (RFC 8252 section 7.3)
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_UNUSED_POWERS = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")


def harden(
    response: Response, *, form_targets: Iterable[str] = (), frames: Iterable[str] = (), images: Iterable[str] = (),
    asks_again: bool = False, camera: bool = False,
) -> Response:  # fmt: skip
    """The same response with every protective header; a header that is there already stays as it is.

    `form_targets` are the addresses, besides our own, to which a form of this page may lead: Chromium applies
    form-action to every redirect that follows a POST. `frames` and `images` are what it loads from elsewhere;
    `asks_again`: its script may ask us, and nobody else; `camera`: it may look through that, if the person allows it.
    """
    there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 -- it gives pairs by itself
    policy = content_security_policy(tuple(form_targets), tuple(frames), tuple(images), asks_again)
    powers = ", ".join(f"{power}=({'self' if camera and power == 'camera' else ''})" for power in _UNUSED_POWERS)
    settings: Settings = current_app.config["SETTINGS"]
    secure = _SECURE_HEADERS if settings.secure else ()
    for name, value in (*_HEADERS, *secure, ("Content-Security-Policy", policy), ("Permissions-Policy", powers)):
        if name.lower() not in there:
            response.headers.add(name, value)
    return response


@lru_cache(REMEMBERED_POLICIES)
def content_security_policy(
    form_targets: tuple[str, ...] = (), frames: tuple[str, ...] = (), images: tuple[str, ...] = (),
    asks_again: bool = False,
) -> str:  # fmt: skip
    form_action = dict.fromkeys(["'self'", *_named(form_source, form_targets)])
    framed = dict.fromkeys(_named(form_source, frames))
    return "; ".join(
        [
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            " ".join(["img-src 'self' data:", *_named(image_source, images)]),
            "font-src 'self'",
            *(["connect-src 'self'"] if asks_again else []),
            *([f"frame-src {' '.join(framed)}"] if framed else []),
            f"form-action {' '.join(form_action)}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )


def _named(source: Callable[[str], str], urls: Iterable[str]) -> list[str]:
    """What the policy can name; the browser keeps away from the rest, and no one portal can take a page from others."""
    named = []
    for url in urls:
        try:
            named.append(source(url))
        except ValueError as problem:  # it says the host at most: what comes after may be of a person
            log.warning("address_left_out_of_policy", problem=str(problem))
    return named


def form_source(url: str) -> str:
    """What form-action calls the place of `url`: its origin, or the scheme of a native app (RFC 8252 section 7.1).

    Raises ValueError for anything else, so that no address can write into the policy.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        name, colon, port = parts.netloc.lower().partition(":")  # idna would take the port for letters of a label
        host = f"{name.encode('idna').decode()}{colon}{port}"
        if _HOST.fullmatch(host):
            return f"{parts.scheme}://{host}"
        if parts.scheme == "http" and _LOOPBACK_6.fullmatch(host):
            return f"{parts.scheme}:"  # a policy cannot name an address of IPv6
    elif _PRIVATE_USE_SCHEME.fullmatch(parts.scheme):
        return f"{parts.scheme}:"
    raise ValueError(f"a form cannot lead to an address such as {parts.scheme}://{parts.netloc[:60]}")


def image_source(url: str) -> str:
    """What img-src calls this one image: nothing else of its place may be loaded. Raises ValueError as above."""
    return form_source(url) + quote(urlsplit(url).path, safe="/%~")


_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
_SECURE_HEADERS = (("Strict-Transport-Security", f"max-age={HSTS_SECONDS}"),)
