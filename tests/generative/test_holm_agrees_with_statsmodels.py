"""The step-down rule of differences and tiers against the library's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.estimation.multiplicity import adjusted


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.sampled_from([0.05, 0.025, 0.0])), min_size=1, max_size=30
    ),
    st.sampled_from([0.9, 0.95, 0.99]),
)
def test_holm_rejects_what_statsmodels_rejects(p_values: list[float], level: float) -> None:
    ours = adjusted(np.array(p_values), "holm") <= 1 - level
    theirs = multipletests(p_values, alpha=1 - level, method="holm")[0]
    assert ours.tolist() == theirs.tolist()
