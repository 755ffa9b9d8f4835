"""`hailong serve`: the production server, gunicorn, with no log of who asked for what."""

import logging
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.settings import Settings

N_THREADS = 4


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
    from flask import Flask
    from gunicorn.app.base import BaseApplication
    from gunicorn.glogging import Logger

    from survey.limits import Counters

    # Made before the workers are forked, so that all of them count in the same memory.
    counters = Counters.shared()

    class SilentLogger(Logger):  # type: ignore[misc]
        """Gunicorn's log without its two lines that name an address or a page."""

        def setup(self, cfg: object) -> None:
            super().setup(cfg)
            self.error_log.addFilter(_Discretion())

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options = {
                "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                "workers": workers,
                "worker_class": "gthread",
                "threads": N_THREADS,
                "accesslog": None,
                "errorlog": "-",
                "loglevel": "warning",
                "logger_class": SilentLogger,
                "timeout": 60,
                "graceful_timeout": 30,
                "keepalive": 5,
                # It would be written to the home folder; nothing is written outside the instance.
                "control_socket_disable": True,
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            from survey.application import create_app

            return create_app(settings, counters)

    Server().run()


class _Discretion(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Invalid request from"):
            record.msg, record.args = "A request could not be read", ()
        elif str(record.msg).startswith("Error handling request"):
            record.msg, record.args = "A request could not be answered", ()
        return True
