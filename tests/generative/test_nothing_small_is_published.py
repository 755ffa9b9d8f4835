"""Random rounds: no cell below the bound is shown, and no shown total gives one back."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.indices.trees import index_tree
from analysis.release.disclosure import Candidate, disclose
from analysis.release.plan import Plan
from analysis.release.rows import EstimateRow
from questionnaires.reading import parse_questionnaire
from support.archives import QUESTIONNAIRE

TREE = index_tree(parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml"))
PLAN = Plan()

counts_of_unit = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)).map(
    lambda counts: (counts[0], *(min(count, counts[0]) for count in counts[1:]))
)
rounds = st.lists(st.lists(counts_of_unit, min_size=1, max_size=5), min_size=1, max_size=4)


def candidates_of(owner: str, counts: tuple[int, ...]) -> list[Candidate]:
    n_respondents, answers = counts[0], dict(zip(TREE.items, counts[1:], strict=True))
    found = []
    for m, node in enumerate(TREE.nodes):
        n_answers = min(answers[item] for k, item in enumerate(TREE.items) if TREE.coefficients[m, k])
        has_value = n_answers > 0
        n = answers[node.item] if node.item is not None else n_respondents
        row = EstimateRow(
            "r", owner, node.code, "", 50.0 if has_value else None, 1.0 if has_value else None, 48.0, 52.0, 0.95, "t",
            9.0, n, 10.0, 1.0, False, "" if has_value else "no_answers", False, 1.0,
        )  # fmt: skip
        found.append(Candidate(row, n_respondents, n_answers))
    return found


@given(rounds)
def test_no_small_cell_and_no_lone_hidden_unit_beside_a_total(blocs: list[list[tuple[int, ...]]]) -> None:
    units = {f"b{b}": [f"b{b}u{u}" for u in range(len(members))] for b, members in enumerate(blocs)}
    counts = {f"b{b}u{u}": unit for b, members in enumerate(blocs) for u, unit in enumerate(members)}
    totals = {
        f"bloc:{bloc}": tuple(sum(counts[unit][k] for unit in members) for k in range(4))
        for bloc, members in units.items()
    }
    totals["all"] = tuple(sum(unit[k] for unit in counts.values()) for k in range(4))
    candidates = [c for owner, n in {**counts, **totals}.items() for c in candidates_of(owner, n)]
    rows = {(row.unit, row.node): row for row in disclose(candidates, TREE, units, PLAN)}
    smallest = {(c.row.unit, c.row.node): min(c.n_respondents, c.n_answers) for c in candidates}
    assert len(rows) == len(candidates)
    for cell, row in rows.items():
        is_shown = row.estimate is not None
        assert not (is_shown and smallest[cell] < PLAN.suppress_below)
        assert row.n is None or row.n >= PLAN.suppress_below
        assert row.suppressed == (row.reason in {"too_few_respondents", "too_few_answers", "complementary"})
        assert is_shown == (row.reason == "")
        assert row.caution == (is_shown and smallest[cell] < PLAN.caution_below)
        if row.suppressed:
            assert (row.se, row.low, row.high, row.n_effective) == (None, None, None, None)
    for m, node in enumerate(TREE.codes):
        uncovered: list[str] = []
        for bloc, members in units.items():
            hidden = [unit for unit in members if rows[unit, node].suppressed]
            if rows[f"bloc:{bloc}", node].estimate is None:
                uncovered += hidden
            elif hidden:
                assert len(hidden) >= 2
                assert sum(smallest[unit, node] for unit in hidden) >= PLAN.suppress_below
        if rows["all", node].estimate is not None and uncovered:
            assert len(uncovered) >= 2
            assert sum(smallest[unit, node] for unit in uncovered) >= PLAN.suppress_below
        # A parent that is shown over a hidden child would give the child back.
        for owner in {**counts, **totals}:
            if rows[owner, node].suppressed:
                assert all(rows[owner, TREE.codes[above]].estimate is None for above in TREE.ancestors[m])


@given(rounds)
def test_where_everything_is_large_everything_is_shown(blocs: list[list[tuple[int, ...]]]) -> None:
    units = {f"b{b}": [f"b{b}u{u}" for u in range(len(members))] for b, members in enumerate(blocs)}
    owners = [*(unit for members in units.values() for unit in members), *(f"bloc:{bloc}" for bloc in units), "all"]
    candidates = [c for owner in owners for c in candidates_of(owner, (40, 40, 30, 35))]
    assert all(row.estimate == 50.0 and not row.caution for row in disclose(candidates, TREE, units, PLAN))
