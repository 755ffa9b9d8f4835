"""Which nodes of two versions of a questionnaire mean the same, and why the others do not."""

from collections.abc import Mapping

import numpy as np

from analysis.indices.trees import IndexTree
from analysis.release.context_rows import BREAK_METHOD, BREAK_QUESTIONNAIRE
from questionnaires.compatibility import compare
from questionnaires.model import Profile, Questionnaire

STANDARDISED = "standardised"


def comparable_nodes(
    before: Questionnaire, tree_before: IndexTree, after: Questionnaire, tree_after: IndexTree
) -> frozenset[str]:
    """The nodes that take the same unchanged items with the same weights in both versions."""
    breaks = breaks_of_nodes(before, tree_before, after, tree_after)
    return frozenset(code for code, reason in breaks.items() if not reason)


def breaks_of_nodes(
    before: Questionnaire, tree_before: IndexTree, after: Questionnaire, tree_after: IndexTree
) -> dict[str, str]:
    """For each node that both trees have, "" or why it does not mean the same: other questions, or other weights."""
    differences = [difference for difference in compare(before, after) if difference.breaks_trend]
    is_another = any(difference.kind == "another_questionnaire" for difference in differences)
    broken = {d.key.split(".")[1] for d in differences if d.key.startswith("items.")}
    taken, taken_before = _items_of_nodes(tree_after), _items_of_nodes(tree_before)
    found = {}
    for code in (code for code in taken if code in taken_before):
        if is_another or taken[code].keys() != taken_before[code].keys() or broken & taken[code].keys():
            found[code] = BREAK_QUESTIONNAIRE
        else:
            is_same = all(abs(share - taken_before[code][item]) < 1e-12 for item, share in taken[code].items())
            found[code] = "" if is_same else BREAK_METHOD
    return found


def is_same_rule(one: Profile, other: Profile) -> bool:
    """Whether two profiles give the same points to the same answers, whoever else is rated.

    Scores that are mapped between the lowest and the highest unit never are the same: one may rise because others fell.
    """
    rules = {(profile.formula, profile.threshold, profile.points, profile.uses_hard) for profile in (one, other)}
    return len(rules) == 1 and one.formula != STANDARDISED


def _items_of_nodes(tree: IndexTree) -> Mapping[str, Mapping[str, float]]:
    rows = zip(tree.codes, tree.survey_coefficients, strict=True)
    return {code: {tree.items[k]: float(row[k]) for k in np.flatnonzero(row)} for code, row in rows}
