"""The processes of the provider: the one that answers, the one behind it, and the demo of all of them."""

from __future__ import annotations

import multiprocessing
import os
import tempfile

import click

from idp import observe
from idp import worker as background
from idp.cli import shared
from idp.house import House
from idp.oidc.client_certificates import ClientCertificates

WAITING_CONNECTIONS = 2048  # that the system holds for us while every thread is busy
GRACE_SECONDS = 20  # between SIGTERM and SIGKILL: longer than any request may take
RESPAWN_SECONDS = 1.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8400, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=os.cpu_count() or 1, show_default="one a core",
              help="Processes.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 256), default=4, show_default=True, help="Requests that one process "
              "works on at once.")  # fmt: skip
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Answer people and portals, behind a proxy that does TLS. A process that dies is replaced."""
    house = shared.open_house()
    _check_certificates(house)  # says in one sentence what each process would say in a traceback
    house.keys.check_token()  # once, and not by each process: so many wrong PINs would lock it
    # Started afresh, not forked: they share no connection, no lock and no imported metrics with this process.
    multiprocessing.set_start_method("spawn")
    with tempfile.TemporaryDirectory(prefix="motcua-metrics-") as metrics:
        os.environ[observe.MULTIPROCESS_DIRECTORY] = metrics
        _serve(host, port, workers, threads)


@click.command()
@click.option("--senders", type=click.IntRange(1, 64), default=background.SENDERS, show_default=True,
              help="Messages that are sent at once.")  # fmt: skip
def worker(senders: int) -> None:
    """Send what waits in the outbox, remove what has outlived its use; until SIGTERM or Ctrl-C."""
    house = shared.open_house()
    house.keys.check_token()
    observe.configure(house.settings.log_level)
    background.run_until_signalled(house, senders=senders)


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """The whole country on this machine, as `./run demo` starts it."""
    from idp.cli.demo import main

    raise click.exceptions.Exit(main(list(arguments)))


def _check_certificates(house: House) -> None:
    ClientCertificates(house.settings, house.client_keys)
    if house.settings.client_certificate_from_server:
        raise shared.Wrong(
            "client_certificate_from_server: `idp serve` learns of nobody's certificate; a proxy and "
            "client_certificate_header do it"
        )


def _serve(host: str, port: int, workers: int, threads: int) -> None:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    server = Granian(
        "idp.serve:app", address=host, port=port, interface=Interfaces.WSGI, http=HTTPModes.http1, websockets=False,
        workers=workers, blocking_threads=threads, backlog=WAITING_CONNECTIONS, respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS, workers_kill_timeout=GRACE_SECONDS, log_level=LogLevels.warning,
    )  # fmt: skip
    try:
        server.serve()
    except (RuntimeError, ValueError) as problem:  # Granian's, for an address that is none, or not of this machine
        raise shared.Wrong(f"{host} port {port}: {str(problem).splitlines()[0]}") from None
