"""What earlier rounds published, beside this one: `history.csv`; and what changed since: `changes.csv`.

Both rest on published editions alone, whoever has them: an archive of an earlier round may long be erased. The earlier
figures stand in the table as they were published, so that the changes follow from the two tables of one edition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.intervals import t_interval
from analysis.estimation.multiplicity import adjusted
from analysis.indices.contrasts import effective_df, p_values_of
from analysis.indices.trees import index_tree
from analysis.release.comparability import breaks_of_nodes, is_same_rule
from analysis.release.context_rows import (
    BREAK_METHOD,
    BREAK_QUESTIONNAIRE,
    BREAK_UNIT,
    EarlierEdition,
    HistoryRow,
)
from analysis.release.differences import untested_change, verdict_of
from analysis.release.edition import Edition
from analysis.release.lineage import NO_PREDECESSOR, Lineage, Registry, lineage_of
from analysis.release.rows import ALL, BLOC_PREFIX, NO_POPULATION, NO_SPREAD, ChangeRow, EstimateRow
from analysis.sealed_folders import manifest_bytes, sha256_hex

NOT_SHOWN, NOT_COMPARABLE, INDEPENDENT = "not_shown", "not_comparable", "independent"


def earlier_edition(edition: Edition) -> EarlierEdition:
    """How an edition is named where it is the earlier one."""
    facts = edition.facts
    return EarlierEdition(
        slug=facts.slug,
        title=replace(facts.title, ko="", zh="", ja=""),
        opens_on=facts.opens_on,
        closes_on=facts.closes_on,
        number=edition.number,
        published_on=edition.published_on,
        manifest_sha256=sha256_hex(manifest_bytes(edition.manifest)),
    )


def in_order(edition: Edition, earlier: Sequence[Edition]) -> tuple[Edition, ...]:
    """The earlier editions by the day their rounds opened.

    Raises AnalysisError when one was never written, is of another questionnaire, did not close before this round
    opened, or is there twice.
    """
    slugs: set[str] = set()
    for one in earlier:
        facts = one.facts
        if not one.manifest:
            raise AnalysisError(f"{facts.slug}: found an edition that was never written, expected a published one")
        if one.questionnaire.name != edition.questionnaire.name:
            raise AnalysisError(
                f"{facts.slug}: found an edition of the questionnaire {one.questionnaire.name}, expected "
                f"{edition.questionnaire.name}"
            )
        if facts.closes_on >= edition.facts.opens_on:
            raise AnalysisError(
                f"{facts.slug}: found a round that closed on {facts.closes_on}, expected one before "
                f"{edition.facts.opens_on}, when {edition.facts.slug} opened"
            )
        if facts.slug in slugs:
            raise AnalysisError(f"{facts.slug}: found two editions of one round, expected the last one")
        slugs.add(facts.slug)
    return tuple(sorted(earlier, key=lambda one: (one.facts.opens_on, one.facts.slug)))


def history_rows(edition: Edition, earlier: Edition, registry: Registry) -> list[HistoryRow]:
    """The earlier figures of every unit, bloc and all of an edition that were anything in the earlier round, node by
    node.

    A unit that was merged since has the mean of its predecessors by their people, whose errors are taken as
    independent. Nodes of modules have no history.
    """
    between = (earlier.facts.closes_on, edition.facts.opens_on)
    rated = {unit.code for unit in earlier.units}
    lineages = {
        unit.code: lineage_of(unit.code, rated, registry.successions, between, registry.parents)
        for unit in edition.units
    }
    reading = _Reading(edition, earlier, _breaks(edition, earlier), sha256_hex(manifest_bytes(earlier.manifest)))
    rows: list[HistoryRow] = []
    for code, lineage in lineages.items():
        if lineage.reason == NO_PREDECESSOR or not lineage.units:
            continue
        is_same = len(lineage.units) == 1 and (
            lineage.units[0] == code or registry.renames_alone(code, lineage.units[0], between)
        )
        rows.extend(reading.of_unit(code, lineage, is_same=is_same))
    for bloc in (*dict.fromkeys(unit.bloc_code for unit in edition.units), None):
        rows.extend(reading.of_total(bloc, _are_same_places(edition, earlier, lineages, bloc)))
    return rows


def strange_history(edition: Edition, earlier: Edition) -> list[tuple[HistoryRow, HistoryRow]]:
    """The rows of an edition's history that an earlier edition does not bear out, each with what it should be.

    Who the predecessors of a unit are is taken from the row, for no edition holds the registry of units.
    """
    reading = _Reading(edition, earlier, _breaks(edition, earlier), sha256_hex(manifest_bytes(earlier.manifest)))
    found = []
    for row in (row for row in edition.history if row.round == earlier.facts.slug):
        if row.node not in reading.breaks:
            found.append((row, replace(row, estimate=None, reason=NO_PREDECESSOR)))
            continue
        if _is_total(row.unit):
            published = reading.row_of(row.unit, row.node)
            figure = _Figure(reason=NO_PREDECESSOR) if published is None else _figure(published)
        elif row.break_reason == BREAK_UNIT and not row.is_comparable:
            figure = _Figure(reason=row.reason)
        else:
            figure = reading.mean_of(row.predecessors.split("+"), row.node)
        wanted = reading.row(row.unit, row.node, row.predecessors, figure, row.break_reason, row.is_comparable)
        if not _agree(row, wanted):
            found.append((row, wanted))
    return found


def _agree(row: HistoryRow, wanted: HistoryRow) -> bool:
    """Whether two rows are the same but for the last digits, which another machine may add up in another order."""
    numbers = ("estimate", "se", "low", "high", "df")
    pairs = [(getattr(row, name), getattr(wanted, name)) for name in numbers]
    are_near = all(
        one == other if one is None or other is None else abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1e-6)
        for one, other in pairs
    )
    return are_near and replace(wanted, **{name: getattr(row, name) for name in numbers}) == row


def change_rows_of(
    slug: str,
    level: float,
    estimates: Sequence[EstimateRow],
    history: Sequence[HistoryRow],
) -> list[ChangeRow]:
    """The change of each comparable figure since each earlier round, tested; Holm's over the units of a node.

    `estimates` are the rows of this round as they are published. Rounds count as independent samples; where the same
    PSUs were visited again that errs to the safe side.
    """
    now = {(row.unit, row.node): row for row in estimates}
    rows = [_change(slug, level, past, now.get((past.unit, past.node))) for past in history]
    families: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        if row.p is None:
            continue
        if _is_total(row.unit):
            rows[place] = replace(row, p_adjusted=row.p, verdict=verdict_of(row.change or 0.0, row.p, level))
        else:
            families.setdefault((row.earlier, row.node), []).append(place)
    for places in families.values():
        p_values = adjusted(np.array([rows[place].p for place in places], dtype=np.float64), "holm")
        for place, p in zip(places, p_values.tolist(), strict=True):
            rows[place] = replace(rows[place], p_adjusted=p, verdict=verdict_of(rows[place].change or 0.0, p, level))
    return rows


def _is_total(owner: str) -> bool:
    return owner == ALL or owner.startswith(BLOC_PREFIX)


@dataclass(frozen=True, slots=True)
class _Figure:
    """An earlier figure, or the reason why there is none."""

    value: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    df: float | None = None
    n: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The figures of an earlier edition as an edition's history has them; `breaks` by node, "" where there is none."""

    edition: Edition
    earlier: Edition
    breaks: Mapping[str, str]
    source: str

    def of_unit(self, code: str, lineage: Lineage, *, is_same: bool) -> list[HistoryRow]:
        rows = []
        for node, broken in self.breaks.items():
            figure = _Figure(reason=lineage.reason) if lineage.reason else self.mean_of(lineage.units, node)
            break_reason = broken or ("" if is_same and not lineage.reason else BREAK_UNIT)
            is_comparable = not broken and not lineage.reason
            rows.append(self.row(code, node, "+".join(lineage.units), figure, break_reason, is_comparable))
        return rows

    def of_total(self, bloc: str | None, has_same_places: bool) -> list[HistoryRow]:
        owner = ALL if bloc is None else BLOC_PREFIX + bloc
        is_same_total = self.edition.plan.aggregate == self.earlier.plan.aggregate
        rows = []
        for node, broken in self.breaks.items():
            found = self.row_of(owner, node)
            if found is None:
                continue
            break_reason = broken or ("" if is_same_total else BREAK_METHOD) or ("" if has_same_places else BREAK_UNIT)
            rows.append(self.row(owner, node, owner, _figure(found), break_reason, not break_reason))
        return rows

    def mean_of(self, units: Sequence[str], node: str) -> _Figure:
        """The mean of some units by their people; a unit's own figure where it is one."""
        found = [self.row_of(unit, node) for unit in units]
        shown = [row for row in found if row is not None and row.estimate is not None]
        if len(shown) < len(units):
            return _Figure(reason=NOT_SHOWN)
        if len(shown) == 1:
            return _figure(shown[0])
        people = [self.earlier.unit(unit).population for unit in units]
        if not all(people):
            return _Figure(reason=NO_POPULATION)
        shares = np.array([count or 0.0 for count in people]) / sum(count or 0.0 for count in people)
        value = float(shares @ np.array([row.estimate or 0.0 for row in shown]))
        parts = (shares * np.array([row.se or 0.0 for row in shown])) ** 2
        n = sum(row.n or 0 for row in shown)
        if not parts.sum() > 0:
            return _Figure(value=value, n=n, reason=NO_SPREAD)
        df = float(effective_df(parts, np.array([max(row.df or 1.0, 1.0) for row in shown]), np.inf))
        low, high = t_interval(value, float(parts.sum()), df, self.edition.plan.level) or (None, None)
        ends = self.earlier.scale_of(node)
        low, high = (None if end is None else min(max(end, ends[0]), ends[1]) for end in (low, high))
        return _Figure(value, float(parts.sum()) ** 0.5, low, high, df, n)

    def row_of(self, owner: str, node: str) -> EstimateRow | None:
        """The published row of the earlier edition, if it has one."""
        try:
            return self.earlier.row(owner, node)
        except KeyError:
            return None

    def row(
        self, owner: str, node: str, predecessors: str, figure: _Figure, break_reason: str, is_comparable: bool
    ) -> HistoryRow:
        """A row of history with this figure."""
        facts = self.earlier.facts
        return HistoryRow(
            unit=owner,
            node=node,
            round=facts.slug,
            title=facts.title.vi,
            opens_on=facts.opens_on.isoformat(),
            closes_on=facts.closes_on.isoformat(),
            predecessors=predecessors,
            estimate=figure.value,
            se=figure.se,
            low=figure.low,
            high=figure.high,
            level=self.earlier.plan.level if "+" not in predecessors else self.edition.plan.level,
            df=figure.df,
            n=figure.n,
            is_comparable=is_comparable,
            break_reason=break_reason,
            reason=figure.reason,
            source=self.source,
        )


