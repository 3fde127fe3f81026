"""Printed codes are read although they are spoilt; the ladder is needed, and what is gone is not read."""

from __future__ import annotations

import dataclasses

import pytest

from idp.digital_id import measuring, scanning
from idp.digital_id.scanning import CELLS, Cell, Spoilt, draw, scan, spoil
from idp.entropy import Repeatable

TEXTS = measuring.texts(2, seed=5)


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_a_spoilt_print_is_read(cell: Cell) -> None:
    scanned = scan(cell, TEXTS, frames=8, seed=11)
    assert scanned.read >= cell.wanted * scanned.frames - 1  # of so few frames, one may be among those that are not
    assert 0 < scanned.p50 <= scanned.p99


def test_the_ladder_reads_what_is_not_read_at_once() -> None:
    blurred = next(cell for cell in CELLS if cell.name == "blur 0.6")
    scanned = scan(blurred, TEXTS, frames=6, seed=11)
    assert scanned.plain < scanned.read


def test_what_is_gone_is_not_read() -> None:
    gone = dataclasses.replace(CELLS[0], spoilt=Spoilt(blur=3))
    assert scan(gone, TEXTS, frames=2, seed=11).read == 0


@pytest.mark.parametrize("how", [cell.spoilt for cell in CELLS[1:]], ids=[cell.name for cell in CELLS[1:]])
def test_every_way_to_spoil_a_print_changes_it(how: Spoilt) -> None:
    drawn = draw(TEXTS[0])
    spoilt = spoil(drawn, how, Repeatable(1))
    assert spoilt.size == drawn.size and spoilt.tobytes() != drawn.tobytes()
    assert drawn.width == (4 * 13 + 17 + 2 * scanning.BORDER) * scanning.PIXELS  # version 13
