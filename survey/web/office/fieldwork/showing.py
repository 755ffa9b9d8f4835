"""What the monitor shows: each count as people read it, in the order of the table's columns."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from survey.fieldwork import Fieldwork
from survey.fieldwork_counts import FieldworkWatch
from survey.fieldwork_outlook import Alert, Outlook
from survey.round_records import RoundRecord, unit_names_of
from survey.round_status import StatusCell
from survey.storage.stores import Stores
from survey.texts import ABSENT, date, number, percent
from survey.viet_nam import VIET_NAM
from survey.web.office.presenting import channel_label
from survey.web.pages import catalogue_of

COLUMNS = ("issued", "spent", "rate", "opened", "target", "forecast", "margin")


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in the table: its cells stand under `COLUMNS`; `alerts` are sentences."""

    code: str
    name: str
    cells: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelCell:
    """A channel of a unit, or of the round: how many were asked, how many answered."""

    label: str
    issued: str
    spent: str
    rate: str


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day of a unit: how often its questions were opened, and the answers that came in."""

    day: dt.date
    opened: int
    received: int


def names_of(stores: Stores, record: RoundRecord, language: str) -> dict[str, str]:
    """The names of a round's units by code; what no unit is named in is the whole round."""
    names = {code: name.in_language(language) for code, name in unit_names_of(stores, record).items()}
    return {"": catalogue_of("office").text("whole_round", language), **names}


def lines_of(fieldwork: Fieldwork, watch: FieldworkWatch, names: Mapping[str, str], language: str) -> tuple[Line, ...]:
    """The units in the order of their names."""
    cells = unit_cells(fieldwork, watch, language)
    lines = [
        Line(one.unit, names.get(one.unit, one.unit), cells[one.unit], alert_sentences(one.alerts, language))
        for one in fieldwork.units
    ]
    return tuple(sorted(lines, key=lambda line: line.name))


def places_of(fieldwork: Fieldwork, names: Mapping[str, str]) -> tuple[tuple[str, tuple[StatusCell | None, ...]], ...]:
    """The name of each unit, in order, with its cell of each of the round's channels; None where nobody was asked."""
    kinds = [cell.channel for cell in fieldwork.channels]
    found = {(cell.unit, cell.channel): cell for cell in fieldwork.cells}
    rows = [
        (names.get(one.unit, one.unit), tuple(found.get((one.unit, channel)) for channel in kinds))
        for one in fieldwork.units
    ]
    return tuple(sorted(rows, key=lambda row: row[0]))


def column_labels(language: str) -> tuple[str, ...]:
    """What stands above the columns."""
    return tuple(catalogue_of("office").text(f"fieldwork_col_{column}", language) for column in COLUMNS)


def unit_cells(fieldwork: Fieldwork, watch: FieldworkWatch, language: str) -> dict[str, tuple[str, ...]]:
    """The cells of each unit, written once for all who watch the same counts."""
    return watch.once(
        f"cells in {language}", fieldwork, lambda: {one.unit: cells_of(one, language) for one in fieldwork.units}
    )


def cells_of(one: Outlook, language: str) -> tuple[str, ...]:
    """The counts of a line, each as it is read."""
    return (
        _count(one.issued, language),
        _count(one.spent, language),
        percent(one.rate, 1, language),
        _count(one.opened, language),
        _count(one.target, language),
        _count(one.forecast, language),
        margin_in_points(one.margin, language),
    )


def channel_cells(cells: Sequence[StatusCell], language: str) -> tuple[ChannelCell, ...]:
    """The channels with their counts."""
    return tuple(
        ChannelCell(
            channel_label(cell.channel, language),
            _count(cell.issued, language),
            _count(cell.spent, language),
            percent(cell.spent / cell.issued if cell.issued else None, 1, language),
        )
        for cell in cells
    )


def day_lines(fieldwork: Fieldwork, unit: str) -> tuple[DayLine, ...]:
    """The days of a unit that anything is known of, the last first."""
    known = fieldwork.days.get(unit, {})
    return tuple(DayLine(day, own.opened, own.received) for day, own in sorted(known.items(), reverse=True))


def margin_in_points(margin: float | None, language: str) -> str:
    """Half the width of an interval in points of a hundred, with the sign that is read as give or take."""
    return ABSENT if margin is None else f"±{number(100 * margin, 1, language)}"


def alert_sentences(alerts: Sequence[Alert], language: str) -> tuple[str, ...]:
    """What there is to look at, in the words of an officer."""
    text = catalogue_of("office").text
    return tuple(text(f"fieldwork_alert_{one.kind}", language, **_figures(one, language)) for one in alerts)


def clock(moment: dt.datetime) -> str:
    """The time in Viet Nam as a clock shows it."""
    return moment.astimezone(VIET_NAM).strftime("%H:%M:%S")


def _figures(alert: Alert, language: str) -> dict[str, str]:
    return {name: _figure(name, value, language) for name, value in alert.figures.items()}


def _figure(name: str, value: float | int | str | dt.date, language: str) -> str:
    if isinstance(value, dt.date):
        return date(value, language)
    if isinstance(value, str):
        return channel_label(value, language)
    if name in ("rate", "of_all", "high_rate", "low_rate"):
        return percent(value, 1, language)
    return number(value, 0 if isinstance(value, int) else 1, language)


def _count(value: int | None, language: str) -> str:
    return number(value, 0, language)
