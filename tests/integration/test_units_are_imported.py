"""The registry: files that hold what they should, and files that do not."""

import json
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from support.command_line import RunHailong
from survey.errors import BadInput
from survey.procedures import search_words
from survey.storage.office import Procedure
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.unit_files import PROCEDURE_COLUMNS, SUCCESSION_COLUMNS, UNIT_COLUMNS, bloc_code_of
from survey.units import import_units, select_units, units_on

HEADER = ",".join(UNIT_COLUMNS)
SUCCESSION_HEADER = ",".join(SUCCESSION_COLUMNS)
ROWS = [
    "193,Thành phố Hạ Long,Ha Long City,district,Khối địa phương,,2020-01-01,2025-06-30,300267,1119.12,NQ 837",
    "06652,Phường Hà Tu,Ha Tu Ward,ward,Khối địa phương,,2025-07-01,,29643,37.6,NQ 1679",
    "06967,Xã Cái Chiên,Cai Chien Commune,commune,Khối địa phương,,,,752,,NQ 1679",
    '"QN-SNV",Sở Nội vụ,"Department of Home Affairs",department,"Khối sở, ban, ngành",,2025-03-01,,,,',
]
SUCCESSIONS = ["193,06652,2025-07-01,split,NQ 1679"]


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


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


PROCEDURE_HEADER = ",".join(PROCEDURE_COLUMNS)


def procedures_of(stores: Stores) -> list[tuple[str, str, str]]:
    with reading(stores.office) as session:
        rows = session.scalars(select(Procedure).order_by(Procedure.unit_code, Procedure.name_vi))
        return [(row.unit_code, row.name_vi, row.name_en) for row in rows]


