"""Tables that must not become an archive: each is named by file, row and column, and nothing is written."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.command_line import environment_of_settings, run
from survey.rounds import list_rounds
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import units_on

HEADER = ["id", "ward", "way", "a1", "a2", "days", "tools_desk", "tools_web"]
QUESTIONNAIRE = """\
questionnaire: 1
name: short
version: "1"
title: {vi: Khảo sát ngắn, en: Short survey}
model_name: SHORT
scales:
  five:
    - {code: "1", value: 1, label: {vi: Rất kém, en: Very poor}}
    - {code: "2", value: 2, label: {vi: Kém, en: Poor}}
    - {code: "3", value: 3, label: {vi: Trung bình, en: Fair}}
    - {code: "4", value: 4, label: {vi: Tốt, en: Good}}
    - {code: "5", value: 5, label: {vi: Rất tốt, en: Very good}}
sections:
  - code: all_items
    title: {vi: Câu hỏi, en: Questions}
    items:
      - {code: a1, kind: single, scale: five, text: {vi: Câu một, en: Item one}}
      - {code: a2, kind: single, scale: five, dont_know: true, text: {vi: Câu hai, en: Item two}}
      - {code: days, kind: number, minimum: 0, maximum: 90, whole: true, text: {vi: Số ngày, en: Days}}
      - code: tools
        kind: multiple
        options:
          - {code: desk, label: {vi: Tại quầy, en: At the desk}}
          - {code: web, label: {vi: Trên mạng, en: Online}}
        text: {vi: Cách nộp hồ sơ, en: Ways to apply}
      - {code: note, kind: text, longest: 10, text: {vi: Góp ý, en: Comment}}
index:
  label: {vi: Chỉ số, en: Index}
  factors:
    - code: only
      label: {vi: Yếu tố, en: Factor}
      criteria:
        - {item: a1, source: ours}
        - {item: a2, source: ours}
profiles:
  - {name: rescaled, label: {vi: Quy đổi, en: Rescaled}, formula: rescaled, confirmed: true, source: ours}
default_profile: rescaled
"""
DESIGN = """\
design: 1
strata: [unit]
population: {w1: 900, w2: 700}
import:
  units: units.csv
  opens_on: "2026-03-01"
  respondent: id
  columns: {unit: ward, channel: way}
  dont_know: ["9"]
