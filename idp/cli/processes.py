"""The processes of the provider: the one that answers, the one behind it, and the demo of all of them."""

from __future__ import annotations

import multiprocessing
import os
import tempfile

import click
import structlog

from idp import observe
from idp import worker as background
from idp.cli import shared
from idp.house import House
from idp.oidc.client_certificates import ClientCertificates
from idp.storage.database import Unreachable
from idp.storage.short_lived import MayForget

log = structlog.get_logger()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8400, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=os.cpu_count() or 1, show_default="one a core",
              help="Processes.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 256), default=4, show_default=True, help="Requests that one process "
              "works on at once.")  # fmt: skip
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Answer people and portals, behind a proxy that does TLS. A process that dies is replaced; at SIGHUP all are, one
    after the other, without losing a request.
    """
    house = shared.open_house()
    observe.configure(house.settings.log_level)
    _check_memory(house)
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


def _check_memory(house: House) -> None:
    """A store that is away may come back; one that would forget too early may not be begun with."""
    try:
        house.short_lived.check()
    except MayForget as problem:
        raise shared.Wrong(f"short_lived_url: {problem}") from None
    except Unreachable as problem:
        log.warning("short_lived_store_unreachable", problem=str(problem))


def _check_certificates(house: House) -> None:
    ClientCertificates(house.settings, house.client_keys)
    if house.settings.client_certificate_from_server:
        raise shared.Wrong(
            "client_certificate_from_server: `idp serve` learns of nobody's certificate; a proxy and "
            "client_certificate_header do it"
        )


def _serve(host: str, port: int, workers: int, threads: int) -> None:
    from idp.cli.rolling import RollingServer, listen

    try:
        listening, outlives = listen(host, port)
    except OSError as problem:  # for an address that is none, not of this machine, or somebody else's
        raise shared.Wrong(f"{host} port {port}: {problem.strerror or problem}") from None
    RollingServer(listening, outlives=outlives, workers=workers, threads=threads).serve()
