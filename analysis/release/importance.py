"""How important each factor and each criterion is for people's overall satisfaction, bloc by bloc: `importance.csv`.

Importance is derived from the answers: the part that a node has in what all nodes of its level tell of the outcome
(relative weights). It is association: a criterion that goes with satisfaction need not bring it about.

A node's score of a respondent is the weighted mean of what they answered of it, on the scale of the answers and not in
points of the profile: a share that only tells satisfied from not satisfied would throw the rest away. The factors are
held against each other and so are the criteria. Blocs alone have an importance: a unit's answers are too few to tell so
many apart, and it would say more of single people than a unit's other figures do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.archive import ArchiveContents
from analysis.estimation.intervals import logit_interval
from analysis.estimation.linear import LinearEstimates
from analysis.estimation.relative_weights import RelativeWeights, relative_weights
from analysis.estimation.stages import stages_of
from analysis.estimation.totals import Column, collapse, in_database
from analysis.indices.profiles import option_scores
from analysis.indices.trees import IndexTree
from analysis.release.context_rows import INDEX_OUTCOME, RELATIVE_WEIGHTS, ImportanceRow
from analysis.release.framing import BLOC, SCORE, FramedResponses, answer_scores, rescored
from analysis.release.open_link import drawn_responses
from analysis.release.plan import Plan
from analysis.release.rows import ALONE, HARD, NO_ANSWERS, ONE_CLUSTER, TOO_FEW_ANSWERS
from questionnaires.model import Profile, Questionnaire, Text

Floats = npt.NDArray[np.float64]

# So many respondents at least, and so many for each node of a level, answer each pair of its nodes and the outcome.
FEWEST, FEWEST_A_NODE = 100, 10
# A share and its interval have so many decimals: more would tell of single answers.
DECIMALS = 4
# Answers from 0 to 100 between the ends of their scale.
ON_SCALE = Profile("answers", Text("", ""), "rescaled", None, confirmed=False, source=None)
_INFLUENCE = "_influence_"


LEVELS = ("factor", "criterion")


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one level in one bloc, with their relative weights among its respondents; `rows` (n,) are theirs."""

    bloc: str
    nodes: tuple[int, ...]
    rows: npt.NDArray[np.int64]
    found: RelativeWeights


def importance_rows(
    contents: ArchiveContents,
    questionnaire: Questionnaire,
    tree: IndexTree,
    framed: FramedResponses,
    plan: Plan,
    units_of_bloc: Mapping[str, Sequence[str]],
) -> list[ImportanceRow]:
    """A row for each bloc and each node below the index, in the order of the tree.

    `framed` are the responses of `contents` under any profile. The outcome is the plan's item, or the index where the
    plan names none; then all nodes together tell nearly all of it, and importance says which of them make people's
    scores differ. Where one criterion counts in two places the first has the row's number.
    """
    on_scale = rescored(framed, drawn_responses(contents.responses), questionnaire, tree, ON_SCALE)
    scores = _node_scores(tree, on_scale)
    outcome = _outcome(contents, questionnaire, plan, scores)
    bloc_of_row = np.array(framed.table[BLOC].to_pylist(), dtype=object)
    levels = [
        _Level(bloc, nodes, rows, _measured(scores[rows][:, nodes], outcome[rows], framed.weights[rows]))
        for bloc in units_of_bloc
        for rows in (np.flatnonzero(bloc_of_row == bloc),)
        for nodes in _levels(tree)
    ]
    lonely = set(bloc_of_row[framed.lonely_rows].tolist())
    errors = _errors(framed, levels, len(tree.nodes))
    rows: list[ImportanceRow] = []
    for bloc in units_of_bloc:
        of_node: dict[int, ImportanceRow] = {}
        for level in (level for level in levels if level.bloc == bloc):
            for place, node in enumerate(level.nodes):
                of_node[node] = _row(contents, tree, plan, level, place, errors, is_lonely=bloc in lonely)
        rows.extend(
            of_node.get(node) or _empty(contents, tree, plan, bloc, node, HARD) for node in range(1, len(tree.nodes))
        )
    return rows


def _levels(tree: IndexTree) -> list[tuple[int, ...]]:
    """The nodes of each level that the survey asks for; of criteria that are the same question the first."""
    has_answers = (tree.survey_coefficients != 0).any(axis=1)
    seen: set[str] = set()
    levels: dict[str, list[int]] = {kind: [] for kind in LEVELS}
    for m, node in enumerate(tree.nodes):
        if node.kind in levels and has_answers[m] and node.item not in seen:
            levels[node.kind].append(m)
            seen.update(() if node.item is None else (node.item,))
    return [tuple(nodes) for nodes in levels.values() if nodes]


