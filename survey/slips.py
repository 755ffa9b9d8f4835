"""Slips with a code for each invitation, and stands without one for a counter: what is printed before a round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import segno
from sqlalchemy import select

from questionnaires.model import Text
from survey.code_files import LIST_COLUMNS, csv_rows
from survey.codes import read_code, spell_typed
from survey.errors import BadInput, WrongState
from survey.invitations import ISSUING_STATES, IssuedCode
from survey.round_records import RoundRecord
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.texts import LANGUAGES, date
from survey.units import UnitRecord

# The PDF engine is heavy: whoever only checks a list, and every server, does without it until something is printed.
if TYPE_CHECKING:
    from survey.print_pool import Page, Printed

SLIPS_A_SHEET = 8
# The memory and the time of a file grow with its sheets: 1,000 slips take about 50 s of one core and half a gigabyte.
SLIPS_A_FILE = 1_000
SECONDS_A_FILE = 600.0
QUIET_ZONE = 4

_CODES_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class QrDrawing:
    """A QR code as an SVG draws it: the length of its side with the quiet zone, and a path of strokes of width 1."""

    side: int
    path: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one slip or stand says beside what all of a round say. `code` holds the groups of the code to be typed.

    `subject` is the unit's name, None where the reader chooses the units; `address` is what the reader types.
    """

    subject: Text | None
    address: str
    qr: QrDrawing
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """What every slip and stand of a round says; an empty text is not shown. `closes` is its last day."""

    title: Text
    issuer: Text
    decision: str
    hotline: str
    closes: Text
    is_simulated: bool
    made_on: str


def printed_address(settings: Settings, own_address: str) -> str:
    """The address that is printed: HAILONG_PUBLIC_URL, or `own_address` in the demonstration.

    Raises WrongState elsewhere: what is on paper cannot be called back.
    """
    if settings.public_url is not None:
        return settings.public_url
    if settings.is_demonstration:
        return own_address
    raise WrongState(
        "HAILONG_PUBLIC_URL: found nothing, expected the address people type, such as https://hailong.example.vn: "
        "without it nothing is printed"
    )


def read_issued_codes(content: bytes, origin: str, record: RoundRecord) -> list[IssuedCode]:
    """The codes of a list that `hailong round codes` or the office made: unit, code, url, channel.

    Raises BadInput that names the line and the column of the first thing that is wrong.
    """
    codes: list[IssuedCode] = []
    lines: dict[str, int] = {}
    for line, cells in _lines(content, origin):
        place = f"{origin}:{line}"
        code = _issued_code(cells, place, record)
        for spelling in (code.typed, code.qr):
            if spelling in lines:
                raise BadInput(f"{place}: found a code that line {lines[spelling]} has too, expected each code once")
            lines[spelling] = line
        codes.append(code)
    if not codes:
        raise BadInput(f"{origin}: found no code below the columns' names, expected at least one")
    return codes


def refuse_unknown_codes(
    stores: Stores, secrets: Secrets, record: RoundRecord, codes: Sequence[IssuedCode], origin: str
) -> None:
    """Raise BadInput for the first code that is no invitation of the round for its unit, in both its spellings."""
    for start in range(0, len(codes), _CODES_A_QUERY):
        chunk = codes[start : start + _CODES_A_QUERY]
        tags = [(_tag(secrets, code.qr), _tag(secrets, code.typed)) for code in chunk]
        query = select(Invitation.qr_tag, Invitation.typed_tag, Invitation.unit_code).where(
            Invitation.round_slug == record.slug, Invitation.qr_tag.in_([qr for qr, _ in tags])
        )
        with reading(stores.frame) as session:
            known = {row.qr_tag: (row.typed_tag, row.unit_code) for row in session.execute(query)}
        for place, (code, (qr, typed)) in enumerate(zip(chunk, tags, strict=True), start):
            if known.get(qr) != (typed, code.unit):
                raise BadInput(
                    f"{origin}: code {place + 1} of the list: found a code that was not issued for the round "
                    f"{record.slug}{f' and the unit {code.unit}' if code.unit else ''}, "
                    "expected the list as it was made, on the server that made it"
                )


def refuse_printing(record: RoundRecord) -> None:
    """Raise WrongState where nobody could answer with what is printed."""
    if record.is_imported or record.state not in ISSUING_STATES:
        found = "imported" if record.is_imported else record.state
        raise WrongState(f"the round {record.slug} is {found}; slips and stands are printed while it is draft or open")


def print_slips(
    record: RoundRecord,
    units: Sequence[UnitRecord],
    codes: Sequence[IssuedCode],
    public_url: str,
    *,
    workers: int | None = None,
) -> "Iterator[Printed]":
    """The PDF files of the slips, named "1", "2", …, in the order in which they are done: sheets of eight to be cut.

    Codes keep their order, and a unit begins on a sheet of its own, so that sheets can be sorted before they are cut.
    """
    from survey.print_pool import Page, default_workers, print_pages
    from survey.printing import make_slip_printer

    names = {unit.code: Text(unit.name_vi, unit.name_en) for unit in units}
    printer = make_slip_printer()

    def page(number: int, part: Sequence[Sequence[IssuedCode]]) -> "Page":
        def html() -> str:
            sheets = [[slip_of(code, names, public_url) for code in sheet] for sheet in part]
            return printer.page("slips.html.jinja", LANGUAGES[0], heading=heading_of(record), sheets=sheets)

        return Page(str(number), html)

    pages = [page(number, part) for number, part in enumerate(_files(codes), 1)]
    yield from print_pages(pages, make_slip_printer, workers=workers or default_workers(), seconds=SECONDS_A_FILE)


