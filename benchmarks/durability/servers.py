"""`hailong serve` as a process group that can be killed whole or in one worker, and is started again like a service."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.durability.clusters import children_of
from support.server import environment_of, free_port
from survey.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 60.0


class Server:
    """The production server on one port of the loopback."""

    def __init__(self, settings: Settings, log: Path, *, workers: int = 2, before: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._settings = settings
        self._log = log
        self._command = [*before, sys.executable, "-m", "survey", "serve", "--port", str(self.port)]
        self._command += ["--workers", str(workers)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def environment(self) -> Mapping[str, str]:
        """The variables the server is started with."""
        return environment_of(self._settings, self.address)

    def start(self) -> None:
        """Start it, again and again while it refuses, as a service manager does; return when it is ready."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    env=dict(self.environment()),
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            while self._process.poll() is None:
                if is_ready(self.address):
                    return
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the server does not answer: {self.said()[-2000:]}")
                time.sleep(0.05)
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server does not start: {self.said()[-2000:]}")
            time.sleep(0.1)

    def said(self) -> str:
        """Everything the server has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def workers(self) -> list[int]:
        """The processes that answer."""
        return children_of(self.pid)

    def kill_worker(self, choice: int) -> None:
        """`kill -9` of one worker; the server starts another one by itself."""
        workers = sorted(self.workers())
        if workers:
            os.kill(workers[choice % len(workers)], signal.SIGKILL)

    def kill(self) -> None:
        """`kill -9` of the whole server, as when its machine's memory runs out, and a start over what is left."""
        self.kill_for_good()
        self.start()

    def start_if_ended(self) -> None:
        """Start a server that gave up because its workers died, as a service manager does; wait until it is ready."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self.start()
                return
            if is_ready(self.address):
                return
            time.sleep(0.05)

    def kill_for_good(self) -> None:
        """`kill -9` of the whole server."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        """End the server in good order."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_ready(address: str) -> bool:
    """Whether the server answers and so do its stores."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310 - the loopback
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError, OSError):
        return False


@contextmanager
def serving(settings: Settings, *, workers: int = 2, before: Sequence[str] = ()) -> Iterator[Server]:
    """The server, from its first answer until the block ends."""
    server = Server(settings, settings.instance.parent / "server.log", workers=workers, before=before)
    try:
        server.start()
        yield server
    finally:
        server.stop()