def test_procedures_go_to_units_and_to_what_a_selector_names(
    stores: Stores, files: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = [
        '"kind=ward,commune",Đăng ký khai sinh,Registering a birth',
        "06967,Cấp phép tàu cá,",
        "193,Đăng ký khai sinh,Registering a birth",
    ]
    done = import_units(stores, *files, write(tmp_path / "procedures.csv", PROCEDURE_HEADER, rows))
    assert done.n_procedures == 4
    assert procedures_of(stores) == [
        ("06652", "Đăng ký khai sinh", "Registering a birth"),
        ("06967", "Cấp phép tàu cá", ""),
        ("06967", "Đăng ký khai sinh", "Registering a birth"),
        ("193", "Đăng ký khai sinh", "Registering a birth"),
    ]
    # What a second file says of a unit is all that it does; units that it does not name keep theirs.
    import_units(stores, *files, write(tmp_path / "procedures.csv", PROCEDURE_HEADER, ["06967,Khai tử,Deaths"]))
    assert procedures_of(stores) == [
        ("06652", "Đăng ký khai sinh", "Registering a birth"),
        ("06967", "Khai tử", "Deaths"),
        ("193", "Đăng ký khai sinh", "Registering a birth"),
    ]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "procedures.csv: found no procedure below the header"),
        (["06653,A,a"], "procedures.csv:2: column unit: found '06653', expected the code of a unit or a selector"),
        (
            ["kind=town,A,a"],
            "procedures.csv:2: column unit: selector 'kind=town': found kind 'town', which no unit without",
        ),
        # The only district has ended.
        (["kind=district,A,a"], "found kind 'district', which no unit without a last day has"),
        (["06652,,a"], "procedures.csv:2: column procedure_vi: found nothing, expected a name of 1 to 200"),
        (["06652," + "A" * 201 + ",a"], "procedures.csv:2: column procedure_vi: found 'AAAA"),
        (
            ["06652,A,a", "06652,A,b"],
            "procedures.csv:3: column procedure_vi: found 'A', expected a procedure of its own",
        ),
        (
            ["06652,A,a", "kind=ward,A,b"],
            "procedures.csv:3: column procedure_en: found 'b' for the unit 06652, expected 'a'",
        ),
        (["06652,A"], "procedures.csv:2: found 2 columns, expected 3"),
    ],
)
def test_procedures_that_cannot_be_read_leave_the_registry_as_it_was(
    sqlite_stores: Stores, files: tuple[Path, Path], tmp_path: Path, rows: list[str], complaint: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        import_units(sqlite_stores, *files, write(tmp_path / "procedures.csv", PROCEDURE_HEADER, rows))
    assert complaint in str(refusal.value)
    assert units_on(sqlite_stores, None) == ()


def test_a_unit_is_found_by_its_names_its_former_places_and_its_procedures(
    sqlite_stores: Stores, tmp_path: Path
) -> None:
    units = [
        row(code, name, english)
        for code, name, english in (
            ("new", "Phường Mới", "Moi Ward"), ("old", "Xã Cũ", "Cu Commune"), ("older", "Xã Cổ", "Co Commune"),
            ("district", "Huyện Một", "Mot District"), ("before", "Huyện Không", "Khong District"),
        )
    ]  # fmt: skip
    successions = [
        "old,new,2025-07-01,merge,",
        "older,old,2020-01-01,rename,",
        "district,new,2025-07-01,split,",
        # The ward has only a part of the district, perhaps none of what the district was made of.
        "before,district,2020-01-01,merge,",
    ]
    import_units(
        sqlite_stores,
        write(tmp_path / "units.csv", HEADER, units),
        write(tmp_path / "succession.csv", SUCCESSION_HEADER, successions),
        write(tmp_path / "procedures.csv", PROCEDURE_HEADER, ["new,Khai sinh,Births", "new,Khai tử,"]),
    )
    known = {unit.code: unit for unit in units_on(sqlite_stores, None)}
    assert search_words(sqlite_stores, [known["new"], known["old"]]) == {
        "new": (
            "Phường Mới", "Moi Ward", "Huyện Một", "Mot District", "Xã Cũ", "Cu Commune", "Xã Cổ", "Co Commune",
            "Khai sinh", "Births", "Khai tử",
        ),
        "old": ("Xã Cũ", "Cu Commune", "Xã Cổ", "Co Commune"),
    }  # fmt: skip


def row(code: str, name: str, english: str) -> str:
    return f"{code},{name},{english},ward,Khối,,,,,,"


class TestTheRegistryOfTheDemonstration:
    @pytest.fixture
    def registry(self, sqlite_stores: Stores) -> Stores:
        folder = Path(__file__).resolve().parents[2] / "survey" / "demonstration" / "quang_ninh"
        import_units(sqlite_stores, *(folder / f"{name}.csv" for name in ("units", "succession", "procedures")))
        return sqlite_stores

    def test_one_selector_names_the_54_units_of_the_province(self, registry: Stores) -> None:
        for day in (date(2025, 7, 1), date(2026, 1, 1), date(2026, 12, 31)):
            units = select_units(registry, "kind=ward,commune,special_zone", day)
            assert Counter(unit.kind for unit in units) == {"ward": 30, "commune": 22, "special_zone": 2}
            assert {(unit.bloc_code, unit.bloc_in("en")) for unit in units} == {("khoi-dia-phuong", "Localities")}
        assert len(select_units(registry, "kind=ward,commune", date(2025, 6, 30))) == 171

    def test_every_bloc_has_an_english_name_and_an_ascii_code(self, registry: Stores) -> None:
        blocs = {(unit.bloc_code, unit.bloc_name_en) for unit in units_on(registry, None)}
        assert all(english and code.isascii() for code, english in blocs)
        assert len(blocs) == len({code for code, _ in blocs})

    def test_a_person_finds_a_unit_by_the_commune_and_the_district_they_knew(self, registry: Stores) -> None:
        units = select_units(registry, "kind=ward,commune,special_zone", date(2026, 1, 1))
        words = search_words(registry, units)
        assert "Phường Hùng Thắng" in words["06673"]
        assert "Thành phố Hạ Long" in words["06673"]
        assert all("Đăng ký khai sinh" in found for found in words.values())
        assert not any("Huyện Hoành Bồ" in found for found in words.values())


def test_the_command_says_how_many_procedures_it_took(
    run_hailong: RunHailong, files: tuple[Path, Path], tmp_path: Path
) -> None:
    procedures = write(tmp_path / "procedures.csv", PROCEDURE_HEADER, ["06652,Khai sinh,Births"])
    done = run_hailong("units", "import", *files, "--procedures", procedures)
    assert (done.exit_code, done.output) == (
        0,
        "units: 4 added, 0 changed, 0 as before; successions: 1; procedures of units: 1\n",
    )
