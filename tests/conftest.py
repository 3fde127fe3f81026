"""For every test: the choice of engines, and the one real browser of a test process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TESTS_OWN = frozenset({"IDP_PYTHON", "IDP_TEST_DATABASE_URL", "IDP_TEST_VALKEY_URL"})
SQLITE, POSTGRESQL = "sqlite", "postgresql"  # the latter goes with Valkey, as it does where there are many machines


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-engines", action="store_true", help="every test on both engines, and axe everywhere")


def pytest_configure() -> None:
    """Whatever shell the tests run in, they run alike.

    A shell's background jobs ignore SIGINT, and so would every process that a test starts and wants to end; and the
    settings of a provider that somebody runs beside are not those of the tests.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in os.environ.keys() - TESTS_OWN:
        if name.startswith(("IDP_", "SANDBOX_", "PORTAL_", "MOTCUA_")):
            del os.environ[name]
    # Many processes are started here, and each would compile all that it imports anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Nothing here is vouched for by the world's authorities, which would be read each time that a house is built.
    os.environ |= {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Who asks for `engine` runs on SQLite; marked `both_engines`, or with --all-engines, on both.

    Marked `time_is_moved` it stays with SQLite: Valkey goes by the machine's clock, which no test can move.
    """
    if "engine" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("both_engines") is not None
        both = marked or metafunc.config.getoption("--all-engines")
        both = both and metafunc.definition.get_closest_marker("time_is_moved") is None
        metafunc.parametrize("engine", [SQLITE, POSTGRESQL] if both else [SQLITE], scope="session")


# The first is Chromium without what is around a window; it does the same for half the work.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Of several such lists the last one counts: this is Playwright's, and the pages of the address bar. Nobody sees those
# in a browser without a window, and in every context they cost more than the pages that we look at.
LEFT_OUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    "PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
)  # fmt: skip
# Sites share the process that shows them, as they do on a telephone with little memory: no page can tell, and to start
# one for each site costs more than the site.
BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--disable-site-isolation-trials", "--renderer-process-limit=1",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1", f"--disable-features={','.join(LEFT_OUT)}",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser, one a process: Playwright cannot be started twice in one."""
    from playwright.sync_api import expect, sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail(f"these tests look at real pages: install one of {', '.join(BROWSERS)}", pytrace=False)
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER_ARGUMENTS))
        yield browser
        browser.close()
