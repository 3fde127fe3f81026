"""Colours of what is no text: borders of controls, the focus ring, signs (WCAG 2.2 success criterion 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idp import web

CSS = (Path(web.__file__).parent / "static" / "pages.css").read_text("utf-8")
LEAST_FOR_TEXT, LEAST_FOR_SIGNS = 4.5, 3.0
LIGHT = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", CSS[: CSS.index("@media")]))
DARK = LIGHT | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", CSS[CSS.index("@media") : CSS.index("*, *::before")]))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    "sign, ground",
    [
        ("focus", "paper"), ("focus", "sheet"), ("focus", "stop-wash"), ("lamp", "deep"),
        ("line-strong", "paper"), ("line-strong", "sheet"), ("act", "paper"), ("act", "sheet"), ("act", "wash"),
        ("note-line", "note"), ("stop", "stop-wash"), ("stop", "sheet"),
    ],
)  # fmt: skip
def test_a_sign_stands_out_from_its_ground(scheme: dict[str, str], sign: str, ground: str) -> None:
    assert contrast(scheme[sign], scheme[ground]) >= LEAST_FOR_SIGNS


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_button_can_be_read_while_the_pointer_is_on_it(scheme: dict[str, str]) -> None:
    assert contrast(scheme["act-ink"], scheme["act-deep"]) >= LEAST_FOR_TEXT
    assert contrast(scheme["act-deep"], scheme["wash"]) >= LEAST_FOR_TEXT
    assert contrast(scheme["ink-soft"], scheme["wash"]) >= LEAST_FOR_TEXT


def test_the_stylesheet_asks_nobody_for_anything() -> None:
    assert not re.search(r"@import|url\(|!important", CSS)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
