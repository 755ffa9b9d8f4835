"""An index tree as coefficients: every node is a weighted mean of item means."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from questionnaires.model import Node, Questionnaire

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IndexTree:
    """The nodes of a scoring tree, parents before their children, and what each takes from the item means.

    `items` are the K items, in the order the tree meets them. `coefficients` is (M, K), each row sums to one.
    `weights` (M,) is a node's share in its parent, one for the root; `ancestors` names, for each node, the positions
    of the nodes above it, the nearest first.
    """

    nodes: tuple[Node, ...]
    items: tuple[str, ...]
    coefficients: Floats
    weights: Floats
    ancestors: tuple[tuple[int, ...], ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The nodes' codes."""
        return tuple(node.code for node in self.nodes)

    def values_of(self, item_means: Floats) -> Floats:
        """The values of all nodes (…, M) from item means (…, K); NaN where a node needs a mean that is NaN."""
        needed = self.coefficients != 0
        is_missing = np.isnan(item_means)
        values = np.where(is_missing, 0.0, item_means) @ self.coefficients.T
        return np.where(is_missing.astype(np.float64) @ needed.T.astype(np.float64) > 0, np.nan, values)

    def fewest_answers(self, item_counts: Integers) -> Integers:
        """The smallest number of answers (…, M) to any item under a node, from the items' numbers (…, K)."""
        needed = self.coefficients != 0
        unneeded = np.iinfo(np.int64).max
        fewest: Integers = np.where(needed, item_counts[..., None, :], unneeded).min(axis=-1)
        return fewest


def index_tree(questionnaire: Questionnaire) -> IndexTree:
    """The tree of a questionnaire, children's weights normalised within their parent.

    An item that stands under two criteria counts by both. Raises AnalysisError when the questionnaire has no tree.
    """
    root = questionnaire.index
    if root is None:
        raise AnalysisError(f"{questionnaire.reference}: found no scoring tree, expected one to compute an index with")
    nodes = questionnaire.nodes()
    items = tuple(dict.fromkeys(node.item for node in nodes if node.item is not None))
    position = {code: column for column, code in enumerate(items)}
    coefficients: list[Floats] = []
    weights: list[float] = []
    ancestors: list[tuple[int, ...]] = []

    def visit(node: Node, weight: float, above: tuple[int, ...]) -> Floats:
        place = len(coefficients)
        coefficients.append(np.zeros(len(items)))
        weights.append(weight)
        ancestors.append(above)
        if node.item is not None:
            coefficients[place][position[node.item]] = 1.0
        total = sum(child.weight for child in node.children)
        for child in node.children:
            share = child.weight / total
            coefficients[place] += share * visit(child, share, (place, *above))
        return coefficients[place]

    visit(root, 1.0, ())
    return IndexTree(nodes, items, np.array(coefficients), np.array(weights), tuple(ancestors))
