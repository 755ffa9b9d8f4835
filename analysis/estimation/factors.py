"""Omega: how much of the sum of some items is one thing that all of them measure, and how much is not noise.

Common factors are extracted by least squares of the correlations, rotated to simple structure (varimax, then oblimin),
and the general factor behind them is drawn out (Schmid and Leiman).

Source: Harman and Jones (1966), "Factor analysis by minimizing residuals (minres)"; Kaiser (1958), "The varimax
criterion"; Jennrich (2002), "A simple general method for oblique rotation"; Schmid and Leiman (1957), "The development
of hierarchical factor solutions"; McDonald (1999), Test Theory, chapter 6; Zinbarg, Revelle, Yovel and Li (2005),
"Cronbach's α, Revelle's β, and McDonald's ωH", equations 6 and 7; R psych, omega. Golden: tests/golden/oracle
(bfi_25__omega), tests/golden/models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError
from analysis.estimation.reliability import squared_multiple_correlations
from analysis.estimation.totals import Floats

# Nothing of an item is wholly noise-free, so that no factor is one item alone.
_LEAST_UNIQUE = 0.005
_MOST_STEPS = 2000
_SETTLED = 1e-8


@dataclass(frozen=True, slots=True)
class Omega:
    """Omega of k items with m group factors.

    Attributes:
        hierarchical: the share of the sum's variance that the general factor makes; total: that all factors make; with
            one factor the two are the same. asymptotic: hierarchical over total.
        alpha: standardised alpha of the items, turned as the general factor has them; g6: Guttman's λ6 of these.
        general: loadings on the general factor (k,); groups: on the group factors (k, m); unique: what is left (k,).
        reversed_items: places of the items that load on the general factor from the other side.
    """

    hierarchical: float
    total: float
    asymptotic: float
    alpha: float
    g6: float
    general: Floats
    groups: Floats
    unique: Floats
    reversed_items: tuple[int, ...]


def omega_of(correlation: Floats, n_factors: int, names: Sequence[str]) -> Omega:
    """Omega from the correlations of items.

    Arguments:
        correlation: (k, k), with k at least 3.
        n_factors: group factors, from 1; two are given the same weight in the general one.
        names: the items' names, for messages (k,).

    Raises DesignError where the correlations cannot bear so many factors, or the items' sum does not vary.
    """
    k = len(correlation)
    if n_factors >= k or (k - n_factors) ** 2 < k + n_factors:
        raise DesignError(f"omega: found {n_factors} factors for {k} items, expected fewer factors or more items")
    loadings = varimax(minres(correlation, n_factors, names))
    oblique, between = oblimin(loadings)
    second = _second_order(between, names)
    general = oblique @ second
    signs = np.where(general < 0, -1.0, 1.0)
    turned = correlation * np.outer(signs, signs)
    whole = float(turned.sum())
    if whole <= 0:
        raise DesignError("omega: found items whose sum does not vary, expected items that go together")
    unique = 1 - (loadings**2).sum(axis=1)
    total = 1 - unique.sum() / whole
    hierarchical = float((general * signs).sum() ** 2 / whole)
    smc = squared_multiple_correlations(turned)
    return Omega(
        hierarchical=hierarchical,
        total=float(total),
        asymptotic=float(hierarchical / total),
        alpha=float((whole - k) / whole * k / (k - 1)),
        g6=float(1 - (k - smc.sum()) / whole),
        general=general * signs,
        groups=oblique * np.sqrt(np.maximum(1 - second**2, 0)) * signs[:, None],
        unique=unique,
        reversed_items=tuple(int(place) for place in np.flatnonzero(signs < 0)),
    )


def minres(correlation: Floats, n_factors: int, names: Sequence[str]) -> Floats:
    """Loadings (k, m) whose products come nearest to the correlations beside the diagonal, by least squares.

    Arguments:
        correlation: (k, k).
        n_factors: m.
        names: of the items, for messages (k,).

    Raises DesignError where the search does not settle.
    """
    from scipy.optimize import minimize

    def missed(unique: Floats) -> tuple[float, Floats]:
        values, vectors = np.linalg.eigh(correlation - np.diag(unique))
        left, directions = values[:-n_factors], vectors[:, :-n_factors]
        return float((left**2).sum() / 2), -(directions**2) @ left

    start = np.clip(1 - squared_multiple_correlations(correlation), 0.1, 1.0)
    found = minimize(
        missed, start, jac=True, method="L-BFGS-B", bounds=[(_LEAST_UNIQUE, 1.0)] * len(start),
        options={"maxiter": _MOST_STEPS, "maxfun": 10 * _MOST_STEPS, "ftol": 1e-15, "gtol": 1e-8},
    )  # fmt: skip
    if not np.isfinite(found.x).all():
        raise DesignError(f"omega: found no factors of {', '.join(names[:8])}, expected correlations that have some")
    values, vectors = np.linalg.eigh(correlation - np.diag(found.x))
    loadings: Floats = vectors[:, -n_factors:] * np.sqrt(np.maximum(values[-n_factors:], 0))
    return loadings[:, ::-1]


def varimax(loadings: Floats) -> Floats:
    """Loadings (k, m) turned so that each item loads on few factors, items counting alike (Kaiser's normalisation)."""
    k, m = loadings.shape
    if m < 2:
        return loadings
    lengths = np.sqrt((loadings**2).sum(axis=1))
    lengths = np.where(lengths > 0, lengths, 1.0)[:, None]
    scaled, turn, before = loadings / lengths, np.eye(m), 0.0
    for _ in range(_MOST_STEPS):
        turned = scaled @ turn
        left, singular, right = np.linalg.svd(scaled.T @ (turned**3 - turned * (turned**2).sum(axis=0) / k))
        turn, size = left @ right, float(singular.sum())
        if size < before * (1 + _SETTLED):
            break
        before = size
    return scaled @ turn * lengths


def oblimin(loadings: Floats) -> tuple[Floats, Floats]:
    """Loadings (k, m) on factors that may go together, by the quartimin criterion, and their correlations (m, m).

    Gradient projection from the factors as they come; the criterion is the sum over items of products of squared
    loadings on two factors.
    """
    m = loadings.shape[1]
    if m < 2:
        return loadings, np.eye(m)
    off = 1 - np.eye(m)

    def criterion(turned: Floats) -> tuple[float, Floats]:
        squares = turned**2
        return float((squares * (squares @ off)).sum() / 4), turned * (squares @ off)

    def on(axes: Floats) -> tuple[Floats, float, Floats]:
        inverse = np.linalg.inv(axes)
        turned = loadings @ inverse.T
        value, gradient = criterion(turned)
        return turned, value, -(turned.T @ gradient @ inverse).T

    axes, step = np.eye(m), 1.0
    turned, value, gradient = on(axes)
    for _ in range(_MOST_STEPS):
        projected = gradient - axes * (axes * gradient).sum(axis=0)
        slope = float((projected**2).sum())
        if np.sqrt(slope) < 1e-6:
            break
        step *= 2
        for _ in range(11):
            trial = axes - step * projected
            trial = trial / np.sqrt((trial**2).sum(axis=0))
            tried = on(trial)
            if value - tried[1] > slope * step / 2:
                break
            step /= 2
        axes, (turned, value, gradient) = trial, tried
    return turned, axes.T @ axes


def _second_order(between: Floats, names: Sequence[str]) -> Floats:
    """The loadings (m,) of the group factors on the general one."""
    m = len(between)
    if m == 1:
        return np.ones(1)
    if m == 2:
        # Two correlations' worth of loadings cannot be told from one correlation: they are taken as alike.
        size = np.sqrt(abs(between[0, 1]))
        return np.array([size, np.copysign(size, between[0, 1])])
    found = minres(between, 1, names)[:, 0]
    return found if found.sum() >= 0 else -found
