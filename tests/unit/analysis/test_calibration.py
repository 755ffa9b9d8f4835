"""Raking: factors that meet every margin, and margins that cannot be met."""

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.estimation.calibration import Margin, rake


def margin(name: str, categories: list[int], totals: list[float]) -> Margin:
    return Margin(name, np.array(categories), np.array(totals))


def test_one_margin_is_met_by_the_ratio_of_its_totals() -> None:
    factors = rake(np.array([10.0, 30.0, 60.0]), [margin("sex", [0, 0, 1], [80.0, 30.0])])
    assert factors.tolist() == pytest.approx([2.0, 2.0, 0.5])


def test_two_margins_are_met_together_and_the_odds_ratio_is_kept() -> None:
    counts = np.array([10.0, 20.0, 30.0, 40.0])
    margins = [margin("sex", [0, 0, 1, 1], [50.0, 50.0]), margin("age", [0, 1, 0, 1], [70.0, 30.0])]
    raked = counts * rake(counts, margins)
    assert raked[:2].sum() == pytest.approx(50)
    assert raked[[0, 2]].sum() == pytest.approx(70)
    assert raked[0] * raked[3] / (raked[1] * raked[2]) == pytest.approx(10 * 40 / (20 * 30))


def test_groups_outside_every_margin_are_left_alone() -> None:
    factors = rake(np.array([10.0, 30.0, 7.0]), [margin("sex", [0, 1, -1], [20.0, 15.0])])
    assert factors.tolist() == pytest.approx([2.0, 0.5, 1.0])


def test_margins_that_hold_already_change_nothing() -> None:
    assert rake(np.array([4.0, 6.0]), [margin("sex", [0, 1], [4.0, 6.0])]).tolist() == [1.0, 1.0]


def test_without_margins_nothing_changes() -> None:
    assert rake(np.array([4.0, 6.0]), []).tolist() == [1.0, 1.0]


def test_margins_that_no_weights_can_meet_are_named() -> None:
    # Everybody of the first sex is in the first age band, and there should be more of them than of the band.
    counts = np.array([10.0, 10.0, 10.0])
    margins = [margin("sex", [0, 1, 1], [80.0, 20.0]), margin("age", [0, 0, 1], [70.0, 30.0])]
    with pytest.raises(DesignError, match=r"^(sex|age): found totals that no weights meet together with the other"):
        rake(counts, margins)


def test_a_category_without_anybody_is_named() -> None:
    with pytest.raises(DesignError, match=r"^sex: found nobody in a category with people"):
        rake(np.array([10.0]), [margin("sex", [0], [5.0, 5.0])])
