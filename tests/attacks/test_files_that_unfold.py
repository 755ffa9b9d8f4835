"""Small files that would unfold into huge ones are refused before they do (ASVS 5.2.3)."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from copy import copy
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.errors import SpecError
from analysis.study import Study
from analysis.unfolding import LARGEST_WORKBOOK, MOST_PARTS
from support.rounds import Collection, open_collection
from support.stores import settings_in
from survey.backup import CONTENTS, restore_backup, write_backup
from survey.errors import BadInput
from survey.sampling_frame_files import LAST_ROW, MOST_COLUMNS, read_frame
from survey.settings import Settings
from survey.storage.stores import Stores

MEGABYTE = 1024**2
READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "a frame": (read_frame, BadInput),
    "a study": (Study.read, SpecError),
}


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def add_bomb(path: Path) -> Path:
    """Make of a workbook one whose parts are all the same few compressed bytes, each announced as 32 megabytes."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/part0.xml", bytes(32 * MEGABYTE))
        first = package.filelist[-1]
        for number in range(1, 20):
            again = copy(first)
            again.filename = f"xl/worksheets/part{number}.xml"
            package.filelist.append(again)
    return path


def peak_of(read: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("reader", READERS)
def test_a_bomb_is_refused_by_its_own_table_of_contents(reader: str, tmp_path: Path) -> None:
    read, refusal = READERS[reader]
    bomb = add_bomb(workbook(tmp_path / "bomb.xlsx", [["id", "unit"], [1, "a"]]))
    assert bomb.stat().st_size < MEGABYTE

    def attempt() -> None:
        with pytest.raises(refusal, match=f"unfolds into 67[0-9],.* bytes, expected at most {LARGEST_WORKBOOK:,}"):
            read(bomb)

    attempt()
    # Nothing of it was unfolded: one of its parts alone has 32 megabytes.
    assert peak_of(attempt) < 8 * MEGABYTE


@pytest.mark.parametrize("reader", READERS)
def test_thousands_of_parts_are_refused(reader: str, tmp_path: Path) -> None:
    read, refusal = READERS[reader]
    bomb = workbook(tmp_path / "parts.xlsx", [["id"], [1]])
    with zipfile.ZipFile(bomb, "a") as package:
        for number in range(MOST_PARTS):
            package.writestr(f"part{number}", b"")
    with pytest.raises(refusal, match=f"files packed in it, expected at most {MOST_PARTS:,}"):
        read(bomb)


def test_a_part_that_is_larger_than_it_says_is_not_read_on(tmp_path: Path) -> None:
    liar = add_bomb(workbook(tmp_path / "liar.xlsx", [["id"], [1]]))
    with zipfile.ZipFile(liar) as package:
        part = package.getinfo("xl/worksheets/part0.xml")
        part.file_size = 1000
        with pytest.raises(zipfile.BadZipFile, match="CRC"):
            package.read(part)


def test_a_cell_far_away_makes_no_table_of_what_is_between(tmp_path: Path) -> None:
    wide = openpyxl.Workbook()
    wide.active["A1"], wide.active["XFD1"] = "id", "far"
    wide.save(tmp_path / "wide.xlsx")
    with pytest.raises(BadInput, match=f"found 16,384 columns, expected at most {MOST_COLUMNS:,}"):
        read_frame(tmp_path / "wide.xlsx")
    deep = workbook(tmp_path / "deep.xlsx", [["id", "unit"], [1, "a"]])
    content = io.BytesIO()
    with zipfile.ZipFile(deep) as package, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as changed:
        for part in package.infolist():
            text = package.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                far = f'<row r="{10**15}"><c r="A{10**15}"><v>2</v></c></row></sheetData>'
                text = text.replace(b"</sheetData>", far.encode())
            changed.writestr(part, text)
    deep.write_bytes(content.getvalue())
    table, _ = read_frame(deep)
    assert table.to_pydict() == {"id": ["1"], "unit": ["a"]}, f"nothing lies below row {LAST_ROW:,} of a workbook"


@pytest.mark.slow
def test_a_table_of_millions_of_empty_cells_is_refused_by_its_footer(tmp_path: Path) -> None:
    n_rows, n_groups = 1_000_000, 21
    empty = pa.table({f"c{number}": pa.nulls(n_rows, pa.string()) for number in range(10)})
    with pq.ParquetWriter(tmp_path / "frame.parquet", empty.schema) as writer:
        for _ in range(n_groups):
            writer.write_table(empty)
    assert (tmp_path / "frame.parquet").stat().st_size < MEGABYTE
    with pytest.raises(BadInput, match=f"found {10 * n_rows * n_groups:,} cells"):
        read_frame(tmp_path / "frame.parquet")


def test_a_frame_in_a_workbook_is_read_as_before(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "frame.xlsx", [["id", "unit", None], [1, "a", "x"], [None, None, None], [2.5, None, None]]
    )
    table, _ = read_frame(path)
    assert table.to_pydict() == {"id": ["1", "2.5"], "unit": ["a", ""]}


@pytest.fixture
def backup(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Path:
    collection: Collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    file = tmp_path / "backup.hailong"
    write_backup(collection.settings, collection.stores, file)
    return file


def test_a_backup_holds_what_it_names_and_nothing_else(backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup, "a") as package:
        package.writestr("archives/more.bin", b"x")
    with pytest.raises(BadInput, match="files packed in it, expected the"):
        restore_backup(settings_in(tmp_path / "other"), backup)


def test_a_backup_that_would_not_fit_is_refused_before_it_is_unpacked(backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup) as package:
        parts = {part.filename: package.read(part) for part in package.infolist()}
    name = "archives/r/responses.parquet"
    contents = parts.pop(CONTENTS).replace(b'"files": {}', f'"files": {{"{name}": "{"0" * 64}"}}'.encode())
    assert name.encode() in contents
    with zipfile.ZipFile(backup, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in {**parts, CONTENTS: contents, name: b"small"}.items():
            package.writestr(part, content)
        package.getinfo(name).file_size = 10**15
    with pytest.raises(BadInput, match="found sealed folders of 1,000,000,000,000,000 bytes"):
        restore_backup(settings_in(tmp_path / "other"), backup)
    assert not list((tmp_path / "other").glob("*.db"))