def _figure(row: EstimateRow) -> _Figure:
    if row.estimate is None:
        return _Figure(n=row.n, reason=NOT_SHOWN if row.suppressed else row.reason)
    return _Figure(row.estimate, row.se, row.low, row.high, row.df, row.n)


def _breaks(edition: Edition, earlier: Edition) -> dict[str, str]:
    """For each node that both rounds have, "" or what breaks its line."""
    profiles = [one.questionnaire.profile(one.profile) for one in (earlier, edition)]
    trees = [index_tree(one.questionnaire, profile) for one, profile in zip((earlier, edition), profiles, strict=True)]
    breaks = breaks_of_nodes(earlier.questionnaire, trees[0], edition.questionnaire, trees[1])
    rule = "" if is_same_rule(*profiles) else BREAK_METHOD
    return {node: reason if reason == BREAK_QUESTIONNAIRE else reason or rule for node, reason in breaks.items()}


def _are_same_places(edition: Edition, earlier: Edition, lineages: Mapping[str, Lineage], bloc: str | None) -> bool:
    before, after = ({unit.code for unit in one.units if bloc in (None, unit.bloc_code)} for one in (earlier, edition))
    return (
        bool(before)
        and all(not lineages[code].reason for code in after)
        and {code for unit in after for code in lineages[unit].units} == before
    )


def _change(slug: str, level: float, past: HistoryRow, now: EstimateRow | None) -> ChangeRow:
    row = untested_change((past.round, slug), past.unit, past.predecessors, past.node, level=level, method=INDEPENDENT)
    if not past.is_comparable:
        return replace(row, reason=NOT_COMPARABLE)
    if past.estimate is None or now is None or now.estimate is None:
        return replace(row, reason=past.reason or NOT_SHOWN)
    value = now.estimate - past.estimate
    row = replace(row, earlier_estimate=past.estimate, later_estimate=now.estimate, change=value)
    if not (now.se and past.se):
        return replace(row, reason=NO_SPREAD)
    parts = np.array([now.se**2, past.se**2])
    freedom = np.array([max(now.df or 1.0, 1.0), max(past.df or 1.0, 1.0)])
    df = float(effective_df(parts, freedom, np.inf))
    error = float(parts.sum()) ** 0.5
    low, high = t_interval(value, error**2, df, level) or (None, None)
    p = float(p_values_of(np.array([value]), np.array([error]), np.array([df]))[0])
    return replace(row, se=error, low=low, high=high, df=df, p=p)
