"""What changed between two rounds, unit by unit and node by node, and what both of them say together.

A change is shown only where both figures are: it is the difference of two numbers that anybody can read, and only its
error is new. Units that were merged are held against all that they were made of; what cannot be estimated has a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from analysis.archive import Archive
from analysis.errors import AnalysisError
from analysis.estimation.intervals import t_interval
from analysis.estimation.multiplicity import adjusted
from analysis.indices.contrasts import effective_df, p_values_of
from analysis.release.differences import untested_change, verdict_of
from analysis.release.lineage import NO_PREDECESSOR, SPLIT
from analysis.release.round_pairs import Registry, RoundPair, paired, profile_of
from analysis.release.round_sides import EARLIER, LATER, Found, Sum, Term, TwoRounds, cell_of, two_rounds
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    NO_POPULATION,
    NO_SPREAD,
    TOO_FEW_ANSWERS,
    ChangeRow,
    EstimateRow,
    PooledRow,
)

# Why there is no change: the questions or the weights of a node differ; one of the figures is not published; the two
# rounds mean different things by a total, or different places.
NOT_COMPARABLE = "not_comparable"
NOT_SHOWN = "not_shown"
OTHER_TOTAL = "other_total"
SHARED_PSUS, INDEPENDENT = "shared_psus", "independent"
# Why there is no change with the mode held fixed.
CHANNEL_MISSING = "channel_missing"


def change_rows(
    earlier: Archive, later: Archive, registry: Registry | None = None, mode_mix: Mapping[str, float] | None = None
) -> list[ChangeRow]:
    """The change of every unit of the later round, and of blocs and all, at every node of its index.

    Both rounds are computed under the later one's profile. Errors are those of independent samples, or of shared PSUs
    where the later design says so and the labels are known. A successor is held against its predecessors' mean,
    weighted by their people. The p-values of a node are adjusted over its units by Holm's method.

    Arguments:
        earlier: a round that closed before the later one opened.
        later: the later round.
        registry: what is known of units; nothing when left out.
        mode_mix: the share of each channel, adding up to 1; then each change is given a second time, with every unit's
            answers weighted to this mix of channels in both rounds.

    Raises AnalysisError when the rounds do not follow each other, or a channel of theirs is not in the mix.
    """
    pair = paired(earlier, later, registry or Registry())
    if mode_mix is not None:
        _refuse_strange_mix(pair, mode_mix)
    rows = _unit_changes(pair)
    if mode_mix is not None:
        rows = _with_fixed_mode(pair, rows, mode_mix)
    return [*_with_families(rows), *_total_changes(pair)]


def pooled_rows(earlier: Archive, later: Archive, registry: Registry | None = None) -> list[PooledRow]:
    """The mean of two rounds for every unit of the later one at every node, where both are shown.

    Each round counts alike, however many people answered: the figure stands for the two years and not for the
    respondents. Predecessors count as for a change. Raises AnalysisError when the rounds do not follow each other.
    """
    pair = paired(earlier, later, registry or Registry())
    wanted, rows = [], []
    for unit, node, terms, reason in _terms(pair):
        predecessors = "+".join(pair.lineages[unit].units)
        row = PooledRow(
            *pair.slugs, unit, predecessors, node, None, None, None, None, pair.later.plan.level, None, reason
        )
        rows.append(row)
        wanted.append(Sum(node, tuple(replace(term, weight=abs(term.weight) / 2) for term in terms)))
    known = [place for place, row in enumerate(rows) if not row.reason]
    found = _found(pair, [wanted[place] for place in known])
    bounds = pair.later.framed.bounds if found else (0.0, 100.0)
    for place, one in zip(known, found, strict=True):
        row = rows[place]
        if _is_unanimous(pair, row.unit, row.node) or one.variance <= 0:
            rows[place] = replace(row, estimate=one.value, reason=NO_SPREAD)
            continue
        low, high = t_interval(one.value, one.variance, one.df, row.level) or (None, None)
        ends = (None if end is None else min(max(end, bounds[0]), bounds[1]) for end in (low, high))
        low, high = ends
        rows[place] = replace(row, estimate=one.value, se=one.variance**0.5, low=low, high=high, df=one.df)
    return rows


def _terms(pair: RoundPair) -> list[tuple[str, str, tuple[Term, ...], str]]:
    """Each unit and node with the terms of its change, or the reason why there is none."""
    found = []
    people = pair.sides[EARLIER].people
    for unit, lineage in pair.lineages.items():
        counted = [people[code] for code in lineage.units]
        shares = [1.0] if len(counted) == 1 else []
        if len(counted) > 1 and all(counted):
            shares = [(count or 0.0) / sum(count or 0.0 for count in counted) for count in counted]
        for node in pair.later.tree.codes:
            reason = lineage.reason or ("" if node in pair.comparable else NOT_COMPARABLE)
            figures = [pair.published[LATER, unit, node]]
            figures += [row for code in lineage.units if (row := pair.published.get((EARLIER, code, node)))]
            if not reason and (len(figures) <= len(lineage.units) or any(row.estimate is None for row in figures)):
                reason = NOT_SHOWN
            if not reason and not shares:
                reason = NO_POPULATION
            terms: tuple[Term, ...] = ()
            if not reason:
                past = (Term(EARLIER, code, -share) for code, share in zip(lineage.units, shares, strict=True))
                terms = (Term(LATER, unit, 1.0), *past)
            found.append((unit, node, terms, reason))
    return found


def _unit_changes(pair: RoundPair) -> list[ChangeRow]:
    wanted = _terms(pair)
    rows = [_empty(pair, unit, "+".join(pair.lineages[unit].units), node, reason) for unit, node, _, reason in wanted]
    known = [place for place, row in enumerate(rows) if not row.reason]
    sums = [Sum(wanted[place][1], wanted[place][2]) for place in known]
    found = _found(pair, [*sums, *(replace(one, terms=one.terms[:1]) for one in sums)])
    for place, change, now in zip(known, found[: len(known)], found[len(known) :], strict=True):
        row = replace(rows[place], later_estimate=now.value, earlier_estimate=now.value - change.value)
        rows[place] = _measured(row, change, is_tested=not _is_unanimous(pair, row.unit, row.node))
    return rows


def _empty(pair: RoundPair, unit: str, predecessors: str, node: str, reason: str) -> ChangeRow:
    method = SHARED_PSUS if pair.is_shared else INDEPENDENT
    return untested_change(
        pair.slugs, unit, predecessors, node, level=pair.later.plan.level, method=method, reason=reason
    )


def _found(pair: RoundPair, sums: Sequence[Sum]) -> list[Found]:
    return _rounds(pair, by_channel=False).found(sums) if sums else []


def _rounds(pair: RoundPair, *, by_channel: bool) -> TwoRounds:
    return two_rounds(pair.sides[EARLIER], pair.later, by_channel=by_channel, shared=pair.is_shared)


def _is_unanimous(pair: RoundPair, unit: str, node: str) -> bool:
    """Whether one of the figures shows no spread, so that its error is not known."""
    figures = [pair.published[LATER, unit, node]]
    figures += [pair.published[EARLIER, code, node] for code in pair.lineages[unit].units]
    return any(row.method == "unanimous" for row in figures)


def _measured(row: ChangeRow, found: Found, *, is_tested: bool) -> ChangeRow:
    if not is_tested or found.variance <= 0:
        return replace(row, change=found.value, reason=NO_SPREAD)
    low, high = t_interval(found.value, found.variance, found.df, row.level) or (None, None)
    error = found.variance**0.5
    p = float(p_values_of(np.array([found.value]), np.array([error]), np.array([found.df]))[0])
    return replace(row, change=found.value, se=error, low=low, high=high, df=found.df, p=p)


def _with_families(rows: Sequence[ChangeRow]) -> list[ChangeRow]:
    """The rows with the p-values of each node's units adjusted together."""
    families: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if row.p is not None:
            families.setdefault(row.node, []).append(place)
    done = list(rows)
    for places in families.values():
        p_values = adjusted(np.array([rows[place].p for place in places], dtype=np.float64), "holm")
        for place, p in zip(places, p_values.tolist(), strict=True):
            row = rows[place]
            done[place] = replace(row, p_adjusted=p, verdict=verdict_of(row.change or 0.0, p, row.level))
    return done


