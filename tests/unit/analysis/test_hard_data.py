"""Hard data as a file: what it says, and how a mistake in it is named (W6)."""

import unicodedata

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.release.hard_data import LARGEST_FILE, parse_hard_data, written_anew


def test_figures_stand_by_unit_and_indicator_and_may_be_missing() -> None:
    source = "\ufeffunit,indicator,value,source\r\nu2,h,-1.5e1,Quyết định 12\r\nu1,g,3,\r\n".encode()
    data = parse_hard_data(source, "figures.csv")
    np.testing.assert_array_equal(data.table(["u1", "u2"], ["h", "g"]), [[np.nan, 3], [-15, np.nan]])
    assert (data.rows[0].source, data.rows[0].line, data.source) == ("Quyết định 12", 2, source)


def test_the_column_of_sources_may_be_left_out() -> None:
    assert parse_hard_data(b"unit,indicator,value\nu1,h,3\n", "figures.csv").rows[0].source == ""


def test_a_source_is_read_in_composed_letters() -> None:
    decomposed = unicodedata.normalize("NFD", "Sở Tài chính")
    (row,) = parse_hard_data(f"unit,indicator,value,source\nu1,h,3,{decomposed}\n".encode(), "figures.csv").rows
    assert row.source == "Sở Tài chính"


def test_a_file_that_is_far_too_big_is_refused_unread() -> None:
    with pytest.raises(AnalysisError, match="found 5000001 bytes, expected at most"):
        parse_hard_data(b"u" * (LARGEST_FILE + 1), "figures.csv")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (b"", "figures.csv, line 1: found the columns none, expected unit, indicator, value, source"),
        (b"\xff\xfe", "figures.csv, line 1: found a byte that is not UTF-8, expected the columns unit, indicator"),
        (b'unit,indicator,value\nu1,h,"3\n', "figures.csv: found no CSV ("),
        (b"unit,value\nu1,3\n", "figures.csv, line 1: found the columns unit, value"),
        (b"unit,indicator,value,source\n", "figures.csv: found no figure"),
        (b"unit,indicator,value,source\nu1,h,many,\n", "figures.csv, line 2, value: found 'many'"),
        (b"unit,indicator,value,source\nu1,h,nan,\n", "figures.csv, line 2, value: found 'nan'"),
        (b'unit,indicator,value,source\nu1,h,"1,5",\n', "figures.csv, line 2, value: found '1,5'"),
        (b"unit,indicator,value,source\nu1,h,3,\nu1,h,4,\n", "figures.csv, line 3: found h of u1 twice"),
        (b"unit,indicator,value,source\nu9,h,3,\n", "figures.csv, line 2, unit: found 'u9'"),
        (b"unit,indicator,value,source\nu1,g,3,\n", "figures.csv, line 2, indicator: found 'g'"),
        (b"unit,indicator,value,source\n,h,3,\n", "figures.csv, line 2, unit: found nothing"),
        (b"unit,indicator,value,source\nu1,h,3\n", "figures.csv, line 2: found 3 cells, expected 4"),
        (b"unit,indicator,value,source\n\nu1,h,0x1,\n", "figures.csv, line 3, value: found '0x1'"),
        (
            b"unit,indicator,value,source\nu1,h,-2e9,\n",
            "figures.csv, line 2, value: found -2e9, expected -1,",
        ),
        (b"unit,indicator,value,source\nu1,h,3,=1+1\n", "figures.csv, line 2, source: found '=1+1', expected no text"),
        (b"unit,indicator,value,source\nu1,h,3,a\x07b\n", "figures.csv, line 2, source: found an invisible character"),
        ("unit,indicator,value,source\nu1,h,3,a\u202eb\n".encode(), "figures.csv, line 2, source: found an invisible"),
        (b'unit,indicator,value,source\nu1,h,3,"a\nb"\n', "figures.csv, line 2, source: found an invisible character"),
        (b"unit,indicator,value,source\nu1,h,3," + 501 * b"a" + b"\n", "figures.csv, line 2, source: found 501 char"),
    ],
)
def test_hard_data_that_are_wrong_are_named_with_their_line(source: bytes, complaint: str) -> None:
    with pytest.raises(AnalysisError) as refusal:
        parse_hard_data(source, "figures.csv").table(["u1", "u2"], ["h"])
    assert str(refusal.value).startswith(complaint)


def test_what_is_published_of_a_file_is_written_anew_and_not_once_more() -> None:
    handed_in = '\ufeff"unit";indicator ; value;source\r\n"u1";h;10.5;"Ba\u0301o ca\u0301o, 2025"\r\n\r\n'.encode()
    anew = written_anew(handed_in)
    assert anew.decode() == 'unit,indicator,value,source\nu1,h,10.5,"Báo cáo, 2025"\n\n'
    assert written_anew(anew) == anew
    assert parse_hard_data(anew, "f").rows[0].source == "Báo cáo, 2025"


@pytest.mark.parametrize("odd", [b"\xff\xfe", b'"unit', b""])
def test_what_is_no_table_is_left_to_its_reader(odd: bytes) -> None:
    assert written_anew(odd) == odd
