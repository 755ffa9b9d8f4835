"""PostgreSQL read as its administrator and a thief of its files read it: hidden columns, index pages, the log.

The layouts are those of PostgreSQL's documentation (storage-page-layout, btree) and of its header files.
"""

import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from support.game.knowledge import Evidence, Row
from support.postgres import Server, binaries

PAGE = 8192
SEGMENT = 16 * 2**20
_INSERTED = re.compile(
    r"desc: (?:INSERT|HOT_UPDATE|UPDATE)\S* off (\d+).*?blkref #0: rel \d+/\d+/(\d+)(?: fork main)? blk (\d+)"
)
_NUMBER = re.compile(r"-?\d{1,18}")
_TABLES = """
    SELECT c.oid, n.nspname || '.' || c.relname, pg_relation_filepath(c.oid), c.reltoastrelid
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname LIKE %s
    ORDER BY 2
"""


def dumped_rows(server: Server, database: str, source: str, schema: str = "*") -> list[Row]:
    """Every row of the schemas of that name in the order in which `pg_dump` writes it."""
    login = ["-h", server.socket_dir, "-U", "hailong"]
    done = subprocess.run(
        [binaries() / "pg_dump", *login, "--data-only", "-n", schema, database],
        capture_output=True,
        check=True,
    )
    return _copied_rows(done.stdout.decode("utf-8"), source, None)


def read_dump(file: Path, source: str, day: int) -> list[Row]:
    """The rows of a dump in a file, with the day it was made."""
    return _copied_rows(file.read_text(encoding="utf-8"), source, day)


def database_number(server: Server, database: str) -> str:
    """The name of the folder in which a database's files are."""
    with psycopg.connect(f"host={server.socket_dir} user=hailong dbname={database}") as connection:
        found = connection.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()").fetchone()
    assert found is not None
    return str(found[0])


def _copied_rows(dump: str, source: str, day: int | None) -> list[Row]:
    rows: list[Row] = []
    table, position = "", 0
    for line in dump.split("\n"):
        if table:
            if line == "\\.":
                table = ""
            else:
                values = tuple(_dumped(value) for value in line.split("\t"))
                marks: dict[str, object] = {"position": position} | ({} if day is None else {"snapshot": day})
                rows.append(Row(source, table, values, marks))
                position += 1
        elif line.startswith("COPY "):
            table, position = line.split(" ")[1], 0
    return rows


def _dumped(value: str) -> object:
    if value == r"\N":
        return None
    if value.startswith(r"\\x"):
        return bytes.fromhex(value[3:])
    if _NUMBER.fullmatch(value):
        return int(value)
    return value.replace(r"\n", "\n").replace(r"\"", '"').replace("\\\\", "\\")


def add_system(
    evidence: Evidence, server: Server, database: str, source: str, *, schema: str = "%", since: int = 0
) -> None:
    """What the server itself knows of every row: the transaction, the place, the order in indexes and in the log.

    `since` is the place in the log from which on it is read.
    """
    with psycopg.connect(f"host={server.socket_dir} user=hailong dbname={database}", autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        cluster = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]
        inserted = _inserted_order(cluster / "pg_wal", since)
        for oid, table, file, toast in connection.execute(_TABLES, (schema,)).fetchall():
            leaves: dict[tuple[int, int], tuple[int, int]] = {}
            indexes = "SELECT pg_relation_filepath(indexrelid) FROM pg_index WHERE indrelid = %s"
            for (index_file,) in connection.execute(indexes, (oid,)).fetchall():
                leaves |= leaf_places((cluster / index_file).read_bytes())
            node = int(Path(file).name)
            toasts = _toast_order(connection, toast)
            rows = connection.execute(f"SELECT xmin::text::bigint, ctid::text, * FROM {table}").fetchall()  # noqa: S608
            for xmin, ctid, *values in rows:
                block, item = (int(part) for part in ctid.strip("()").split(","))
                marks: dict[str, object] = {"xmin": xmin, "ctid": (block, item)}
                if (block, item) in leaves:
                    marks["leaf"] = leaves[block, item]
                if (node, block, item) in inserted:
                    marks["commit"] = inserted[node, block, item]
                chunk = next((toasts[v[:64]] for v in values if isinstance(v, bytes) and v[:64] in toasts), None)
                if chunk is not None:
                    marks["toast"] = chunk
                evidence.rows.append(Row(source, table, tuple(map(_plain, values)), marks))
    add_cluster(evidence, cluster, source, f"base/{database_number(server, database)}", since)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _toast_order(connection: "psycopg.Connection[tuple[object, ...]]", toast: int) -> dict[bytes, int]:
    """The number under which each long value is stored, by the value's beginning: numbers are given in order."""
    if not toast:
        return {}
    query = f"SELECT chunk_id::bigint, chunk_data FROM {_name_of(connection, toast)} WHERE chunk_seq = 0"  # noqa: S608
    return {bytes(data)[:64]: int(number) for number, data in connection.execute(query).fetchall()}  # type: ignore[call-overload, arg-type]


