"""The ranks of a bloc's units: `ranks.csv`."""

from collections.abc import Sequence

from analysis.indices.former_ranking import former_rank_sets
from analysis.indices.ranking import rank_sets
from analysis.release.compared_units import ComparedUnits
from analysis.release.differences import HIGHER, LOWER, NOT_DIFFERENT
from analysis.release.rows import DifferenceRow, RankRow

MOGSTAD, HOLM = "mogstad", "holm"
_TIERS = {HIGHER: "above", LOWER: "below", NOT_DIFFERENT: "not_different"}


def rank_rows(compared: ComparedUnits, differences: Sequence[DifferenceRow]) -> list[RankRow]:
    """The ranked units of each bloc, best first; their tiers are the verdicts of the differences at the root.

    Only units with a published index that has a spread are ranked, and where there are two of them at least.
    """
    root, plan = compared.tree.codes[0], compared.plan
    tiers = {row.unit: _TIERS.get(row.verdict, "not_different") for row in differences if row.node == root}
    rows: list[RankRow] = []
    for bloc, units in compared.blocs.items():
        chosen = compared.ranked(units)
        if len(chosen) < 2:
            continue
        sets = rank_sets(
            *compared.joint(chosen, 0),
            plan.level,
            plan.decimals,
            draws=plan.ranking.draws,
            seed=plan.ranking.seed,
        )
        found = [
            RankRow(
                round=compared.round,
                bloc=bloc,
                unit=unit,
                rank=own.rank,
                rank_low=own.rank_low,
                rank_high=own.rank_high,
                tier=tiers[unit],
                level=plan.level,
                method=MOGSTAD,
                own_low=own.own_low,
                own_high=own.own_high,
                critical=own.critical,
                own_critical=own.own_critical,
            )
            for unit, own in zip(chosen, sets, strict=True)
        ]
        rows.extend(sorted(found, key=lambda row: (row.rank, row.unit)))
    return rows


def former_rank_rows(compared: ComparedUnits) -> list[RankRow]:
    """The ranks as editions of the first two formats have them."""
    plan = compared.plan
    rows: list[RankRow] = []
    for bloc, units in compared.blocs.items():
        chosen = compared.ranked(units)
        if len(chosen) < 2:
            continue
        sets = former_rank_sets(*compared.joint(chosen, 0), plan.level, plan.decimals)
        found = [
            RankRow(compared.round, bloc, unit, own.rank, own.rank_low, own.rank_high, own.tier, plan.level, HOLM)
            for unit, own in zip(chosen, sets, strict=True)
        ]
        rows.extend(sorted(found, key=lambda row: (row.rank, row.unit)))
    return rows
