"""Published tables of component scores: the typing errors a reader can find are found."""

from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.indices.published_tables import check_score_table

HA_TINH = Path(__file__).parent / "ha_tinh_ddci_2021.csv"


def test_the_fifty_in_ha_tinh_2021_is_named_with_its_unit_and_column() -> None:
    checked = check_score_table(HA_TINH.read_bytes(), HA_TINH.name)
    assert [str(finding) for finding in checked.findings] == [
        "ha_tinh_ddci_2021.csv, line 15, unit Finance, column dynamism: found 50, expected a number from 1 to 10"
    ]


def test_a_composite_that_two_units_share_is_suspicious() -> None:
    checked = check_score_table(HA_TINH.read_bytes(), HA_TINH.name)
    (suspicion,) = checked.suspicions
    assert suspicion.place == "ha_tinh_ddci_2021.csv, line 15, unit Finance, column composite"
    assert suspicion.found == "68.85, which Vu Quang in line 3 has too"


def test_a_sound_table_has_no_findings() -> None:
    table = b"province,entry,land,pci\nQuangNinh,7.16,7.00,73.40\nVinhLong,7.91,7.89,71.30\n"
    checked = check_score_table(table, "pci.csv")
    assert checked.findings == ()
    assert checked.suspicions == ()


def test_equal_rows_are_no_suspicion() -> None:
    table = b"unit,transparency,composite\nA,5,50\nB,5,50\n"
    assert check_score_table(table, "t.csv").suspicions == ()


@pytest.mark.parametrize("cell", ["0.99", "10.01", "seven", "nan", "7,5x"])
def test_what_is_no_component_score_is_a_finding(cell: str) -> None:
    table = f'unit,transparency,composite\nA,"{cell}",50\n'.encode()
    assert [finding.found for finding in check_score_table(table, "t.csv").findings] == [cell]


@pytest.mark.parametrize("table", [b"", b"a,b\n1,2\n", b"unit,score\nA,5\n", b"\xff\xfe"])
def test_another_table_is_refused(table: bytes) -> None:
    with pytest.raises(AnalysisError, match=r"t\.csv: found"):
        check_score_table(table, "t.csv")
