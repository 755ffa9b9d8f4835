"""`hailong serve`: the production server, granian, with no log of who asked for what."""

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
_SET_PARENT_DEATH_SIGNAL = 1


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes that serve.")
def command(host: str, port: int, workers: int) -> None:
    """Serve the pages with the production server."""
    import os

    from survey.services import open_services
    from survey.settings import Settings

    settings = Settings.from_environment(os.environ)
    for warning in settings.warnings:
        click.echo(f"hailong: {warning}", err=True)
    # Every worker opens the stores for itself. Opening them here first turns what is wrong with them into one line and
    # exit 2, before any process is started.
    open_services(settings).stores.close()
    _refuse_taken_port(host, port)
    click.echo(f"Serving at http://{f'[{host}]' if ':' in host else host}:{port}/ (stop with Ctrl+C)")
    _serve(settings, host, port, workers)


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


def _serve(settings: "Settings", host: str, port: int, workers: int) -> None:
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
    return Patient(app, at_work=N_AT_WORK)


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