"""
UNITS = """\
code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source
w1,Phường Một,First Ward,ward,Khối địa phương,,,,900,,test
w2,Phường Hai,Second Ward,ward,Khối địa phương,,,,700,,test
"""


def lines() -> list[list[str]]:
    rows = [[f"r{j}", f"w{1 + j % 2}", "web", "4", "9" if j == 3 else "5", "12", "1", "0"] for j in range(40)]
    return [HEADER, *rows]


def csv_of(table: list[list[str]]) -> bytes:
    return ("\n".join(",".join(cells) for cells in table) + "\n").encode()


@pytest.fixture
def files(tmp_path: Path, sqlite_settings: Settings) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "answers.csv").write_bytes(csv_of(lines()))
    (folder / "design.yaml").write_text(DESIGN)
    (folder / "units.csv").write_text(UNITS)
    (folder / "short.yaml").write_text(QUESTIONNAIRE)
    published = run(
        environment_of_settings(sqlite_settings.instance, None), "questionnaire", "publish", folder / "short.yaml"
    )
    assert published.exit_code == 0, published.errors
    return folder


def refused(files: Path, settings: Settings, stores: Stores, *more: object, answers: str = "answers.csv") -> str:
    """The one line of the refusal, after it was seen that nothing was written."""
    before = {path: path.stat().st_mtime_ns for path in settings.instance.rglob("*") if ".db" not in path.name}
    done = run(
        environment_of_settings(settings.instance, None),
        "round", "import", "bad", "--questionnaire", "short/1", "--answers", files / answers,
        "--design", files / "design.yaml", *more,
    )  # fmt: skip
    assert done.exit_code == 2, done.output + done.errors
    assert done.errors.count("\n") == 1
    assert done.output == ""
    after = {path: path.stat().st_mtime_ns for path in settings.instance.rglob("*") if ".db" not in path.name}
    assert after == before
    assert list_rounds(stores) == ()
    assert units_on(stores, date(2026, 3, 1)) == ()
    return done.errors


def with_cell(number: int, column: str, value: str) -> bytes:
    table = lines()
    table[number][HEADER.index(column)] = value
    return csv_of(table)


def with_columns(change: Callable[[list[str]], list[str]]) -> bytes:
    return csv_of([change(line) for line in lines()])


TABLES = {
    "an impossible code": (
        with_cell(3, "a1", "7"),
        "answers.csv, row 4, column a1: found '7', expected one of 1, 2, 3, 4, 5, or nothing",
    ),
    "don't know where it is not offered": (with_cell(3, "a1", "9"), "row 4, column a1: found '9'"),
    "a number beyond its bounds": (
        with_cell(9, "days", "91"),
        "row 10, column days: found 91, expected a number from 0 to 90",
    ),
    "half a day": (with_cell(9, "days", "1.5"), "row 10, column days: found 1.5, expected a whole number"),
    "no number": (with_cell(9, "days", "nan"), "row 10, column days: found"),
    "infinity": (with_cell(9, "days", "inf"), "row 10, column days: found"),
    "a word for a number": (with_cell(9, "days", "many"), "row 10, column days: found 'many', expected a number"),
    "a choice that is neither": (
        with_cell(2, "tools_web", "2"),
        "row 3, column tools_web: found '2', expected 1, 0 or nothing",
    ),
    "an unknown unit": (
        with_cell(5, "ward", "w9"),
        "row 6, column ward: found 'w9', expected one of the units w1, w2",
    ),
    "no unit": (with_cell(5, "ward", ""), "row 6, column ward: found nothing, expected the unit of the respondent"),
    "a long label": (with_cell(5, "way", "w" * 81), "row 6, column way: found"),
    "a respondent twice": (
        with_cell(8, "id", "r2"),
        "row 9, column id: found the respondent 'r2' again, expected each once (first in row 4)",
    ),
    "a respondent without number": (with_cell(8, "id", ""), "row 9, column id: found nothing, expected a number"),
    "a column missing": (
        with_columns(lambda line: line[:-1]),
        "row 1: found no column 'tools_web', expected it for the item tools_web",
    ),
    "a column nobody knows": (
        with_columns(lambda line: [*line, "phone" if line is HEADER or line[0] == "id" else "0900"]),
        "row 1: found the column 'phone', which is no item of short/1",
    ),
    "a free text that was not mapped": (
        with_columns(lambda line: [*line, "note" if line[0] == "id" else "hello"]),
        "row 1: found the column 'note'",
    ),
    "a column twice": (with_columns(lambda line: [*line, line[3]]), "row 1: found the column 'a1' twice"),
    "a column without name": (
        with_columns(lambda line: [*line, "" if line[0] == "id" else "x"]),
        "row 1: found no name for column 9",
    ),
    "a short row": (csv_of([*lines(), ["r99", "w1"]]), "found rows of different lengths"),
    "nothing": (b"", "answers.csv: found an empty file"),
    "white space": (b" \n\n", "answers.csv: found an empty file"),
    "a header alone": (csv_of(lines()[:1]), "answers.csv: found a header and no row"),
    "another encoding": (csv_of(lines()).replace(b",web,", ",Một,".encode("utf-16-le"), 1), "line 2: found"),
    "latin letters": (
        csv_of(lines()).replace(b",web,", b",caf\xe9,", 1),
        "answers.csv, line 2: found the byte 0xE9, expected text in UTF-8",
    ),
    "a zero byte": (csv_of(lines()).replace(b",web,", b",w\0b,", 1), "answers.csv, line 2: found"),
    "a cell without end": (
        with_cell(4, "way", "x" * 30_000),
        "row 5, column way: found 30,000 characters, expected at most 20,000",
    ),
    "too many columns": (
        b",".join(b"c%d" % j for j in range(6_000)) + b"\n",
        "row 1: found 6,000 columns, expected at most 5,000",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "answers.csv, line 1: found the byte 0x89"),
    "broken Parquet": (b"PAR1" + bytes(50) + b"PAR1", "answers.csv: found no readable Parquet"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "complaint"), TABLES.values(), ids=TABLES.keys())
def test_a_bad_table_is_named_and_nothing_is_written(
    files: Path, sqlite_settings: Settings, sqlite_stores: Stores, content: bytes, complaint: str
) -> None:
    (files / "answers.csv").write_bytes(content)
    assert complaint in refused(files, sqlite_settings, sqlite_stores)


DESIGNS = {
    "a stratum that is missing": (
        DESIGN.replace(", w2: 700", ""), "population: found no stratum 'w2', which has 20 responses"
    ),
    "a stratum without answers": (
        DESIGN.replace("w2: 700", "w2: 700, w3: 10"), "population.w3: found 10 people and no answers"
    ),
    "fewer people than answers": (DESIGN.replace("w2: 700", "w2: 19"), "population.w2: found 19 people"),
    "no import": (DESIGN[: DESIGN.index("import:")], "design.yaml: found no “import”"),
    "a stratum column that nobody gave": (
        DESIGN.replace("strata: [unit]", "strata: [unit, stratum]").replace("{w1: 900, w2: 700}", "{w1/a: 900}"),
        "import.columns: found no 'stratum', which the design uses",
    ),
    "a file elsewhere": (DESIGN.replace("units.csv", "../units.csv"), "found the file '../units.csv'"),
    "an item nobody asked": (DESIGN + "  items: {a9: a1}\n", "import.items: found 'a9', expected items of short/1"),
    "days in the wrong order": (
        DESIGN.replace('opens_on: "2026-03-01"', 'opens_on: "2026-03-01"\n  closes_on: "2026-02-01"'),
        "import.closes_on: found 2026-02-01, expected a day not before 2026-03-01",
    ),
    "no YAML": ("design: [", "is not YAML"),
    "a bomb of aliases": ("design: 1\nlabel: &a x\nstrata: [*a, *a]\n", "found the anchor &a"),
}  # fmt: skip


@pytest.mark.parametrize(("design", "complaint"), DESIGNS.values(), ids=DESIGNS.keys())
def test_a_bad_design_is_named_and_nothing_is_written(
    files: Path, sqlite_settings: Settings, sqlite_stores: Stores, design: str, complaint: str
) -> None:
    (files / "design.yaml").write_text(design)
    assert complaint in refused(files, sqlite_settings, sqlite_stores)


@pytest.mark.parametrize("name", ["answers.csv", "design.yaml", "units.csv"])
def test_a_symbolic_link_is_refused(files: Path, sqlite_settings: Settings, sqlite_stores: Stores, name: str) -> None:
    (files / name).rename(files / "elsewhere")
    (files / name).symlink_to(files / "elsewhere")
    assert f"{name}: found a symbolic link" in refused(files, sqlite_settings, sqlite_stores)


@pytest.mark.parametrize("name", ["answers.csv", "design.yaml", "units.csv"])
def test_a_folder_and_nothing_at_all_are_refused(
    files: Path, sqlite_settings: Settings, sqlite_stores: Stores, name: str
) -> None:
    (files / name).unlink()
    assert f"{name}: found no readable file" in refused(files, sqlite_settings, sqlite_stores)
    (files / name).mkdir()
    assert f"{name}: found" in refused(files, sqlite_settings, sqlite_stores)


def test_a_unit_that_did_not_exist_yet_is_refused(
    files: Path, sqlite_settings: Settings, sqlite_stores: Stores
) -> None:
    (files / "units.csv").write_text(UNITS.replace(",,,,700", ",,2026-07-01,,700"))
    assert "units.csv:3: found a unit that did not exist on 2026-03-01" in refused(
        files, sqlite_settings, sqlite_stores
    )


def test_nested_parquet_is_refused(files: Path, sqlite_settings: Settings, sqlite_stores: Stores) -> None:
    columns = {name: [line[place] for line in lines()[1:]] for place, name in enumerate(HEADER)}
    columns["way"] = [["web"] for _ in columns["way"]]
    pq.write_table(pa.table(columns), files / "answers.parquet")
    complaint = refused(files, sqlite_settings, sqlite_stores, answers="answers.parquet")
    assert "answers.parquet, column way: found list<" in complaint


@pytest.mark.parametrize("slug", ["../escape", "UPPER", "", "signing", "a/b"])
def test_a_name_that_is_no_round_is_refused(
    files: Path, sqlite_settings: Settings, sqlite_stores: Stores, slug: str
) -> None:
    done = run(
        environment_of_settings(sqlite_settings.instance, None),
        "round", "import", slug, "--questionnaire", "short/1", "--answers", files / "answers.csv",
        "--design", files / "design.yaml",
    )  # fmt: skip
    assert (done.exit_code, done.errors.count("\n")) == (2, 1)
    assert list_rounds(sqlite_stores) == ()
