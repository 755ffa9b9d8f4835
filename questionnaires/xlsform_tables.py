"""The sheets of an XLSForm as rows of texts, out of a workbook that runs nothing and refers to nothing outside."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from questionnaires.draft_trees import clean
from questionnaires.errors import QuestionnaireError

MOST_ROWS = 5_000
MOST_COLUMNS = 120
MOST_UNFOLDED = 24 * 1024 * 1024
MOST_MEMBERS = 400

Why = Literal["macros", "external", "formulas", "too_large", "no_survey", "unreadable"]
Row = Mapping[str, str]

_MACROS = ("vbaproject.bin", "vbadata.xml", "macrosheets/", "activex/", "dialogsheets/")
_OUTSIDE = ("externallinks/", "connections.xml", "querytables/", "embeddings/")
_SHEETS = ("survey", "choices", "settings", "external_choices", "entities", "_scoring", "_profiles", "_questionnaire")


class ForeignWorkbookError(QuestionnaireError):
    """A workbook that is not taken in: `why` says of which kind, the message where and what."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Workbook:
    """The rows of each sheet that an XLSForm has, by the sheet's name in small letters; each row by its column's
    heading and with "#", its number in the sheet. A sheet that is not there has no rows.
    """

    sheets: Mapping[str, tuple[Row, ...]]

    def rows(self, sheet: str) -> tuple[Row, ...]:
        """The rows of a sheet, those without any cell left out."""
        return self.sheets.get(sheet, ())


def read_workbook(content: bytes, origin: str) -> Workbook:
    """The sheets of an XLSForm.

    :raises ForeignWorkbookError: for a workbook with macros, links to other files or formulas, for one that unfolds to
        more than 24 MiB or has more than 5,000 rows, and for what is no workbook with a sheet "survey".
    """
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _refuse_foreign(package, origin)
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheets = {
            sheet.title.strip().lower(): _rows_of(sheet, origin)
            for sheet in workbook.worksheets
            if sheet.title.strip().lower() in _SHEETS
        }
    except QuestionnaireError:
        raise
    except Exception:
        # The library fails in many ways on what is no workbook, and quotes what it was given.
        raise ForeignWorkbookError("unreadable", f"{origin}: found no readable workbook, expected .xlsx") from None
    if not sheets.get("survey"):
        raise ForeignWorkbookError("no_survey", f"{origin}: found no sheet “survey” with rows, expected an XLSForm")
    return Workbook(sheets)


def _refuse_foreign(package: zipfile.ZipFile, origin: str) -> None:
    members = package.infolist()
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNFOLDED:
        raise ForeignWorkbookError(
            "too_large", f"{origin}: found a file that unfolds to more than {MOST_UNFOLDED:,} bytes, expected less"
        )
    for member in members:
        name = member.filename.lower()
        if any(part in name for part in _MACROS):
            raise ForeignWorkbookError("macros", f"{origin}: found macros ({member.filename[:80]}), expected none")
        if any(part in name for part in _OUTSIDE):
            raise ForeignWorkbookError(
                "external", f"{origin}: found a link to other files ({member.filename[:80]}), expected none"
            )


def _rows_of(sheet: Any, origin: str) -> tuple[Row, ...]:
    header: list[str] = []
    rows: list[Row] = []
    for number, cells in enumerate(sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS, values_only=True), 1):
        if number > MOST_ROWS:
            raise ForeignWorkbookError(
                "too_large", f"{origin}, sheet {sheet.title}: found more than {MOST_ROWS:,} rows, expected fewer"
            )
        texts = [_text_of(cell) for cell in cells]
        for place, text in enumerate(texts):
            if text.startswith("="):
                column = header[place] if place < len(header) else str(place + 1)
                raise ForeignWorkbookError(
                    "formulas",
                    f"{origin}, sheet {sheet.title}, row {number}, {column[:40]}: found a formula, expected its value",
                )
        if not header:
            header = [re.sub(r"\s*::\s*", "::", text) for text in texts]
        elif any(texts):
            rows.append({"#": str(number), **{name: text for name, text in zip(header, texts, strict=False) if name}})
    return tuple(rows)


def _text_of(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return clean(str(cell))
