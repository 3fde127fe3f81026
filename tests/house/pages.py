"""What a page may hold: nothing that a strict Content-Security-Policy would have to allow, nothing unescaped."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house.source import PRODUCT

FORBIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE), "styles stand in the style sheet"),
    (re.compile(r"<style[\s>]", re.IGNORECASE), "styles stand in the style sheet"),
    (re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE), "no inline handlers"),
    (re.compile(r"<script(?![^>]*\ssrc\s*=)", re.IGNORECASE), "scripts stand in files of their own"),
    (re.compile(r"javascript:", re.IGNORECASE), "no javascript: addresses"),
    (re.compile(r"\|\s*safe\b"), "values are escaped; what is markup already is made so in Python"),
    (re.compile(r"autoescape\s+false", re.IGNORECASE), "escaping stays on"),
    (re.compile(r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE), "nothing is loaded from elsewhere"),
)


def page_faults(root: Path) -> list[str]:
    """Every line of a template that a strict page may not hold."""
    faults = []
    for top in PRODUCT:
        for path in sorted((root / top).rglob("*.html")):
            below = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                faults += [f"{below}:{number}: {sentence}" for pattern, sentence in FORBIDDEN if pattern.search(line)]
    return faults
