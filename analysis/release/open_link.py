"""Answers from an open link: nobody was drawn for them, so they enter no estimate and are told apart, as what they are.

Whoever found the link could answer, and nobody knows whom they stand for: there is a plain mean of those who did, how
many they were, and no interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.accounting import OPEN_LINK
from analysis.archive import Archive, ArchiveContents
from analysis.indices.profiles import option_scores
from analysis.indices.trees import IndexTree
from analysis.release.plan import Plan
from analysis.release.rows import ALL, NO_ANSWERS, TOO_FEW_ANSWERS, TOO_FEW_RESPONDENTS, OpenLinkRow
from questionnaires.model import Profile, Questionnaire

Floats = npt.NDArray[np.float64]

METHOD = "unweighted_mean_of_an_open_link"


def drawn_responses(responses: pa.Table) -> pa.Table:
    """The responses of those who were invited, without those from an open link."""
    is_open = _is_open(responses)
    return responses.filter(pc.invert(is_open)) if pc.any(is_open).as_py() else responses


def without_open_link(archive: Archive) -> Archive:
    """The same archive, with the responses that estimates rest on."""
    contents = archive.contents
    drawn = drawn_responses(contents.responses)
    if drawn.num_rows == contents.responses.num_rows:
        return archive
    return replace(archive, contents=replace(contents, responses=drawn))


def open_link_rows(
    contents: ArchiveContents, questionnaire: Questionnaire, tree: IndexTree, profile: Profile, plan: Plan
) -> list[OpenLinkRow]:
    """A row for each unit with answers from an open link, for all of them, and each node; none without such answers.

    A node is the plan's sum of plain item means, and has none where an item under it has none. Under a standardised
    profile, which holds estimates against each other, there are items alone. Fewer than `suppress_below` respondents,
    or answers to an item under a node, are not told; "all" at a node is the mean of the people of the units told there,
    so that nothing hidden follows from it.
    """
    responses = contents.responses.filter(_is_open(contents.responses))
    if not responses.num_rows:
        return []
    scores = _scores(responses, questionnaire, tree, profile)
    owners = np.array(responses["unit"].to_pylist(), dtype=object)
    units = [unit.code for unit in contents.units if unit.code in set(owners.tolist())]
    needed = tree.coefficients != 0
    are_asked = ~needed[:, len(tree.items) :].any(axis=1)
    nodes = [
        m
        for m, node in enumerate(tree.nodes)
        if are_asked[m] and (not node.children or profile.formula != "standardised")
    ]
    rows: list[OpenLinkRow] = []
    told: dict[int, list[str]] = {m: [] for m in nodes}
    for unit in units:
        own = scores[owners == unit]
        for m in nodes:
            row = _row(contents, tree, m, unit, own, plan, needed)
            rows.append(row)
            if row.mean is not None:
                told[m].append(unit)
    rows.extend(_row(contents, tree, m, ALL, scores[np.isin(owners, told[m])], plan, needed) for m in nodes)
    return rows


def _row(
    contents: ArchiveContents,
    tree: IndexTree,
    m: int,
    owner: str,
    scores: Floats,
    plan: Plan,
    needed: npt.NDArray[np.bool_],
) -> OpenLinkRow:
    node = tree.nodes[m]
    items = np.flatnonzero(needed[m])
    counts = np.sum(~np.isnan(scores[:, items]), axis=0)
    reason = ""
    if not len(scores) or not len(items):
        reason = NO_ANSWERS
    elif len(scores) < plan.suppress_below:
        reason = TOO_FEW_RESPONDENTS
    elif counts.min() < plan.suppress_below:
        reason = TOO_FEW_ANSWERS
    mean = None if reason else float(tree.coefficients[m][items] @ np.nanmean(scores[:, items], axis=0))
    return OpenLinkRow(
        round=contents.facts.slug,
        unit=owner,
        node=node.code,
        label=node.label.vi,
        mean=mean,
        n=len(scores) if len(scores) >= plan.suppress_below else None,
        method=METHOD,
        suppressed=reason in (TOO_FEW_RESPONDENTS, TOO_FEW_ANSWERS),
        reason=reason,
    )


def _scores(responses: pa.Table, questionnaire: Questionnaire, tree: IndexTree, profile: Profile) -> Floats:
    columns: Sequence[Floats] = [
        _points(responses[item].to_pylist(), option_scores(questionnaire.item(item), profile)) for item in tree.items
    ]
    hard = [np.full(responses.num_rows, np.nan) for _ in tree.hard]
    return np.column_stack([*columns, *hard]) if columns or hard else np.zeros((responses.num_rows, 0))


def _points(codes: Sequence[str | None], points: Mapping[str, float]) -> Floats:
    return np.array([np.nan if code is None else points.get(code, np.nan) for code in codes], dtype=np.float64)


def _is_open(responses: pa.Table) -> pa.ChunkedArray:
    return pc.equal(responses["channel"], OPEN_LINK)
