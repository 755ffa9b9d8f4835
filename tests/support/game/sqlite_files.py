"""SQLite read as a thief of files reads it: rows, row numbers, places inside pages, and the write-ahead log by commits.

The layout of files is that of https://sqlite.org/fileformat2.html.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from support.game.knowledge import Evidence, Row

TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR, TABLE_INTERIOR = 0x0D, 0x0A, 0x02, 0x05
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FRAME_HEADER, _LOG_HEADER = 24, 32


def read_rows(database: Path, source: str, *, with_system: bool) -> list[Row]:
    """Every row of every table in the order a dump has them; with the row numbers where asked for and where there are.

    The file is opened, which may fold its log into it: hand over a copy.
    """
    rows = []
    with closing(sqlite3.connect(database)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for position, (row_number, *values) in enumerate(_selected(connection, table, with_system=with_system)):
                marks: dict[str, object] = {"position": position}
                if row_number is not None:
                    marks["rowid"] = row_number
                rows.append(Row(source, table, tuple(values), marks))
    return rows


def _selected(connection: sqlite3.Connection, table: str, *, with_system: bool) -> list[tuple[object, ...]]:
    if with_system:
        try:
            return connection.execute(f'SELECT rowid, * FROM "{table}"').fetchall()  # noqa: S608 - its own name
        except sqlite3.OperationalError:
            pass
    return connection.execute(f'SELECT NULL, * FROM "{table}"').fetchall()  # noqa: S608 - its own name


def add_files(evidence: Evidence, database: Path, source: str) -> None:
    """What the bytes of a database and of its log tell: cells where they lie, and the commit each first came with."""
    content = database.read_bytes()
    log = database.with_name(f"{database.name}-wal")
    evidence.streams.append((f"{source} file {database.name}", content))
    if len(content) > 100:
        size = struct.unpack(">H", content[16:18])[0] or 65536
        owners = _owners(content, size)
        for start in range(0, len(content), size):
            number = start // size + 1
            table = f"{database.name}/{owners.get(number, 'free')}"
            for offset, values in cells(content[start : start + size], is_first=number == 1):
                marks: dict[str, object] = {"leaf": (number, -offset)}
                evidence.rows.append(Row(f"{source} pages", table, values, marks))
    if log.exists():
        frames = log.read_bytes()
        evidence.streams.append((f"{source} log {log.name}", frames))
        evidence.rows += _rows_by_commit(frames, f"{source} log", database.name)


def _owners(content: bytes, size: int) -> dict[int, str]:
    """The table or index that each page belongs to, found by going down from the roots; free pages have none."""
    owners = dict.fromkeys(_tree(content, size, 1), "schema")
    for number in list(owners):
        page = content[(number - 1) * size : number * size]
        if page[100 if number == 1 else 0] == TABLE_LEAF:
            for _, values in cells(page, is_first=number == 1):
                if len(values) > 3 and isinstance(values[3], int) and values[3] > 0:
                    owners |= dict.fromkeys(_tree(content, size, values[3]), str(values[1]))
    return owners


def _tree(content: bytes, size: int, root: int) -> Iterator[int]:
    left = [root]
    while left:
        number = left.pop()
        page = content[(number - 1) * size : number * size]
        if len(page) < size:
            continue
        yield number
        header = 100 if number == 1 else 0
        if page[header] in (TABLE_INTERIOR, INDEX_INTERIOR):
            n_cells = struct.unpack(">H", page[header + 3 : header + 5])[0]
            left.append(struct.unpack(">I", page[header + 8 : header + 12])[0])
            for place in struct.unpack_from(f">{n_cells}H", page, header + 12):
                left.append(struct.unpack(">I", page[place : place + 4])[0])


def _rows_by_commit(frames: bytes, source: str, table: str) -> list[Row]:
    """Each row of a log once, with the commit that brought it."""
    found: list[Row] = []
    seen: set[tuple[object, ...]] = set()
    commit = 0
    for page_number, is_commit, page in log_frames(frames):
        for _, values in cells(page, is_first=page_number == 1):
            if values and values not in seen:
                seen.add(values)
                found.append(Row(source, table, values, {"commit": commit}))
        commit += is_commit
    # What the first commit of a log brings includes the rows its pages held before: of those it tells no order.
    return [row for row in found if row.marks["commit"] != 0]


def log_frames(frames: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """The pages of a write-ahead log in the order they were written: number, whether a commit ends here, content."""
    if len(frames) < _LOG_HEADER:
        return
    size = struct.unpack(">I", frames[8:12])[0]
    salts = frames[16:24]
    for start in range(_LOG_HEADER, len(frames) - size - _FRAME_HEADER + 1, size + _FRAME_HEADER):
        number, n_pages = struct.unpack(">II", frames[start : start + 8])
        if frames[start + 8 : start + 16] != salts:
            # Frames of the log's former round lie behind those of the present one: older, but in order as well.
            continue
        yield number, n_pages != 0, frames[start + _FRAME_HEADER : start + _FRAME_HEADER + size]


def cells(page: bytes, *, is_first: bool) -> Iterator[tuple[int, tuple[object, ...]]]:
    """The offset and the values of every row that lies on a page of a table or an index; nothing of other pages."""
    header = 100 if is_first else 0
    if len(page) < header + 12:
        return
    kind = page[header]
    if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
        return
    n_cells = struct.unpack(">H", page[header + 3 : header + 5])[0]
    pointers = header + (12 if kind == INDEX_INTERIOR else 8)
    for number in range(n_cells):
        place = page[pointers + 2 * number : pointers + 2 * number + 2]
        if len(place) < 2:
            return
        offset = struct.unpack(">H", place)[0]
        try:
            yield offset, _cell(page, offset, kind)
        except (IndexError, struct.error, UnicodeDecodeError):
            continue


def _cell(page: bytes, offset: int, kind: int) -> tuple[object, ...]:
    place = offset + (4 if kind == INDEX_INTERIOR else 0)
    length, place = _varint(page, place)
    if kind == TABLE_LEAF:
        _, place = _varint(page, place)
    usable = len(page)
    largest = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    local = length
    if length > largest:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= largest else least
    return _record(page[place : place + local])


def _record(payload: bytes) -> tuple[object, ...]:
    """The values of a record; those that lie on overflow pages are missing at the end."""
    header, place = _varint(payload, 0)
    kinds = []
    while place < header:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    values: list[object] = []
    for kind in kinds:
        size = _INTEGER_BYTES.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        if place + size > len(payload):
            break
        raw = payload[place : place + size]
        place += size
        if kind >= 12:
            values.append(raw.decode("utf-8") if kind % 2 else raw)
        elif kind == 7:
            values.append(struct.unpack(">d", raw)[0])
        else:
            values.append({0: None, 8: 0, 9: 1}.get(kind, int.from_bytes(raw, "big", signed=True)))
    return tuple(values)


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = content[place + count]
        if count == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, place + count + 1
    raise IndexError("a number that does not end")
