"""The registry: files that hold what they should, and files that do not."""

import json
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from support.command_line import RunHailong
from support.registries import HEADER, ROWS, SUCCESSION_HEADER, SUCCESSIONS, write
from survey.errors import BadInput
from survey.storage.stores import Stores
from survey.unit_files import UNIT_COLUMNS, bloc_code_of
from survey.units import import_units, select_units, units_on


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    units = write(tmp_path / "units.csv", HEADER, ROWS)
    return units, write(tmp_path / "succession.csv", SUCCESSION_HEADER, SUCCESSIONS)


def test_the_registry_is_what_the_files_say(stores: Stores, files: tuple[Path, Path]) -> None:
    done = import_units(stores, *files)
    assert (done.n_added, done.n_changed, done.n_unchanged, done.n_successions) == (4, 0, 0, 1)
    ha_tu = next(unit for unit in units_on(stores, None) if unit.code == "06652")
    assert (ha_tu.name_vi, ha_tu.name_en, ha_tu.kind) == ("Phường Hà Tu", "Ha Tu Ward", "ward")
    assert (ha_tu.bloc_code, ha_tu.bloc_name) == ("khoi-dia-phuong", "Khối địa phương")
    assert (ha_tu.valid_from, ha_tu.valid_to) == (date(2025, 7, 1), None)
    assert (ha_tu.population, ha_tu.area_km2) == (29643, 37.6)


def test_a_second_import_brings_units_up_to_date(stores: Stores, files: tuple[Path, Path]) -> None:
    import_units(stores, *files)
    write(files[0], HEADER, [ROWS[1].replace("29643", "29644"), ROWS[2]])
    done = import_units(stores, *files)
    assert (done.n_added, done.n_changed, done.n_unchanged) == (0, 1, 1)
    assert {unit.code: unit.population for unit in units_on(stores, None)}["06652"] == 29644
    assert len(units_on(stores, None)) == 4


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        (date(2019, 12, 31), ["06967"]),
        (date(2020, 1, 1), ["06967", "193"]),
        (date(2025, 6, 30), ["06967", "193", "QN-SNV"]),
        (date(2025, 7, 1), ["06652", "06967", "QN-SNV"]),
    ],
)
def test_both_ends_of_a_validity_count(
    sqlite_stores: Stores, files: tuple[Path, Path], day: date, codes: list[str]
) -> None:
    import_units(sqlite_stores, *files)
    assert [unit.code for unit in units_on(sqlite_stores, day)] == codes


@pytest.mark.parametrize(
    ("selector", "codes"),
    [
        ("kind=ward,commune", ["06652", "06967"]),
        ("bloc=khoi-dia-phuong", ["06652", "06967"]),
        ("code=QN-SNV, 06652", ["06652", "QN-SNV"]),
        ("bloc=khoi-dia-phuong; kind=ward", ["06652"]),
    ],
)
def test_a_selector_names_units(
    sqlite_stores: Stores, files: tuple[Path, Path], selector: str, codes: list[str]
) -> None:
    import_units(sqlite_stores, *files)
    assert [unit.code for unit in select_units(sqlite_stores, selector, date(2025, 8, 1))] == codes


@pytest.mark.parametrize(
    ("selector", "complaint"),
    [
        ("", "found ''"),
        ("ward", "found 'ward'"),
        ("kind=", "found 'kind='"),
        ("name=Hà Tu", "found 'name=Hà Tu'"),
        ("kind=ward;", "found ''"),
        ("kind=ward,comune", "found kind 'comune', which no unit valid on 2025-08-01 has; expected commune"),
        ("code=193", "found code '193', which no unit valid on 2025-08-01 has"),
        ("bloc=khoi-so-ban-nganh;kind=ward", "found kind 'ward', which no unit"),
    ],
)
def test_a_selector_that_names_nothing_is_refused(
    sqlite_stores: Stores, files: tuple[Path, Path], selector: str, complaint: str
) -> None:
    import_units(sqlite_stores, *files)
    with pytest.raises(BadInput, match=complaint):
        select_units(sqlite_stores, selector, date(2025, 8, 1))


