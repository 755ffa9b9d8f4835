"""A sample from columns: where it comes from, and what narrowing it does."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis.errors import DesignError, SpecError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.functionals import Means, Totals
from analysis.estimation.samples import sample_of

COLUMNS = {
    "stratum": ["a", "a", "a", "b", "b", "b"],
    "psu": ["1", "1", "2", "3", "4", "4"],
    "w": [2.0, 2.0, 3.0, 4.0, 4.0, 1.0],
    "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}
DESIGN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")


@pytest.mark.parametrize(
    "table",
    [
        COLUMNS,
        {name: np.array(values) for name, values in COLUMNS.items()},
        pa.table(COLUMNS),
        pd.DataFrame(COLUMNS).astype({"stratum": "category", "psu": "category"}),
    ],
    ids=["lists", "arrays", "arrow", "pandas"],
)
def test_columns_frames_and_tables_make_the_same_sample(table: object) -> None:
    sample = sample_of(table, DESIGN)
    y = np.array(COLUMNS["y"])[:, None]
    found = sample.estimate(Means(y))
    assert (sample.n_rows, sample.df, sample.df_design) == (6, 2, 2)
    assert found.values == pytest.approx([57 / 16])
    # Totals of w (y - mean) / 16 by PSU; a stratum of two PSUs has half the squared difference, times two.
    z = np.array(COLUMNS["w"]) * (y[:, 0] - 57 / 16) / 16
    psus = [z[0] + z[1], z[2], z[3], z[4] + z[5]]
    assert found.covariance[0, 0] == pytest.approx((psus[0] - psus[1]) ** 2 + (psus[2] - psus[3]) ** 2)


def test_a_narrowed_sample_keeps_its_design() -> None:
    sample = sample_of(COLUMNS, DESIGN)
    part = sample.within(np.array([True, True, True, False, False, False]))
    assert (part.df, part.df_design) == (1, 2)
    assert part.within(np.array([True, False, False, False, False, False])).df_design == 2
    assert part.active.tolist() == [2, 2, 3, 0, 0, 0]
    assert part.estimate(Totals(np.ones((6, 1)))).values == pytest.approx([7])


def test_weights_follow_from_populations_where_there_are_none() -> None:
    design = SurveyDesign(strata=("stratum",), fpc=("size",))
    sample = sample_of({**COLUMNS, "size": [30, 30, 30, 6, 6, 6]}, design)
    assert sample.weights.tolist() == pytest.approx([10, 10, 10, 2, 2, 2])
    assert sample_of(COLUMNS, SurveyDesign()).weights.tolist() == [1] * 6


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"w": [1.0, 2.0], "y": [1.0]}, "table: found no table"),
        ({"w": pa.array([], pa.float64())}, "table: found no rows"),
        ({**COLUMNS, "w": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]}, "table: row 2, column w: found the weight 0"),
        ({**COLUMNS, "psu": ["1", None, "2", "3", "4", "4"]}, "table: row 2, column psu: found no value"),
        (7, "table: found no table"),
    ],
)
def test_what_is_no_sample_is_refused(table: object, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        sample_of(table, DESIGN)


def test_a_missing_design_column_is_named() -> None:
    with pytest.raises(DesignError, match="found no column 'psu', expected it among stratum, w, y"):
        sample_of({name: values for name, values in COLUMNS.items() if name != "psu"}, DESIGN)
