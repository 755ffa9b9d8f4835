"""An index tree as coefficients: every node is a weighted mean of what its criteria have."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from questionnaires.model import Node, Profile, Questionnaire

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

# The answers to what is not asked: a criterion of hard data lacks none.
UNCOUNTED = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class IndexTree:
    """The nodes of a scoring tree, parents before their children, and what each takes from its indicators.

    The indicators are the K `items` of the survey, in the order the tree meets them, and after them the H indicators
    of the `hard` data. `coefficients` is (M, K + H), each row sums to one. `weights` (M,) is a node's share in its
    parent, one for the root; `ancestors` names, for each node, the positions of the nodes above it, the nearest first.
    `reversed` (K + H,) marks the indicators whose high values are bad; only standardised profiles have any.
    """

    nodes: tuple[Node, ...]
    items: tuple[str, ...]
    coefficients: Floats
    weights: Floats
    ancestors: tuple[tuple[int, ...], ...]
    hard: tuple[str, ...] = ()
    reversed: Truths = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def codes(self) -> tuple[str, ...]:
        """The nodes' codes."""
        return tuple(node.code for node in self.nodes)

    @property
    def survey_coefficients(self) -> Floats:
        """The coefficients of the survey's items alone (M, K)."""
        return self.coefficients[:, : len(self.items)]

    def values_of(self, indicators: Floats) -> Floats:
        """The values of all nodes (…, M) from those of the indicators (…, K + H); NaN where a node needs a NaN."""
        needed = self.coefficients != 0
        is_missing = np.isnan(indicators)
        values = np.where(is_missing, 0.0, indicators) @ self.coefficients.T
        return np.where(is_missing.astype(np.float64) @ needed.T.astype(np.float64) > 0, np.nan, values)

    def fewest_answers(self, item_counts: Integers) -> Integers:
        """The smallest number of answers (…, M) to any item under a node, from the items' numbers (…, K).

        A node of hard data alone has `UNCOUNTED`.
        """
        needed = self.survey_coefficients != 0
        fewest: Integers = np.where(needed, item_counts[..., None, :], UNCOUNTED).min(axis=-1, initial=UNCOUNTED)
        return fewest

    def root_alone(self) -> "IndexTree":
        """The tree's first node without those below it."""
        return replace(self, nodes=self.nodes[:1], coefficients=self.coefficients[:1], weights=self.weights[:1],
                       ancestors=((),))  # fmt: skip

    def without_criteria(self) -> "IndexTree":
        """The tree's index and factors, each still made of all its indicators."""
        kept = [m for m, node in enumerate(self.nodes) if node.children]
        place = {m: position for position, m in enumerate(kept)}
        return replace(
            self,
            nodes=tuple(self.nodes[m] for m in kept),
            coefficients=self.coefficients[kept],
            weights=self.weights[kept],
            ancestors=tuple(tuple(place[above] for above in self.ancestors[m]) for m in kept),
        )

    def named(self, prefix: str) -> "IndexTree":
        """The same tree with the codes of its nodes behind a prefix, so that two trees stand in one table."""
        return replace(self, nodes=tuple(replace(node, code=prefix + node.code) for node in self.nodes))


def index_tree(questionnaire: Questionnaire, profile: Profile | None = None) -> IndexTree:
    """The tree of a questionnaire, children's weights normalised within their parent.

    Hard criteria are left out where the profile does not use hard data. An item that stands under two criteria counts
    by both. Raises AnalysisError when the questionnaire has no tree.
    """
    root = questionnaire.tree(None if profile is None else profile.name)
    if root is None:
        raise AnalysisError(f"{questionnaire.reference}: found no scoring tree, expected one to compute an index with")
    nodes = questionnaire.nodes(None if profile is None else profile.name)
    items = tuple(dict.fromkeys(node.item for node in nodes if node.item is not None))
    hard = tuple(dict.fromkeys(node.code for node in nodes if node.hard))
    position = {code: column for column, code in enumerate((*items, *hard))}
    coefficients: list[Floats] = []
    weights: list[float] = []
    ancestors: list[tuple[int, ...]] = []

    def visit(node: Node, weight: float, above: tuple[int, ...]) -> Floats:
        place = len(coefficients)
        coefficients.append(np.zeros(len(position)))
        weights.append(weight)
        ancestors.append(above)
        if not node.children:
            coefficients[place][position[node.item or node.code]] = 1.0
        total = sum(child.weight for child in node.children)
        for child in node.children:
            share = child.weight / total
            coefficients[place] += share * visit(child, share, (place, *above))
        return coefficients[place]

    visit(root, 1.0, ())
    return IndexTree(
        nodes=nodes,
        items=items,
        coefficients=np.array(coefficients),
        weights=np.array(weights),
        ancestors=tuple(ancestors),
        hard=hard,
        reversed=_reversed(questionnaire, nodes, (*items, *hard)),
    )


def _reversed(questionnaire: Questionnaire, nodes: Sequence[Node], indicators: Sequence[str]) -> Truths:
    directions: dict[str, bool] = {}
    for node in nodes:
        if not node.children and directions.setdefault(node.item or node.code, node.reversed) != node.reversed:
            raise AnalysisError(
                f"{questionnaire.reference}: found {node.item or node.code} under two criteria of which one is "
                "reversed, expected one direction"
            )
    return np.array([directions[code] for code in indicators], dtype=bool)