def changed(row: int, column: str, value: str) -> list[str]:
    cells = ROWS[row].split(",")
    cells[UNIT_COLUMNS.index(column)] = value
    return [*ROWS[:row], ",".join(cells), *ROWS[row + 1 :]]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (changed(1, "code", "06 652"), "units.csv:3: column code: found '06 652', expected a code"),
        (changed(1, "code", "all"), "units.csv:3: column code: found 'all'"),
        (changed(1, "code", "method"), "units.csv:3: column code: found 'method'"),
        (changed(1, "code", "../x"), "units.csv:3: column code"),
        (changed(1, "code", "193"), "units.csv:3: column code: found '193', expected a code of its own: line 2"),
        (changed(1, "code", ""), "units.csv:3: column code: found nothing"),
        (changed(1, "name_vi", ""), "units.csv:3: column name_vi: found nothing, expected a name"),
        (changed(1, "name_vi", "Phường\u202eHà Tu"), "units.csv:3: column name_vi: found an invisible character"),
        (changed(1, "kind", "Phường"), "units.csv:3: column kind: found 'Phường'"),
        (changed(1, "bloc", "---"), "units.csv:3: column bloc: found '---'"),
        (changed(1, "bloc", "Khối Địa phương"), "units.csv:3: column bloc: .* share the code khoi-dia-phuong"),
        (changed(1, "parent_code", "999"), "units.csv:3: column parent_code: found '999', expected the code of a unit"),
        (changed(1, "parent_code", "06652"), "units.csv:3: column parent_code: found the unit's own code"),
        (changed(1, "valid_from", "01/07/2025"), "units.csv:3: column valid_from: found '01/07/2025', expected a date"),
        (changed(1, "valid_from", "20250701"), "units.csv:3: column valid_from"),
        (changed(1, "valid_from", "2025-02-30"), "units.csv:3: column valid_from"),
        (changed(0, "valid_to", "2019-12-31"), "units.csv:2: column valid_to: found '2019-12-31', expected a day not"),
        (changed(1, "population", "29.643"), "units.csv:3: column population: found '29.643', expected a whole number"),
        (changed(1, "population", "-1"), "units.csv:3: column population"),
        (changed(1, "area_km2", "37;6"), "units.csv:3: column area_km2"),
        ([ROWS[0] + ",more"], "units.csv:2: found 12 columns, expected 11"),
        (['"193'], "units.csv:2: found"),
        ([], "found no unit below the header"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_imported(
    sqlite_stores: Stores, tmp_path: Path, rows: list[str], complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        import_units(sqlite_stores, write(tmp_path / "units.csv", HEADER, rows))
    assert units_on(sqlite_stores, None) == ()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("999,06652,2025-07-01,merge,", "succession.csv:2: column predecessor_code: found '999', expected the code"),
        ("193,999,2025-07-01,merge,", "succession.csv:2: column successor_code: found '999'"),
        ("193,193,2025-07-01,merge,", "succession.csv:2: column successor_code: found '193', expected another unit"),
        ("193,06652,,merge,", "succession.csv:2: column effective_date: found nothing"),
        ("193,06652,2025-07-01,absorbed,", "succession.csv:2: column relation: found 'absorbed', expected merge"),
        (
            "193,06652,2025-07-01,split,\n193,06652,2025-07-01,merge,",
            "succession.csv:3: column predecessor_code: .*line 2",
        ),
    ],
)
def test_a_wrong_succession_leaves_the_units_out_too(
    stores: Stores, files: tuple[Path, Path], row: str, complaint: str
) -> None:
    write(files[1], SUCCESSION_HEADER, [row])
    with pytest.raises(BadInput, match=complaint):
        import_units(stores, *files)
    assert units_on(stores, None) == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "found an empty file"),
        (b"\n\n", "found an empty file"),
        (b"code,name\n", "units.csv:1: found the columns code, name, expected code, name_vi"),
        ((HEADER + "\n193,Th").encode() + b"\xe0nh ph", "units.csv:2: byte 7 of the line: found 0xe0, expected UTF-8"),
        (HEADER.encode("utf-16"), "expected UTF-8"),
        (b"x" * 5_000_001, "found more than 5,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_registry_is_refused(
    sqlite_stores: Stores, tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "units.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=complaint):
        import_units(sqlite_stores, path)


def test_a_link_a_folder_and_nothing_are_refused(
    sqlite_stores: Stores, files: tuple[Path, Path], tmp_path: Path
) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(files[0])
    for path, complaint in (
        (link, "found a symbolic link"),
        (tmp_path, "found a folder"),
        (tmp_path / "absent.csv", "found no readable file"),
    ):
        with pytest.raises(BadInput, match=complaint):
            import_units(sqlite_stores, path)


def test_names_are_kept_in_one_spelling(sqlite_stores: Stores, tmp_path: Path) -> None:
    rows = [unicodedata.normalize("NFD", row) for row in ROWS]
    path = write(tmp_path / "units.csv", HEADER, rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    import_units(sqlite_stores, path)
    names = [unit.name_vi for unit in units_on(sqlite_stores, None)]
    assert names == [unicodedata.normalize("NFC", name) for name in names]
    assert "Phường Hà Tu" in names


def test_columns_may_stand_in_any_order(sqlite_stores: Stores, tmp_path: Path) -> None:
    path = write(tmp_path / "units.csv", ",".join(reversed(UNIT_COLUMNS)), [",".join(reversed(ROWS[1].split(",")))])
    import_units(sqlite_stores, path)
    assert units_on(sqlite_stores, None)[0].name_vi == "Phường Hà Tu"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Khối địa phương", "khoi-dia-phuong"),
        ("Khối xã, phường, thị trấn", "khoi-xa-phuong-thi-tran"),
        ("KHỐI ĐƠN VỊ (sự nghiệp)", "khoi-don-vi-su-nghiep"),
    ],
)
def test_a_bloc_has_a_code_of_plain_letters(name: str, code: str) -> None:
    assert bloc_code_of(name) == code
    assert bloc_code_of(unicodedata.normalize("NFD", name)) == code


