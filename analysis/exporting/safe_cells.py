"""Texts in tables that a spreadsheet opens: none of them may become a formula."""

from typing import Any

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_BEGINNINGS) else text


def sheet_cell(sheet: Any, value: object) -> object:
    """The value as a cell of a workbook's sheet: no text becomes a formula, or one of a spreadsheet's errors (#N/A)."""
    if not isinstance(value, str) or not value.startswith(("=", "#")):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    # Its kind is said, not guessed.
    cell.data_type = "s"
    return cell
