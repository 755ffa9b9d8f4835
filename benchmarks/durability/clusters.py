"""A PostgreSQL cluster of one's own: it can be killed in any part, and started again as its operator would."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from support.postgres import account, binaries, make_cluster, own_to_account

DATABASE = "hailong"
_PATIENCE_S = 60.0


class Cluster:
    """A cluster in a folder of its own, synced as a production server's is."""

    def __init__(self) -> None:
        # A socket's path may hold 107 characters, and a test's own folder is often longer than that.
        self.home = Path(tempfile.mkdtemp(prefix="hlpg"))
        own_to_account(self.home)
        self.home.chmod(0o755)
        make_cluster(self.home)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.home / "cluster"

    @property
    def url(self) -> str:
        """The address of the one database, as hailong takes it."""
        return f"postgresql+psycopg://hailong@/{DATABASE}?host={self.home}"

    def command(self, data: Path | None = None) -> list[str]:
        """What starts the server in the foreground, on its own data folder or on a copy of it."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.home),
            "unix_socket_permissions": "0777",
            "max_connections": "60",
            "shared_buffers": "32MB",
            # Often enough that data files, too, are written and synced while answers come in.
            "checkpoint_timeout": "30s",
        }
        command = [str(binaries() / "postgres"), "-D", str(data or self.data)]
        return [*command, *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))]

    def start(self, data: Path | None = None) -> None:
        """Start the server and wait until it takes connections; makes the database the first time."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(data),
                cwd=self.home,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **account(),  # type: ignore[call-overload]
            )
        self.wait()

    def wait(self) -> None:
        """Wait until the server takes connections."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with self._connect() as connection:
                    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                    if found is None:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                return
            except psycopg.OperationalError:
                ended = self._process is not None and self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL does not start: {self.said()[-2000:]}") from None
                time.sleep(0.02)

    def said(self) -> str:
        """The server's own log."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")

    def execute(self, *statements: str) -> None:
        """Run statements as the owner, each by itself."""
        with self._connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(f"host={self.home} user=hailong dbname=postgres", autocommit=True, connect_timeout=5)

    def backends(self) -> list[int]:
        """The processes that serve our database's connections."""
        return [pid for pid in self.processes() if b"hailong hailong" in _command_of(pid)]

    def all_processes(self) -> list[int]:
        """All processes of the server; none when it has ended."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *self.processes()]

    def processes(self) -> list[int]:
        """The server's own processes, without the one that watches over them."""
        return children_of(self._process.pid) if self._process else []

    def kill_backend(self, choice: int) -> None:
        """`kill -9` of one connection's process; the server restarts itself, as it always does then."""
        backends = self.backends()
        if backends:
            os.kill(sorted(backends)[choice % len(backends)], signal.SIGKILL)
        time.sleep(0.05)
        self.wait()

    def kill(self) -> None:
        """`kill -9` of the server with all its processes, and a start over what is left."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        processes = self.all_processes()
        for pid in processes:
            _kill(pid)
        self._process.wait()
        _wait_for_end(processes)
        self.start()

    def start_if_ended(self) -> None:
        """Start a server that has given up, as a service manager does; wait for one that is mending itself."""
        deadline = time.monotonic() + 0.5
        while self.all_processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.all_processes():
            self.wait()
        else:
            self.start()

    def stop(self) -> None:
        """End the server in good order."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=_PATIENCE_S)
        self._process = None

    def abandon(self) -> None:
        """End the server at once; its data are of no more use."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_PATIENCE_S)
        self._process = None

    def remove(self) -> None:
        """End the server at once, and leave nothing of it."""
        self.abandon()
        shutil.rmtree(self.home, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started itself and that have not ended."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_for_end(pids: Sequence[int]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
