"""The fieldwork of a round as an officer watches it: units and channels, targets and forecasts, and no answer."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import delete, select

from analysis.accounting import OPEN_LINK
from survey.accounting import eligible_by_design
from survey.errors import BadInput
from survey.fieldwork_counts import FieldworkCounts, FieldworkWatch
from survey.fieldwork_days import DayCounts, day_sums_of, days_of
from survey.fieldwork_outlook import Calendar, Outlook, outlook_of, sum_of
from survey.invitations import invited_units
from survey.round_records import RoundRecord
from survey.round_status import StatusCell
from survey.storage.audit import record_event
from survey.storage.fieldwork import FieldworkTarget
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

MOST_WANTED = 1_000_000
# The row of the target that holds for every unit without one of its own.
EVERY_UNIT = ""


# Equal to itself alone: whoever makes something of it needs no look at thousands of counts to see that it is the same.
@dataclass(frozen=True, slots=True, eq=False)
class Fieldwork:
    """A round's fieldwork at a moment (UTC): a line for each unit that people are invited for, and their sum."""

    calendar: Calendar
    counted_at: datetime
    cells: tuple[StatusCell, ...]
    units: tuple[Outlook, ...]
    total: Outlook
    days: Mapping[str, Mapping[date, DayCounts]]

    @property
    def channels(self) -> tuple[StatusCell, ...]:
        """The sums of the channels over all units, in order."""
        names = sorted({cell.channel for cell in self.cells})
        return tuple(
            StatusCell(
                "",
                name,
                sum(cell.issued for cell in self.cells if cell.channel == name),
                sum(cell.spent for cell in self.cells if cell.channel == name),
            )
            for name in names
        )


@dataclass(frozen=True, slots=True)
class FieldworkLook:
    """All that a fieldwork is made of, as it was found; looks are equal when nothing has changed between them."""

    record: RoundRecord
    counts: FieldworkCounts
    targets: Mapping[str, int]
    days: Mapping[str, Mapping[date, DayCounts]]
    calendar: Calendar
    invited: tuple[str, ...]


def look_at(stores: Stores, watch: FieldworkWatch, record: RoundRecord, today: date) -> FieldworkLook:
    """What there is to say of a round's fieldwork; raises what `FieldworkWatch.look` raises."""
    counts = watch.look(record.slug)
    targets = targets_of(stores, record.slug)
    sums = day_sums_of(stores, record.slug)
    days = watch.once(f"days of {record.slug}", sums, lambda: days_of(stores, record.slug))
    calendar = Calendar(record.opens_on, record.closes_on, today, record.state == "open")
    return FieldworkLook(record, counts, targets, days, calendar, tuple(invited_units(stores, record)))


def fieldwork_of(stores: Stores, watch: FieldworkWatch, record: RoundRecord, today: date) -> Fieldwork:
    """How far the fieldwork of a round has come; raises what `FieldworkWatch.look` raises."""
    return fieldwork_from(watch, look_at(stores, watch, record, today))


def fieldwork_from(watch: FieldworkWatch, look: FieldworkLook) -> Fieldwork:
    """The fieldwork of a look. Many may watch: what somebody else's equal look was made into is taken as it is."""
    return watch.once(f"fieldwork of {look.record.slug}", look, lambda: _made_of(look))


def _made_of(look: FieldworkLook) -> Fieldwork:
    record, counts, targets, days, calendar = look.record, look.counts, look.targets, look.days, look.calendar
    people = _people(record.slug, record.design_source, record.unit_codes)
    by_unit: dict[str, list[StatusCell]] = {unit: [] for unit in look.invited}
    for cell in counts.cells:
        by_unit.setdefault(cell.unit, []).append(cell)
    asked = [cell for cell in counts.cells if cell.channel != OPEN_LINK]
    issued, spent = sum(cell.issued for cell in asked), sum(cell.spent for cell in asked)
    units = tuple(
        outlook_of(
            unit,
            cells,
            days.get(unit, {}),
            calendar,
            target=targets.get(unit, targets.get(EVERY_UNIT)),
            people=people.get(unit),
            rate_of_all=spent / issued if issued else None,
        )
        for unit, cells in by_unit.items()
    )
    total = sum_of(units, people.get("all"))
    return Fieldwork(calendar, counts.counted_at, counts.cells, units, total, days)


def targets_of(stores: Stores, slug: str) -> dict[str, int]:
    """How many answers are wanted, by unit; under the empty one for every unit that has no entry."""
    query = select(FieldworkTarget.unit_code, FieldworkTarget.answers).where(FieldworkTarget.round_slug == slug)
    with reading(stores.office) as session:
        return {row.unit_code: row.answers for row in session.execute(query)}


def set_targets(stores: Stores, record: RoundRecord, wanted: Mapping[str, int | None], *, actor: str) -> None:
    """From now on so many answers are wanted of these units; None leaves a unit without a target of its own.

    Raises BadInput for a unit that nobody is invited for and for a number that no round has.
    """
    _keep_targets(stores, record, wanted, set(), actor)


def _keep_targets(
    stores: Stores, record: RoundRecord, wanted: Mapping[str, int | None], gone: Set[str], actor: str
) -> None:
    known = {EVERY_UNIT, *gone, *invited_units(stores, record)}
    for unit, answers in wanted.items():
        if unit not in known:
            raise BadInput(f"unit: found {unit[:40]!r}, expected a unit of the round {record.slug}")
        if answers is not None and not 1 <= answers <= MOST_WANTED:
            raise BadInput(f"target: found {answers}, expected a whole number from 1 to {MOST_WANTED}")
    rows_before = select(FieldworkTarget).where(FieldworkTarget.round_slug == record.slug)
    with writing(stores.office) as session:
        before = {row.unit_code: row.answers for row in session.scalars(rows_before)}
        changed = {unit: answers for unit, answers in wanted.items() if before.get(unit) != answers}
        if not changed:
            return
        session.execute(
            delete(FieldworkTarget).where(
                FieldworkTarget.round_slug == record.slug, FieldworkTarget.unit_code.in_(changed)
            )
        )
        rows = [FieldworkTarget(round_slug=record.slug, unit_code=u, answers=n) for u, n in changed.items() if n]
        session.add_all(rows)
        record_event(session, actor=actor, action="fieldwork.targets_set", subject=f"{record.slug}: {len(changed)}")


def plan_targets(stores: Stores, record: RoundRecord, wanted: Mapping[str, int], *, actor: str) -> None:
    """From now on so many answers are wanted of these units, and no target of any other unit stands; what holds for
    every unit without one of its own stays.

    Raises BadInput for a unit that nobody is invited for and for a number that no round has.
    """
    gone = {unit: None for unit in targets_of(stores, record.slug) if unit not in wanted and unit != EVERY_UNIT}
    _keep_targets(stores, record, {**wanted, **gone}, set(gone), actor)


# A design has thousands of lines at times; it changes at most while its round is a draft.
@lru_cache(maxsize=8)
def _people(slug: str, design_source: bytes, units: tuple[str, ...]) -> Mapping[str, int]:
    from analysis.release.round_design import parse_design

    return eligible_by_design(parse_design(design_source, f"the design of {slug}"), units)
