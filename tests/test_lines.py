"""Lines of log reach their file soon, in order and whole, and never stop whoever writes them."""

from __future__ import annotations

import io
import subprocess
import sys
import time

from idp import lines
from idp.lines import Lines
from tests.storage.places import at_once


class Full(io.StringIO):
    """A file on a disk that is full until `room`."""

    room = False

    def write(self, text: str) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        return super().write(text)


def until(found: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in found.getvalue():
        assert time.monotonic() < deadline, found.getvalue()
        time.sleep(0.01)


def test_a_line_is_in_the_file_within_a_moment() -> None:
    file = io.StringIO()
    Lines(file).write("one\n")
    until(file, "one\n")


def test_lines_of_many_threads_stay_whole() -> None:
    file = io.StringIO()
    log = Lines(file)
    at_once(8, lambda number: [log.write(f"{number} {line}\n") for line in range(200)])
    log.write_out()
    written = file.getvalue().splitlines()
    assert len(written) == len(set(written)) == 1600
    for number in range(8):
        assert [line for line in written if line.startswith(f"{number} ")] == [f"{number} {n}" for n in range(200)]


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    file = Full()
    log = Lines(file)
    log.write("lost\n")
    time.sleep(4 * lines.WRITTEN_EVERY_SECONDS)
    file.room = True
    log.write("kept\n")
    until(file, "kept\n")


def test_a_process_that_ends_has_written_everything() -> None:
    program = "import sys; from idp.lines import Lines; Lines(sys.stderr).write('the last word\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "the last word\n"
