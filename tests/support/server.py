"""The production server as a process of its own: `hailong serve` on a free port, for one instance."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from survey.settings import Settings

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where the server answers and what it has said."""

    address: str
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """Everything on its standard output and error so far."""
        return self.log.read_text(encoding="utf-8")


def environment_of(settings: Settings, address: str) -> dict[str, str]:
    """The variables under which a process of its own serves the same instance."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAILONG_")}
    environment |= {"HAILONG_INSTANCE": str(settings.instance), "HAILONG_PUBLIC_URL": address}
    if not settings.is_embedded:
        environment["HAILONG_DATABASE_URL"] = settings.office_url
    return environment


def free_port() -> int:
    """A port that nobody listens at; the system gives another one each time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(
    settings: Settings,
    *,
    workers: int = 1,
    extra: Mapping[str, str] | None = None,
    module: Sequence[str] = ("survey",),
) -> Iterator[RunningServer]:
    """The server, from its first answer until the block ends; `module` is what Python runs, and its first arguments."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = settings.instance.parent / f"server-{port}.log"
    command = [sys.executable, "-m", *module, "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment_of(settings, address) | dict(extra or {}),
            cwd=Path(__file__).resolve().parents[2],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = RunningServer(address, log, process)
    try:
        _wait_for_answer(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=40)


def _wait_for_answer(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"the server ended: {server.said()}"
        try:
            with urllib.request.urlopen(f"{server.address}/healthz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer: {server.said()}")
