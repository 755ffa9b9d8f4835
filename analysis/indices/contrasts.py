"""Units held against the mean of the others of their bloc, all of them at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Units minus the mean of the others, in the unit of the index; each array is (J,).

    `p_values` are two-sided; where the standard error is 0 they are 0 for a difference and 1 for none.
    """

    differences: Floats
    errors: Floats
    df: Floats
    p_values: Floats


def against_the_others(
    values: Floats, covariance: Floats, df: Floats, df_design: float, weights: Floats | None = None
) -> Contrasts:
    """Each of J units, at least two, against the mean of the other J - 1.

    Arguments:
        values: (J,) the units' indices.
        covariance: (J, J) their joint covariance.
        df: (J,) their degrees of freedom, above 0.
        df_design: the whole design's, which no difference can exceed.
        weights: (J,) what each unit counts for in the mean of the others, above 0; alike when left out.

    A unit is part of its bloc's mean, so it is held against the others: their covariance is part of the variance.
    """
    n_units = len(values)
    shares = np.ones(n_units) if weights is None else np.asarray(weights, dtype=np.float64)
    contrast = -np.repeat(shares[None, :], n_units, axis=0)
    np.fill_diagonal(contrast, 0.0)
    contrast /= -contrast.sum(axis=1, keepdims=True)
    np.fill_diagonal(contrast, 1.0)
    differences = contrast @ values
    # Rounding can leave the variance of equal columns a hair below zero.
    errors = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrast, covariance, contrast), 0.0))
    freedom = effective_df(contrast**2 * np.diag(covariance), df, df_design)
    return Contrasts(differences, errors, freedom, p_values_of(differences, errors, freedom))


def effective_df(parts: Floats, df: Floats, df_design: float) -> Floats:
    """The degrees of freedom (…,) of sums of independent variance estimates, at most the whole design's.

    Arguments:
        parts: (…, J) the variances that are added up, 0 or more.
        df: (J,) or (…, J), the degrees of freedom of each, above 0.
        df_design: what no sum can exceed.

    Where all parts are 0 they are those of the parts together. Source: Satterthwaite (1946), equation 17.
    """
    total = parts.sum(axis=-1)
    spread = (parts**2 / df).sum(axis=-1)
    together = np.array(np.broadcast_to(df, parts.shape).sum(axis=-1), dtype=np.float64)
    found = np.divide(total**2, spread, out=together, where=spread > 0)
    return np.asarray(np.minimum(found, df_design), dtype=np.float64)


def p_values_of(differences: Floats, errors: Floats, df: Floats) -> Floats:
    """The two-sided p-values of differences with these standard errors: 0 for a difference without one, 1 for none."""
    # The distribution functions themselves: scipy.stats, which wraps them, takes seconds to import.
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(errors > 0, np.abs(differences) / errors, np.where(differences == 0, 0.0, np.inf))
    found: Floats = 2 * stdtr(df, -ratios)
    return found