def _refuse_strange_mix(pair: RoundPair, mode_mix: Mapping[str, float]) -> None:
    for side in pair.sides.values():
        strange = sorted(set(side.channels) - mode_mix.keys())
        if strange:
            raise AnalysisError(
                f"mode mix: found no share of the channel {strange[0]!r}, by which people answered in "
                f"{side.archive.contents.facts.slug}, expected one (0 leaves it out)"
            )


def _with_fixed_mode(pair: RoundPair, rows: Sequence[ChangeRow], mode_mix: Mapping[str, float]) -> list[ChangeRow]:
    """The rows with the change of both rounds weighted to one mix of channels, beside the change as it was."""
    rounds = _rounds(pair, by_channel=True)
    least = max(side.plan.suppress_below for side in pair.sides.values())
    terms = {(unit, node): terms for unit, node, terms, _ in _terms(pair)}
    done = list(rows)
    wanted: list[tuple[int, Sum]] = []
    for place, row in enumerate(rows):
        if row.change is None:
            done[place] = replace(row, fixed_mode_reason=row.reason)
            continue
        mixed = tuple(
            Term(term.side, cell_of(term.cell, channel), term.weight * share)
            for term in terms[row.unit, row.node]
            for channel, share in mode_mix.items()
            if share > 0
        )
        one = Sum(row.node, mixed)
        if rounds.knows(one):
            wanted.append((place, one))
        else:
            done[place] = replace(row, fixed_mode_reason=CHANNEL_MISSING)
    for (place, _), found in zip(wanted, rounds.found([one for _, one in wanted]), strict=True):
        done[place] = _mode_fixed(rows[place], found, least)
    return done


