"""Least squares of many rows and few columns, fast where the columns are well told apart and exact where they are not.

Source: Björck (1996), Numerical Methods for Least Squares Problems, sections 2.4 (scaled Gram matrices) and 6.6
(iterative refinement).
"""

import numpy as np
import numpy.typing as npt

from analysis.estimation.totals import Floats

# A column of which no more than this share is left, after the columns before it explain it, says nothing new.
COLLINEAR = 1e-10
# Below this share the Gram matrix, which squares it, no longer has the digits.
_WELL_APART = 1e-3


def least_squares(columns: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The coefficients (P,) of the columns (n, P) nearest to a target (n,), and the inverse of the Gram matrix (P, P).

    Raises numpy.linalg.LinAlgError where a column is explained by those before it.
    """
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    inverse = _inverse_gram(columns, lengths)
    if inverse is None:
        return _by_rotations(columns, target)
    found = inverse @ (columns.T @ target)
    # One step of refinement gives back the digits that the Gram matrix took.
    return found + inverse @ (columns.T @ (target - columns @ found)), inverse


def inverse_gram(columns: Floats) -> Floats:
    """The inverse of the Gram matrix of columns (n, P). Raises numpy.linalg.LinAlgError as `least_squares` does."""
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    inverse = _inverse_gram(columns, lengths)
    return _by_rotations(columns, np.zeros(len(columns)))[1] if inverse is None else inverse


def collinear_columns(columns: Floats) -> npt.NDArray[np.bool_]:
    """Which columns (n, P) the columns before them explain (P,), a column of zeros among them."""
    found = np.zeros(columns.shape[1], dtype=np.bool_)
    if not len(columns):
        return ~found
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    if _inverse_gram(columns, lengths) is not None:
        return found
    # The triangular factor has the same inner products as the columns and few rows.
    reduced: Floats = np.asarray(np.linalg.qr(columns, mode="r"))
    basis: Floats = np.zeros((len(reduced), 0))
    for place, column in enumerate(reduced.T):
        rest = column - basis @ (basis.T @ column)
        # Once more, because the first subtraction leaves rounding in directions that are almost explained.
        rest = rest - basis @ (basis.T @ rest)
        length, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(column))
        if length <= COLLINEAR * whole:
            found[place] = True
        else:
            basis = np.column_stack([basis, rest / length])
    return found


def _inverse_gram(columns: Floats, lengths: Floats) -> Floats | None:
    """The inverse of the Gram matrix, by way of columns of length 1; None where they are not well told apart."""
    if not columns.shape[1] or not len(columns) or not (np.isfinite(lengths) & (lengths > 0)).all():
        return None
    try:
        root = np.linalg.cholesky(columns.T @ columns / np.outer(lengths, lengths))
    except np.linalg.LinAlgError:
        return None
    if np.diag(root).min() < _WELL_APART:
        return None
    inverse = np.linalg.inv(root) / lengths[None, :]
    return np.asarray(inverse.T @ inverse)


def _by_rotations(columns: Floats, target: Floats) -> tuple[Floats, Floats]:
    orthogonal, triangle = np.linalg.qr(columns)
    diagonal, lengths = np.abs(np.diag(triangle)), np.sqrt((triangle**2).sum(axis=0))
    if len(diagonal) < columns.shape[1] or (diagonal <= COLLINEAR * lengths).any() or not np.isfinite(lengths).all():
        raise np.linalg.LinAlgError("found columns that explain one another, expected each to say something new")
    inverse = np.linalg.inv(triangle)
    return inverse @ (orthogonal.T @ target), inverse @ inverse.T
