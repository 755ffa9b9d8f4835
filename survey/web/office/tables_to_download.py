"""Tables that officers take away: one way to a file, so that all of them look and behave alike.

A page that shows a table has a route that ends in `TABLE_FILE`, answers it with `table_file`, and shows the buttons
with the macro `downloads` of `office/downloads.html`:

    add(f"/rounds/<slug>/fieldwork{TABLE_FILE}", "fieldwork_file", pages.file, methods=["GET"])

    return table_file(Table("fieldwork", columns, rows), file_type, f"{slug}-fieldwork")

    {{ files.downloads('office.fieldwork_file', {'slug': round.slug}) }}
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response

from survey.web.spreadsheets import CSV_TYPE, XLSX_TYPE, Cell, Sheet, attachment, csv_bytes, workbook_bytes

# The end of the address of a table's file; views are called with `file_type`.
TABLE_FILE = ".<any(xlsx, csv):file_type>"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading in the language of the page, its width in letters, and how many decimals its figures are
    shown with in a workbook (None: as they are; a CSV has all of them).
    """

    title: str
    width: int = 14
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its `name` is that of its sheet, and each row has a cell for every column."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def table_file(table: Table, file_type: str, stem: str, *, more: Sequence[Table] = ()) -> Response:
    """The table as a file `stem.xlsx` or `stem.csv` to be saved.

    A workbook has `more` tables as further sheets; a CSV file can hold one table alone.
    """
    name = f"{stem}.{file_type}"
    if file_type == "xlsx":
        return attachment(workbook_bytes(_sheet(one) for one in (table, *more)), XLSX_TYPE, name)
    return attachment(csv_bytes([column.title for column in table.columns], table.rows), CSV_TYPE, name)


def _sheet(table: Table) -> Sheet:
    return Sheet(
        table.name,
        [column.title for column in table.columns],
        table.rows,
        [column.width for column in table.columns],
        [column.decimals for column in table.columns],
    )
