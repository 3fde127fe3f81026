"""SoftHSM 2, a real PKCS #11 module. Its tokens are folders, so that one can be taken out and put back."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11

from tests.peers import PeerFailed

CONFIGURATION = "SOFTHSM2_CONF"
PLACES = ("/usr/lib*", "/usr/lib/*", "/usr/local/lib", "/opt/homebrew/lib")
PIN = "271828"
_NUMBERS = itertools.count(1)


def module() -> str:
    """The file of the module."""
    found = [path for place in PLACES for path in Path("/").glob(f"{place[1:]}/softhsm/libsofthsm2.so")]
    if not found or shutil.which("softhsm2-util") is None:
        raise PeerFailed("install SoftHSM: these tests sign in a real PKCS #11 module (apt-get install softhsm2)")
    return str(found[0])


@dataclass(frozen=True)
class SoftToken:
    """A token, and the file with its PIN."""

    label: str
    pin_file: Path
    folder: Path
    configuration: Path
    changes: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """The part `keys` of the settings."""
        return {"pkcs11": {"token": self.label, "pin_file": str(self.pin_file)} | dict(self.changes)}

    @property
    def environment(self) -> dict[str, str]:
        """The same, for a process."""
        told = {f"IDP_KEYS__PKCS11__{name.upper()}": value for name, value in self.settings["pkcs11"].items()}
        return told | {CONFIGURATION: str(self.configuration)}

    @property
    def _elsewhere(self) -> Path:
        return self.pin_file.with_name("taken out")

    def is_taken_out(self) -> None:
        self.folder.rename(self._elsewhere)

    def is_put_back(self) -> None:
        self._elsewhere.rename(self.folder)

    def is_made_anew(self) -> None:
        """It has its label and its PIN, and none of what it held."""
        shutil.rmtree(self.folder)
        _initialised(self.label)

    def write_pin(self, pin: str) -> None:
        self.pin_file.write_text(f"{pin}\n")
        self.pin_file.chmod(0o600)

    @contextmanager
    def as_operator(self, pin: str = PIN) -> Iterator[pkcs11.Session]:
        """A session with the PIN, in this process, which must have none open."""
        library = pkcs11.lib(self.changes["module"])
        library.reinitialize()
        with library.get_token(token_label=self.label).open(rw=True, user_pin=pin) as session:
            yield session


def soft_token(home: Path, **settings: Any) -> SoftToken:
    """A new token in a SoftHSM of its own, which this process uses from the next time that its module begins anew."""
    library, tokens, configuration = module(), home / "tokens", home / "softhsm2.conf"
    tokens.mkdir(parents=True)
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ[CONFIGURATION] = str(configuration)
    label = f"motcua test {next(_NUMBERS)}"
    _initialised(label)
    (folder,) = tokens.iterdir()
    made = SoftToken(label, home / "pin", folder, configuration, {"module": library} | settings)
    made.write_pin(PIN)
    return made


def _initialised(label: str) -> None:
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "31415926"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
