"""One throwaway PostgreSQL server for the whole test session, shared by all its worker processes."""

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

MISSING = (
    "PostgreSQL was not found: the tests run every store on both engines. "
    "Install it with `apt-get install postgresql` (initdb and pg_ctl are looked for through pg_config and in "
    "/usr/lib/postgresql)."
)


@dataclass(frozen=True)
class Server:
    socket_dir: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://hailong@/{database}?host={self.socket_dir}"

    def execute(self, *statements: str) -> None:
        with psycopg.connect(f"host={self.socket_dir} user=hailong dbname=postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def new_database(self, template: str | None = None) -> str:
        name = f"test_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def binaries() -> Path:
    candidates = []
    if shutil.which("pg_config"):
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(found.stdout.strip()))
    candidates += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True
    )
    if shutil.which("initdb"):
        candidates.append(Path(str(shutil.which("initdb"))).parent)
    for place in candidates:
        if (place / "initdb").is_file() and (place / "pg_ctl").is_file():
            return place
    raise RuntimeError(MISSING)


@contextmanager
def shared_server(base: Path) -> Iterator[Server]:
    """The session's server: the first worker starts it, the last one to leave stops it.

    `base` is a folder that all workers of one session see.
    """
    with _locked(base):
        counter = base / "postgres.users"
        users = int(counter.read_text()) if counter.exists() else 0
        if users == 0:
            # A socket's path may hold 107 characters; the session's own folder is often longer than that.
            home = Path(tempfile.mkdtemp(prefix="hlpg"))
            (base / "postgres.home").write_text(str(home))
            _start(home)
        counter.write_text(str(users + 1))
        home = Path((base / "postgres.home").read_text())
    try:
        yield Server(home)
    finally:
        with _locked(base):
            users = int(counter.read_text()) - 1
            counter.write_text(str(users))
            if users == 0:
                _stop(home)


@contextmanager
def _locked(base: Path) -> Iterator[None]:
    with (base / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def account() -> dict[str, object]:
    """Whom PostgreSQL runs as, in the words of `subprocess`: nobody else when these tests are run by a plain user."""
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise RuntimeError("found neither the account postgres nor nobody, expected one to run PostgreSQL as")


def own_to_account(path: Path) -> None:
    """Give a file or a folder to whom PostgreSQL runs as."""
    found = account()
    if found:
        os.chown(path, found["user"], found["group"])  # type: ignore[arg-type]


def _run(arguments: list[str], home: Path) -> None:
    done = subprocess.run(
        arguments,
        cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=(home / "output").open("w"),
        stderr=subprocess.STDOUT,
        check=False,
        **account(),  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {(home / 'output').read_text()}")


def make_cluster(home: Path) -> None:
    """An empty cluster in `home`/cluster, with the one user hailong."""
    initdb = [str(binaries() / "initdb"), "-D", str(home / "cluster"), "-U", "hailong"]
    _run([*initdb, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], home)


def _start(home: Path) -> None:
    own_to_account(home)
    place = binaries()
    make_cluster(home)
    options = (
        f"-c listen_addresses='' -c unix_socket_directories={home} -c unix_socket_permissions=0777 "
        "-c max_connections=200 -c shared_buffers=32MB -c full_page_writes=on -c autovacuum=off "
        "-c max_wal_size=512MB -c checkpoint_timeout=1h"
    )
    _run(
        [
            str(place / "pg_ctl"),
            "-D",
            str(home / "cluster"),
            "-o",
            options,
            "-l",
            str(home / "log"),
            "-w",
            "-t",
            "60",
            "start",
        ],
        home,
    )
    home.chmod(0o755)


def _stop(home: Path) -> None:
    process = int((home / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGQUIT)
    for _ in range(200):
        if not (home / "cluster" / "postmaster.pid").exists() or not _is_alive(process):
            break
        time.sleep(0.05)
    shutil.rmtree(home, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