def test_the_registry_is_listed_for_scripts(stores: Stores, files: tuple[Path, Path], run_hailong: RunHailong) -> None:
    assert run_hailong("units", "import", *files).output.startswith("units: 4 added")
    listed = json.loads(run_hailong("units", "list", "--on", "2025-08-01", "--json").output)
    assert [unit["code"] for unit in listed] == ["06652", "06967", "QN-SNV"]
    assert listed[0]["valid_from"] == "2025-07-01"
    assert listed[0]["bloc"] == "khoi-dia-phuong"


def test_a_bad_file_ends_with_exit_2_and_one_line(
    stores: Stores, files: tuple[Path, Path], run_hailong: RunHailong
) -> None:
    write(files[0], HEADER, changed(1, "population", "many"))
    done = run_hailong("units", "import", *files)
    assert done.exit_code == 2
    assert done.errors.count("\n") == 1
    assert "units.csv:3: column population: found 'many', expected a whole number" in done.errors


BLOC_HEADER = f"{HEADER},bloc_code,bloc_en"


def with_blocs(*blocs: str) -> list[str]:
    return [f"{row},{bloc}" for row, bloc in zip(ROWS[1:3], blocs, strict=True)]


def test_a_bloc_may_bring_its_code_and_its_english_name(stores: Stores, tmp_path: Path) -> None:
    import_units(
        stores, write(tmp_path / "units.csv", BLOC_HEADER, with_blocs("localities,Localities", "localities,Localities"))
    )
    first, second = units_on(stores, None)
    assert (first.bloc_code, first.bloc_name, first.bloc_name_en) == ("localities", "Khối địa phương", "Localities")
    assert (first.bloc_in("vi"), first.bloc_in("en")) == ("Khối địa phương", "Localities")
    assert [unit.code for unit in select_units(stores, "bloc=localities", date(2026, 1, 1))] == [
        first.code,
        second.code,
    ]


def test_a_bloc_without_them_has_a_code_made_of_its_name(sqlite_stores: Stores, tmp_path: Path) -> None:
    import_units(sqlite_stores, write(tmp_path / "units.csv", BLOC_HEADER, with_blocs(",", ",")))
    unit = units_on(sqlite_stores, None)[0]
    assert (unit.bloc_code, unit.bloc_name_en, unit.bloc_in("en")) == ("khoi-dia-phuong", "", "Khối địa phương")


@pytest.mark.parametrize(
    ("blocs", "complaint"),
    [
        (
            ("Khối A,A", "a,A"),
            "units.csv:2: column bloc_code: found 'Khối A', expected a code of at most 80 small letters",
        ),
        (("a-,A", "a,A"), "units.csv:2: column bloc_code: found 'a-'"),
        (("a,A", "b,A"), "units.csv:3: column bloc_code: found 'b', expected 'a': 'Khối địa phương' cannot have two"),
        (("a,A", "a,B"), "units.csv:3: column bloc_en: found 'B', expected 'A' as for the other units of the bloc a"),
        (("a,A", "a,"), "units.csv:3: column bloc_en: found '', expected 'A'"),
    ],
)
def test_a_muddled_bloc_is_refused(
    sqlite_stores: Stores, tmp_path: Path, blocs: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        import_units(sqlite_stores, write(tmp_path / "units.csv", BLOC_HEADER, with_blocs(*blocs)))
    assert complaint in str(refusal.value)
    assert units_on(sqlite_stores, None) == ()


def test_a_bloc_keeps_its_names_while_units_have_them_that_the_file_leaves_out(
    sqlite_stores: Stores, tmp_path: Path
) -> None:
    import_units(sqlite_stores, write(tmp_path / "units.csv", BLOC_HEADER, with_blocs("a,A", "a,A")))
    with pytest.raises(BadInput, match=r"units.csv:2: column bloc_en: found 'B', expected 'A'"):
        import_units(sqlite_stores, write(tmp_path / "units.csv", BLOC_HEADER, [f"{ROWS[1]},a,B"]))
