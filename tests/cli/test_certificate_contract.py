"""The test identities with certificates in config/demo are true of the sandbox: every case passes at an honest one."""

from __future__ import annotations

import json
from pathlib import Path

from connectors.sandbox.authority.anchors import main as write_anchors
from tests.cli.conftest import ROOT, Terminal
from tests.sandbox.conftest import running

FILE = ROOT / "config" / "demo" / "identities-certificate.json"


def test_every_case_of_the_file_passes_at_the_sandbox(terminal: Terminal, tmp_path: Path) -> None:
    terminal.environment["IDP_OUTBOUND__TOTAL_SECONDS"] = "2"
    with running("authority", tmp_path / "none.json", host="authority.localhost") as url:
        write_anchors([str(tmp_path / "anchors.pem"), str(tmp_path / "between.pem"), "--issuer", url])
        configuration = {
            "issuer": url, "mode": "challenge", "signing_url": f"{url}/sign",
            "anchors": [{"file": "anchors.pem"}], "intermediates": [{"file": "between.pem"}],
            "revocation_urls": {f"{url}/": f"{url}/"}, "hardware_policies": ["2.999.1.1"],
        }  # fmt: skip
        source = {
            "id": "certificate", "kind": "certificate", "name_vi": "Chữ ký số", "name_en": "Digital signature",
            "ceiling": 3, "configuration": configuration, "secrets": {},
        }  # fmt: skip
        terminal.does("sources", "add", terminal.file("source.json", source), "--secrets", str(tmp_path))
        result = terminal.run("sources", "contract", "certificate", "--identities", str(FILE), "--json")
    cases = json.loads(result.stdout)
    assert [(case["case"], case["seen"]) for case in cases if case["result"] != "pass"] == []
    assert result.exit_code == 0
    labels = {case["case"] for case in cases}
    assert {"replayed answer", "changed answer", "answer to another visit", "older signature", "revoked"} <= labels