def _mode_fixed(row: ChangeRow, found: Found, least: int) -> ChangeRow:
    # Beside the change as it was, the one with a fixed mix tells what each channel said.
    if found.fewest < least:
        return replace(row, fixed_mode_reason=TOO_FEW_ANSWERS)
    if found.variance <= 0 or row.reason:
        return replace(row, fixed_mode_change=found.value, fixed_mode_reason=NO_SPREAD)
    low, high = t_interval(found.value, found.variance, found.df, row.level) or (None, None)
    return replace(
        row,
        fixed_mode_change=found.value,
        fixed_mode_se=found.variance**0.5,
        fixed_mode_low=low,
        fixed_mode_high=high,
    )


def _total_changes(pair: RoundPair) -> list[ChangeRow]:
    """The changes of blocs and of all, from the published figures of both rounds."""
    blocs = dict.fromkeys(unit.bloc_code for unit in pair.later.archive.contents.units)
    reason = _reason_of_totals(pair)
    rows = []
    for bloc in (*blocs, None):
        owner = ALL if bloc is None else BLOC_PREFIX + bloc
        of_places = _reason_of_places(pair, bloc)
        for node in pair.later.tree.codes:
            now, past = (pair.published.get((side, owner, node)) for side in (LATER, EARLIER))
            why = reason or of_places or ("" if node in pair.comparable else NOT_COMPARABLE)
            is_shown = now is not None and past is not None and now.estimate is not None and past.estimate is not None
            why = why or ("" if is_shown else NOT_SHOWN)
            row = _empty(pair, owner, owner, node, why)
            if not why and now is not None and past is not None:
                row = _total_change(row, now, past)
            rows.append(row)
    return rows


def _reason_of_totals(pair: RoundPair) -> str:
    if pair.is_shared:
        return SHARED_PSUS
    earlier = profile_of(pair.sides[EARLIER].archive)
    rules = {(profile.formula, profile.threshold) for profile in (earlier, pair.profile)}
    aggregates = {side.plan.aggregate for side in pair.sides.values()}
    return OTHER_TOTAL if len(rules) > 1 or len(aggregates) > 1 else ""


def _reason_of_places(pair: RoundPair, bloc: str | None) -> str:
    """Why the total of a bloc, or of all, is not one of the same places in both rounds, if it is not."""
    before, after = (
        {unit.code for unit in pair.sides[side].archive.contents.units if bloc in (None, unit.bloc_code)}
        for side in (EARLIER, LATER)
    )
    if not before:
        return NO_PREDECESSOR
    lineages = [pair.lineages[code] for code in after]
    is_covered = all(lineage.reason in ("", SPLIT) for lineage in lineages)
    is_same = {code for lineage in lineages for code in lineage.units} == before
    return "" if is_covered and is_same else OTHER_TOTAL


def _total_change(row: ChangeRow, now: EstimateRow, past: EstimateRow) -> ChangeRow:
    value = (now.estimate or 0.0) - (past.estimate or 0.0)
    row = replace(row, earlier_estimate=past.estimate, later_estimate=now.estimate)
    parts = np.array([(now.se or 0.0) ** 2, (past.se or 0.0) ** 2])
    df = np.array([max(now.df or 1.0, 1.0), max(past.df or 1.0, 1.0)])
    found = Found(value, float(parts.sum()), float(effective_df(parts, df, np.inf)), 0)
    measured = _measured(row, found, is_tested=bool(now.se and past.se))
    if measured.p is None:
        return measured
    return replace(measured, p_adjusted=measured.p, verdict=verdict_of(value, measured.p, row.level))
