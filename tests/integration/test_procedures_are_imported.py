"""Procedures of units, and the words by which people find a unit."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from support.command_line import RunHailong
from support.registries import HEADER, ROWS, SUCCESSION_HEADER, SUCCESSIONS, write
from survey.errors import BadInput
from survey.procedures import search_words
from survey.storage.office import Procedure
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.unit_files import PROCEDURE_COLUMNS
from survey.units import import_units, select_units, units_on


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    units = write(tmp_path / "units.csv", HEADER, ROWS)
    return units, write(tmp_path / "succession.csv", SUCCESSION_HEADER, SUCCESSIONS)


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
