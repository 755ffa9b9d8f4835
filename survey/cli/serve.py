"""`hailong serve`: the production server, granian, with no log of who asked for what."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from survey.limits import Counters
    from survey.settings import Settings
    from survey.web.metrics import Meters

# Threads of a worker, most of which only wait for the rest of somebody's sending, and how many work at a time.
N_WAITING, N_AT_WORK = 256, 4
# Connections of a worker that are answered or wait for it.
BACKLOG = 2048
HEADER_SECONDS = 15
# How many objects come to be between two searches for garbage; Python's own 700 are fewer than one request makes.
OBJECTS_A_SEARCH = 20_000
# How long a worker may finish what it has begun when the server is stopped.
GRACE_SECONDS = 30
# The server's own lines go where all others go; left to itself it would write them to the standard output.
_QUIET: dict[str, Any] = {
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "level": "ERROR", "propagate": True},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
_OPEN = (
    "{host} is an address that other machines reach, and whoever stands between them and here reads along: listen at "
    "127.0.0.1 behind a web server with TLS (deploy/nginx.conf), or give --certificate and --key"
)
_SET_PARENT_DEATH_SIGNAL = 1


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes that serve.")
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="Speak TLS 1.3 alone, with this certificate chain."
)
@click.option("--key", type=click.Path(path_type=Path), help="The certificate's private key.")
def command(host: str, port: int, workers: int, certificate: Path | None, key: Path | None) -> None:
    """Serve the pages with the production server."""
    import os

    from survey.server_addresses import is_of_this_machine
    from survey.services import open_services
    from survey.settings import Settings

    _refuse_odd_certificate(certificate, key)
    settings = Settings.from_environment(os.environ)
    for warning in settings.warnings:
        click.echo(f"hailong: {warning}", err=True)
    if certificate is None and not (host and is_of_this_machine(host)):
        click.echo(f"hailong: {_OPEN.format(host=host)}", err=True)
    # Every worker opens the stores for itself. Opening them here first turns what is wrong with them into one line and
    # exit 2, before any process is started.
    open_services(settings).stores.close()
    _refuse_taken_port(host, port)
    scheme = "http" if certificate is None else "https"
    click.echo(f"Serving at {scheme}://{f'[{host}]' if ':' in host else host}:{port}/ (stop with Ctrl+C)")
    _serve(settings, host, port, workers, certificate, key)


def _refuse_odd_certificate(certificate: Path | None, key: Path | None) -> None:
    import ssl

    from survey.errors import BadInput

    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise BadInput("serve: found one of --certificate and --key, expected both or neither")
    try:
        # The server's processes would fail over it one after the other.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        is_open = key.stat().st_mode & 0o007
    except OSError as refusal:
        found = refusal.reason if isinstance(refusal, ssl.SSLError) else refusal.strerror
        raise BadInput(f"{certificate}, {key}: found no certificate with its key ({found}), expected PEM") from None
    if is_open:
        raise BadInput(f"{key}: found a key that every user of this machine can open, expected mode 0600 or 0640")


def _refuse_taken_port(host: str, port: int) -> None:
    import socket

    from survey.errors import BadInput

    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as refusal:
        raise BadInput(
            f"cannot listen at {host} port {port} ({refusal.strerror}); expected an address of this machine and a port "
            "that no other program uses: --port gives another"
        ) from None


def _serve(
    settings: "Settings", host: str, port: int, workers: int, certificate: Path | None, key: Path | None
) -> None:
    import multiprocessing
    import os

    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    # Imported before the workers are forked, so that they begin at once and share what was imported.
    import survey.application  # noqa: F401
    from survey.limits import Counters
    from survey.logs import write_json_lines
    from survey.web.metrics import Meters

    write_json_lines()
    # Made before the workers are forked, so that all of them count in the same memory.
    counters, meters = Counters.shared(), Meters.shared()
    multiprocessing.set_start_method("fork", force=True)
    server = Server(
        "hailong",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=N_WAITING,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=1000 * HEADER_SECONDS),
        websockets=False,
        ssl_cert=certificate,
        ssl_key=key,
        log_level=LogLevels.error,
        log_dictconfig=_QUIET,
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=GRACE_SECONDS,
    )
    parent = os.getpid()
    server.serve(target_loader=lambda: _load(settings, counters, meters, parent), wrap_loader=False)


def _load(
    settings: "Settings", counters: "Counters", meters: "Meters", parent: int
) -> "Callable[[dict[str, Any], Any], Any]":
    """The application as one worker runs it."""
    _end_with(parent)

    from survey.application import create_app
    from survey.web.patience import Patient

    app = create_app(settings, counters, meters)
    _spare_the_collector()
    return Patient(app, at_work=N_AT_WORK)


def _spare_the_collector() -> None:
    """Leave what is there for good out of every search for garbage, and search less often: a seventh of all work."""
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_A_SEARCH)


def _end_with(parent: int) -> None:
    """Have this worker end as after SIGTERM when the process that started it is gone, however that ended."""
    import ctypes
    import os
    import signal
    import sys

    # While this worker starts it has its parent's handler, which would only take note of the signal.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
        if os.getppid() != parent:
            raise SystemExit(1)
