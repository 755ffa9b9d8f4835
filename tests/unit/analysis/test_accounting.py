"""Respondent accounting: the rows of a round, and what does not add up."""

import pytest

from analysis.accounting import AccountingRow, accounting_from_csv, accounting_rows, accounting_to_csv

ISSUED = {("u1", "slip"): 30, ("u1", "web"): 10, ("u2", "slip"): 20}
SPENT = {("u1", "slip"): 20, ("u1", "web"): 5}
SEALED = {("u1", "slip"): 18, ("u1", "web"): 5}


def test_each_unit_has_its_channels_and_their_sum_and_the_round_comes_last() -> None:
    rows = accounting_rows(("u1", "u2", "u3"), ISSUED, SPENT, SEALED, {"u1": 100, "all": 400})
    assert rows == (
        AccountingRow("u1", "slip", None, 30, 20, 18, 2),
        AccountingRow("u1", "web", None, 10, 5, 5, 0),
        AccountingRow("u1", "all", 100, 40, 25, 23, 2),
        AccountingRow("u2", "slip", None, 20, 0, 0, 0),
        AccountingRow("u2", "all", None, 20, 0, 0, 0),
        AccountingRow("u3", "all", None, 0, 0, 0, 0),
        AccountingRow("all", "all", 400, 60, 25, 23, 2),
    )
    assert all(not row.complaint for row in rows)


def test_before_sealing_nobody_knows_what_will_stay() -> None:
    rows = accounting_rows(("u1",), ISSUED, SPENT, None, {})
    assert {(row.sealed, row.rejected) for row in rows} == {(None, None)}
    assert all(not row.complaint for row in rows)


@pytest.mark.parametrize("sealed", [SEALED, None])
def test_what_was_written_is_read_back(sealed: dict[tuple[str, str], int] | None) -> None:
    rows = accounting_rows(("u1", "u2"), ISSUED, SPENT, sealed, {"u1": 100})
    assert accounting_from_csv(accounting_to_csv(rows)) == rows


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (AccountingRow("u", "all", 10, 11, 5, 5, 0), "eligible 10, issued 11"),
        (AccountingRow("u", "all", None, 4, 5, 5, 0), "issued 4, spent 5"),
        (AccountingRow("u", "all", None, 9, 5, 3, 1), "spent 5, sealed 3, rejected 1"),
        (AccountingRow("u", "all", None, 9, 5, 6, -1), "spent 5, sealed 6, rejected -1"),
        (AccountingRow("u", "all", 9, 9, 5, None, None), ""),
    ],
)
def test_a_row_says_what_does_not_add_up(row: AccountingRow, complaint: str) -> None:
    assert row.complaint == complaint


@pytest.mark.parametrize(
    "source",
    [b"unit,channel\nu,all\n", b"\xff\xfe", b"unit,channel,eligible,issued,spent,sealed,rejected\nu,a,x,1,1,1,0\n"],
)
def test_a_file_that_is_none_is_an_error(source: bytes) -> None:
    with pytest.raises((KeyError, ValueError)):
        accounting_from_csv(source)