def n_files(codes: Sequence[IssuedCode]) -> int:
    """How many files the slips of these codes fill."""
    return len(_files(codes))


def print_stands(record: RoundRecord, units: Sequence[UnitRecord | None], public_url: str) -> "Printed":
    """One PDF with a stand of A6 for each unit, for its counter; None stands for the round as a whole."""
    from survey.print_pool import Page, print_pages
    from survey.printing import make_slip_printer

    printer = make_slip_printer()

    def html() -> str:
        stands = [_stand(record.slug, unit, public_url) for unit in units]
        return printer.page("stands.html.jinja", LANGUAGES[0], heading=heading_of(record), stands=stands)

    (printed,) = print_pages([Page("stands", html)], make_slip_printer, workers=1, seconds=SECONDS_A_FILE)
    return printed


def heading_of(record: RoundRecord) -> Heading:
    """What all slips and stands of a round say."""
    return Heading(
        title=record.title,
        issuer=record.issuer,
        decision=record.decision,
        hotline=record.hotline,
        closes=Text(date(record.closes_on, "vi"), date(record.closes_on, "en")),
        is_simulated=record.is_simulated,
        made_on=record.opens_on.isoformat(),
    )


def draw_qr(text: str) -> QrDrawing:
    """The QR code of a text with its quiet zone, at a level that survives a stain (M or better)."""
    rows = [list(row) for row in segno.make_qr(text, error="m").matrix]
    strokes = []
    for y, row in enumerate(rows):
        x = 0
        for is_dark, modules in groupby(row):
            length = len(list(modules))
            if is_dark:
                strokes.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}.5h{length}")
            x += length
    return QrDrawing(len(rows) + 2 * QUIET_ZONE, "".join(strokes))


def slip_of(code: IssuedCode, names: Mapping[str, Text], public_url: str) -> Leaf:
    """The slip of a code; it names no unit where `names` has none."""
    address = code.address(public_url)
    return Leaf(
        subject=names.get(code.unit),
        address=address.partition("#")[0],
        qr=draw_qr(address),
        code=tuple(code.typed.split("-")),
    )


def _files(codes: Sequence[IssuedCode]) -> list[list[list[IssuedCode]]]:
    """Files of sheets of codes: a sheet holds one unit alone, a file at most so many slips."""
    sheets = []
    for _, group in groupby(codes, key=lambda code: code.unit):
        own = list(group)
        sheets += [own[start : start + SLIPS_A_SHEET] for start in range(0, len(own), SLIPS_A_SHEET)]
    sheets_a_file = SLIPS_A_FILE // SLIPS_A_SHEET
    return [sheets[start : start + sheets_a_file] for start in range(0, len(sheets), sheets_a_file)]


def _stand(slug: str, unit: UnitRecord | None, public_url: str) -> Leaf:
    address = f"{public_url}{_path(slug, unit.code if unit else '')}"
    return Leaf(Text(unit.name_vi, unit.name_en) if unit else None, address, draw_qr(address))


def _path(slug: str, unit: str) -> str:
    return f"/r/{quote(slug, safe='')}" + (f"/{quote(unit, safe='')}" if unit else "")


def _tag(secrets: Secrets, spelled: str) -> bytes:
    read = read_code(spelled)
    if read is None:
        raise AssertionError("a code of a list that was read is not read again")
    return secrets.invitation_tag(read[1])


def _issued_code(cells: Mapping[str, str], place: str, record: RoundRecord) -> IssuedCode:
    unit = cells["unit"]
    # Codes without a unit are those of a round whose ballots rate several; `refuse_unknown_codes` holds them to it.
    if unit and unit not in record.unit_codes:
        raise BadInput(f"{place}: column unit: found “{_shown(unit)}”, expected a unit of the round {record.slug}")
    typed = read_code(cells["code"])
    if typed is None or typed[0] != "typed":
        raise BadInput(
            f"{place}: column code: found “{_shown(cells['code'])}”, expected a code of 14 letters and digits"
        )
    try:
        address = urlsplit(cells["url"])
    except ValueError:
        address = urlsplit("")
    qr = read_code(address.fragment)
    if address.path != _path(record.slug, unit) or address.query or qr is None or qr[0] != "qr":
        raise BadInput(
            f"{place}: column url: found an address that is not one of this round, expected it as it was made"
        )
    spelled = spell_typed(int.from_bytes(typed[1], "big"))
    return IssuedCode(record.slug, unit, spelled or "", address.fragment, cells["channel"])


def _lines(content: bytes, origin: str) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv_rows(content, origin)
    line, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    if sorted(names) != sorted(LIST_COLUMNS):
        raise BadInput(
            f"{origin}:{line}: found the columns {_shown(', '.join(names))}, expected {', '.join(LIST_COLUMNS)}"
        )
    for line, row in rows:
        if len(row) != len(names):
            raise BadInput(f"{origin}:{line}: found {len(row)} fields, expected {len(names)}: {', '.join(names)}")
        yield line, {name: cell.strip() for name, cell in zip(names, row, strict=True)}


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text[:60]) or "nothing"
