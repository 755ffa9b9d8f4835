"""The same server on databases of different shape: empty, full, in parts, with a standby that every commit waits for.

Run: python -m benchmarks.collection.scale [--seconds 15] [--rows 1000000] [--write]

Every shape has a cluster and an instance of its own and is driven by eight respondents at a time. Rows that are there
before are marks and ballots as the store has them, of another round, with short envelopes: what grows with them and
slows an insertion is the index, whose keys are whole. The standby runs on this machine and takes its share of it.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.collection import driver, ledger, servers, tables
from benchmarks.collection.__main__ import SEED
from benchmarks.collection.processes import processor_seconds
from support.postgres import binaries

RESPONDENTS = 8
N_PARTS = 16
COLUMNS = (
    "database",
    "responses/s",
    "beside the empty one",
    "CPU ms a response (server + database)",
    "sending p50 / p99 ms",
    "WAL kB a response",
    "failures",
    "lost",
)
# Random-looking keys as ours are, without a random number of the database.
_MARKS = """
    INSERT INTO intake.spent_invitation
    SELECT 'before', sha256(convert_to('m' || i, 'UTF8')), sha256(convert_to('n' || i, 'UTF8'))
    FROM generate_series(1, %s) i
"""
_BALLOTS = """
    INSERT INTO intake.ballot (id, round_slug, envelope, tag)
    SELECT substr(sha256(convert_to('b' || i, 'UTF8')), 1, 16), 'before',
        sha256(convert_to('e' || i, 'UTF8')), sha256(convert_to('t' || i, 'UTF8'))
    FROM generate_series(1, %s) i
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """One measurement."""

    name: str
    rate: float
    server_ms: float
    database_ms: float
    wal_kb: float
    tally: driver.Tally
    lost: int


def main() -> None:
    """Parse the command line, measure each shape, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks/collection.md")
    chosen = parser.parse_args()

    def fill(dsn: str) -> None:
        _fill(dsn, chosen.rows)

    def part_and_fill(dsn: str) -> None:
        _part(dsn)
        _fill(dsn, chosen.rows)

    shapes = [
        _measured("empty", _as_it_is, chosen.seconds),
        _measured(f"{chosen.rows:,} ballots in it", fill, chosen.seconds),
        _measured(f"the same in {N_PARTS} parts by hash", part_and_fill, chosen.seconds),
        _measured("empty, with a synchronous standby", _as_it_is, chosen.seconds, has_standby=True),
    ]
    lines = [_line(shape, shapes[0].rate) for shape in shapes]
    text = f"{tables.taken()}\n\n| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}\n" + "\n".join(lines)
    print(text)
    if chosen.write:
        tables.write("scale", text)


def _measured(name: str, prepare: Callable[[str], None], seconds: float, *, has_standby: bool = False) -> Shape:
    with tempfile.TemporaryDirectory() as folder, servers.cluster() as home:
        database = servers.new_database(home)
        instance = servers.make_instance(Path(folder), home.url(database))
        prepare(home.dsn(database))
        with (
            _standby(home) if has_standby else contextlib.nullcontext(),
            servers.hailong_server(instance, 2) as serving,
        ):
            codes = driver.one_after_another(instance.codes(int(400 * (seconds + 2))))
            path = f"/r/{servers.SLUG}/{servers.UNIT}"
            crowd = driver.Crowd(serving.address, path, codes, random.Random(SEED))  # noqa: S311
            early, tally = driver.Tally(), driver.Tally()
            asyncio.run(driver.together(4, 1.0, crowd.respond, early))
            before = processor_seconds(serving.process), processor_seconds(home.process), _wal(home)
            asyncio.run(driver.together(RESPONDENTS, seconds, crowd.respond, tally))
            after = processor_seconds(serving.process), processor_seconds(home.process), _wal(home)
            n = max(1, len(tally.acknowledged))
            server, base, wal = (1000 * (late - soon) / n for late, soon in zip(after, before, strict=True))
            print(f"{name}: {tally.in_time / seconds:.0f}/s", flush=True)
            lost = ledger.lost(instance, tally.acknowledged, slug=servers.SLUG)
            return Shape(name, tally.in_time / seconds, server, base, wal / 1_000_000, tally, lost)


def _as_it_is(dsn: str) -> None:
    """Leave the tables as the migrations make them."""


def _part(dsn: str) -> None:
    """Make both tables anew in parts, with the rights and triggers that they had."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for table, key, mark in (("ballot", "id", "id"), ("spent_invitation", "round_slug, nullifier", "nullifier")):
            connection.execute(
                f"ALTER TABLE intake.{table} RENAME TO old_{table}; "
                f"ALTER TABLE intake.old_{table} DROP CONSTRAINT pk_{table}; "
                f"CREATE TABLE intake.{table} (LIKE intake.old_{table} INCLUDING DEFAULTS, "
                f"CONSTRAINT pk_{table} PRIMARY KEY ({key})) PARTITION BY HASH ({mark})"
            )
            for part in range(N_PARTS):
                connection.execute(
                    f"CREATE TABLE intake.{table}_{part} PARTITION OF intake.{table} "
                    f"FOR VALUES WITH (MODULUS {N_PARTS}, REMAINDER {part})"
                )
            connection.execute(
                f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON intake.{table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION intake.refuse_change(); "
                f"DROP TABLE intake.old_{table}"
            )
        connection.execute(
            "GRANT INSERT ON intake.ballot TO hailong_intake_writer; "
            "GRANT INSERT, SELECT ON intake.spent_invitation TO hailong_intake_writer"
        )


def _fill(dsn: str, rows: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_MARKS, (rows,))
        connection.execute(_BALLOTS, (rows,))
        connection.execute("VACUUM ANALYZE intake.ballot")
        connection.execute("VACUUM ANALYZE intake.spent_invitation")
        connection.execute("CHECKPOINT")


@contextlib.contextmanager
def _standby(home: servers.Cluster) -> Iterator[None]:
    """A copy of the cluster that follows it, and that every commit waits for."""
    copy, tools, account = Path(tempfile.mkdtemp(prefix="hlstandby")), binaries(), servers.account()
    if account:
        shutil.chown(copy, account["user"], account["group"])

    def run(*command: str) -> None:
        subprocess.run(command, cwd=copy, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, **account)

    data = copy / "data"
    run(
        str(tools / "pg_basebackup"), "-h", str(home.socket_dir), "-U", "hailong", "-D", str(data), "-R", "-X", "stream"
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={copy} -c cluster_name=standby"
    try:
        run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(copy / "log"), "-w", "start")
        with psycopg.connect(home.dsn("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield
    finally:
        with psycopg.connect(home.dsn("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
        with contextlib.suppress(subprocess.CalledProcessError):
            run(str(tools / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop")
        shutil.rmtree(copy, ignore_errors=True)


def _wal(home: servers.Cluster) -> float:
    """How many bytes of log the cluster has written."""
    with psycopg.connect(home.dsn("postgres"), autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return float(row[0]) if row else 0.0


def _line(shape: Shape, empty: float) -> str:
    t = shape.tally
    cells = (
        shape.name,
        f"{shape.rate:.0f}",
        f"{shape.rate / empty:.2f}" if empty else "",
        f"{shape.server_ms + shape.database_ms:.1f} ({shape.server_ms:.1f} + {shape.database_ms:.1f})",
        f"{t.quantile('sending', 0.5):.0f} / {t.quantile('sending', 0.99):.0f}",
        f"{shape.wal_kb:.1f}",
        str(t.failures.total()),
        str(shape.lost),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
