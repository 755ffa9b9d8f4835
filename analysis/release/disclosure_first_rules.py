"""The first rules of what may be shown beside a hidden unit, kept so that editions made by them can be recomputed.

They count the hidden units of a total and their people; how far a hidden figure can be told from the total they do not
ask. `analysis.release.disclosure_totals` does.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from analysis.indices.trees import IndexTree
from analysis.release.rows import ALL, BLOC_PREFIX

Cell = tuple[str, str]
# The rules of editions that do not say by which they were made.
FIRST_RULES = 1


def complete_by_counts(
    tree: IndexTree,
    blocs: Mapping[str, Sequence[str]],
    counts: Mapping[Cell, int],
    smallest: int,
    is_hidden: Callable[[Cell], bool],
    is_shown: Callable[[Cell], bool],
    hide: Callable[[Cell], None],
) -> None:
    """Hide what must be hidden beside shown totals: then two units are hidden at least, of `smallest` people together.

    `counts` are the people of each cell (owner, node); `hide` hides a cell with all nodes above it.
    """

    def is_safe(secrets: Collection[str], node: str) -> bool:
        return len(secrets) >= 2 and sum(counts[unit, node] for unit in secrets) >= smallest

    # Children come before their parents: what is hidden below is hidden above, never the other way round.
    for node in reversed(tree.codes):
        uncovered: list[str] = []
        for bloc, units in blocs.items():
            total = (BLOC_PREFIX + bloc, node)
            secrets = [unit for unit in units if is_hidden((unit, node))]
            if is_shown(total) and secrets:
                others = [unit for unit in units if is_shown((unit, node))]
                for unit in sorted(others, key=lambda unit: (counts[unit, node], unit)):
                    if is_safe(secrets, node):
                        break
                    hide((unit, node))
                    secrets.append(unit)
                if not is_safe(secrets, node):
                    hide(total)
            if not is_shown(total):
                uncovered.extend(secrets)
        if is_shown((ALL, node)) and uncovered and not is_safe(uncovered, node):
            hide((ALL, node))
