"""Files around invitations: the batch that asks for codes, and the lists of codes that go to the printer."""

import csv
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from survey.errors import BadInput
from survey.invitations import DEFAULT_CHANNEL, CodeRequest, IssuedCode, check_count, expected_unit
from survey.labels import check_label

BATCH_COLUMNS = ("unit", "stratum", "psu", "channel", "count")
LIST_COLUMNS = ("unit", "code", "url", "channel")
LARGEST_BATCH_BYTES = 16 * 1024 * 1024


def read_batch(content: bytes, origin: str, units: Sequence[str]) -> list[CodeRequest]:
    """The requests of a batch file: CSV in UTF-8, separated by commas or semicolons, its first line the columns' names.

    `units` are those that invitations name: the empty one alone where a ballot rates several, and the column is empty.
    Raises BadInput that names the line and the column of the first thing that is wrong.
    """
    rows = csv_rows(content, origin)
    line, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    if sorted(names) != sorted(BATCH_COLUMNS):
        found = ", ".join(names)[:200] or "none"
        raise BadInput(f"{origin}:{line}: found the columns {found}, expected {', '.join(BATCH_COLUMNS)}")
    requests: list[CodeRequest] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, row in rows:
        if len(row) != len(names):
            raise BadInput(f"{origin}:{line}: found {len(row)} fields, expected {len(names)}: {', '.join(names)}")
        request = _request(dict(zip(names, row, strict=True)), f"{origin}:{line}", units)
        cell = (request.unit, request.stratum, request.psu, request.channel)
        if cell in seen:
            raise BadInput(
                f"{origin}:{line}: column unit: found the same unit, stratum, psu and channel as in line {seen[cell]}, "
                "expected each combination once"
            )
        seen[cell] = line
        requests.append(request)
    if not requests:
        raise BadInput(f"{origin}:{line + 1}: found no row below the columns' names, expected at least one")
    return requests


def issued_codes_csv(codes: Sequence[IssuedCode], public_url: str | None = None) -> bytes:
    """The list of codes as CSV: unit, code, url, channel. UTF-8 without a mark, as merge programs read it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(LIST_COLUMNS)
    writer.writerows(_cells(code, public_url) for code in codes)
    return stream.getvalue().encode()


def issued_codes_xlsx(codes: Sequence[IssuedCode], public_url: str | None = None) -> bytes:
    """The list of codes as an Excel workbook with one sheet; every cell is text and none is a formula or a link."""
    from openpyxl import Workbook

    from analysis.exporting.safe_cells import sheet_cell

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("codes")
    sheet.freeze_panes = "A2"
    for column, width in zip("ABCD", (16, 20, 72, 16), strict=True):
        sheet.column_dimensions[column].width = width
    for values in (LIST_COLUMNS, *(_cells(code, public_url) for code in codes)):
        sheet.append([sheet_cell(sheet, value) for value in values])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


class CodeFile:
    """A file of codes in the making: readable by its owner alone, and in its place only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            self._handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise BadInput(f"{path}: cannot be written: {problem.strerror}") from None

    def fill(self, content: bytes) -> None:
        """The content is on the disk, not yet under the file's own name."""
        try:
            with os.fdopen(os.dup(self._handle), "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as problem:
            raise BadInput(f"{self._path}: cannot be written: {problem.strerror}") from None

    def publish(self) -> None:
        """The file has its name. The draft stays where that fails, because it is the only copy of the codes."""
        try:
            self._path.hardlink_to(self._draft)
        except OSError as problem:
            raise BadInput(
                f"{self._path}: cannot be written: {problem.strerror}; the codes are in {self._draft}"
            ) from None
        self._draft.unlink()

    def close(self) -> None:
        os.close(self._handle)

    def discard(self) -> None:
        self._draft.unlink(missing_ok=True)


@contextmanager
def new_code_file(path: Path) -> Iterator[CodeFile]:
    """A file that can be written and is not there yet; BadInput otherwise, before any code was issued."""
    if os.path.lexists(path):
        raise BadInput(
            f"{path}: is there already; expected a new file, because the codes in the old one exist nowhere else"
        )
    file = CodeFile(path)
    try:
        yield file
    except BaseException:
        file.close()
        file.discard()
        raise
    file.close()
    file.publish()


def _cells(code: IssuedCode, public_url: str | None) -> tuple[str, str, str, str]:
    return code.unit, code.typed, code.address(public_url), code.channel


def csv_rows(content: bytes, origin: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not empty, each with the number of its last line; commas or semicolons between.

    Raises BadInput that names the place where it is no such file.
    """
    if len(content) > LARGEST_BATCH_BYTES:
        raise BadInput(f"{origin}: found {len(content)} bytes, expected at most {LARGEST_BATCH_BYTES}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise BadInput(f"{origin}:{line}: found a byte that is not UTF-8, expected a CSV file saved as UTF-8") from None
    header = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",", strict=True
    )
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, row
    except csv.Error as problem:
        raise BadInput(f"{origin}:{reader.line_num}: found a line that is no CSV ({problem})") from None


def _request(fields: dict[str, str], place: str, units: Sequence[str]) -> CodeRequest:
    unit = fields["unit"].strip()
    if unit not in units:
        shown = "".join(letter if letter.isprintable() else "�" for letter in unit[:60])
        raise BadInput(f"{place}: column unit: found “{shown}”, expected {expected_unit(units)}")
    written = fields["count"].strip()
    digits = written.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 12:
        raise BadInput(f"{place}: column count: found “{written[:40]}”, expected a whole number of codes")
    try:
        return CodeRequest(
            unit=unit,
            count=check_count(int(written)),
            stratum=check_label("stratum", fields["stratum"]),
            psu=check_label("psu", fields["psu"]),
            channel=check_label("channel", fields["channel"]) or DEFAULT_CHANNEL,
            place=place,
        )
    except BadInput as complaint:
        raise BadInput(f"{place}: column {complaint}") from None
