"""The units of a round as they are held against each other: published figures with the covariance behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.indices.trees import IndexTree
from analysis.release.node_estimates import UNANIMOUS, NodeEstimates
from analysis.release.plan import Plan
from analysis.release.rows import HARD, EstimateRow
from analysis.release.standardised_estimates import MIDPOINT

Floats = npt.NDArray[np.float64]

# Where no variance can be seen, a rank or a test would take that for certainty.
WITHOUT_SPREAD = {UNANIMOUS, MIDPOINT}

# The joint covariance (n, n) of a node's values in some units, by the node's and the units' positions.
Covariance = Callable[[int, Sequence[int]], Floats]


@dataclass(frozen=True, slots=True)
class ComparedUnits:
    """What is known of the units of a round together.

    `blocs` names the units of each bloc. `estimates` are the units', `covariance` their joint law, `rows` what is
    published of them by unit and node. `weights` is what a unit counts for in the mean of others: its people where the
    plan aggregates persons, one otherwise.
    """

    round: str
    blocs: Mapping[str, Sequence[str]]
    tree: IndexTree
    plan: Plan
    estimates: NodeEstimates
    covariance: Covariance
    rows: Mapping[tuple[str, str], EstimateRow]
    weights: Mapping[str, float]

    def shown(self, units: Sequence[str], node: int) -> list[str]:
        """Those of the units that have a published figure at a node."""
        code = self.tree.codes[node]
        return [unit for unit in units if self.rows[unit, code].estimate is not None]

    def ranked(self, units: Sequence[str]) -> list[str]:
        """Those of the units whose index is published and has a spread."""
        root = self.tree.codes[0]
        return [unit for unit in self.shown(units, 0) if self.rows[unit, root].method not in WITHOUT_SPREAD]

    def is_tested(self, unit: str, node: int) -> bool:
        """Whether the unit's figure at a node has a standard error to test with."""
        row = self.rows[unit, self.tree.codes[node]]
        return row.method not in {*WITHOUT_SPREAD, HARD} and bool(row.se)

    def joint(self, units: Sequence[str], node: int) -> tuple[Floats, Floats, Floats, float]:
        """The values (n,) of some units at a node, their covariance (n, n), their degrees of freedom (n,), and the
        whole design's.
        """
        positions = [self.estimates.owners.index(unit) for unit in units]
        values = np.array([self.estimates.estimates[o][node].value for o in positions], dtype=np.float64)
        means = self.estimates.means
        if means is None:
            # Hard data alone: nothing is estimated.
            return values, np.zeros((len(units), len(units))), np.ones(len(units)), 1.0
        places = [self.estimates.places[o] for o in positions]
        df = np.array([1.0 if place is None else max(float(means.df[place]), 1.0) for place in places])
        return values, self.covariance(node, positions), df, means.df_design

    def weights_of(self, units: Sequence[str]) -> Floats:
        """What these units (n,) count for in a mean of others."""
        return np.array([self.weights[unit] for unit in units])
