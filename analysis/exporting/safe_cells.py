"""Texts in tables that a spreadsheet opens: none of them may become a formula."""

import re
import unicodedata
from typing import Any

# A cell that begins with one of these is run as a formula by some spreadsheet program; full-width twins included.
_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
_UNSEEN = " \N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe_text(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would take it for a formula; without control characters."""
    clean = "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) != "Cc")
    is_formula = any(form.lstrip(_UNSEEN).startswith(_BEGINNINGS) for form in (text, clean))
    return f"'{clean}" if is_formula else clean


def sheet_cell(sheet: Any, value: object) -> object:
    """The value as a cell of a workbook's sheet: no text becomes a formula, or one of a spreadsheet's errors (#N/A).

    Letters that a workbook's XML cannot hold are left out.
    """
    if isinstance(value, str):
        value = _NOT_IN_XML.sub("", value)
    if not isinstance(value, str) or not value.startswith(("=", "#")):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    # Its kind is said, not guessed.
    cell.data_type = "s"
    return cell
