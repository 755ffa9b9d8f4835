"""The rows of a workbook's first sheet, one after the other, however many there are.

openpyxl makes an object of every cell and every text, a minute for half a million rows. What is read here is the same,
by events of the XML parser: openpyxl says where the first sheet lies and which styles are dates, and nothing else of a
workbook is looked at. What lies far to the right or far below costs nothing, and a document type is refused, because
no spreadsheet program writes one and entities could unfold.
"""

import io
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.parsers import expat

Value = object
Begin = Callable[[dict[str, str]], None]
End = Callable[[], None]
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_PIECE = 1 << 18


def rows_of_first_sheet(content: bytes, *, last_row: int, most_columns: int) -> Iterator[tuple[int, list[Value]]]:
    """The number of each row that is there, from 1, and its cells up to the last one; None where a cell is empty.

    Cells are texts, numbers, truth values or days, formulas their last results. Rows after `last_row` are passed over,
    and of each row what stands beyond `most_columns`.

    Raises what zipfile, openpyxl and expat raise on what is no workbook.
    """
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.styles.stylesheet import apply_stylesheet
    from openpyxl.xml.constants import SHARED_STRINGS

    reader = ExcelReader(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)
    sheet = next(part.target for _, part in reader.parser.find_sheets() if "chartsheet" not in part.Type)
    shared = _SharedTexts()
    manifest: Any = reader.package
    part = manifest.find(SHARED_STRINGS)
    if part is not None:
        with reader.archive.open(part.PartName[1:]) as source:
            deque(shared.pieces_of(source), maxlen=0)
    rows = _Rows(_Values(reader.wb, shared.texts), last_row, most_columns)
    with reader.archive.open(sheet) as source:
        for _ in rows.pieces_of(source):
            yield from rows.found
            rows.found.clear()
            if rows.is_over:
                return
    yield from rows.found


class _Reader:
    """Hears of the elements of a spreadsheet's part by their names, and refuses a document type.

    Texts count where `is_taken`; what a phonetic hint (`rPh`) says is no part of a text.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.is_taken = False
        self._depth = 0
        begins, ends = self.begins(), self.ends()
        begin_of = {f"{space} {name}": act for space in _NAMESPACES for name, act in begins.items()}
        end_of = {f"{space} {name}": act for space in _NAMESPACES for name, act in ends.items()}

        def begin(name: str, attributes: dict[str, str]) -> None:
            if (act := begin_of.get(name)) is not None:
                act(attributes)

        def end(name: str) -> None:
            if (act := end_of.get(name)) is not None:
                act()

        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler, self._parser.EndElementHandler = begin, end
        self._parser.CharacterDataHandler = self._take
        self._parser.StartDoctypeDeclHandler = _refuse

    def begins(self) -> dict[str, Begin]:
        """What to do where an element begins, by its name."""
        return {"t": self._begin_text, "rPh": self._begin_hint}

    def ends(self) -> dict[str, End]:
        """What to do where an element ends, by its name."""
        return {"t": self._end_text, "rPh": self._end_hint}

    def pieces_of(self, source: IO[bytes]) -> Iterator[None]:
        """Hear the whole source, with a halt after each piece of it."""
        while piece := source.read(_PIECE):
            self._parser.Parse(piece)
            yield
        self._parser.Parse(b"", True)

    def _take(self, data: str) -> None:
        if self.is_taken:
            self.pieces.append(data)

    def _begin_text(self, attributes: dict[str, str]) -> None:
        self.is_taken = not self._depth

    def _end_text(self) -> None:
        self.is_taken = False

    def _begin_hint(self, attributes: dict[str, str]) -> None:
        self._depth += 1

    def _end_hint(self) -> None:
        self._depth -= 1


class _SharedTexts(_Reader):
    """The table of texts that cells point into."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        super().__init__()

    def begins(self) -> dict[str, Begin]:
        return {**super().begins(), "si": self._begin_entry}

    def ends(self) -> dict[str, End]:
        return {**super().ends(), "si": self._end_entry}

    def _begin_entry(self, attributes: dict[str, str]) -> None:
        self.pieces.clear()

    def _end_entry(self) -> None:
        self.texts.append("".join(self.pieces).replace("x005F_", ""))


class _Values:
    """What the cells of a workbook mean."""

    def __init__(self, workbook: Any, texts: list[str]) -> None:
        self._texts = texts
        self._dates: frozenset[str] = frozenset(map(str, workbook._date_formats))
        self._spans: frozenset[str] = frozenset(map(str, workbook._timedelta_formats))
        self._epoch = workbook.epoch

    def of(self, kind: str, style: str, written: str) -> Value:
        """The value of a cell of a kind and a style; None where it is empty."""
        if not written:
            return None
        if kind == "s":
            return self._texts[int(written)]
        if kind == "n":
            return self._number(written, style)
        if kind == "b":
            return bool(int(written))
        if kind == "d":
            from openpyxl.utils.datetime import from_ISO8601

            day: Value = from_ISO8601(written)  # type: ignore[no-untyped-call]
            return day
        return written

    def _number(self, written: str, style: str) -> Value:
        number = float(written) if "." in written or "E" in written or "e" in written else int(written)
        if style not in self._dates:
            return number
        from openpyxl.utils.datetime import from_excel

        try:
            day: Value = from_excel(number, self._epoch, timedelta=style in self._spans)
        except (OverflowError, ValueError):
            return "#VALUE!"
        return day


class _Rows(_Reader):
    """The rows of a sheet that were heard of and not yet handed on."""

    def __init__(self, values: _Values, last_row: int, most_columns: int) -> None:
        self.found: list[tuple[int, list[Value]]] = []
        self.is_over = False
        self._values, self._last_row, self._most_columns = values, last_row, most_columns
        self._cells: list[Value] = []
        self._row = self._column = 0
        self._kind, self._style = "n", ""
        super().__init__()

    def begins(self) -> dict[str, Begin]:
        return {**super().begins(), "row": self._begin_row, "c": self._begin_cell, "v": self._begin_value}

    def ends(self) -> dict[str, End]:
        return {**super().ends(), "row": self._end_row, "c": self._end_cell, "v": self._end_text}

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._row, self._column, self._cells = int(attributes.get("r", self._row + 1)), 0, []

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self._column = _column(place) if place else self._column + 1
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self.pieces.clear()

    def _begin_value(self, attributes: dict[str, str]) -> None:
        self.is_taken = self._kind != "inlineStr"

    def _begin_text(self, attributes: dict[str, str]) -> None:
        if self._kind == "inlineStr":
            super()._begin_text(attributes)

    def _end_cell(self) -> None:
        value = self._values.of(self._kind, self._style, "".join(self.pieces))
        if value is not None and 0 < self._column <= self._most_columns:
            self._cells += [None] * (self._column - len(self._cells))
            self._cells[self._column - 1] = value

    def _end_row(self) -> None:
        if self._row <= self._last_row:
            self.found.append((self._row, self._cells))
        else:
            self.is_over = True


def _column(place: str) -> int:
    """The number of a column, from 1, of a cell's place such as AB12."""
    number = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        number = 26 * number + ord(letter) - 64
    return number


def _refuse(*_: object) -> None:
    raise ValueError("found a document type, expected none")
