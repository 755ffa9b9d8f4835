"""P values of many comparisons, adjusted so that few of the differences that are called real are not.

Source: Holm (1979), "A simple sequentially rejective multiple test procedure"; Hochberg (1988), "A sharper Bonferroni
procedure"; Benjamini and Hochberg (1995), "Controlling the false discovery rate"; Benjamini and Yekutieli (2001), "The
control of the false discovery rate under dependency", theorem 1.3. Golden: tests/golden/oracle (mc__p_adjust).
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Method = Literal["bonferroni", "holm", "hochberg", "BH", "BY"]
METHODS: tuple[Method, ...] = get_args(Method)


def adjusted(p_values: Floats, method: Method) -> Floats:
    """The smallest level at which each comparison would still be called a difference, were all of them tested at once.

    bonferroni and holm keep the chance of one false difference or more below the level, whatever the dependence;
    hochberg does where tests are independent or positively dependent; BH keeps the expected share of false ones among
    the differences below the level under the same condition, BY under any.

    Arguments:
        p_values: (m,), from 0 to 1; NaN for a test that was not made, which does not count.
        method: one of METHODS.

    Returns (m,), from 0 to 1, never below the p value, NaN where the p value is. Raises ValueError for other methods
    and for numbers outside 0..1.
    """
    if method not in METHODS:
        raise ValueError(f"method: found {method!r}, expected one of {', '.join(METHODS)}")
    p_values = np.asarray(p_values, dtype=np.float64)
    is_made = ~np.isnan(p_values)
    made = p_values[is_made]
    if ((made < 0) | (made > 1)).any():
        raise ValueError(f"p_values: found {made[(made < 0) | (made > 1)][0]:g}, expected numbers from 0 to 1")
    found = np.full(p_values.shape, np.nan)
    found[is_made] = _adjusted(made, method)
    return found


def _adjusted(made: Floats, method: Method) -> Floats:
    m = len(made)
    if method == "bonferroni":
        return np.minimum(1.0, made * m)
    order = np.argsort(made, kind="stable")
    rank = np.arange(1, m + 1)
    if method in ("holm", "hochberg"):
        factors = m + 1.0 - rank
    else:
        factors = m / rank * (np.sum(1 / rank) if method == "BY" else 1.0)
    products = made[order] * factors
    # Holm steps down from the smallest p value, the others step up from the largest.
    steps = np.maximum.accumulate(products) if method == "holm" else np.minimum.accumulate(products[::-1])[::-1]
    found = np.empty(m)
    found[order] = np.minimum(1.0, steps)
    return found