def _node_scores(tree: IndexTree, on_scale: FramedResponses) -> Floats:
    """The score of every respondent for every node (n, M): the mean of what they answered of it, by its weights."""
    answers = np.column_stack([_numbers(on_scale.table[SCORE + item]) for item in tree.items])
    said = ~np.isnan(answers)
    coefficients = tree.survey_coefficients.T
    weights = said @ coefficients
    with np.errstate(invalid="ignore"):
        scores: Floats = (np.where(said, answers, 0.0) @ coefficients) / np.where(weights > 0, weights, np.nan)
    return scores


def _numbers(column: pa.ChunkedArray) -> Floats:
    numbers: Floats = column.to_numpy().astype(np.float64)
    return numbers


def _outcome(contents: ArchiveContents, questionnaire: Questionnaire, plan: Plan, scores: Floats) -> Floats:
    if not plan.context.outcome:
        return scores[:, 0]
    column = drawn_responses(contents.responses)[plan.context.outcome]
    points = option_scores(questionnaire.item(plan.context.outcome), ON_SCALE)
    return _numbers(pa.chunked_array([answer_scores(column, points)]))


def _measured(predictors: Floats, outcome: Floats, weights: Floats) -> RelativeWeights:
    if predictors.shape[1] < 2 or not len(predictors):
        return RelativeWeights(np.zeros(0), 0.0, len(predictors), np.zeros(predictors.shape), "no_answers")
    return relative_weights(predictors, outcome, weights)


def _errors(
    framed: FramedResponses, levels: Sequence[_Level], n_nodes: int
) -> Mapping[tuple[str, int], Sequence[float]]:
    """The standard error and the degrees of freedom of each share, by bloc and node: its influence's total has them."""
    n_rows = framed.table.num_rows
    influence = np.zeros((n_rows, n_nodes))
    for level in levels:
        if not level.found.reason:
            influence[np.ix_(level.rows, np.array(level.nodes))] = (
                level.found.influence / framed.weights[level.rows][:, None]
            )
    nodes = sorted({node for level in levels if not level.found.reason for node in level.nodes})
    if not nodes:
        return {}
    table = framed.table
    for node in nodes:
        table = table.append_column(f"{_INFLUENCE}{node}", pa.array(influence[:, node]))
    columns = tuple(Column(f"{_INFLUENCE}{node}", None, "total", k) for k, node in enumerate(nodes))
    collapsed = collapse(in_database(table), framed.design, columns, [BLOC], with_cross_squares=False)
    totals = LinearEstimates(collapsed, stages_of(collapsed.groups, framed.design), framed.design, columns)
    variances = totals.variances_of(np.eye(len(totals.domains) * len(nodes)))
    found = {}
    for d, (bloc,) in enumerate(totals.domains):
        for k, node in enumerate(nodes):
            variance = max(float(variances[d * len(nodes) + k]), 0.0)
            found[bloc, node] = (variance**0.5, float(totals.df[d]))
    return found


def _row(
    contents: ArchiveContents,
    tree: IndexTree,
    plan: Plan,
    level: _Level,
    place: int,
    errors: Mapping[tuple[str, int], Sequence[float]],
    *,
    is_lonely: bool,
) -> ImportanceRow:
    found, node = level.found, level.nodes[place]
    n = found.n_pairs if found.n_pairs >= max(plan.suppress_below, 1) else None
    row = replace(_empty(contents, tree, plan, level.bloc, node, found.reason), n=n)
    if len(level.nodes) < 2:
        return replace(row, reason=ALONE)
    if found.n_pairs < max(FEWEST, FEWEST_A_NODE * len(level.nodes)):
        return replace(row, reason=TOO_FEW_ANSWERS if found.n_pairs else NO_ANSWERS)
    if found.reason:
        return row
    share = float(found.shares[place])
    error, df = errors[level.bloc, node]
    interval = None if is_lonely else logit_interval(share, error**2, df, plan.level)
    if interval is None:
        return replace(row, reason=ONE_CLUSTER)
    return replace(
        row,
        importance=round(share, DECIMALS),
        se=round(error, DECIMALS + 1),
        low=round(interval[0], DECIMALS),
        high=round(interval[1], DECIMALS),
        df=df,
        r_squared=round(found.r_squared, DECIMALS),
    )


def _empty(contents: ArchiveContents, tree: IndexTree, plan: Plan, bloc: str, node: int, reason: str) -> ImportanceRow:
    return ImportanceRow(
        round=contents.facts.slug,
        bloc=bloc,
        node=tree.codes[node],
        outcome=plan.context.outcome or INDEX_OUTCOME,
        importance=None,
        se=None,
        low=None,
        high=None,
        level=plan.level,
        method=RELATIVE_WEIGHTS,
        df=None,
        n=None,
        r_squared=None,
        reason=reason,
    )
