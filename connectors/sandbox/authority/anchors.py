"""`python -m connectors.sandbox.authority.anchors ANCHORS INTERMEDIATES --issuer URL`: the authorities as two files.

The provider can so be told whom to trust before the sandbox runs. The keys behind them are no secret (`hierarchy`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from connectors.sandbox.authority.hierarchy import issuing, root
from connectors.sandbox.population import DEFAULT_SEED


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the certificates of the sandbox's authorities.")
    parser.add_argument("anchors", type=Path, help="file for the root")
    parser.add_argument("intermediates", type=Path, help="file for the issuing authority")
    parser.add_argument("--issuer", required=True, help="address of the sandbox, as its SANDBOX_ISSUER")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="as its SANDBOX_SEED")
    given = parser.parse_args(arguments)
    given.anchors.write_text(root(given.seed).pem, "utf-8")
    given.intermediates.write_text(issuing(given.seed, given.issuer, 1).pem, "utf-8")


if __name__ == "__main__":
    main()
