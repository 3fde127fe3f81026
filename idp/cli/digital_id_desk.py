"""`idp digital-id desk`: the page for clerks on their own machine, with what its browser lacks."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from idp.cli.shared import Wrong
from idp.counter.desk import Desk
from idp.counter.desk_news import DeskNews
from idp.counter.pictures import picture_reader
from idp.egress import Egress
from idp.settings import LOOPBACK_SUFFIX, load

ADDRESS = "127.0.0.1"
REFRESH_SECONDS = 30
ANSWER_BYTES = 10_485_760


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is kept of who is checked, not even when."""


@click.command()
@click.option("--issuer", required=True, metavar="URL", help="Whose cards are checked: its https origin.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8600, metavar="N", help="On this machine alone (8600).")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    default=lambda: Path(click.get_app_dir("motcua-desk")), help="Where the issuer's news is kept.",
)  # fmt: skip
def desk(issuer: str, port: int, folder: Path) -> None:
    """Serve the counter's page to the browser of this machine, and read pictures for it.

    Browsers without BarcodeDetector cannot read codes from a camera: here zxing-cpp does (pip install
    'motcua[scanning]'). Of the network it needs nothing but the issuer's trust list and status lists, which are fetched
    every half minute and kept for the time without. Ctrl-C ends it.
    """
    own = f"http://localhost:{port}"
    is_local = _checked(issuer)
    settings = load(
        mode="development", issuer=own, outbound={"answer_bytes": ANSWER_BYTES, "allow_loopback": is_local},
    )  # fmt: skip
    news = DeskNews(issuer=issuer, folder=folder, http=Egress(settings.outbound, user_agent="MotCua-desk"))
    reader = picture_reader()
    app = Desk(settings=settings, issuer=issuer, news=news, read_picture=reader).app()
    try:
        server = make_server(ADDRESS, port, app, threaded=True, request_handler=_Silent)
    except (OSError, SystemExit):  # werkzeug has told why
        raise Wrong(f"port {port} cannot be had; name another with --port") from None
    if reader is None:
        click.echo("no pictures are read: pip install 'motcua[scanning]'; scanners and pasted codes work", err=True)
    ended = threading.Event()
    asking = threading.Thread(target=_keep_asking, args=(news, ended), daemon=True)
    asking.start()
    click.echo(f"{own}/counter checks cards of {issuer}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        ended.set()
    finally:
        server.server_close()


def _keep_asking(news: DeskNews, ended: threading.Event) -> None:
    told: list[str] = []
    while True:
        faults = news.refresh()
        if faults != told:
            for fault in faults or ["the news is here again"]:
                click.echo(fault, err=True)
        told = faults
        if ended.wait(REFRESH_SECONDS):
            return


def _checked(issuer: str) -> bool:
    """Whether the issuer is on this machine; raises Wrong for what is no origin that may be trusted at first sight."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    is_local = host == "localhost" or host.endswith(LOOPBACK_SUFFIX)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    if not is_safe or f"{parts.scheme}://{parts.netloc}" != issuer or issuer != issuer.lower() or "@" in issuer:
        raise Wrong("--issuer: needs an origin such as https://id.gov.example, without a path or a final slash")
    return is_local
