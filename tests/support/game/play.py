"""A round of the unlinkability game, played for real: a server, HTTP, daily backups, a restart, a vacuum, a seal.

One respondent after the other, so that the order in which they came is exactly known: nothing better could be known by
anybody who watched the door.
"""

import datetime as dt
import http.client
import json
import os
import secrets as randomness
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg

from support.command_line import run
from support.game.cast import QUESTIONNAIRE, Cast, Respondent
from support.played import nonce_of
from support.postgres import Server, binaries, shared_server
from support.server import RunningServer, environment_of, running_server
from support.stores import settings_in
from survey.invitations import CodeRequest, IssuedCode, issue_invitations
from survey.questionnaire_library import publish_questionnaire
from survey.rounds import RoundRequest, create_round, open_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores, open_stores
from survey.storage.upgrading import upgrade_stores
from survey.units import import_units
from survey.vault import KeyVault

ROOT = Path(__file__).resolve().parents[3]
SLUG = "tro-choi"
N_WORKERS = 2
STORES = ("office", "frame", "intake")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Table:
    """A round of the game and everything that it left behind."""

    folder: Path
    settings: Settings
    cast: Cast
    server: Server | None
    # What is run to serve, and what to do everything else.
    module: Sequence[str] = ("survey",)
    commands: Sequence[str] = ("survey",)
    codes: dict[int, IssuedCode] = field(default_factory=dict)
    # Those who were told that their answers were received, in the order they were.
    arrived: list[Respondent] = field(default_factory=list)
    urls: set[str] = field(default_factory=set)
    header_faults: list[str] = field(default_factory=list)
    n_journeys: int = 0
    days: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return self.settings.office_url.partition("?")[0].rpartition("/")[2]

    @property
    def cluster(self) -> Path | None:
        return None if self.server is None else self.server.socket_dir / "cluster"

    @property
    def logs(self) -> list[Path]:
        """Everything that was written beside the databases: the servers' output, temporary files, PostgreSQL's log."""
        files = [*self.folder.glob("server-*.log"), *(self.folder / "tmp").rglob("*")]
        files += [] if self.server is None else [self.server.socket_dir / "log"]
        return sorted(file for file in files if file.is_file())

    @property
    def places(self) -> list[Path]:
        """Every folder and file in which something of this round lies."""
        own = [self.settings.instance, self.folder / "tmp", self.folder / "backups"]
        return [*own, *self.logs, *([] if self.cluster is None else [self.cluster])]

    def hailong(self, *commands: Sequence[str]) -> None:
        """Run commands as an operator does: in this process, or in one of its own where it is not ours as it is."""
        environment = environment_of(self.settings, "http://127.0.0.1:8000")
        if tuple(self.commands) == ("survey",):
            for arguments in commands:
                ran = run({name: value for name, value in environment.items() if "HAILONG_" in name}, *arguments)
                assert ran.exit_code == 0, (arguments, ran.errors)
            return
        done = subprocess.run(
            [sys.executable, "-m", *self.commands, *(word for command in commands for word in ("--then", *command))],
            env=environment | self.surroundings(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (commands, done.stderr)

    def surroundings(self) -> dict[str, str]:
        """What a process of this round finds in its environment beside the settings."""
        return {"TMPDIR": str(self.folder / "tmp"), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


@contextmanager
def set_table(
    folder: Path,
    engine: str,
    cast: Cast,
    module: Sequence[str] = ("survey",),
    prepare: Callable[[Stores], None] | None = None,
) -> Iterator[Table]:
    """An instance with an open round and codes for the whole cast; PostgreSQL as a cluster of its own.

    `module` is the program that plays, where it is another than ours; `prepare` readies the stores for it.
    """
    for name in ("tmp", "backups"):
        (folder / name).mkdir(parents=True)
    if engine == "sqlite":
        yield _opened(Table(folder, settings_in(folder / "var"), cast, None, module), prepare)
        return
    (folder / "postgres").mkdir()
    with shared_server(folder / "postgres") as server:
        # As for a replica or an archive: the whole write-ahead log of the round is there to be read.
        server.execute("ALTER SYSTEM SET wal_keep_size = '4GB'", "SELECT pg_reload_conf()")
        settings = settings_in(folder / "var", server.url(server.new_database()))
        yield _opened(Table(folder, settings, cast, server, module), prepare)


def _opened(table: Table, prepare: Callable[[Stores], None] | None) -> Table:
    settings = table.settings
    upgrade_stores(settings)
    stores = open_stores(settings)
    try:
        if prepare is not None:
            prepare(stores)
        units = sorted({respondent.answers.unit for respondent in table.cast.respondents})
        _create(stores, settings, units, table.folder)
        secrets = Secrets(settings.secret_key)
        of_unit = {unit: [r for r in table.cast.respondents if r.answers.unit == unit] for unit in units}
        requests = [CodeRequest(unit, len(people)) for unit, people in of_unit.items()]
        codes = iter(issue_invitations(stores, secrets, SLUG, requests))
        for people in of_unit.values():
            for respondent in people:
                table.codes[respondent.number] = next(codes)
    finally:
        stores.close()
    return table


def _create(stores: Stores, settings: Settings, units: Sequence[str], folder: Path) -> None:
    registry = folder / "units.csv"
    lines = ["code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source"]
    lines += [f"{unit},Phường {unit},Ward {unit},ward,Khối địa phương,,2025-07-01,,9000,5,thử" for unit in units]
    registry.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_units(stores, registry)
    publish_questionnaire(stores, QUESTIONNAIRE.encode(), "game.yaml", today())
    request = RoundRequest(
        slug=SLUG,
        questionnaire="game/1",
        units=f"code={','.join(units)}",
        opens_on=today(),
        closes_on=today() + dt.timedelta(days=30),
    )
    create_round(stores, request, today())
    open_round(stores, vault_of(settings), SLUG, today())


def vault_of(settings: Settings) -> KeyVault:
    """The vault of a round; scrypt at its cheapest, because what it costs is tested elsewhere."""
    return KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)


def play_days(table: Table, *, days: int = 3, full_journeys: int = 0, with_incidents: bool = True) -> RunningServer:
    """Everybody comes, over so many days; backups each evening, half-way a restart, later a vacuum.

    `full_journeys` people see every page on their way, the others only send their form. Returns the last server, which
    has been stopped.
    """
    people = table.cast.respondents
    half = len(people) // 2 if with_incidents else 0
    evenings = {len(people) * day // days for day in range(1, days + 1)} if days else set()
    begun = time.perf_counter()
    for first, last in ((0, half), (half, len(people))):
        if first == last:
            continue
        with running_server(
            table.settings, workers=N_WORKERS if with_incidents else 1, extra=table.surroundings(), module=table.module
        ) as server:
            for number in range(first, last):
                _journey(table, server.address, people[number], is_full=number < full_journeys)
                if number + 1 in evenings:
                    back_up(table)
                if with_incidents and number == len(people) * 7 // 10:
                    vacuum(table)
            if last == len(people):
                table.seconds["play"] = time.perf_counter() - begun
                _capture_live_files(table)
    return server


def _capture_live_files(table: Table) -> None:
    # What lies there while the server runs: SQLite's logs vanish when the last connection is closed.
    if table.server is None:
        copy_files(table, table.folder / "live")


def copy_files(table: Table, target: Path) -> None:
    """The databases as files, with their logs."""
    target.mkdir(parents=True)
    for file in table.settings.instance.glob("*.db*"):
        shutil.copy(file, target / file.name)


def evening(table: Table) -> Path:
    """The folder for the backups of one more day."""
    table.days += 1
    folder = table.folder / "backups" / f"day-{table.days}"
    folder.mkdir()
    return folder


def back_up(table: Table) -> None:
    """The evening's backups: the command's, a logical dump, and the files as they are."""
    folder = evening(table)
    table.hailong(["database", "backup", str(folder / "hailong.zip")])
    if table.server is None:
        copy_files(table, folder / "files")
        return
    tools, host = binaries(), str(table.server.socket_dir)
    login = ["-h", host, "-U", "hailong"]
    subprocess.run([tools / "pg_dump", *login, "-f", folder / "dump.sql", table.database], check=True)
    subprocess.run(
        [tools / "pg_basebackup", *login, "-D", folder / "files", "-X", "fetch", "-c", "fast"],
        check=True,
        capture_output=True,
    )


def vacuum(table: Table) -> None:
    """What a careful administrator does now and then."""
    if table.server is None:
        for store in STORES:
            with closing(sqlite3.connect(table.settings.instance / f"{store}.db", timeout=30)) as connection:
                connection.execute("VACUUM")
        return
    with psycopg.connect(
        f"host={table.server.socket_dir} user=hailong dbname={table.database}", autocommit=True
    ) as connection:
        connection.execute("VACUUM")


def seal(table: Table) -> None:
    """Close and seal the round, as an operator does; the archive is then in its place and the ballot key is gone."""
    begun = time.perf_counter()
    commands = [["round", "close", SLUG], ["round", "seal", SLUG]]
    if not table.days:
        # Nobody made a backup in the evenings: one is made now, while the round is open still.
        commands.insert(0, ["database", "backup", str(evening(table) / "hailong.zip")])
    table.hailong(*commands)
    table.seconds["seal"] = time.perf_counter() - begun


def _journey(table: Table, address: str, respondent: Respondent, *, is_full: bool) -> None:
    table.n_journeys += 1
    # One in three stands at a counter's tablet, whose pages are others.
    path = f"/r/{SLUG}/{respondent.answers.unit}" + ("/kiosk/form" if respondent.number % 3 == 0 else "")
    is_page_seen = is_full or respondent.habit == "abandon"
    nonce = randomness.token_urlsafe(24)
    with _browser(address, respondent) as browser:
        if is_page_seen:
            nonce = nonce_of(_asked(table, browser, "GET", path, None, respondent)[1])
        form = respondent.answers.form() | {"code": table.codes[respondent.number].typed, "nonce": nonce, "lang": "vi"}
        if respondent.habit == "abandon":
            # Half of the questions, sent by mistake: the form comes back, and the citizen goes away.
            half = {name: value for name, value in form.items() if name not in ("q2", "q9", "q12")}
            status, page = _asked(table, browser, "POST", path, half, respondent)
            assert 400 <= status < 500, page[:2000]
            return
        if respondent.habit == "retry":
            _drop(address, path, form, respondent)
        if respondent.habit == "double_click":
            _click_twice(table, address, path, form, respondent)
        else:
            status, location = _asked(table, browser, "POST", path, form, respondent)
            assert status == 303, location[:3000]
            if is_full:
                _, page = _asked(table, browser, "GET", location, None, respondent)
                assert 'data-state="received"' in page
    table.arrived.append(respondent)


@contextmanager
def _browser(address: str, respondent: Respondent) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(
        urlsplit(address).netloc, timeout=60, source_address=(respondent.address, 0)
    )
    try:
        yield connection
    finally:
        connection.close()


def headers_of(respondent: Respondent) -> dict[str, str]:
    """What gives a browser away, and no more than one browser: nothing of it may be found again."""
    number = respondent.number
    return {
        "User-Agent": f"Mozilla/5.0 (Linux; Android 14) agent{number:05d}z",
        "X-Forwarded-For": f"2001:db8:{number:x}::{number + 7:x}",
        "X-Real-IP": f"198.18.{number // 250}.{number % 250}",
    }


def _asked(
    table: Table,
    browser: http.client.HTTPConnection,
    method: str,
    path: str,
    form: dict[str, str] | None,
    respondent: Respondent,
) -> tuple[int, str]:
    """Status and page, or where it leads to; what it says in its headers is held against the rules."""
    table.urls.add(path)
    body = None if form is None else urlencode(form)
    browser.request(method, path, body, headers_of(respondent) | (FORM if form is not None else {}))
    answer = browser.getresponse()
    page = answer.read().decode("utf-8")
    location = answer.getheader("Location")
    if answer.getheader("Referrer-Policy") != "no-referrer":
        table.header_faults.append(f"{method} {path}: Referrer-Policy is {answer.getheader('Referrer-Policy')!r}")
    if answer.getheader("Set-Cookie") is not None:
        table.header_faults.append(f"{method} {path}: a cookie")
    if location is not None:
        table.urls.add(location)
        return answer.status, location
    return answer.status, page


def _click_twice(table: Table, address: str, path: str, form: dict[str, str], respondent: Respondent) -> None:
    outcomes: list[int] = []

    def click() -> None:
        with _browser(address, respondent) as browser:
            outcomes.append(_asked(table, browser, "POST", path, form, respondent)[0])

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert outcomes == [303, 303], outcomes


def _drop(address: str, path: str, form: dict[str, str], respondent: Respondent) -> None:
    """Send the form and hang up before the answer comes."""
    body = urlencode(form).encode()
    host = urlsplit(address).netloc
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers_of(respondent) | FORM).items()]
    parts = urlsplit(address)
    with socket.create_connection(
        (str(parts.hostname), parts.port or 80), timeout=30, source_address=(respondent.address, 0)
    ) as line:
        line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def read_backup(file: Path) -> dict[str, list[dict[str, object]]]:
    """The tables of a backup, each a list of rows in the order they have there."""
    import zipfile

    with zipfile.ZipFile(file) as archive:
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }
