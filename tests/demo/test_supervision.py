"""`./run demo` with stand-ins: it says when it is ready, ends all that it started, and explains what went wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from tests.demo.stand_ins import PATIENCE_SECONDS, Demo, free_port_base


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def test_it_tells_every_address_and_then_ready_alone_on_a_line(demo: Demo) -> None:
    demo.server("door", 0, title="Một Cửa").server("bank", 1)
    with demo.running() as process:
        said = "".join(process.said)  # type: ignore[attr-defined]
    assert f"http://door.localhost:{demo.port_base}" in said
    assert "Một Cửa" in said
    assert f"http://bank.localhost:{demo.port_base + 1}" in said
    assert said.endswith("\nready\n")


def test_quiet_says_ready_and_nothing_else(demo: Demo) -> None:
    with demo.server("door", 0).running("--quiet") as process:
        assert process.said == ["ready\n"]  # type: ignore[attr-defined]


def test_it_is_not_ready_before_the_slowest_process_answers(demo: Demo) -> None:
    begun = time.monotonic()
    with demo.server("door", 0).server("bank", 1, delay=1.5).running():
        assert time.monotonic() - begun > 1.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_every_process_and_its_workers(demo: Demo, number: signal.Signals) -> None:
    with demo.server("door", 0).server("bank", 1).running() as process:
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0
        assert len(demo.started()) == 4
        assert demo.survivors() == []


def test_a_killed_supervisor_leaves_nothing_behind(demo: Demo) -> None:
    with demo.server("door", 0).running() as process:
        process.kill()
        process.wait()
        assert len(demo.started()) == 2
        assert demo.survivors(within_seconds=10) == []


def test_a_process_that_will_not_end_is_ended(demo: Demo) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    demo.server("door", 0).processes.append({"name": "mule", "command": ["${python}", "-c", stubborn]})
    with demo.running() as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)  # asked twice, it does not wait
        process.communicate(timeout=PATIENCE_SECONDS)
        assert time.monotonic() - begun < 3
        assert demo.survivors() == []


def test_a_process_that_dies_is_told_with_the_end_of_its_log_and_ends_the_demo(demo: Demo) -> None:
    dying = "import sys, time; time.sleep(1); print('the roof is leaking'); sys.exit(3)"
    demo.server("door", 0).processes.append({"name": "bank", "command": ["${python}", "-c", dying]})
    ended = demo.to_its_end()
    assert ended.returncode == 1
    assert "bank ended with exit code 3" in ended.stderr
    assert "the roof is leaking" in ended.stderr
    assert demo.survivors() == []


def test_a_process_that_is_killed_is_told_with_the_signal(demo: Demo) -> None:
    with demo.server("door", 0).running() as process:
        os.kill(demo.started()[0], signal.SIGKILL)
        _, complained = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1
        assert "door ended by signal SIGKILL" in complained
        assert demo.survivors() == []  # its worker went too


def test_a_process_that_never_answers_is_told(demo: Demo) -> None:
    demo.patience_seconds = 1
    ended = demo.server("door", 0, delay=600).to_its_end()
    assert ended.returncode == 1
    assert "door did not become ready within 1 seconds" in ended.stderr
    assert demo.survivors() == []


def test_a_busy_port_is_one_sentence_before_anything_starts(demo: Demo) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", demo.port_base + 1))
        squatter.listen()
        ended = demo.server("door", 0).server("bank", 1).to_its_end()
    assert ended.returncode == 2
    assert f"port {demo.port_base + 1} of bank cannot be used (address already in use)" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert demo.started() == []


def test_a_missing_tool_is_one_sentence_before_anything_starts(demo: Demo) -> None:
    demo.server("door", 0).processes.append({"name": "bank", "command": ["no-such-tool"]})
    ended = demo.to_its_end()
    assert ended.returncode == 2
    assert ended.stderr == "demo: bank needs no-such-tool, which is not here: ./run setup installs it.\n"
    assert demo.started() == []


def test_a_gap_that_nothing_fills_is_one_sentence(demo: Demo) -> None:
    ended = demo.server("door", 0, env={"A": "${bank.url}"}).to_its_end()
    assert ended.returncode == 2
    assert "${bank.url}" in ended.stderr


def test_a_process_sees_its_own_environment_and_not_ours(demo: Demo) -> None:
    with demo.server("door", 0, env={"GREETING": "at ${door.url}"}).running():
        log = (demo.data / "logs" / "door.log").read_text()
    assert log.startswith(f"False at http://door.localhost:{demo.port_base}\n")


# ---- its data ----

COUNT = "import sys; open(sys.argv[1], 'a').write('x')"


def counting(demo: Demo, **more: str) -> Path:
    runs = demo.home / "runs"
    command = ["${python}", "-c", COUNT, str(runs)]
    demo.prepare.append({"say": "counting", "command": command, **more})
    return runs


def once(demo: Demo) -> None:
    with demo.running():
        pass


def test_preparation_happens_once(demo: Demo) -> None:
    runs = counting(demo.server("door", 0))
    once(demo)
    once(demo)
    assert runs.read_text() == "x"


def test_a_step_happens_again_when_what_it_depends_on_changes(demo: Demo) -> None:
    steps = demo.home / "steps"
    steps.mkdir()
    (steps / "0001.py").write_text("first")
    runs = counting(demo.server("door", 0), again_when_changed=str(steps))
    once(demo)
    once(demo)
    (steps / "0002.py").write_text("second")
    once(demo)
    assert runs.read_text() == "xx"


def test_another_plan_or_other_ports_start_anew(demo: Demo) -> None:
    demo.seeds["portals.json"] = '"${door.url}"'
    runs = counting(demo.server("door", 0))
    once(demo)
    demo.port_base = free_port_base()
    once(demo)
    assert runs.read_text() == "xx"
    assert str(demo.port_base) in (demo.data / "portals.json").read_text()


def test_data_and_secrets_are_private_and_shared_by_those_who_need_them(demo: Demo) -> None:
    demo.seeds["portals.json"] = '{"secret": "@{ministry.secret}", "key": "@{bank.public}", "at": "${door.url}"}'
    once(demo.server("door", 0))
    secret = (demo.data / "ministry.secret").read_text()
    assert len(secret) == 43
    seed = json.loads((demo.data / "portals.json").read_text())
    private = json.loads((demo.data / "bank.key").read_text())
    assert private.pop("d")
    assert seed == {"secret": secret, "key": private, "at": f"http://door.localhost:{demo.port_base}"}
    assert stat.S_IMODE(demo.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((demo.data / "ministry.secret").stat().st_mode) == 0o600
    once(demo)
    assert (demo.data / "ministry.secret").read_text() == secret


def test_a_failed_preparation_is_told_and_made_anew_the_next_time(demo: Demo) -> None:
    runs = counting(demo.server("door", 0))
    demo.prepare.append({"say": "the keys", "command": ["${python}", "-c", "raise SystemExit('no ink')"]})
    ended = demo.to_its_end()
    assert ended.returncode == 1
    assert "the keys ended with exit code 1" in ended.stderr
    assert "no ink" in ended.stderr
    assert demo.started() == []
    (demo.data / "half-made.db").touch()
    (demo.data / "prepared").write_text("half a word")
    demo.prepare.pop()
    once(demo)
    assert not (demo.data / "half-made.db").exists()
    assert runs.read_text() == "xx"


def test_a_signal_during_preparation_ends_it(demo: Demo) -> None:
    demo.server("door", 0).prepare.append(
        {"say": "napping", "command": ["${python}", "-c", "import time; time.sleep(600)"]}
    )
    with demo.running(until="· napping") as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0
    assert not (demo.data / "prepared").exists()


def test_a_directory_that_holds_other_things_is_left_alone(demo: Demo) -> None:
    demo.data.mkdir()
    (demo.data / "thesis.txt").write_text("ten years of work")
    ended = demo.server("door", 0).to_its_end()
    assert ended.returncode == 2
    assert "holds other things" in ended.stderr
    assert (demo.data / "thesis.txt").exists()


def test_two_demos_do_not_share_their_data(demo: Demo) -> None:
    with demo.server("door", 0).running():
        second = demo.to_its_end()
    assert second.returncode == 2
    assert "a demo is running with its data in" in second.stderr
