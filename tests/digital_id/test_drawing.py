"""The codes that our own script draws, read by a reader that is not ours, and held against an encoder that is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy
import pytest
import zxingcpp
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from idp.digital_id.base45 import ALPHABET
from idp.entropy import Repeatable
from tests.node import node

STATIC = Path(__file__).resolve().parents[2] / "idp/web/static/holder"
DRAW = """
import { qrCode } from "%s/qr.js";
const texts = JSON.parse(process.argv[1]);
const drawn = texts.map((text) => {
  try {
    const { size, modules } = qrCode(text);
    return [size, modules.join("")];
  } catch (problem) {
    return [problem.name];
  }
});
console.log(JSON.stringify(drawn));
"""
# Of every version the longest text, and the shortest that needs it; and some between, by chance.
LONGEST = [20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366, 419, 483, 528, 600, 656, 734, 816, 909, 970, 1035, 1134,
           1248, 1326, 1451]  # fmt: skip
LENGTHS = sorted({*LONGEST, *(longest + 1 for longest in LONGEST[:-1]), 1, 2, 3, 56, 431, 432, 697, 1_100})


def drawn(texts: list[str]) -> list[list[Any]]:
    command = [node(), "--input-type=module", "--eval", DRAW % STATIC.as_uri(), json.dumps(texts)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    read: list[list[Any]] = json.loads(found.stdout)
    return read


def texts() -> list[str]:
    chance = Repeatable(7)
    return ["".join(chance.choices(ALPHABET, k=length)) for length in LENGTHS]


def picture(size: int, modules: str) -> Any:
    squares = numpy.frombuffer(modules.encode(), dtype=numpy.uint8).reshape(size, size) - ord("0")
    return numpy.kron(numpy.pad(1 - squares, 4, constant_values=1) * 255, numpy.ones((3, 3))).astype(numpy.uint8)


def test_every_length_is_read_as_it_was_written_in_the_smallest_version() -> None:
    written = texts()
    for text, (size, modules) in zip(written, drawn(written), strict=True):
        [found] = zxingcpp.read_barcodes(picture(size, modules), formats=zxingcpp.BarcodeFormat.QRCode)
        assert (found.text, found.ec_level) == (text, "M"), len(text)
        version = next(number for number, longest in enumerate(LONGEST, 1) if len(text) <= longest)
        assert size == 4 * version + 17, len(text)


def test_each_module_is_where_an_encoder_that_is_not_ours_puts_it() -> None:
    written = texts()[::9]
    for text, (size, modules) in zip(written, drawn(written), strict=True):
        same = []
        for mask in range(8):
            code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=mask)
            code.add_data(text, optimize=0)
            rows = code.get_matrix()
            same.append("".join("1" if dark else "0" for row in rows for dark in row) == modules)
        assert len(rows) == size and sum(same) == 1, len(text)


@pytest.mark.parametrize("text", ["a", "Ậ", "0" * 1_452])
def test_what_no_code_of_ours_holds_is_refused(text: str) -> None:
    assert drawn([text]) == [["RangeError"]]
