"""The step-down rule of the scorecards against the library's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.scorecards.comparison import _holm


@pytest.mark.slow
@given(
    st.lists(
        st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.sampled_from([0.05, 0.025, 0.0])), min_size=1, max_size=30
    ),
    st.sampled_from([0.9, 0.95, 0.99]),
)
def test_holm_rejects_what_statsmodels_rejects(p_values: list[float], level: float) -> None:
    ours = _holm({str(place): p_value for place, p_value in enumerate(p_values)}, level)
    theirs = multipletests(p_values, alpha=1 - level, method="holm")[0]
    assert [ours[str(place)] for place in range(len(p_values))] == [bool(rejected) for rejected in theirs]