def _name_of(connection: "psycopg.Connection[tuple[object, ...]]", oid: int) -> str:
    found = connection.execute("SELECT %s::oid::regclass::text", (oid,)).fetchone()
    return str(found[0])  # type: ignore[index]


def add_cluster(evidence: Evidence, cluster: Path, source: str, folder: str, since: int = 0) -> None:
    """The bytes of a database's own files and of the write-ahead log, of a running cluster or of a copy."""
    for file in sorted((cluster / folder).iterdir()):
        # Numbers below 16384 are PostgreSQL's own tables.
        if file.name.split(".")[0].isdigit() and int(file.name.split(".")[0]) >= 16384:
            evidence.streams.append((f"{source} file {file.name}", file.read_bytes()))
    for segment in log_segments(cluster / "pg_wal", since):
        evidence.streams.append((f"{source} log {segment.name}", without_page_headers(segment.read_bytes())))


def log_place(server: Server, database: str) -> int:
    """Where the write-ahead log is being written now."""
    with psycopg.connect(f"host={server.socket_dir} user=hailong dbname={database}") as connection:
        found = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint").fetchone()
    assert found is not None
    return int(found[0])


def log_segments(folder: Path, since: int = 0) -> list[Path]:
    """The files of the write-ahead log, oldest content first.

    A file that is no longer needed is kept under a later name for later use: what it holds is older than it is called.
    """
    files = [file for file in folder.iterdir() if re.fullmatch("[0-9A-F]{24}", file.name)]
    return sorted((file for file in files if _address(file) and _address(file) + SEGMENT > since), key=_address)


def _address(segment: Path) -> int:
    with segment.open("rb") as file:
        return int.from_bytes(file.read(16)[8:], "little")


def without_page_headers(segment: bytes) -> bytes:
    """A file of the log as one stream of records: each page begins with 24 bytes of its own, the first one with 40."""
    return b"".join(
        segment[start + (40 if start == 0 else 24) : start + PAGE] for start in range(0, len(segment), PAGE)
    )


def _inserted_order(folder: Path, since: int) -> dict[tuple[int, int, int], int]:
    """When each row was written, as the log tells it: by the table's file, the block and the item."""
    order: dict[tuple[int, int, int], int] = {}
    with tempfile.TemporaryDirectory() as place:
        names = []
        for segment in log_segments(folder, since):
            address = _address(segment)
            names.append(f"{1:08X}{address >> 32:08X}{(address & 0xFFFFFFFF) >> 24:08X}")
            (Path(place) / names[-1]).symlink_to(segment)
        for first, last in _runs(names):
            # It ends with a complaint when it reaches the end of what was written.
            done = subprocess.run(
                [binaries() / "pg_waldump", "-p", place, "-r", "Heap", first, last],
                capture_output=True,
                text=True,
                check=False,
            )
            for found in _INSERTED.finditer(done.stdout):
                item, node, block = (int(part) for part in found.groups())
                order[node, block, item] = len(order)
    return order


def _runs(names: list[str]) -> Iterator[tuple[str, str]]:
    """First and last of each run of files that follow each other."""
    first = 0
    for number in range(1, len(names) + 1):
        if number == len(names) or int(names[number], 16) != int(names[number - 1], 16) + 1:
            yield names[first], names[number - 1]
            first = number


def leaf_places(index: bytes) -> dict[tuple[int, int], tuple[int, int]]:
    """Where on a leaf page each row's entry lies: entries are added from the page's end, so a lower place is later."""
    places: dict[tuple[int, int], tuple[int, int]] = {}
    for number, page in _pages(index):
        lower, special = struct.unpack("<H", page[12:14])[0], struct.unpack("<H", page[16:18])[0]
        if special != PAGE - 16 or not struct.unpack("<H", page[special + 12 : special + 14])[0] & 1:
            continue
        for pointer in range(24, lower, 4):
            (item,) = struct.unpack("<I", page[pointer : pointer + 4])
            offset, state = item & 0x7FFF, item >> 15 & 3
            if state != 1:
                continue
            high, low, position, info = struct.unpack("<HHHH", page[offset : offset + 8])
            if not info & 0x2000:
                places[high << 16 | low, position] = (number, -offset)
    return places


def _pages(content: bytes) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(content), PAGE):
        page = content[start : start + PAGE]
        if len(page) == PAGE and page[12:14] != b"\0\0":
            yield start // PAGE, page
