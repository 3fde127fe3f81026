"""The real demo, from its first start: one citizen, two portals, one sign-in, one sign-out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.sandbox.cast import TO_TRY
from tests.demo.stand_ins import ROOT, free_port_base
from tests.peers.visitor import Page, Visitor

START_SECONDS = 120  # on a machine that is busy with other tests
CITIZEN = TO_TRY[0]


@contextmanager
def demo(data: Path, port_base: int) -> Iterator[None]:
    arguments = ["--data", str(data), "--port-base", str(port_base), "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "idp.cli.demo", *arguments], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise AssertionError(process.communicate()[1])
        yield
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)
    assert process.returncode == 0


def journey(visitor: Visitor, page: Page, source: str) -> Page:
    """From the provider's first page through whatever it asks, to the page of the portal that the person ends at."""
    for _ in range(6):
        buttons = {name for form in page.forms for name, _ in form.buttons}
        if "source" in buttons:
            page = visitor.submit(page, {"source": source}, form=form_with(page, "source"))
        elif "citizen" in buttons:
            page = visitor.submit(page, {"citizen": str(int(CITIZEN.index))}, form=form_with(page, "citizen"))
        elif "/information" in page.url:
            page = visitor.submit(page, {"decision": "continue", "consent": "yes"})
        else:
            break
    return page


def form_with(page: Page, button: str) -> int:
    return next(number for number, form in enumerate(page.forms) if button in {name for name, _ in form.buttons})


def test_one_citizen_signs_in_once_for_two_portals_and_out_of_both(tmp_path: Path) -> None:
    base = free_port_base(23)
    ministry, province = f"http://ministry.localhost:{base + 21}", f"http://province.localhost:{base + 22}"
    with demo(tmp_path / "data", base):
        visitor = Visitor()
        page = journey(visitor, visitor.click(visitor.open(ministry), "sign-in"), "bank-sen")
        assert page.url.startswith(ministry)
        assert CITIZEN.full_name in page.text("person")

        page = journey(visitor, visitor.click(visitor.open(province), "sign-in"), "no source is asked for")
        assert page.url.startswith(province)
        assert CITIZEN.full_name in page.text("person")

        page = visitor.open(ministry)
        signed_out = visitor.submit(page, form=len(page.forms) - 1)
        assert signed_out.url.startswith(ministry)
        assert signed_out.has("signed-out")
        assert visitor.open(ministry).has("sign-in")

        deadline = time.monotonic() + START_SECONDS
        while not visitor.open(province).has("sign-in"):  # told by the worker, over the back channel
            assert time.monotonic() < deadline
            time.sleep(0.1)

    with demo(tmp_path / "data", base):  # started again, it still knows everybody
        page = journey(visitor, visitor.click(visitor.open(ministry), "sign-in"), "population")
        assert CITIZEN.full_name in page.text("person")
