"""Design weights: those the table carries, those its sampling fractions imply, or 1."""

from typing import Any

import ibis

from analysis.errors import DesignError
from analysis.estimation.design import SurveyDesign

WEIGHT = "__weight"


def weight_of(table: Any, design: SurveyDesign) -> Any:
    """The weight of each row as an expression; nobody has looked at its values yet.

    It is the design's weight; without one the product over the stages of N / n, where the population is known; else 1.

    Raises DesignError where a column of the design is not in the table and where the populations cannot be.
    Source: R survey, svydesign (weights) and weights.survey_fpc.
    """
    for column in design.columns:
        if column not in table.columns:
            raise DesignError(f"design: found no column {column!r} in the table, which has {', '.join(table.columns)}")
    if design.weight is not None:
        return table[design.weight].cast("float64")
    return _implied_weight(table, design) if design.fpc else ibis.literal(1.0)


def refuse_bad_weights(table: Any, design: SurveyDesign) -> None:
    """Look at the weights in a query of their own.

    Raises DesignError where a weight is missing, not finite or not above 0, and where there is no row.
    """
    table = table.select(**{WEIGHT: weight_of(table, design)})
    weight = table[WEIGHT]
    is_bad = (weight.isnull() | weight.isnan() | weight.isinf() | (weight <= 0)).fill_null(True)
    found = table.agg(n_bad=is_bad.sum(), n_rows=table.count()).to_pyarrow().to_pylist()[0]
    if not found["n_rows"]:
        raise DesignError("table: found no rows, expected at least one")
    if found["n_bad"]:
        column = design.weight or (design.fpc[0] if design.fpc else "weight")
        raise DesignError(f"column {column}: found {found['n_bad']} weights missing or not above 0, expected none")


def hold_counts(lowest: float, highest: float) -> bool:
    """Whether population columns with these extremes hold counts (all at least 1), not fractions (all at most 1).

    Raises DesignError where they hold both, or something missing or below 0.
    """
    if not lowest >= 0 or not highest >= 0:
        raise DesignError(f"fpc: found {lowest} to {highest}, expected population counts or sampling fractions")
    if lowest < 1 < highest:
        raise DesignError(f"fpc: found {lowest} and {highest}, expected all counts (>= 1) or all fractions (<= 1)")
    return highest > 1


def _implied_weight(table: Any, design: SurveyDesign) -> Any:
    populations = [table[column].cast("float64") for column in design.fpc]
    bounds = {f"lowest{s}": population.min() for s, population in enumerate(populations)}
    bounds |= {f"highest{s}": population.max() for s, population in enumerate(populations)}
    found = [value for value in table.agg(**bounds).to_pyarrow().to_pylist()[0].values() if value is not None]
    are_counts = hold_counts(min(found, default=1.0), max(found, default=1.0))
    weight: Any = ibis.literal(1.0)
    for stage, population in enumerate(populations):
        stratum = [*design.strata, *design.clusters[:stage], *design.later_strata[:stage]]
        if design.clusters:
            sampled = _n_distinct(table[design.clusters[stage]], stratum)
        else:
            sampled = table.count().over(ibis.window(group_by=stratum) if stratum else ibis.window())
        weight = weight * (population / sampled if are_counts else 1.0 / population)
    return weight


def _n_distinct(column: Any, stratum: list[str]) -> Any:
    """How many values a column has in the row's stratum: those up to the row's own and those from there on, less it."""
    ways = (column.asc(), column.desc())
    # Spark counts no distinct values over windows; ranks begin with 0.
    from_start, from_end = (ibis.dense_rank().over(ibis.window(group_by=stratum or None, order_by=way)) for way in ways)
    return from_start + from_end + 1
