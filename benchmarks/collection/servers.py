"""What is measured: a PostgreSQL cluster of its own, our server as `hailong serve` runs it, and the bare endpoint."""

import contextlib
import datetime as dt
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.collection import questions  # noqa: E402
from questionnaires.model import Text  # noqa: E402
from support.postgres import binaries  # noqa: E402
from survey.invitations import CodeRequest, issue_invitations  # noqa: E402
from survey.notices import Notice  # noqa: E402
from survey.questionnaire_library import publish_questionnaire  # noqa: E402
from survey.rounds import RoundRequest, create_round, open_round  # noqa: E402
from survey.secrets import Secrets  # noqa: E402
from survey.services import today  # noqa: E402
from survey.settings import Settings  # noqa: E402
from survey.storage.stores import open_stores  # noqa: E402
from survey.storage.upgrading import upgrade_stores  # noqa: E402
from survey.units import import_units  # noqa: E402
from survey.vault import KeyVault  # noqa: E402

SLUG, UNIT = "tai", "phuong-1"
N_UNITS = 54
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL, durable as it comes, with autovacuum."""

    socket_dir: Path
    process: int

    def dsn(self, database: str) -> str:
        return f"host={self.socket_dir} user=hailong dbname={database}"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://hailong@/{database}?host={self.socket_dir}"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance with one open round of 31 questions in 54 units."""

    settings: Settings
    engine: str

    def codes(self, count: int) -> list[str]:
        """New codes of the first unit, spelled as they are typed."""
        stores = open_stores(self.settings)
        try:
            issued = issue_invitations(stores, Secrets(self.settings.secret_key), SLUG, [CodeRequest(UNIT, count)])
        finally:
            stores.close()
        return [code.typed for code in issued]


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers, and the process whose tree it is."""

    address: tuple[str, int]
    process: int


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A new cluster until the block ends; nothing but its socket listens."""
    owner = account()
    home = Path(tempfile.mkdtemp(prefix="hlload"))
    if owner:
        os.chown(home, owner["user"], owner["group"])
    home.chmod(0o755)
    data, tools = home / "data", binaries()

    def run(*command: str) -> None:
        with (home / "output").open("a") as output:
            subprocess.run(
                command, cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True, **owner
            )  # type: ignore[call-overload]

    run(str(tools / "initdb"), "-D", str(data), "-U", "hailong", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-k")
    options = (
        f"-c listen_addresses='' -c unix_socket_directories={home} -c unix_socket_permissions=0777 "
        "-c shared_buffers=256MB -c max_wal_size=2GB"
    )
    try:
        run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "start")
        yield Cluster(home, int((data / "postmaster.pid").read_text().splitlines()[0]))
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            run(str(tools / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)


def make_instance(folder: Path, url: str | None) -> Instance:
    """The instance in a folder; `url` is a PostgreSQL database, and without one there are three SQLite files."""
    environment = {"HAILONG_INSTANCE": str(folder), "HAILONG_PUBLIC_URL": "http://127.0.0.1"}
    if url:
        environment["HAILONG_DATABASE_URL"] = url
    settings = Settings.from_environment(environment)
    upgrade_stores(settings)
    stores = open_stores(settings)
    units = folder / "units.csv"
    head = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    rows = (
        f"phuong-{n},Phường số {n},Ward {n},ward,Khối phường,,2025-07-01,,1000,1.5,thử\n" for n in range(1, N_UNITS + 1)
    )
    units.write_text(head + "".join(rows), encoding="utf-8")
    import_units(stores, units)
    publish_questionnaire(stores, questions.source(), "load.yaml", today())
    first = today()
    request = RoundRequest(
        slug=SLUG,
        questionnaire=questions.REFERENCE,
        units="kind=ward",
        opens_on=first,
        closes_on=first + dt.timedelta(days=30),
        notice=Notice(
            title=Text("Khảo sát sự hài lòng", "Satisfaction survey"),
            issuer=Text("Sở Nội vụ tỉnh Thử", "Department of Home Affairs"),
            decision="Quyết định số 12/QĐ-UBND",
            hotline="0203 000 000",
        ),
    )
    create_round(stores, request, first)
    open_round(stores, KeyVault(folder / "keys", settings.passphrase_file.read_bytes().strip()), SLUG, first)
    stores.close()
    return Instance(settings, "PostgreSQL" if url else "SQLite")


@contextlib.contextmanager
def hailong_server(instance: Instance, workers: int, *options: str) -> Iterator[Serving]:
    """`hailong serve` for an instance, until the block ends."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAILONG_")}
    environment |= {
        "HAILONG_INSTANCE": str(instance.settings.instance),
        "HAILONG_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    if instance.engine == "PostgreSQL":
        environment["HAILONG_DATABASE_URL"] = instance.settings.office_url
    command = [sys.executable, "-m", "survey", "serve", "--port", str(port), "--workers", str(workers), *options]
    with _serving(command, environment, port, "/healthz") as serving:
        yield serving


@contextlib.contextmanager
def bare_server(dsn: str, kind: str, workers: int, threads: int) -> Iterator[Serving]:
    """The bare application under gunicorn, with the kind of worker that is wanted (sync or gthread)."""
    port = _free_port()
    command = [
        sys.executable, "-m", "gunicorn", "benchmarks.collection.bare:make_app()", "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers), "--worker-class", kind, "--threads", str(threads), "--log-level", "warning",
        "--no-control-socket",
    ]  # fmt: skip
    with _serving(command, os.environ | {"BARE_DSN": dsn}, port, "/hello") as serving:
        yield serving


@contextlib.contextmanager
def _serving(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[Serving]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"{command[:4]} does not serve: {said.read()[-2000:].decode()}")
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                        break
                except OSError:
                    time.sleep(0.1)
            yield Serving(("127.0.0.1", port), process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def new_database(home: Cluster) -> str:
    """An empty database of the cluster."""
    import psycopg

    name = f"load_{secrets.token_hex(4)}"
    with psycopg.connect(home.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return name


def make_bare_table(dsn: str) -> None:
    """The table that the bare endpoint writes into."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text)")


def account() -> dict[str, object]:
    """The arguments under which a process of PostgreSQL is started here; none where we are no superuser."""
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
